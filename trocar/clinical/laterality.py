"""Which side is meant: from what was said and from the name of the target."""

from __future__ import annotations

import re

from trocar.clinical.protocol import NamedBone, Protocol, Side
from trocar.errors import UsageError

_SIDE_WORD = re.compile(r"(?:^|_)(left|right)(?:_|$)")


def side_in_name(structure: str) -> Side | None:
    """The side that a structure's name states: ``kidney_left`` and ``rib_left_12`` are left, ``sacrum`` None.

    A name that states both sides states none.
    """
    words = set(_SIDE_WORD.findall(structure))
    if words == {"left"}:
        return "left"
    return "right" if words == {"right"} else None


def decide_side(protocol: Protocol, given: Side | None, target_name: str | None) -> Side | None:
    """The side of the case, from what was given and from the target's name; None where a case needs none.

    Raises UsageError where the two contradict each other, and where a side is needed and neither states one.
    """
    named = side_in_name(target_name) if target_name else None
    if given and named and given != named:
        raise UsageError(
            f"The side given is {given}, but the target is {target_name}; check which one is meant."
        )
    side = given or named
    paired = False
    if target_name and isinstance(protocol.target, NamedBone):
        group = protocol.target.group_of(target_name)
        paired = group is not None and group.paired
    if side is None and (protocol.side_required or paired):
        what = target_name if paired and target_name else protocol.title
        raise UsageError(f"{what} needs a side: say --side left or --side right.")
    return side

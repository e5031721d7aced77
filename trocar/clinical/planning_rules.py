"""Rules of planning that need no image: which side is meant, and whether the planning scan is good enough."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trocar.clinical.protocol import Protocol, Side, TablePosition
from trocar.clinical.target_rules import BoneGroup, NamedBone
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


def bone_group(protocol: Protocol, structure: str) -> BoneGroup | None:
    """How the protocol reaches a bone; None where it is no bone, or the protocol is not about bones."""
    return protocol.target.group_of(structure) if isinstance(protocol.target, NamedBone) else None


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
    group = bone_group(protocol, target_name) if target_name else None
    if side is None and (protocol.side_required or (group is not None and group.paired)):
        raise UsageError(f"{protocol.title} needs a side here: say left or right.")
    return side


@dataclass(frozen=True)
class ScanFinding:
    """Something about the planning scan that a careful radiologist would say: a stable code and a sentence."""

    code: str
    text: str


def scan_findings(
    protocol: Protocol,
    position: TablePosition,
    scan_position: TablePosition | None,
    slice_thickness_mm: float,
    age_days: int | None,
) -> tuple[ScanFinding, ...]:
    """What is wrong with the scan for this protocol, most important first; none of it stops the planner.

    position: of the patient at needle time; scan_position: on the scan, None where unknown. age_days: from scan to
    planning, None where the scan has no date. Raises nothing.
    """
    found = []
    if protocol.scan.position_must_match.value and scan_position is None:
        found.append(
            ScanFinding(
                "position_unknown",
                f"Nobody knows how the patient lay on the scan, and the needle goes in {_lying(position)}: what "
                "moves with position is not judged; make a scan in position before the needle goes in.",
            )
        )
    elif protocol.scan.position_must_match.value and scan_position != position:
        moving = [group.name for group in protocol.keep_clear if group.mobile]
        found.append(
            ScanFinding(
                "not_in_position",
                f"The scan was made {_lying(scan_position)}, the needle goes in {_lying(position)}: "
                f"{' and '.join(filter(None, [', '.join(moving[:-1]), *moving[-1:]]))} move in between and are not "
                "judged; make a scan in position before the needle goes in.",
            )
        )
    limit_mm = protocol.scan.max_slice_thickness_mm.value
    if slice_thickness_mm > limit_mm + 1e-6:
        found.append(
            ScanFinding(
                "thick_slices",
                f"The slices are {slice_thickness_mm:.1f} mm apart, more than {limit_mm:g} mm: small vessels and thin "
                "layers can lie between them unseen.",
            )
        )
    limit_days = protocol.scan.max_age_days.value
    if age_days is None:
        found.append(ScanFinding("age_unknown", "The scan carries no date; check that it is the latest one."))
    elif age_days > limit_days:
        found.append(
            ScanFinding(
                "old_scan",
                f"The scan is {age_days} days old, more than {limit_days:g}: look for a later one.",
            )
        )
    elif age_days < 0:
        found.append(
            ScanFinding("scan_in_future", "The scan's date lies in the future; check date and patient.")
        )
    return tuple(found)


def _lying(position: TablePosition | None) -> str:
    return {
        "prone": "prone",
        "supine": "supine",
        "left_lateral": "lying on the left side",
        "right_lateral": "lying on the right side",
    }.get(position or "", "in an unknown position")

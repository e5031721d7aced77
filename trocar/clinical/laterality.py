"""Which side is meant: from what was said, from the name of the target, and whether every place says the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from trocar.clinical.checklist_rules import Place
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


@dataclass(frozen=True)
class Stated:
    """What one place says. side: None where it names none. site: the site in words; "" where it names none."""

    side: Side | None
    site: str


@dataclass(frozen=True)
class SideFacts:
    """What each place says of side and site.

    needs_side: whether the site exists on both sides; None where nobody knows, which fails closed.
    said: place -> what it says; None, or a place left out, is missing. places: those that must agree.
    """

    needs_side: bool | None
    said: Mapping[Place, Stated | None]
    places: tuple[Place, ...] = ("referral", "consent", "mark", "plan", "images")


@dataclass(frozen=True)
class Agreement:
    """Every place says the same. side: None where the site needs none."""

    side: Side | None
    site: str


_PLACE_WORDS: Mapping[Place, str] = {
    "referral": "the referral",
    "consent": "the consent",
    "mark": "the mark on the skin",
    "plan": "the plan",
    "images": "the images",
}


def cross_check(facts: SideFacts) -> Agreement | list[str]:
    """Whether referral, consent, mark, plan and images agree on side and site, or every disagreement in words.

    Source: clinical reference, section 5 ("wrong-side cross-check"). A place that is missing, or that names no side
    where one is needed, is a disagreement. A site without side needs none, but a side that two places name
    differently is one even there. The first place with a site is what the others are held against.
    """
    said = {place: facts.said.get(place) for place in facts.places}
    found = [
        f"{_start(place)} does not say the site."
        for place, one in said.items()
        if not (one and one.site.strip())
    ]
    if facts.needs_side is None:
        found.append("It is not known whether this site needs a side.")
    if facts.needs_side:
        found += [
            f"{_start(place)} does not say the side." for place, one in said.items() if not (one and one.side)
        ]
    present = {place: one for place, one in said.items() if one is not None}
    found += _differences({place: one.side for place, one in present.items() if one.side})
    found += _differences(
        {place: " ".join(one.site.split()) for place, one in present.items() if one.site.strip()}
    )
    if found:
        return found
    first = next(iter(present.values()))
    side = next((one.side for one in present.values() if one.side), None)
    return Agreement(side, " ".join(first.site.split()))


def _start(place: Place) -> str:
    words = _PLACE_WORDS[place]
    return words[0].upper() + words[1:]


def _differences(named: Mapping[Place, str]) -> list[str]:
    """A sentence for each place that differs from the first one."""
    places = list(named)
    return [
        f"{_start(places[0])} says {named[places[0]]}, but {_PLACE_WORDS[place]} says {named[place]}."
        for place in places[1:]
        if named[place].casefold() != named[places[0]].casefold()
    ]

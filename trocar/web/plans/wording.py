"""Numbers of a plan in the words of a page."""

from __future__ import annotations

import re

from trocar.documents.naming import capital, spoken

NOT_JUDGED = "not judged"

_LABEL = re.compile(r"\b[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+\b")


def sentence(text: str) -> str:
    """A planner's sentence with its structures named as people say them: "crosses left rib 11"."""
    return capital(_LABEL.sub(lambda label: spoken(label[0]), text))


def listed(names: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]


def percent(share: float) -> str:
    """A share of 0 to 1 in whole per cent; never 0 or 100, since no figure here is that certain."""
    if share < 0.005:
        return "under 1 %"
    if share > 0.995:
        return "over 99 %"
    return f"{round(share * 100)} %"


def millimetres(length_mm: float | None) -> str:
    """One decimal below 10 mm, where it matters; whole ones above."""
    if length_mm is None:
        return NOT_JUDGED
    return f"{length_mm:.1f} mm" if length_mm < 9.95 else f"{length_mm:.0f} mm"


def tilt_out_of_axial(degrees: float) -> str:
    """Tilt of the needle out of the axial plane; positive where the tip points to the head."""
    if abs(degrees) < 0.5:
        return "0° (in the axial plane)"
    return f"{abs(degrees):.0f}° towards the {'head' if degrees > 0 else 'feet'}"


def direction_in_axial(degrees: float) -> str:
    """Direction in the axial plane, from straight back-to-front (0), positive to the patient's left."""
    if abs(degrees) < 0.5:
        return "straight from back to front"
    if abs(degrees) > 179.5:
        return "straight from front to back"
    side = "left" if degrees > 0 else "right"
    if abs(degrees) <= 90:
        return f"back to front, turned {abs(degrees):.0f}° to the patient's {side}"
    return f"front to back, turned {180 - abs(degrees):.0f}° to the patient's {side}"

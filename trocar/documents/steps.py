"""What to do, one thing after the other, for people who have never seen Trocar."""

from __future__ import annotations

from trocar.documents.aiming import LYING_IN_WORDS, Aim
from trocar.documents.content import Step
from trocar.documents.figures import clearance, whole_mm
from trocar.documents.naming import spoken
from trocar.planning.plan import Plan, PlannedPath

CHECK_AT = 0.7
"""Share of the depth after which the first check is made: enough needle to see its line, enough way to correct it."""


def steps(plan: Plan, planned: PlannedPath, aim: Aim, c_arm: str = "") -> tuple[Step, ...]:
    """The steps for the plan's guidance. ``c_arm``: the C-arm's angles down the needle, for fluoroscopy."""
    middle = {"ct": _by_ct, "ultrasound": _by_ultrasound, "fluoroscopy": _by_fluoroscopy}[plan.guidance]
    return (
        Step(
            "Check who and what",
            "Identity, procedure and side, against request and consent. This sheet names no patient: put the label on.",
        ),
        Step(
            "Position the patient",
            f"Lay the patient {LYING_IN_WORDS[plan.position]}. One breathing phase for every scan and every move "
            "of the needle.",
        ),
        *middle(plan, planned, aim, c_arm),
        *_sample(plan, planned),
        Step(
            "Needle out",
            "Note the time: observation starts now. Look for bleeding as your department does; count the cores.",
        ),
    )


def _by_ct(plan: Plan, planned: PlannedPath, aim: Aim, _c_arm: str) -> tuple[Step, ...]:
    path = planned.path
    compare = (
        "The plan's scan was in another position. Have bowel, pleura or the target moved? Measure entry, depth and "
        "angles again on this scan, and use those."
        if planned.needs_check_scan
        else "Compare with the pictures: if bowel, pleura or the target lie differently, stop and plan again."
    )
    return (
        Step(
            "Scan with a grid on the skin",
            f"Cover the entry's level (see the box on the entry point). {compare}",
        ),
        Step(
            "Mark the entry",
            "Find the slice of the entry picture, drive the table to its position, and mark the point on the skin with "
            "laser and grid. Skin preparation and local anaesthetic as in your department.",
        ),
        Step(
            "Set the depth and aim",
            f"{_depth(plan, planned)} {_sentence(aim.in_plane())}. {_sentence(aim.tilt())}.",
        ),
        Step(
            f"Advance to {whole_mm(path.length_mm * CHECK_AT)}, scan, correct, go on",
            "The needle must lie on the line of the oblique picture. Correct early; then go on to the full depth of "
            f"{whole_mm(path.length_mm)}.",
        ),
    )


def _by_ultrasound(plan: Plan, planned: PlannedPath, aim: Aim, _c_arm: str) -> tuple[Step, ...]:
    return (
        Step(
            "Look before you mark",
            "Find the target with the probe in the plane of the oblique picture. Look for bowel and for vessels on the "
            "way; the structures of this sheet come from a CT and may lie elsewhere now.",
        ),
        Step(
            "Mark the entry",
            "Use the landmarks in the box on the entry point. Skin preparation and local anaesthetic as in your "
            "department.",
        ),
        Step(
            "Set the depth and aim",
            f"{_depth(plan, planned)} {_sentence(aim.in_plane())}. {_sentence(aim.tilt())}. Keep the needle in sight.",
        ),
        Step(
            f"Advance to {whole_mm(planned.path.length_mm)}",
            "Under sight all the way, in the agreed breathing phase. What you see counts, not this sheet.",
        ),
    )


def _by_fluoroscopy(plan: Plan, planned: PlannedPath, aim: Aim, c_arm: str) -> tuple[Step, ...]:
    path = planned.path
    views = f"{c_arm}; the table of C-arm angles has both side views. The needle's line must be seen end on."
    return (
        Step("Set the C-arm down the needle", views),
        Step(
            "Mark the entry",
            "Use the landmarks in the box on the entry point; entry and target must lie on one spot in this view. "
            "Skin preparation and local anaesthetic as in your department.",
        ),
        Step("Set the depth", _depth(plan, planned)),
        Step(
            "Aim",
            f"Hub over tip in the down-the-needle view. As a check: {aim.in_plane()}; {aim.tilt()}.",
        ),
        Step(
            f"Advance to {whole_mm(path.length_mm * CHECK_AT)}, check from the side, go on",
            f"Use both side views for the depth; then go on to the full {whole_mm(path.length_mm)}.",
        ),
    )


def _depth(plan: Plan, planned: PlannedPath) -> str:
    path = planned.path
    outside = plan.needle.length_mm - path.length_mm
    rest = f" {whole_mm(outside)} of the needle then stay outside the skin." if outside >= 0.5 else ""
    return f"Depth stop or mark at {whole_mm(path.length_mm)} from the tip, measured along the needle.{rest}"


def _sample(plan: Plan, planned: PlannedPath) -> tuple[Step, ...]:
    path = planned.path
    if path.throw_mm <= 0:
        return (Step("Take the sample", "With the tip checked on a scan in two planes."),)
    judged = {
        name: mm
        for name, mm in planned.clearances_mm.items()
        if mm is not None and name in planned.required_mm and name not in planned.crosses
    }
    near = min(judged, key=lambda name: (judged[name] - planned.required_mm[name], name), default=None)
    ahead = (
        f" Tightest to the planned line: {spoken(near)}, {clearance(judged[near])}."
        if near is not None
        else ""
    )
    return (
        Step(
            "Check the tip before the sample",
            f"The tip must be where the pictures show it, and the {whole_mm(path.throw_mm)} ahead of it must be clear."
            f"{ahead} If not: do not take the sample, correct or plan again.",
        ),
        Step(
            "Take the sample",
            f"Fire the needle, or advance the trephine, by {whole_mm(path.throw_mm)}. The tip is then "
            f"{whole_mm(path.length_mm + path.throw_mm)} deep.",
        ),
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]

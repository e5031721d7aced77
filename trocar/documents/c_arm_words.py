"""The C-arm's settings for a needle, as a table for the room."""

from __future__ import annotations

from numpy.typing import ArrayLike

from trocar.documents.content import Table
from trocar.documents.figures import degrees
from trocar.geometry.c_arm import CArmAngles, gantry_angles, needle_views
from trocar.imaging.render.plane import Lying


def c_arm_table(direction_lps: ArrayLike, lying: Lying) -> Table:
    """Down-the-needle view and both side views: about the patient, and as a gantry shows them that assumes supine."""
    views = needle_views(direction_lps, lying)
    rows = [
        ("Down the needle", views.down_the_needle),
        ("Side view", views.side),
        (f"Other side view, {degrees(views.between_deg)} from the first", views.other_side),
    ]
    notes = [
        "Angles say where the detector stands about the patient, above the table. LAO: towards the patient's left; "
        "CRA: towards the head."
    ]
    if lying == "supine":
        return Table(
            "c_arm",
            "C-arm",
            "Whole degrees.",
            ("View", "About the patient"),
            _texts(rows),
            notes=tuple(notes),
        )
    notes.append(
        "The last column holds for a patient who lies head first on a gantry that takes every patient for supine. Ask "
        "the radiographer which of the two the gantry shows."
    )
    wide = tuple(
        (name, angles.text, gantry_angles(angles, lying, head_first=True).text) for name, angles in rows
    )
    return Table(
        "c_arm",
        "C-arm",
        "Whole degrees.",
        ("View", "About the patient", "Shown by a gantry set to supine"),
        wide,
        notes=tuple(notes),
    )


def down_the_needle_words(direction_lps: ArrayLike, lying: Lying) -> str:
    """ "LAO 32°, CRA 5° about the patient"."""
    return f"{needle_views(direction_lps, lying).down_the_needle.text} about the patient"


def _texts(rows: list[tuple[str, CArmAngles]]) -> tuple[tuple[str, ...], ...]:
    return tuple((name, angles.text) for name, angles in rows)

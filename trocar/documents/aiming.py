"""How the needle is aimed, in words for somebody who holds it beside a patient on the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trocar.documents.figures import degrees
from trocar.imaging.render.plane import DOWN_WHEN_LYING, Lying

LYING_IN_WORDS: Mapping[str, str] = {
    "prone": "prone (face down)",
    "supine": "supine (on the back)",
    "left_lateral": "on the left side (right side up)",
    "right_lateral": "on the right side (left side up)",
}
_NAMES = (("left", "right"), ("back", "front"))
_STRAIGHT_DEG = 0.5


@dataclass(frozen=True)
class Aim:
    """from_vertical_deg: angle of the needle's projection on the axial plane from straight down, 0 to 180, with the
    tip towards ``towards`` (the patient's left, right, front or back; empty when straight down). tilt_deg: out of
    the axial plane, positive where the tip points to the head.
    """

    from_vertical_deg: float
    towards: str
    tilt_deg: float

    def in_plane(self) -> str:
        """ "19° from vertical, tip towards the patient's left"."""
        if self.from_vertical_deg < _STRAIGHT_DEG:
            return "vertical, straight down"
        level = " (from below the horizontal)" if self.from_vertical_deg > 90 else ""
        return f"{degrees(self.from_vertical_deg)} from vertical, tip towards the patient's {self.towards}{level}"

    def tilt(self) -> str:
        """ "tip tilted 12° towards the head"."""
        if abs(self.tilt_deg) < _STRAIGHT_DEG:
            return "no tilt: the needle stays in the axial slice"
        return (
            f"tip tilted {degrees(abs(self.tilt_deg))} towards the {'head' if self.tilt_deg > 0 else 'feet'}"
        )


def aim(direction_lps: ArrayLike, lying: Lying) -> Aim:
    """The aim of a needle with this unit direction (entry to tip) in a patient who lies like this.

    Vertical is the direction of gravity; the patient is taken to lie exactly prone, supine or on the side.
    """
    direction = np.asarray(direction_lps, dtype=np.float64)
    tilt = float(np.degrees(np.arcsin(np.clip(direction[2], -1, 1))))
    flat = direction[:2]
    size = np.linalg.norm(flat)
    if size < 1e-9:
        return Aim(0.0, "", tilt)
    flat = flat / size
    down: NDArray[np.float64] = np.array(DOWN_WHEN_LYING[lying])[:2]
    # the sideways axis: left-right for a patient on front or back, front-back for one on the side
    axis = int(np.argmin(np.abs(down)))
    sideways = float(flat[axis])
    angle = float(np.degrees(np.arctan2(abs(sideways), flat @ down)))
    towards = "" if angle < _STRAIGHT_DEG else _NAMES[axis][0 if sideways > 0 else 1]
    return Aim(angle, towards, tilt)

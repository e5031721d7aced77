"""The straight line that a needle takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Needle:
    """A biopsy needle as the planner sees it. All lengths in mm along the axis.

    length_mm: usable length from skin to tip before the throw.
    throw_mm: how far the tip moves forward when the needle is fired (or the trephine advanced).
    notch_start_mm, notch_length_mm: the part that takes the sample, measured after the throw from where the tip
        was before it. 0 <= notch_start, notch_start + notch_length <= throw.
    outer_diameter_mm: outer diameter of the outermost part that goes through the tissue.
    """

    name: str
    gauge: int
    length_mm: float
    throw_mm: float
    notch_start_mm: float
    notch_length_mm: float
    outer_diameter_mm: float

    def __post_init__(self) -> None:
        if not (
            self.length_mm > 0
            and self.throw_mm >= 0
            and self.notch_length_mm > 0
            and self.outer_diameter_mm > 0
        ):
            raise ValueError(f"needle {self.name!r}: lengths and diameter must be positive")
        if self.notch_start_mm < 0 or self.notch_start_mm + self.notch_length_mm > self.throw_mm + 1e-9:
            raise ValueError(f"needle {self.name!r}: the notch must lie within the throw")

    @property
    def notch_centre_mm(self) -> float:
        """From the tip before the throw to the middle of the notch after it."""
        return self.notch_start_mm + self.notch_length_mm / 2


@dataclass(frozen=True, eq=False)
class NeedlePath:
    """Entry on the skin, tip before the throw, and the throw: all in LPS mm. Entry and tip must differ."""

    entry_lps_mm: Float
    tip_lps_mm: Float
    throw_mm: float

    def __post_init__(self) -> None:
        for name in ("entry_lps_mm", "tip_lps_mm"):
            point = np.array(getattr(self, name), dtype=np.float64)
            if point.shape != (3,) or not np.isfinite(point).all():
                raise ValueError(f"{name} must be three finite numbers")
            point.setflags(write=False)
            object.__setattr__(self, name, point)
        if self.length_mm < 1e-6:
            raise ValueError("entry and tip are the same point")

    @property
    def length_mm(self) -> float:
        """From entry to tip before the throw."""
        return float(np.linalg.norm(self.tip_lps_mm - self.entry_lps_mm))

    @property
    def direction_lps(self) -> Float:
        """Unit vector from entry to tip."""
        return np.asarray((self.tip_lps_mm - self.entry_lps_mm) / self.length_mm)

    @property
    def fired_tip_lps_mm(self) -> Float:
        """Where the tip is after the throw."""
        return np.asarray(self.tip_lps_mm + self.direction_lps * self.throw_mm)

    def at(self, depth_mm: ArrayLike) -> Float:
        """Points (..., 3) at ``depth_mm`` (...) from the entry."""
        return np.asarray(self.entry_lps_mm + np.asarray(depth_mm)[..., None] * self.direction_lps)

    @staticmethod
    def through(entry_lps_mm: ArrayLike, sample_lps_mm: ArrayLike, needle: Needle) -> NeedlePath:
        """The path from ``entry`` whose notch, after the throw, has its middle at ``sample``.

        Raises ValueError where the sample lies nearer to the entry than the notch reaches back.
        """
        entry = np.asarray(entry_lps_mm, dtype=np.float64)
        sample = np.asarray(sample_lps_mm, dtype=np.float64)
        distance = float(np.linalg.norm(sample - entry))
        if distance <= needle.notch_centre_mm:
            raise ValueError("the sample point is nearer to the skin than the notch is long")
        tip = entry + (sample - entry) * ((distance - needle.notch_centre_mm) / distance)
        return NeedlePath(entry, tip, needle.throw_mm)

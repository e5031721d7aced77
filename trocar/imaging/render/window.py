"""Which Hounsfield units become which grey."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """A linear grey scale: ``centre_hu`` is mid grey, half of ``width_hu`` on either side black and white."""

    name: str
    centre_hu: float
    width_hu: float

    def __post_init__(self) -> None:
        if not self.width_hu > 0:
            raise ValueError("the width of a window must be positive")

    def grey(self, hu: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Hounsfield units of any shape to 0..255; not-a-number (outside the scan) becomes 0."""
        low = self.centre_hu - self.width_hu / 2
        scaled = (np.asarray(hu, dtype=np.float32) - low) * (255.0 / self.width_hu)
        return np.asarray(np.clip(np.nan_to_num(scaled + 0.5), 0, 255).astype(np.uint8))

    def __str__(self) -> str:
        return f"{self.name} window, centre {self.centre_hu:g} HU, width {self.width_hu:g} HU"


SOFT_TISSUE = Window("Soft tissue", 40, 400)
BONE = Window("Bone", 400, 1800)
"""Presets as CT consoles offer them; they change the look of a picture and nothing else."""

"""How well two masks agree."""

from __future__ import annotations

import numpy as np

from trocar.imaging.structures import Mask


def dice(a: Mask, b: Mask) -> float:
    """Dice coefficient of two bool arrays of one shape: 1 where equal (or both empty), 0 where they share nothing.

    Dice (1945), Ecology 26:297: twice what they share, over the sum of both.
    """
    if a.shape != b.shape:
        raise ValueError("masks must have the same shape")
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return 1.0 if total == 0 else 2.0 * np.count_nonzero(a & b) / total

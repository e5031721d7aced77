"""Dice."""

from __future__ import annotations

import numpy as np
import pytest

from trocar.imaging.segmentation.dice import dice


def test_known_values() -> None:
    a = np.array([[True, True, False, False]])
    assert dice(a, a) == 1.0
    assert dice(a, ~a) == 0.0
    assert dice(a, np.array([[False, True, True, False]])) == 0.5
    assert dice(a, np.array([[True, False, False, False]])) == pytest.approx(2 / 3)
    assert dice(~a & a, ~a & a) == 1.0


def test_other_shapes_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shape"):
        dice(np.zeros((1, 4), bool), np.zeros((4, 1), bool))

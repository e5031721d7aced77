"""The needle's line: tip, throw and notch."""

from __future__ import annotations

import numpy as np
import pytest

from trocar.geometry.needle_path import Needle, NeedlePath

GUN = Needle("sample gun", 18, 150.0, 22.0, 2.0, 18.0, 1.3)
ENTRY, TIP = np.array([10.0, 80.0, -30.0]), np.array([40.0, 40.0, -30.0])


def test_points_along_the_path() -> None:
    path = NeedlePath(ENTRY, TIP, 22.0)
    assert path.length_mm == pytest.approx(50.0)
    np.testing.assert_allclose(path.direction_lps, (0.6, -0.8, 0.0))
    np.testing.assert_allclose(path.fired_tip_lps_mm, (40 + 13.2, 40 - 17.6, -30))
    np.testing.assert_allclose(path.at([0.0, 50.0, 72.0]), [ENTRY, TIP, path.fired_tip_lps_mm])
    np.testing.assert_allclose(path.at(50.0), TIP)


def test_through_puts_the_middle_of_the_notch_on_the_sample() -> None:
    """Not the tip: what samples lies 11 mm in front of where the tip waits."""
    sample = np.array([40.0, 40.0, -10.0])
    path = NeedlePath.through(ENTRY, sample, GUN)
    np.testing.assert_allclose(path.at(path.length_mm + GUN.notch_centre_mm), sample)
    assert path.length_mm == pytest.approx(np.linalg.norm(sample - ENTRY) - 11.0)
    assert path.throw_mm == 22.0


def test_sample_nearer_than_the_notch_reaches() -> None:
    with pytest.raises(ValueError, match="nearer to the skin"):
        NeedlePath.through(ENTRY, np.add(ENTRY, (0.0, 0.0, 11.0)), GUN)


@pytest.mark.parametrize(
    ("entry", "tip", "sentence"),
    [
        (ENTRY, ENTRY, "same point"),
        (ENTRY[:2], TIP, "entry_lps_mm"),
        (ENTRY, np.array([1.0, np.nan, 2.0]), "tip_lps_mm"),
    ],
)
def test_impossible_paths(entry: np.ndarray, tip: np.ndarray, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        NeedlePath(entry, tip, 22.0)


def test_path_keeps_its_own_points() -> None:
    entry = ENTRY.copy()
    path = NeedlePath(entry, TIP, 22.0)
    entry[0] = 99.0
    assert path.entry_lps_mm[0] == 10.0
    with pytest.raises(ValueError, match="read-only"):
        path.tip_lps_mm[0] = 1.0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"length_mm": 0.0}, "positive"),
        ({"throw_mm": -1.0}, "positive"),
        ({"notch_length_mm": 0.0}, "positive"),
        ({"outer_diameter_mm": 0.0}, "positive"),
        ({"notch_start_mm": -0.1}, "within the throw"),
        ({"notch_start_mm": 4.1}, "within the throw"),
    ],
)
def test_impossible_needles(change: dict[str, float], sentence: str) -> None:
    values: dict[str, float] = {
        "length_mm": 150.0,
        "throw_mm": 22.0,
        "notch_start_mm": 2.0,
        "notch_length_mm": 18.0,
        "outer_diameter_mm": 1.3,
    } | change
    with pytest.raises(ValueError, match=sentence):
        Needle("sample gun", 18, **values)

"""Creatinine clearance for doses is worked out by Cockcroft and Gault, and not where the formula does not hold."""

from __future__ import annotations

import pytest

from trocar.clinical.renal import cockcroft_gault


def test_by_hand() -> None:
    """Man of 40, 72 kg, creatinine 88.42 umol/L (1 mg/dL): (140 - 40) x 72 / (72 x 1) = 100 ml/min."""
    assert cockcroft_gault(40, "male", 72, 88.42, steady=True) == pytest.approx(100)


def test_women_have_85_hundredths_of_it() -> None:
    assert cockcroft_gault(40, "female", 72, 88.42, steady=True) == pytest.approx(85)


def test_an_old_woman_with_a_raised_creatinine() -> None:
    """80 years, 55 kg, 150 umol/L: (60 x 55) / (72 x 150 / 88.42) x 0.85 = 22.97 ml/min."""
    assert cockcroft_gault(80, "female", 55, 150, steady=True) == pytest.approx(22.965, abs=0.01)


BAD = [
    ((40, "male", 72, 88.0, False), "while kidney function is changing"),
    ((40, "male", 72, 88.0, None), "nobody said whether kidney function is steady"),
    ((17, "male", 60, 88.0, True), "ages from 18 to 120"),
    ((130, "male", 60, 88.0, True), "ages from 18 to 120"),
    ((40, "other", 60, 88.0, True), "sex recorded at birth"),
    ((40, "", 60, 88.0, True), "sex recorded at birth"),
    ((40, "male", 7.2, 88.0, True), "Weight must lie between"),
    ((40, "male", 720, 88.0, True), "Weight must lie between"),
    ((40, "male", 72, 1.0, True), "Creatinine must lie between"),  # mg/dL
    ((40, "male", 72, 0.0, True), "Creatinine must lie between"),
    ((40, "male", float("nan"), 88.0, True), "Weight must lie between"),
]


@pytest.mark.parametrize(("given", "sentence"), BAD)
def test_what_the_formula_cannot_take(
    given: tuple[int, str, float, float, bool | None], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        cockcroft_gault(*given)

"""Score and Pareto set."""

from __future__ import annotations

import numpy as np

from trocar.clinical.protocol import Preference
from trocar.clinical.sourced import Sourced
from trocar.planning.ranking import pareto, score, spread_out


def _preference(
    criterion: str, prefer: str, weight: float = 1.0, scale: float = 1.0, ideal: float | None = None
) -> Preference:
    def made(value: float) -> Sourced[float]:
        return Sourced(value, "J", "U")

    return Preference(criterion, prefer, made(weight), made(scale), None if ideal is None else made(ideal))  # type: ignore[arg-type]


def test_a_difference_of_one_scale_counts_one_weight() -> None:
    preferences = [
        _preference("length", "less", weight=3, scale=20),
        _preference("tilt", "less", weight=1, scale=10),
    ]
    points = score(preferences, {"length": np.array([80.0, 100.0]), "tilt": np.array([10.0, 0.0])})
    assert points[0] - points[1] == 3 - 1


def test_near_prefers_the_ideal_from_both_sides() -> None:
    points = score([_preference("tilt", "near", ideal=30)], {"tilt": np.array([20.0, 30.0, 40.0])})
    assert points[1] > points[0] == points[2]


def test_margin_saturates_and_a_missing_value_counts_nothing() -> None:
    values = {"margin": np.array([5.0, 50.0, 500.0, np.nan])}
    points = score([_preference("margin", "more", scale=5)], values)
    assert points.tolist() == [1.0, 2.0, 2.0, 0.0]


def test_pareto_drops_what_is_beaten_and_keeps_what_is_best_at_something() -> None:
    preferences = [_preference("length", "less"), _preference("margin", "more")]
    values = {"length": np.array([50.0, 60.0, 60.0, 90.0]), "margin": np.array([5.0, 9.0, 4.0, 12.0])}
    assert pareto(preferences, values).tolist() == [True, True, False, True]


def test_of_equals_one_stays() -> None:
    values = {"length": np.array([50.0, 50.0, 50.04])}
    assert pareto([_preference("length", "less")], values).tolist() == [True, False, False]


def test_spread_out_takes_the_best_of_each_place() -> None:
    entries = np.array([[0.0, 0, 0], [1, 0, 0], [10, 0, 0], [0, 0, 0]])
    samples = np.array([[0.0, 0, 50], [0, 0, 50], [0, 0, 50], [0, 0, 80]])
    assert spread_out(np.arange(4), entries, samples, apart_mm=4, most=10) == [0, 2, 3]

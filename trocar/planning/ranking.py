"""Which paths are worth taking: the protocol's preferences as a score, and the Pareto set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trocar.clinical.protocol import Preference

Float = NDArray[np.float64]

MOST_SCALES = 2.0
"""Beyond so many scales more distance to a structure, or more modelled harm, changes nothing: twice the margin's
scale beyond what is asked for is as good as any, and a model of one uncorrected pass decides no more than that."""
SATURATING = ("margin", "sinus_clearance", "probability_harm")


def score(preferences: Sequence[Preference], values: Mapping[str, Float]) -> Float:
    """Weighted sum (N,) over the criteria that ``values`` holds, each (N,); more is better.

    A difference of one ``scale`` counts ``weight``. Criteria that are missing, or not a number, count nothing.
    """
    count = len(next(iter(values.values())))
    total = np.zeros(count)
    for preference in preferences:
        if preference.name not in values:
            continue
        value = values[preference.name]
        if preference.ideal is not None:
            gain = -np.abs(value - preference.ideal.value)
        else:
            gain = value if preference.prefer == "more" else -value
        part = gain / preference.scale.value
        if preference.name in SATURATING:
            part = np.clip(part, -MOST_SCALES, MOST_SCALES)
        total += preference.weight.value * np.nan_to_num(part)
    return total


def pareto(preferences: Sequence[Preference], values: Mapping[str, Float]) -> NDArray[np.bool_]:
    """Which of N candidates no other one beats: at least as good in every criterion, better in one.

    Differences under a tenth of a criterion's scale count as none, so that noise makes nothing worth taking.
    """
    columns = []
    for preference in preferences:
        if preference.name not in values:
            continue
        value = values[preference.name]
        if preference.ideal is not None:
            gain = -np.abs(value - preference.ideal.value)
        else:
            gain = value if preference.prefer == "more" else -value
        columns.append(np.round(np.nan_to_num(gain / preference.scale.value) * 10))
    if not columns:
        return np.ones(len(next(iter(values.values()))), bool)
    table = np.stack(columns, axis=1)
    kept = np.ones(len(table), bool)
    for row in range(len(table)):
        as_good = (table >= table[row]).all(axis=1)
        better = (table > table[row]).any(axis=1)
        same_and_earlier = (table == table[row]).all(axis=1)
        same_and_earlier[row:] = False
        kept[row] = not (as_good & better).any() and not same_and_earlier.any()
    return kept


def spread_out(
    order: NDArray[np.intp], entries_lps_mm: Float, samples_lps_mm: Float, apart_mm: float, most: int
) -> list[int]:
    """The first ``most`` of ``order`` that differ: entry or sample farther than ``apart_mm`` from any taken before."""
    taken: list[int] = []
    for index in order:
        if taken:
            entry = np.linalg.norm(entries_lps_mm[taken] - entries_lps_mm[index], axis=1)
            sample = np.linalg.norm(samples_lps_mm[taken] - samples_lps_mm[index], axis=1)
            if ((entry <= apart_mm) & (sample <= apart_mm)).any():
                continue
        taken.append(int(index))
        if len(taken) == most:
            break
    return taken

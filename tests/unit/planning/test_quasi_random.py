"""Scrambled Sobol points."""

from __future__ import annotations

import numpy as np
import pytest

from trocar.planning.quasi_random import BITS, DIMENSIONS, ScrambledSobol, directions, integers


def test_unscrambled_points_are_those_of_scipy() -> None:
    """The same points block by block; scipy walks within a block in Gray code order, hence the sorting."""
    from scipy.stats import qmc

    theirs = qmc.Sobol(DIMENSIONS, scramble=False).random(1024)
    ours = integers(directions(), 0, 1024) / 2.0**BITS
    assert sorted(map(tuple, ours)) == sorted(map(tuple, theirs))


def test_later_points_continue_earlier_ones() -> None:
    sobol = ScrambledSobol(3, 11)
    whole = sobol.points(0, 512)
    assert np.array_equal(np.concatenate([sobol.points(0, 256), sobol.points(256, 512)], axis=1), whole)
    assert whole.shape == (3, 512, DIMENSIONS)


@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_scrambling_keeps_every_dimension_even(seed: int) -> None:
    """Of 256 points exactly one falls into each 256th, in every dimension of every repeat."""
    points = ScrambledSobol(4, seed).points(0, 256)
    strata = np.sort((points * 256).astype(int), axis=1)
    assert (strata == np.arange(256)[None, :, None]).all()
    assert ((points > 0) & (points < 1)).all()


def test_pairs_of_dimensions_are_even_too() -> None:
    """Dimensions 1 and 2 form a (0, m, 2)-net: each of 16 x 16 cells holds exactly one of 256 points."""
    points = ScrambledSobol(4, 3).points(0, 256)
    for repeat in points:
        cells = {(int(a * 16), int(b * 16)) for a, b in repeat[:, :2]}
        assert len(cells) == 256


def test_repeats_and_seeds_differ_but_do_not_change() -> None:
    points = ScrambledSobol(16, 5).points(0, 64)
    assert len({repeat.tobytes() for repeat in points}) == 16
    assert np.array_equal(points, ScrambledSobol(16, 5).points(0, 64))
    assert not np.array_equal(points, ScrambledSobol(16, 6).points(0, 64))


def test_means_of_repeats_are_unbiased() -> None:
    """The mean of x squared over 4 points of 4,000 repeats: 1/3 within four standard errors."""
    points = ScrambledSobol(4000, 1).points(0, 4)
    means = (points**2).mean(axis=1)
    error = means.std(axis=0, ddof=1) / np.sqrt(len(means))
    assert (np.abs(means.mean(axis=0) - 1 / 3) < 4 * error).all()

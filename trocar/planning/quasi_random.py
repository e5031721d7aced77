"""Scrambled Sobol points: random numbers that fill the unit cube evenly, in independent, seeded repeats.

Written out here, and not taken from scipy.stats.qmc, because importing that costs half a second of every
plan; a test holds the points before scrambling against scipy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = 32
DIMENSIONS = 5
_POLYNOMIALS = ((1, 0, (1,)), (2, 1, (1, 3)), (3, 1, (1, 3, 1)), (3, 2, (1, 1, 1)))
"""Degree, inner coefficients and first direction numbers of dimensions 2 to 5.

Joe and Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM J Sci Comput 30
(2008).
"""

Words = NDArray[np.uint64]


class ScrambledSobol:
    """``repeats`` independent scrambled Sobol sequences of ``DIMENSIONS`` numbers each.

    Each is scrambled by random lower triangular matrices and a random digital shift (Matousek, "On the
    L2-discrepancy for anchored boxes", J Complexity 14 (1998)), drawn from ``seed``: every single point is
    uniform, so that the mean of each repeat is unbiased and the spread between repeats tells the error.
    """

    def __init__(self, repeats: int, seed: int) -> None:
        draw = np.random.PCG64(np.random.SeedSequence(seed))
        raw = draw.random_raw(repeats * DIMENSIONS * (BITS + 1)).reshape(repeats, DIMENSIONS, BITS + 1)
        top = np.uint64(1 << (BITS - 1)) >> np.arange(BITS, dtype=np.uint64)
        # Row r of the matrix: a one at digit r and random digits before it (digit 0 is the first after the
        # point).
        before = ~((top << np.uint64(1)) - np.uint64(1)) & np.uint64((1 << BITS) - 1)
        rows = top | (raw[..., :BITS] & before)
        digits = np.bitwise_count(rows[:, :, None, :] & directions()[None, :, :, None]) & 1
        self._directions: Words = (digits.astype(np.uint64) * top).sum(axis=-1, dtype=np.uint64)
        self._shift: Words = raw[..., BITS] >> np.uint64(64 - BITS)

    def points(self, begin: int, end: int) -> NDArray[np.float64]:
        """Points ``begin`` to ``end`` of every repeat: (repeats, end - begin, DIMENSIONS), each within (0, 1)."""
        words = integers(self._directions, begin, end) ^ self._shift[:, None, :]
        return np.asarray((words.astype(np.float64) + 0.5) / 2.0**BITS)


def directions() -> Words:
    """Sobol's direction numbers as binary fractions: (DIMENSIONS, BITS), digit 0 is the highest bit."""
    table = np.zeros((DIMENSIONS, BITS), np.uint64)
    table[0] = np.uint64(1 << (BITS - 1)) >> np.arange(BITS, dtype=np.uint64)
    for dimension, (degree, inner, first) in enumerate(_POLYNOMIALS, start=1):
        numbers = list(first)
        for n in range(degree, BITS):
            number = numbers[n - degree] ^ (numbers[n - degree] << degree)
            for term in range(1, degree):
                if inner >> (degree - 1 - term) & 1:
                    number ^= numbers[n - term] << term
            numbers.append(number)
        table[dimension] = [number << (BITS - 1 - n) for n, number in enumerate(numbers)]
    return table


def integers(numbers: NDArray[Any], begin: int, end: int) -> Words:
    """Points ``begin`` to ``end`` from direction ``numbers`` (..., D, BITS), as whole numbers (..., end - begin, D)."""
    index = np.arange(begin, end, dtype=np.uint64)
    words = np.zeros((*numbers.shape[:-2], len(index), numbers.shape[-2]), np.uint64)
    for bit in range(int(end - 1).bit_length()):
        chosen = (index >> np.uint64(bit) & np.uint64(1)).astype(bool)
        words ^= np.where(chosen[:, None], numbers[..., None, :, bit], np.uint64(0))
    return words

"""Diffusion of two labels over a block of voxels: the random walker's probabilities by fixed-count iteration."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def diffuse(
    start: NDArray[np.float64],
    free: NDArray[np.bool_],
    along_k: NDArray[np.float64],
    along_j: NDArray[np.float64],
    along_i: NDArray[np.float64],
    rounds: int,
) -> NDArray[np.float64]:
    """Values ``[k, j, i]`` where each free voxel is the weighted mean of its six neighbours, the others as given.

    along_k[k, j, i] is the weight between (k, j, i) and (k + 1, j, i), and so on; the last one along an axis is
    not used. Each round reads the values of the round before (Jacobi), two rounds at a time. After a finite number
    of rounds it is an approximation. One thread: a round is too short to share.
    """
    nk, nj, ni = start.shape
    count = np.count_nonzero(free)
    places = np.empty((count, 3), np.int64)
    n = 0
    for k in range(nk):
        for j in range(nj):
            for i in range(ni):
                if free[k, j, i]:
                    places[n, 0], places[n, 1], places[n, 2] = k, j, i
                    n += 1
    value = start.copy()
    other = start.copy()
    for turn in range(2 * ((rounds + 1) // 2)):
        source = value if turn % 2 == 0 else other
        target = other if turn % 2 == 0 else value
        for n in range(count):
            k, j, i = places[n, 0], places[n, 1], places[n, 2]
            total = 0.0
            weight = 0.0
            if k > 0:
                w = along_k[k - 1, j, i]
                weight += w
                total += w * source[k - 1, j, i]
            if k < nk - 1:
                w = along_k[k, j, i]
                weight += w
                total += w * source[k + 1, j, i]
            if j > 0:
                w = along_j[k, j - 1, i]
                weight += w
                total += w * source[k, j - 1, i]
            if j < nj - 1:
                w = along_j[k, j, i]
                weight += w
                total += w * source[k, j + 1, i]
            if i > 0:
                w = along_i[k, j, i - 1]
                weight += w
                total += w * source[k, j, i - 1]
            if i < ni - 1:
                w = along_i[k, j, i]
                weight += w
                total += w * source[k, j, i + 1]
            if weight > 0.0:
                target[k, j, i] = total / weight
    return value

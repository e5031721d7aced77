"""Loops over the slices of a scan: coarse cells, distances and floods in the plane of a slice.

A cell is a block of ``fi`` by ``fj`` voxels of one slice. Voxel i lies in cell ``(i + oi) // fi``; the offset lets a
mirrored array have exactly mirrored cells. Every slice is worked on by itself, so slices run in parallel and the
answer does not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

FAR = 1 << 28
"""A distance no slice reaches."""


@njit(cache=True, nogil=True, parallel=True)
def cell_means(
    hu: NDArray[np.int16], fj: int, fi: int, oj: int, oi: int, low: int, high: int, padding_below: int
) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Mean HU of each cell ``[k, J, I]`` (values cut to low..high first), and whether most of it is padding."""
    nk, nj, ni = hu.shape
    cells_j = (nj - 1 + oj) // fj + 1
    cells_i = (ni - 1 + oi) // fi + 1
    means = np.empty((nk, cells_j, cells_i), np.int16)
    padded = np.empty((nk, cells_j, cells_i), np.bool_)
    for k in prange(nk):
        total = np.zeros(ni, np.int32)
        empty = np.zeros(ni, np.int32)
        for cj in range(cells_j):
            total[:] = 0
            empty[:] = 0
            j0 = max(cj * fj - oj, 0)
            j1 = min((cj + 1) * fj - oj, nj)
            for j in range(j0, j1):
                for i in range(ni):
                    value = np.int32(hu[k, j, i])
                    empty[i] += value < padding_below
                    total[i] += min(max(value, low), high)
            for ci in range(cells_i):
                i0 = max(ci * fi - oi, 0)
                i1 = min((ci + 1) * fi - oi, ni)
                count = (j1 - j0) * (i1 - i0)
                dense = 0
                low_count = 0
                for i in range(i0, i1):
                    dense += total[i]
                    low_count += empty[i]
                # Floor division of whole numbers: the same on every machine.
                means[k, cj, ci] = dense // count
                padded[k, cj, ci] = 2 * low_count > count
    return means, padded


@njit(cache=True, nogil=True, parallel=True)
def slice_distances(
    source: NDArray[np.bool_], step_i: int, step_j: int, step_diagonal: int
) -> NDArray[np.int32]:
    """Chamfer distance ``[k, j, i]`` in the plane from the nearest source of the same slice, FAR where none is.

    Steps are whole numbers (tenths of a millimetre here), so that the answer is exact and the same when mirrored.
    """
    nk, nj, ni = source.shape
    distance = np.empty((nk, nj, ni), np.int32)
    for k in prange(nk):
        for j in range(nj):
            for i in range(ni):
                best = 0 if source[k, j, i] else FAR
                if i > 0:
                    best = min(best, distance[k, j, i - 1] + step_i)
                if j > 0:
                    best = min(best, distance[k, j - 1, i] + step_j)
                    if i > 0:
                        best = min(best, distance[k, j - 1, i - 1] + step_diagonal)
                    if i < ni - 1:
                        best = min(best, distance[k, j - 1, i + 1] + step_diagonal)
                distance[k, j, i] = min(best, FAR)
        for j in range(nj - 1, -1, -1):
            for i in range(ni - 1, -1, -1):
                best = distance[k, j, i]
                if i < ni - 1:
                    best = min(best, distance[k, j, i + 1] + step_i)
                if j < nj - 1:
                    best = min(best, distance[k, j + 1, i] + step_j)
                    if i < ni - 1:
                        best = min(best, distance[k, j + 1, i + 1] + step_diagonal)
                    if i > 0:
                        best = min(best, distance[k, j + 1, i - 1] + step_diagonal)
                distance[k, j, i] = best
    return distance


@njit(cache=True, nogil=True, parallel=True)
def flood_slices(seeds: NDArray[np.bool_], allowed: NDArray[np.bool_], most_steps: int) -> NDArray[np.bool_]:
    """Cells of each slice reached from seeds through allowed ones by at most ``most_steps`` steps (4 neighbours).

    Seeds are reached themselves, allowed or not.
    """
    nk, nj, ni = seeds.shape
    reached = np.empty((nk, nj, ni), np.bool_)
    for k in prange(nk):
        queue = np.empty(nj * ni, np.int32)
        tail = 0
        for j in range(nj):
            for i in range(ni):
                reached[k, j, i] = seeds[k, j, i]
                if seeds[k, j, i]:
                    queue[tail] = j * ni + i
                    tail += 1
        head = 0
        step = 0
        while head < tail and step < most_steps:
            step += 1
            last = tail
            while head < last:
                j = queue[head] // ni
                i = queue[head] - j * ni
                head += 1
                for side in range(4):
                    b = j + (1 if side == 0 else -1 if side == 1 else 0)
                    a = i + (1 if side == 2 else -1 if side == 3 else 0)
                    if b < 0 or b >= nj or a < 0 or a >= ni:
                        continue
                    if reached[k, b, a] or not allowed[k, b, a]:
                        continue
                    reached[k, b, a] = True
                    queue[tail] = b * ni + a
                    tail += 1
    return reached


@njit(cache=True, nogil=True, parallel=True)
def restore_skin(
    hu: NDArray[np.int16], cells: NDArray[np.bool_], fj: int, fi: int, oj: int, oi: int, skin_hu: int
) -> NDArray[np.bool_]:
    """Cells of the body ``[k, J, I]`` back to voxels ``[k, j, i]``, with the skin where HU passes ``skin_hu``.

    Cells whose eight neighbours agree with them are copied. In the others a voxel is body when it is dense and
    connected (8 neighbours, in these cells) to dense voxels of the copied inside, or when it is gas in a cell of
    the body that the outside does not reach (4 neighbours).
    """
    nk, nj, ni = hu.shape
    cells_j, cells_i = cells.shape[1], cells.shape[2]
    body = np.zeros((nk, nj, ni), np.bool_)
    row_cell = (np.arange(nj) + oj) // fj
    column_cell = (np.arange(ni) + oi) // fi
    for k in prange(nk):
        # 0 outside, 1 inside, 2 undecided in a cell of the body, 3 undecided in a cell beside it
        kind = np.zeros((cells_j, cells_i), np.uint8)
        undecided = 0
        for cj in range(cells_j):
            for ci in range(cells_i):
                here = cells[k, cj, ci]
                mixed = False
                for b in range(max(cj - 1, 0), min(cj + 2, cells_j)):
                    for a in range(max(ci - 1, 0), min(ci + 2, cells_i)):
                        if cells[k, b, a] != here:
                            mixed = True
                if mixed:
                    kind[cj, ci] = 2 if here else 3
                    undecided += 1
                elif here:
                    kind[cj, ci] = 1
        if undecided == 0:
            if cells_j > 0 and cells_i > 0 and kind[0, 0] == 1:
                body[k] = True
            continue
        stack = np.empty(undecided * fj * fi, np.int32)
        # Dense voxels from the inside outwards.
        top = 0
        for cj in range(cells_j):
            for ci in range(cells_i):
                if kind[cj, ci] == 0 or kind[cj, ci] == 3:
                    continue
                j0 = max(cj * fj - oj, 0)
                j1 = min((cj + 1) * fj - oj, nj)
                i0 = max(ci * fi - oi, 0)
                i1 = min((ci + 1) * fi - oi, ni)
                if kind[cj, ci] == 1:
                    for j in range(j0, j1):
                        for i in range(i0, i1):
                            body[k, j, i] = True
                    continue
                for j in range(j0, j1):
                    for i in range(i0, i1):
                        if hu[k, j, i] < skin_hu or body[k, j, i]:
                            continue
                        beside = False
                        for b in range(max(j - 1, 0), min(j + 2, nj)):
                            for a in range(max(i - 1, 0), min(i + 2, ni)):
                                if kind[row_cell[b], column_cell[a]] == 1 and hu[k, b, a] >= skin_hu:
                                    beside = True
                        if beside:
                            body[k, j, i] = True
                            stack[top] = j * ni + i
                            top += 1
        while top > 0:
            top -= 1
            j = stack[top] // ni
            i = stack[top] - j * ni
            for b in range(max(j - 1, 0), min(j + 2, nj)):
                for a in range(max(i - 1, 0), min(i + 2, ni)):
                    if body[k, b, a] or hu[k, b, a] < skin_hu or kind[row_cell[b], column_cell[a]] < 2:
                        continue
                    body[k, b, a] = True
                    stack[top] = b * ni + a
                    top += 1
        # What is left of the undecided cells of the body is inside unless the outside reaches it.
        for cj in range(cells_j):
            for ci in range(cells_i):
                if kind[cj, ci] != 2:
                    continue
                for j in range(max(cj * fj - oj, 0), min((cj + 1) * fj - oj, nj)):
                    for i in range(max(ci * fi - oi, 0), min((ci + 1) * fi - oi, ni)):
                        if body[k, j, i]:
                            continue
                        for side in range(4):
                            b = j + (1 if side == 0 else -1 if side == 1 else 0)
                            a = i + (1 if side == 2 else -1 if side == 3 else 0)
                            if b < 0 or b >= nj or a < 0 or a >= ni:
                                continue
                            beside_kind = kind[row_cell[b], column_cell[a]]
                            if beside_kind == 0 or (beside_kind == 3 and not body[k, b, a]):
                                stack[top] = j * ni + i
                                top += 1
                                break
        outside = np.zeros((nj, ni), np.bool_)
        for n in range(top):
            outside[stack[n] // ni, stack[n] % ni] = True
        while top > 0:
            top -= 1
            j = stack[top] // ni
            i = stack[top] - j * ni
            for side in range(4):
                b = j + (1 if side == 0 else -1 if side == 1 else 0)
                a = i + (1 if side == 2 else -1 if side == 3 else 0)
                if b < 0 or b >= nj or a < 0 or a >= ni:
                    continue
                if outside[b, a] or body[k, b, a] or kind[row_cell[b], column_cell[a]] != 2:
                    continue
                outside[b, a] = True
                stack[top] = b * ni + a
                top += 1
        for cj in range(cells_j):
            for ci in range(cells_i):
                if kind[cj, ci] != 2:
                    continue
                for j in range(max(cj * fj - oj, 0), min((cj + 1) * fj - oj, nj)):
                    for i in range(max(ci * fi - oi, 0), min((ci + 1) * fi - oi, ni)):
                        if not outside[j, i]:
                            body[k, j, i] = True
    return body


@njit(cache=True, nogil=True, parallel=True)
def padding_voxels(
    hu: NDArray[np.int16], cells: NDArray[np.bool_], fj: int, fi: int, oj: int, oi: int, padding_below: int
) -> NDArray[np.bool_]:
    """Voxels ``[k, j, i]`` below ``padding_below`` in the given cells ``[k, J, I]``."""
    nk, nj, ni = hu.shape
    padding = np.zeros((nk, nj, ni), np.bool_)
    for k in prange(nk):
        for cj in range(cells.shape[1]):
            for ci in range(cells.shape[2]):
                if not cells[k, cj, ci]:
                    continue
                for j in range(max(cj * fj - oj, 0), min((cj + 1) * fj - oj, nj)):
                    for i in range(max(ci * fi - oi, 0), min((ci + 1) * fi - oi, ni)):
                        padding[k, j, i] = hu[k, j, i] < padding_below
    return padding


@njit(cache=True, nogil=True, parallel=True)
def spread_labels(
    labels: NDArray[np.int32], allowed: NDArray[np.bool_], most_steps: int
) -> NDArray[np.int32]:
    """Labels of each slice spread through allowed cells by at most ``most_steps`` steps (4 neighbours).

    A cell takes the label that reaches it first; among those of one step the one from -j, then -i, +i, +j.
    """
    nk, nj, ni = labels.shape
    spread = labels.copy()
    for k in prange(nk):
        queue = np.empty(nj * ni, np.int32)
        tail = 0
        for j in range(nj):
            for i in range(ni):
                if labels[k, j, i] != 0:
                    queue[tail] = j * ni + i
                    tail += 1
        head = 0
        step = 0
        while head < tail and step < most_steps:
            step += 1
            last = tail
            while head < last:
                j = queue[head] // ni
                i = queue[head] - j * ni
                head += 1
                for side in range(4):
                    b = j + (1 if side == 0 else -1 if side == 1 else 0)
                    a = i + (1 if side == 2 else -1 if side == 3 else 0)
                    if b < 0 or b >= nj or a < 0 or a >= ni:
                        continue
                    if spread[k, b, a] != 0 or not allowed[k, b, a]:
                        continue
                    spread[k, b, a] = spread[k, j, i]
                    queue[tail] = b * ni + a
                    tail += 1
    return spread


@njit(cache=True, nogil=True, parallel=True)
def walls_around(
    wall: NDArray[np.bool_],
    asked: NDArray[np.bool_],
    reach: int,
    step_i: int,
    step_j: int,
    step_diagonal: int,
) -> NDArray[np.uint8]:
    """For each asked cell, in how many of the eight directions of its slice a wall stands within ``reach``.

    Steps and reach are whole numbers of one unit, as in `slice_distances`.
    """
    nk, nj, ni = wall.shape
    count = np.zeros((nk, nj, ni), np.uint8)
    for k in prange(nk):
        for j in range(nj):
            for i in range(ni):
                if not asked[k, j, i]:
                    continue
                for dj in range(-1, 2):
                    for di in range(-1, 2):
                        if dj == 0 and di == 0:
                            continue
                        step = step_i if dj == 0 else step_j if di == 0 else step_diagonal
                        b = j + dj
                        a = i + di
                        gone = step
                        while gone <= reach and b >= 0 and b < nj and a >= 0 and a < ni:
                            if wall[k, b, a]:
                                count[k, j, i] += 1
                                break
                            b += dj
                            a += di
                            gone += step
    return count

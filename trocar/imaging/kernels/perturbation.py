"""Needle passes with errors, walked voxel by voxel through a map of tissue classes, and counted.

All lengths are "grid mm": millimetres along the axes of a grid, voxel (0, 0, 0) centred on the origin. Every
pass is followed exactly: each voxel that its line goes through counts, with the length of line in it. Only
whole numbers are added up, so that the result does not depend on how the work is shared among threads.

What a voxel belongs to is one word of 64 bits: structure s is bit s, ``TARGET`` marks what is to be sampled.
Blocks of voxels carry what their voxels have together. A pass walks from block to block and looks at voxels
only in a block that holds something it has not met yet, or target where its notch lies: what is left out
could change nothing.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

PORTION = 1024
"""Passes that one thread takes at a time."""
MOST_STRUCTURES = 63
TARGET = np.uint64(1 << 63)
NOTHING = np.uint64(0)


@njit(cache=True, nogil=True, parallel=True)
def block_contents(classes, bits, log2_kji):  # type: ignore[no-untyped-def]
    """What each block of voxels holds: uint64 (K', J', I').

    classes: unsigned ``[k, j, i]``; bits: uint64 (C,), what each class belongs to.
    log2_kji: binary logarithm of the number of voxels along each side of a block.
    """
    log2_k, log2_j, log2_i = log2_kji[0], log2_kji[1], log2_kji[2]
    n_k, n_j, n_i = classes.shape
    blocks = np.zeros(
        (((n_k - 1) >> log2_k) + 1, ((n_j - 1) >> log2_j) + 1, ((n_i - 1) >> log2_i) + 1), np.uint64
    )
    for block_k in prange(blocks.shape[0]):
        for k in range(block_k << log2_k, min((block_k + 1) << log2_k, n_k)):
            for j in range(n_j):
                for block_i in range(blocks.shape[2]):
                    content = NOTHING
                    for i in range(block_i << log2_i, min((block_i + 1) << log2_i, n_i)):
                        content |= bits[classes[k, j, i]]
                    blocks[block_k, j >> log2_j, block_i] |= content
    return blocks


@njit(cache=True, nogil=True)
def _first_face(place, origin, speed, log2):  # type: ignore[no-untyped-def]
    """Where (mm along the line) it leaves cell ``place`` of ``2**log2`` voxels along one axis."""
    if speed > 0.0:
        return (((place + 1) << log2) - origin) / speed
    if speed < 0.0:
        return ((place << log2) - origin) / speed
    return np.inf


@njit(cache=True, nogil=True)
def _walk(classes, bits, blocks, log2_kji, spacing_mm, x, y, z, dx, dy, dz, end_mm, notch, seen):  # type: ignore[no-untyped-def]
    """Follow one line from (x, y, z) along the unit vector (dx, dy, dz) for ``end_mm``.

    classes, bits, blocks, log2_kji: as in ``block_contents``. Returns ``seen`` with everything that is met
    added, and the length of the line's part from ``notch[0]`` to ``notch[1]`` (mm from the start) that lies
    in target. Outside the grid there is nothing.
    """
    n_k, n_j, n_i = classes.shape
    log2_k, log2_j, log2_i = log2_kji[0], log2_kji[1], log2_kji[2]
    # In voxels from the grid's corner, so that voxel n reaches from n to n + 1.
    x, y, z = x / spacing_mm[0] + 0.5, y / spacing_mm[1] + 0.5, z / spacing_mm[2] + 0.5
    dx, dy, dz = dx / spacing_mm[0], dy / spacing_mm[1], dz / spacing_mm[2]
    per_i = abs(1.0 / dx) if dx != 0.0 else np.inf
    per_j = abs(1.0 / dy) if dy != 0.0 else np.inf
    per_k = abs(1.0 / dz) if dz != 0.0 else np.inf
    at = 0.0
    last = end_mm
    for place, speed, size in ((x, dx, n_i), (y, dy, n_j), (z, dz, n_k)):
        if speed != 0.0:
            at = max(at, min(-place / speed, (size - place) / speed))
            last = min(last, max(-place / speed, (size - place) / speed))
        elif place < 0.0 or place >= size:
            return seen, 0.0
    if at >= last:
        return seen, 0.0
    step_i = 1 if dx > 0.0 else -1
    step_j = 1 if dy > 0.0 else -1
    step_k = 1 if dz > 0.0 else -1
    block_i = min(max(int(np.floor(x + at * dx)), 0), n_i - 1) >> log2_i
    block_j = min(max(int(np.floor(y + at * dy)), 0), n_j - 1) >> log2_j
    block_k = min(max(int(np.floor(z + at * dz)), 0), n_k - 1) >> log2_k
    block_face_i = _first_face(block_i, x, dx, log2_i)
    block_face_j = _first_face(block_j, y, dy, log2_j)
    block_face_k = _first_face(block_k, z, dz, log2_k)
    sampled = 0.0
    while True:
        block_leave = min(block_face_i, block_face_j, block_face_k, last)
        known = seen
        if block_leave <= notch[0] or at >= notch[1]:
            known |= TARGET
        if blocks[block_k, block_j, block_i] & ~known != NOTHING:
            low_i, low_j, low_k = block_i << log2_i, block_j << log2_j, block_k << log2_k
            high_i = min(((block_i + 1) << log2_i), n_i) - 1
            high_j = min(((block_j + 1) << log2_j), n_j) - 1
            high_k = min(((block_k + 1) << log2_k), n_k) - 1
            i = min(max(int(np.floor(x + at * dx)), low_i), high_i)
            j = min(max(int(np.floor(y + at * dy)), low_j), high_j)
            k = min(max(int(np.floor(z + at * dz)), low_k), high_k)
            face_i = _first_face(i, x, dx, 0)
            face_j = _first_face(j, y, dy, 0)
            face_k = _first_face(k, z, dz, 0)
            while True:
                content = bits[classes[k, j, i]]
                leave = min(face_i, face_j, face_k, block_leave)
                seen |= content & ~TARGET
                if content & TARGET != NOTHING:
                    sampled += max(0.0, min(leave, notch[1]) - max(at, notch[0]))
                at = leave
                if leave >= block_leave:
                    break
                if face_i <= face_j and face_i <= face_k:
                    i += step_i
                    face_i += per_i
                    if i < low_i or i > high_i:
                        break
                elif face_j <= face_k:
                    j += step_j
                    face_j += per_j
                    if j < low_j or j > high_j:
                        break
                else:
                    k += step_k
                    face_k += per_k
                    if k < low_k or k > high_k:
                        break
        if block_leave >= last:
            return seen, sampled
        at = block_leave
        if block_face_i <= block_face_j and block_face_i <= block_face_k:
            block_i += step_i
            block_face_i += per_i * (1 << log2_i)
            if block_i < 0 or block_i >= blocks.shape[2]:
                return seen, sampled
        elif block_face_j <= block_face_k:
            block_j += step_j
            block_face_j += per_j * (1 << log2_j)
            if block_j < 0 or block_j >= blocks.shape[1]:
                return seen, sampled
        else:
            block_k += step_k
            block_face_k += per_k * (1 << log2_k)
            if block_k < 0 or block_k >= blocks.shape[0]:
                return seen, sampled


@njit(cache=True, nogil=True)
def _within(classes, spacing_mm, x, y, z):  # type: ignore[no-untyped-def]
    """Whether a point lies in the grid's box of voxels."""
    n_k, n_j, n_i = classes.shape
    return (
        -0.5 <= x / spacing_mm[0] <= n_i - 0.5
        and -0.5 <= y / spacing_mm[1] <= n_j - 0.5
        and -0.5 <= z / spacing_mm[2] <= n_k - 0.5
    )


@njit(cache=True, nogil=True)
def _count_portion(  # type: ignore[no-untyped-def]
    classes,
    spacing_mm,
    log2_kji,
    still,
    moving,
    line,
    errors,
    end_mm,
    notch,
    min_sample_mm,
    begin,
    end,
    count,
):
    """Add passes ``begin`` to ``end`` to ``count`` (n_structures + 2,); arguments as in ``count_passes``."""
    still_bits, still_blocks = still
    moving_bits, moving_blocks = moving
    entry_mm, axes, motion_axis = line
    offsets_mm, tilts, motions_mm = errors
    rests = still_bits.any()
    moves = moving_bits.any()
    n_structures = len(count) - 2
    for row in range(begin, end):
        x, y, z = entry_mm[0], entry_mm[1], entry_mm[2]
        dx, dy, dz = 0.0, 0.0, 0.0
        for axis in range(3):
            if axis < 2:
                x += offsets_mm[row, axis] * axes[axis, 0]
                y += offsets_mm[row, axis] * axes[axis, 1]
                z += offsets_mm[row, axis] * axes[axis, 2]
            dx += tilts[row, axis] * axes[axis, 0]
            dy += tilts[row, axis] * axes[axis, 1]
            dz += tilts[row, axis] * axes[axis, 2]
        inside = True
        seen = NOTHING
        sampled = 0.0
        for moved in range(2):
            bits, blocks = still_bits, still_blocks
            if moved == 1:
                if not moves:
                    break
                bits, blocks = moving_bits, moving_blocks
                x -= motions_mm[row] * motion_axis[0]
                y -= motions_mm[row] * motion_axis[1]
                z -= motions_mm[row] * motion_axis[2]
            if moved == 1 or rests:
                seen, length = _walk(
                    classes, bits, blocks, log2_kji, spacing_mm, x, y, z, dx, dy, dz, end_mm, notch, seen
                )
                sampled += length
            inside = inside and _within(classes, spacing_mm, x, y, z)
            inside = inside and _within(
                classes, spacing_mm, x + end_mm * dx, y + end_mm * dy, z + end_mm * dz
            )
        for structure in range(n_structures):
            count[structure] += np.int64((seen >> np.uint64(structure)) & np.uint64(1))
        count[n_structures] += sampled >= min_sample_mm
        count[n_structures + 1] += not inside


@njit(cache=True, nogil=True, parallel=True)
def count_passes(  # type: ignore[no-untyped-def]
    classes,
    spacing_mm,
    log2_kji,
    still,
    moving,
    line,
    errors,
    end_mm,
    notch,
    min_sample_mm,
    n_structures,
    per_group,
):
    """How many passes go through each structure and how many take a sample: int64 (G, n_structures + 2).

    classes: unsigned ``[k, j, i]``. still, moving: (bits, blocks) of what stays and of what moves, as in
        ``block_contents`` with ``log2_kji``.
    line: planned entry (3,); axes (3, 3), whose rows are two unit vectors across the planned path and the
        planned direction; and the unit vector (3,) along which tissue moves.
    errors: of each pass the entry's offset (N, 2) along the two cross axes, its direction (N, 3) along
        ``axes``, and the shift (N,) of what moves. A pass through moved tissue is a pass moved the other way
        through tissue at rest.
    end_mm: entry to fired tip; notch: (2,) begin and end of the sampling part, mm from the entry.
    Groups of ``per_group`` successive passes are counted apart. The last two columns: passes with at least
    ``min_sample_mm`` of target in the notch, and passes that leave the grid somewhere (nothing is met there).
    """
    n = len(errors[0])
    portions = (per_group + PORTION - 1) // PORTION
    n_groups = (n + per_group - 1) // per_group
    counts = np.zeros((n_groups * portions, n_structures + 2), np.int64)
    for portion in prange(n_groups * portions):
        group = portion // portions
        begin = group * per_group + (portion % portions) * PORTION
        end = min(begin + PORTION, (group + 1) * per_group, n)
        count = np.zeros(n_structures + 2, np.int64)
        _count_portion(
            classes,
            spacing_mm,
            log2_kji,
            still,
            moving,
            line,
            errors,
            end_mm,
            notch,
            min_sample_mm,
            begin,
            end,
            count,
        )
        counts[portion] = count
    total = np.zeros((n_groups, n_structures + 2), np.int64)
    for portion in range(n_groups * portions):
        total[portion // portions] += counts[portion]
    return total

"""Turns a volume's axes without resampling, so that its slices lie as another image's do."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from trocar.geometry.grid import Grid


def turned(grid: Grid, row_and_column_directions: NDArray[np.float64] | None = None) -> tuple[Grid, AxisTurn]:
    """The same voxels with rows and columns running as closely as possible along the directions given.

    row_and_column_directions: 2x3 in LPS; None asks for the usual axial picture (patient's left to the right of it,
    back at the bottom). Slices go along the right-handed normal. Only axes are swapped and reversed.
    """
    rows = np.eye(3)[:2] if row_and_column_directions is None else np.asarray(row_and_column_directions)
    wanted = np.stack([rows[0], rows[1], np.cross(rows[0], rows[1])])
    cosines = wanted @ grid.directions  # [wanted axis, present axis]
    order = max(permutations(range(3)), key=lambda p: sum(abs(cosines[a, p[a]]) for a in range(3)))
    reverse = tuple(bool(cosines[a, order[a]] < 0) for a in range(3))
    matrix = grid.voxel_to_patient.copy()
    size = grid.size_ijk
    for new, (old, back) in enumerate(zip(order, reverse, strict=True)):
        matrix[:3, new] = grid.voxel_to_patient[:3, old] * (-1 if back else 1)
        if back:
            matrix[:3, 3] += grid.voxel_to_patient[:3, old] * (size[old] - 1)
    shape_kji = (size[order[2]], size[order[1]], size[order[0]])
    return Grid(shape_kji, matrix), AxisTurn(order, reverse)


class AxisTurn:
    """How to turn an ``array[k, j, i]`` in the same way as its grid was."""

    def __init__(self, order_ijk: tuple[int, ...], reverse_ijk: tuple[bool, ...]) -> None:
        self._order_kji = tuple(2 - order_ijk[2 - axis] for axis in range(3))
        self._steps_kji = tuple(slice(None, None, -1 if reverse_ijk[2 - axis] else None) for axis in range(3))

    def __call__(self, array: NDArray) -> NDArray:
        """The array turned: a view, nothing is copied."""
        return array.transpose(self._order_kji)[self._steps_kji]

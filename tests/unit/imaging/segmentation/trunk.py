"""A trunk built from ellipses on a table, whose every voxel is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trocar.geometry.grid import Grid
from trocar.imaging.volume import Volume

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Trunk:
    """volume: the scan; body, lung, bowel_gas, spine: the true masks ``[k, j, i]``."""

    volume: Volume
    body: Bools
    lung: Bools
    bowel_gas: Bools
    spine: Bools


def trunk(
    spacing_mm: tuple[float, float, float] = (1.6, 1.1, 4.0),
    width_mm: float = 420.0,
    noise_hu: float = 15.0,
    blanket: bool = True,
    gas_above_mm: float | None = -50.0,
) -> Trunk:
    """A supine trunk, axes along the patient's (i to the left, j to the back, k to the head).

    The trunk is an ellipse of 320 by 220 mm with 15 mm of fat; the lungs fill its upper half and leave it through the
    last slice; the table is a 4 mm shell, 18 mm behind the back; a sheet lies over the front in folds. A bowel loop in
    front is filled with gas down to y = ``gas_above_mm`` and fluid below it; None puts the gas under the fluid.
    """
    si, sj, sk = spacing_mm
    ni, nj, nk = round(width_mm / si), round(330 / sj), round(160 / sk)
    matrix = np.diag([si, sj, sk, 1.0])
    matrix[:3, 3] = (-(ni - 1) / 2 * si, -150.0, -200.0)
    grid = Grid((nk, nj, ni), matrix)
    x = matrix[0, 3] + si * np.arange(ni)[None, None, :]
    y = matrix[1, 3] + sj * np.arange(nj)[None, :, None]
    z = sk * np.arange(nk)[:, None, None]
    everywhere = np.ones(grid.shape_kji, bool)
    radius = np.hypot(x / 160, y / 110)
    body = (radius <= 1) & everywhere
    flesh = (np.hypot(x / 145, y / 95) <= 1) & everywhere
    lung = ((np.hypot((np.abs(x) - 70) / 50, y / 70) <= 1) & (z >= 90)) & everywhere
    pocket = (np.hypot((x - 40) / 35, (y + 55) / 25) <= 1) & (z < 70) & (z > 16)
    bowel_gas = pocket & (y > -60 if gas_above_mm is None else y < gas_above_mm) & everywhere
    spine = (np.hypot(x, y - 60) <= 18) & everywhere
    hu = np.full(grid.shape_kji, -1000.0)
    hu[body] = -100
    hu[flesh] = 45
    hu[pocket & everywhere] = 10
    hu[lung] = -840
    hu[bowel_gas] = -1000
    hu[spine] = 600
    hu[(np.hypot(x, y - 60) <= 14) & everywhere] = 180
    hu[(np.abs(y - 130) <= 2) & (np.abs(x) < 190) & everywhere] = 50
    if blanket:
        sheet = np.abs(np.hypot(x / 175, y / 125) - 1 - 0.04 * np.sin(z / 12 + x / 60)) < 0.008
        hu[sheet & (y < 40) & everywhere] = -300
        hu[(np.hypot(x + 185, y + 60) <= 4) & everywhere] = 100
    hu += np.random.default_rng(7).normal(0, noise_hu, hu.shape)
    return Trunk(
        Volume(np.clip(np.rint(hu), -1024, 3071).astype(np.int16), grid), body, lung, bowel_gas, spine
    )


def mirrored(volume: Volume, axis: int) -> Volume:
    """The same patient stored the other way along one array axis: every voxel stays where it is in LPS mm."""
    matrix = volume.grid.voxel_to_patient.copy()
    column = 2 - axis
    matrix[:3, 3] += matrix[:3, column] * (volume.hu.shape[axis] - 1)
    matrix[:3, column] *= -1
    return Volume(np.ascontiguousarray(np.flip(volume.hu, axis)), Grid(volume.hu.shape, matrix))


def transposed(volume: Volume, order: tuple[int, int, int]) -> Volume:
    """The same patient with array axes in another order: every voxel stays where it is in LPS mm."""
    columns = [2 - order[2 - column] for column in range(3)]
    matrix = volume.grid.voxel_to_patient.copy()
    matrix[:3, :3] = matrix[:3, columns]
    hu = np.ascontiguousarray(volume.hu.transpose(order))
    return Volume(hu, Grid(hu.shape, matrix))


def turned(volume: Volume, degrees: float, about: tuple[float, float, float]) -> Volume:
    """The same voxels with the whole grid turned in the patient's frame about an axis (oblique slices)."""
    axis = np.array(about) / np.linalg.norm(about)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.deg2rad(degrees)
    turn = np.eye(4)
    turn[:3, :3] += np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return Volume(volume.hu, Grid(volume.hu.shape, turn @ volume.grid.voxel_to_patient))

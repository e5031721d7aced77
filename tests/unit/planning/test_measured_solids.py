"""Angles, bone cortex and pedicle on solids whose measures are known, on oblique grids with unequal spacing."""

from __future__ import annotations

import numpy as np
import pytest

from trocar.geometry.grid import Grid
from trocar.geometry.needle_path import NeedlePath
from trocar.planning.measures import BoneSurface, path_angles, pedicle_width_mm

TURNED = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])


def _grid(axes: np.ndarray, spacing: tuple[float, float, float] = (0.6, 0.8, 1.5)) -> Grid:
    size = np.ceil(np.array([80, 80, 60]) / np.array(spacing)).astype(int)
    matrix = np.eye(4)
    matrix[:3, :3] = axes * np.array(spacing)
    matrix[:3, 3] = -matrix[:3, :3] @ ((size - 1) / 2)
    return Grid((int(size[2]), int(size[1]), int(size[0])), matrix)


def _xyz(grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij")
    x, y, z = np.moveaxis(grid.to_patient(np.stack([i, j, k], -1)), -1, 0)
    return x, y, z


@pytest.mark.parametrize(
    ("direction", "out_of_axial", "in_axial"),
    [
        ((0, -1, 0), 0, 0),
        ((1, -1, 0), 0, 45),  # towards the patient's left
        ((-1, -1, 0), 0, -45),
        ((0, -1, 1), 45, 0),  # towards the head
        ((0, -1, -1), -45, 0),
        ((0, 1, 0), 0, 180),
    ],
)
def test_angles_are_the_patients(direction: tuple[int, ...], out_of_axial: float, in_axial: float) -> None:
    path = NeedlePath(np.zeros(3), np.array(direction, float) * 40, 10)
    angles = path_angles(path, np.array([0.0, -1.0, 0.0]))
    assert angles.out_of_axial == pytest.approx(out_of_axial, abs=1e-9)
    assert angles.in_axial == pytest.approx(in_axial, abs=1e-9)


@pytest.mark.parametrize(
    "axes", [np.eye(3), TURNED, np.diag([1.0, -1.0, -1.0])], ids=["LPS", "oblique", "flipped"]
)
@pytest.mark.parametrize("slant_deg", [0, 25, 50])
def test_the_angle_to_the_cortex_and_its_thickness_along_the_needle(
    axes: np.ndarray, slant_deg: float
) -> None:
    """A plate of bone 30 mm thick with 4 mm of dense cortex, met from behind."""
    grid = _grid(axes)
    _, y, _ = _xyz(grid)
    bone = (y < 15) & (y > -15)
    hu = np.full(grid.shape_kji, 40, np.int16)
    hu[bone] = 150
    hu[bone & (y > 11)] = 1200
    slant = np.radians(slant_deg)
    direction = np.array([np.sin(slant), -np.cos(slant), 0.0])
    hit = np.array([0.0, 15.0, 0.0])
    entry = BoneSurface(bone, hu, grid).entry(NeedlePath(hit - 22 * direction, hit + 5 * direction, 12))
    assert entry is not None
    assert entry.depth_mm == pytest.approx(22, abs=0.8)
    assert entry.angle_deg == pytest.approx(slant_deg, abs=4)
    assert entry.cortex_mm == pytest.approx(4 / np.cos(slant), abs=1.0)


def test_a_path_beside_the_bone_meets_none() -> None:
    grid = _grid(np.eye(3))
    _, y, _ = _xyz(grid)
    surface = BoneSurface(y < -20, np.zeros(grid.shape_kji, np.int16), grid)
    assert surface.entry(NeedlePath(np.array([0, 30.0, 0]), np.array([0, 5.0, 0]), 10)) is None


@pytest.mark.parametrize("side", [1.0, -1.0], ids=["left", "right"])
@pytest.mark.parametrize("width_mm", [6.0, 9.0])
def test_the_pedicle_is_as_wide_as_it_was_built(side: float, width_mm: float) -> None:
    """A bar of bone beside a canal of 8 mm radius, run through lengthwise; then the same on the other side."""
    grid = _grid(np.eye(3), (0.4, 0.8, 1.0))
    x, y, z = _xyz(grid)
    middle = side * (10 + width_mm / 2)
    bar = (np.abs(x - middle) <= width_mm / 2) & (np.abs(z) <= 6) & (np.abs(y) <= 25)
    body = (y < -12) & (y > -35) & (np.abs(x) < 25)
    canal = grid.to_patient(np.argwhere(np.hypot(x, y) <= 8)[:, ::-1])
    surface = BoneSurface(bar | body, np.zeros(grid.shape_kji, np.int16), grid)
    path = NeedlePath(np.array([middle, 38.0, 0]), np.array([middle, -15.0, 0]), 10)
    width = pedicle_width_mm(path, surface, canal, np.array([side, 0.0, 0.0]))
    assert width == pytest.approx(width_mm, abs=0.7)


def test_a_path_in_front_of_the_canal_goes_through_no_pedicle() -> None:
    grid = _grid(np.eye(3))
    x, y, _ = _xyz(grid)
    surface = BoneSurface((y < -12) & (y > -35), np.zeros(grid.shape_kji, np.int16), grid)
    canal = grid.to_patient(np.argwhere(np.hypot(x, y) <= 8)[:, ::-1])
    path = NeedlePath(np.array([35.0, -20.0, 0]), np.array([5.0, -20.0, 0]), 10)
    assert pedicle_width_mm(path, surface, canal, np.array([1.0, 0.0, 0.0])) is None

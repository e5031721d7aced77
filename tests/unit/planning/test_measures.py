"""Angles, bone cortex and pedicles on bodies whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from trocar.geometry.grid import Grid
from trocar.geometry.needle_path import NeedlePath
from trocar.planning.measures import BoneSurface, path_angles, pedicle_width_mm

SPACING = np.array([0.8, 1.0, 1.25])
TURNED = {
    "straight": np.eye(3),
    "LAS": np.diag([1.0, -1.0, 1.0]),
    "feet first": np.diag([1.0, 1.0, -1.0]),
    "coronal": np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]),
}


def grid(directions: np.ndarray) -> Grid:
    matrix = np.eye(4)
    matrix[:3, :3] = directions * SPACING
    size = np.array([90, 80, 70])
    matrix[:3, 3] = -matrix[:3, :3] @ ((size - 1) / 2)
    return Grid((70, 80, 90), matrix)


def coordinates(g: Grid) -> np.ndarray:
    k, j, i = np.indices(g.shape_kji)
    return np.moveaxis(g.to_patient(np.stack([i, j, k], -1)), -1, 0)


def path(
    entry: tuple[float, float, float], tip: tuple[float, float, float], throw_mm: float = 10.0
) -> NeedlePath:
    return NeedlePath(np.array(entry), np.array(tip), throw_mm)


@pytest.mark.parametrize(
    ("direction", "out_of_axial", "in_axial"),
    [
        ((0, -1, 0), 0.0, 0.0),  # from behind straight forwards
        ((1, -1, 0), 0.0, 45.0),  # and towards the patient's left
        ((-1, 0, 0), 0.0, -90.0),  # from the left towards the right
        ((0, 1, 0), 0.0, 180.0),  # from in front
        ((0, -1, 1), 45.0, 0.0),  # tip to the head
        ((0, -1, -np.tan(np.radians(20))), -20.0, 0.0),  # tip to the feet
    ],
)
def test_angles_are_the_patients(direction: tuple[float, ...], out_of_axial: float, in_axial: float) -> None:
    tip = np.array([5.0, 6.0, 7.0])
    needle = NeedlePath(tip - 40 * np.array(direction, float), tip, 10.0)
    angles = path_angles(needle, np.array([0.0, -1.0, 0.0]))
    assert angles.out_of_axial == pytest.approx(out_of_axial, abs=1e-9)
    assert abs(angles.in_axial) == pytest.approx(abs(in_axial), abs=1e-9)
    if abs(in_axial) < 180:
        assert angles.in_axial == pytest.approx(in_axial, abs=1e-9)
    straight = float(np.degrees(np.arccos(-needle.direction_lps[1])))
    assert angles.to_skin == pytest.approx(straight, abs=1e-6)
    assert angles.to_cortex is None


@pytest.mark.parametrize("directions", TURNED.values(), ids=TURNED)
@pytest.mark.parametrize("tilt_deg", [0.0, 25.0, 50.0])
def test_the_cortex_of_a_slab_is_met_at_the_right_depth_and_angle(
    directions: np.ndarray, tilt_deg: float
) -> None:
    """A plate of bone 30 mm thick, its hinder face at y = 10: 4 mm of cortex, then marrow."""
    g = grid(directions)
    _, y, _ = coordinates(g)
    bone = np.abs(y + 5) <= 15
    hu = np.where(bone, np.where(y > 6, 1200, 150), 30).astype(np.int16)
    slant = np.tan(np.radians(tilt_deg))
    needle = path((0.0, 35.0, -25 * slant), (0.0, 8.0, 2 * slant))
    entry = BoneSurface(bone, hu, g).entry(needle)
    assert entry is not None
    step = float(np.abs(np.diag(SPACING) @ g.directions.T @ (0, 1, 0)).max())  # voxels along y
    stretch = 1 / np.cos(np.radians(tilt_deg))
    assert entry.depth_mm == pytest.approx(25 * stretch, abs=step * stretch)
    assert entry.angle_deg == pytest.approx(tilt_deg, abs=4.0)
    assert entry.cortex_mm == pytest.approx(4 * stretch, abs=1.3 * step * stretch)


def test_a_path_that_meets_no_bone_has_no_entry_and_the_throw_counts() -> None:
    g = grid(np.eye(3))
    _, y, _ = coordinates(g)
    bone = y < -10
    surface = BoneSurface(bone, np.zeros(g.shape_kji, np.int16), g)
    assert surface.entry(path((0, 35, 0), (0, 5, 0), throw_mm=10.0)) is None
    assert surface.entry(path((0, 35, 0), (0, 5, 0), throw_mm=20.0)) is not None
    assert not surface.inside(np.array([[0.0, 500, 0], [0, -1, 0]])).any()
    assert surface.inside(np.array([[0.0, -20, 0]])).all()


@pytest.mark.parametrize("directions", TURNED.values(), ids=TURNED)
@pytest.mark.parametrize("width_mm", [6.0, 10.0, 14.0])
def test_the_pedicle_is_as_wide_as_its_narrowest_bone_beside_the_canal(
    directions: np.ndarray, width_mm: float
) -> None:
    """A pedicle along y beside a canal of 16 mm, its width across given; behind and in front of it is more bone."""
    g = grid(directions)
    x, y, z = coordinates(g)
    canal = (np.abs(x) <= 8) & (np.abs(y) <= 8)
    pedicle = (np.abs(x - 8 - width_mm / 2) <= width_mm / 2) & (np.abs(y) <= 10) & (np.abs(z) <= 8)
    body, arch = (y < -8) & (np.abs(x) < 20), (y > 8) & (y < 20) & (np.abs(x) < 22)
    bone = (pedicle | body | arch) & ~canal
    surface = BoneSurface(bone, np.zeros(g.shape_kji, np.int16), g)
    canal_points = g.to_patient(np.argwhere(canal)[:, ::-1])
    middle = 8 + width_mm / 2
    needle = path((middle + 1, 36.0, 0.0), (middle - 0.5, -12.0, 0.0))
    lateral = np.array([1.0, 0.0, 0.0])
    found = pedicle_width_mm(needle, surface, canal_points, lateral)
    across = float(np.abs(np.diag(SPACING) @ g.directions.T @ (1, 0, 0)).max())
    assert found == pytest.approx(width_mm, abs=1.5 * across)
    beside = path((34.0, 36.0, 0.0), (34.0, -5.0, 0.0), throw_mm=5.0)
    assert pedicle_width_mm(beside, surface, canal_points, lateral) is None

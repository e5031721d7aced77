"""Targets as voxels and points: on unequal spacing and turned grids, where a wrong axis shows."""

from __future__ import annotations

import numpy as np
import pytest

from trocar.errors import InputRefused
from trocar.geometry.grid import Box, Grid
from trocar.imaging.structures import StructureSet
from trocar.planning.target import (
    TargetRegion,
    mask_region,
    organ_pole_region,
    point_region,
    spread_points,
    vertebral_body,
)

Mask = np.ndarray
SPACING = np.array([1.0, 1.5, 2.5])


def grid(directions: np.ndarray | None = None, size: tuple[int, int, int] = (60, 50, 48)) -> Grid:
    """Voxels of unequal size; the size is (i, j, k)."""
    matrix = np.eye(4)
    matrix[:3, :3] = (np.eye(3) if directions is None else directions) * SPACING
    matrix[:3, 3] = (-20, 12, 300)
    return Grid((size[2], size[1], size[0]), matrix)


def points_of(g: Grid) -> np.ndarray:
    """Centres of all voxels ``[k, j, i, 3]``."""
    k, j, i = np.indices(g.shape_kji)
    return g.to_patient(np.stack([i, j, k], -1))


def egg(g: Grid, axis: np.ndarray, half: tuple[float, float] = (32.0, 16.0)) -> tuple[Mask, np.ndarray]:
    """An ellipsoid about the grid's middle, longest along ``axis``, with a bay in its side; and the middle."""
    middle = g.corners_lps_mm().mean(axis=0)
    offset = points_of(g) - middle
    along = offset @ axis
    across = offset - along[..., None] * axis
    side = np.cross(axis, (0.3, 1.0, 0.1))
    side /= np.linalg.norm(side)
    bay = (
        (offset @ side > 3)
        & (np.abs(along) < 6)
        & (np.linalg.norm(across - (across @ side)[..., None] * side, axis=-1) < 5)
    )
    return ((along / half[0]) ** 2 + (np.linalg.norm(across, axis=-1) / half[1]) ** 2 <= 1) & ~bay, middle


def pole(mask: Mask, g: Grid, **changed: float) -> TargetRegion:
    asked = {
        "fraction": 1 / 3,
        "shell_mm": 8.0,
        "closing_mm": 8.0,
        "deeper_than_mm": 14.0,
        "sinus_clearance_mm": 4.0,
    }
    return organ_pole_region(
        StructureSet(g, None, {}, {"kidney_left": mask}), "kidney_left", **(asked | changed)
    )


TURNED = {
    "straight": np.eye(3),
    "feet first": np.diag([1.0, 1.0, -1.0]),
    "coronal": np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]),
}


@pytest.mark.parametrize("directions", TURNED.values(), ids=TURNED)
def test_the_lower_pole_lies_towards_the_feet_along_the_organs_own_axis(directions: np.ndarray) -> None:
    g = grid(directions, (70, 70, 48) if directions[2, 2] else (70, 66, 50))
    axis = np.array([0.25, 0.2, 0.95]) / np.linalg.norm([0.25, 0.2, 0.95])
    mask, middle = egg(g, axis)
    region = pole(mask, g)
    along = (region.grid.to_patient(np.argwhere(region.mask)[:, ::-1]) - middle) @ axis
    assert along.max() < -32 / 3 + 2.5
    assert along.min() < -28
    assert region.long_axis_lps is not None
    assert region.long_axis_lps @ axis > 0.99  # and towards the head, not the feet
    assert region.hosts == ("kidney_left",)


def test_the_target_is_a_shell_under_the_capsule_and_keeps_off_the_sinus() -> None:
    g = grid(size=(70, 70, 48))
    mask, _ = egg(g, np.array([0.0, 0.0, 1.0]))
    region = pole(mask, g)
    whole = np.zeros(g.shape_kji, bool)
    whole[region.box.slices_kji] = region.mask
    cortex = region.sample_mask
    assert cortex.sum() > region.mask.sum()  # any cortex of the organ is a good sample
    outside = points_of(g)[~mask]
    depth = np.array([np.linalg.norm(outside - point, axis=1).min() for point in points_of(g)[whole][::37]])
    assert depth.max() < 8 + 2.5
    sinus = region.grid.to_patient(np.argwhere(region.zones["kidney_left_sinus"])[:, ::-1])
    inner = points_of(g)[whole]
    assert min(np.linalg.norm(inner - point, axis=1).min() for point in sinus[::11]) >= 4 - 0.01


def test_an_organ_that_the_scans_edge_cuts_has_no_lower_pole() -> None:
    g = grid(size=(70, 70, 48))
    mask, _ = egg(g, np.array([0.0, 0.0, 1.0]))
    low = int(np.argwhere(mask)[:, 0].min())
    cut = Grid(
        (g.shape_kji[0] - low - 3, *g.shape_kji[1:]), g.crop((0, 0, low + 3), g.size_ijk).voxel_to_patient
    )
    with pytest.raises(InputRefused, match="cut by the edge of the scan"):
        pole(mask[low + 3 :], cut)
    high = int(np.argwhere(mask)[:, 0].max())
    upper = Grid((high - 2, *g.shape_kji[1:]), g.voxel_to_patient)
    assert pole(mask[: high - 2], upper).mask.any()  # only the upper pole is missing


def test_what_is_not_there_is_refused() -> None:
    g = grid()
    empty = np.zeros(g.shape_kji, bool)
    with pytest.raises(InputRefused, match="hold no kidney_left"):
        organ_pole_region(
            StructureSet(g, None, {}, {}), "kidney_left", fraction=0.3, shell_mm=8, closing_mm=5,
            deeper_than_mm=16, sinus_clearance_mm=5,
        )  # fmt: skip
    with pytest.raises(InputRefused, match="kidney_left is empty"):
        pole(empty, g)
    with pytest.raises(InputRefused, match="lesion is empty"):
        mask_region("lesion", empty, g, ())
    mask, _ = egg(g, np.array([0.0, 0.0, 1.0]), (20.0, 9.0))
    with pytest.raises(InputRefused, match="far enough from its sinus"):
        pole(mask, g, sinus_clearance_mm=40.0, deeper_than_mm=4.0)


@pytest.mark.parametrize("directions", TURNED.values(), ids=TURNED)
def test_a_point_stands_for_a_ball_round_it(directions: np.ndarray) -> None:
    g = grid(directions)
    point = g.to_patient((31.3, 22.8, 17.4))
    region = point_region(point, g, 3.0, ("bone",))
    inside = region.grid.to_patient(np.argwhere(region.mask)[:, ::-1])
    distance = np.linalg.norm(points_of(g) - point, axis=-1)
    assert len(inside) == (distance <= 3.0).sum()
    assert np.linalg.norm(region.centre_lps_mm - point) < 0.7
    assert region.volume_ml == pytest.approx(4 / 3 * np.pi * 27 / 1000, rel=0.2)
    assert region.holds(point[None])[0]


def test_of_a_point_no_more_is_asked_than_its_ball_can_give() -> None:
    g = grid()
    region = point_region(g.to_patient((30, 20, 18)), g, 3.0, ())
    assert region.least_sample_mm(9.0) == pytest.approx(3.0, abs=0.3)
    assert region.least_sample_mm(2.0) == 2.0
    lesion = np.zeros(g.shape_kji, bool)
    lesion[17:19, 19:21, 29:31] = True
    assert mask_region("lesion", lesion, g, ()).least_sample_mm(9.0) == 9.0


def test_a_point_between_coarse_voxels_and_one_off_the_scan() -> None:
    g = grid()
    coarse = Grid((6, 6, 6), np.diag([20.0, 20.0, 20.0, 1.0]))
    assert point_region(coarse.to_patient((2.4, 2.4, 2.4)), coarse, 3.0, ()).mask.sum() == 1
    with pytest.raises(InputRefused, match="lies outside the scan; give it in patient LPS"):
        point_region(g.to_patient((61, 20, 18)), g, 3.0, ())


def test_spread_points_cover_the_mask_and_are_the_same_every_time() -> None:
    g = grid()
    mask, _ = egg(g, np.array([0.0, 0.0, 1.0]))
    few, many = spread_points(mask, g, 16, 7), spread_points(mask, g, 64, 7)
    assert np.array_equal(few, many[:16])  # farthest first: more points only fill the gaps
    everywhere = points_of(g)[mask]
    gap = [
        max(np.linalg.norm(chosen - point, axis=1).min() for point in everywhere[::23])
        for chosen in (few, many)
    ]
    assert gap[1] < gap[0] < 25
    assert gap[1] < 12
    index = np.rint(g.to_voxel(many)).astype(int)
    assert mask[index[:, 2], index[:, 1], index[:, 0]].all()
    assert len(np.unique(many.round(3), axis=0)) == 64
    assert (
        len(
            spread_points(
                mask & (np.indices(mask.shape)[0] == 20) & (np.indices(mask.shape)[1] == 20), g, 64, 7
            )
        )
        < 64
    )


def test_spread_points_do_not_depend_on_how_the_voxels_are_stored() -> None:
    g = grid()
    mask, _ = egg(g, np.array([0.2, 0.3, 0.9]) / np.linalg.norm([0.2, 0.3, 0.9]))
    matrix = g.voxel_to_patient.copy()
    matrix[:3, 3] = g.to_patient((0, 0, g.size_ijk[2] - 1))
    matrix[:3, 2] *= -1
    flipped = Grid(g.shape_kji, matrix)
    assert np.allclose(spread_points(mask, g, 32, 7), spread_points(mask[::-1], flipped, 32, 7), atol=1e-6)


def test_holds_knows_its_own_voxels_only() -> None:
    g = grid()
    mask = np.zeros(g.shape_kji, bool)
    mask[10:14, 20:25, 30:33] = True
    region = mask_region("lesion", mask, g, ())
    assert region.box == Box((30, 20, 10), (33, 25, 14))
    inside = g.to_patient([(30, 20, 10), (32.49, 24.49, 13.49), (29.51, 19.51, 9.51)])
    outside = g.to_patient([(29.49, 20, 10), (32.51, 24, 13), (31, 22, 14.0), (0, 0, 0), (500, 0, 0)])
    assert region.holds(inside).all()
    assert not region.holds(outside).any()
    assert region.volume_ml == pytest.approx(60 * SPACING.prod() / 1000)


def test_a_vertebras_body_is_what_lies_in_front_of_its_canal() -> None:
    g = grid(np.diag([1.0, -1.0, 1.0]))  # rows from back to front
    vertebra = np.zeros(g.shape_kji, bool)
    canal = np.zeros(g.shape_kji, bool)
    vertebra[15:25, 10:45, 20:40] = True
    canal[5:40, 18:26, 26:34] = True
    vertebra &= ~canal
    body = vertebral_body(vertebra, canal, g)
    y = points_of(g)[..., 1]
    assert body.any()
    assert y[body].max() < y[canal].min() + 1.6
    assert y[vertebra & ~body].min() > y[body].max()
    assert np.array_equal(vertebral_body(vertebra, canal & False, g), vertebra)
    higher = np.roll(canal, 0) & (np.indices(canal.shape)[0] > 30)
    assert np.array_equal(vertebral_body(vertebra, higher, g), vertebra)  # no canal at this level

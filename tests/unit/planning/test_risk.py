"""Modelled risk: what is answered, what is left open, and that it follows the patient and not the grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from trocar.geometry.grid import Grid
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.planning.plan import PathRisk
from trocar.planning.risk import REPEATS, GuidanceError, half_width, path_risk

NEEDLE = Needle("sample gun", 18, 160.0, 22.0, 2.0, 18.0, 1.3)
ERRORS = GuidanceError.from_means(6.1, 3.4, "T1", "R")
MOVING = GuidanceError.from_means(6.1, 3.4, "T1", "R", motion_mean_mm=4.0)


@dataclass(frozen=True)
class Tissue:
    """The fields of a tissue map."""

    grid: Grid
    classes: NDArray[np.uint8]
    members: NDArray[np.bool_]
    names: tuple[str, ...]
    absent: tuple[str, ...] = ()


def tissue_of(grid: Grid, **masks: NDArray[np.bool_]) -> Tissue:
    """Masks that may overlap, as classes of distinct combinations."""
    columns = np.stack(list(masks.values()), axis=-1).reshape(-1, len(masks))
    packed = np.packbits(columns, axis=1)
    _, first, classes = np.unique(
        packed.view(f"V{packed.shape[1]}").ravel(), return_index=True, return_inverse=True
    )
    assert not columns[first[0]].any()  # class 0 is nothing
    return Tissue(grid, classes.reshape(grid.shape_kji).astype(np.uint8), columns[first], tuple(masks))


def oblique_grid(
    shape_kji: tuple[int, int, int], spacing: tuple[float, float, float], centre: tuple[float, ...]
) -> Grid:
    """Axes along nothing in particular, the middle of the grid at ``centre``."""
    turn, _ = np.linalg.qr(np.array([[0.9, 0.2, -0.3], [0.1, 0.8, 0.5], [0.4, -0.4, 0.8]]))
    matrix = np.eye(4)
    matrix[:3, :3] = turn * spacing
    matrix[:3, 3] = np.array(centre) - matrix[:3, :3] @ ((np.array(shape_kji[::-1]) - 1) / 2)
    return Grid(shape_kji, matrix)


def points_of(grid: Grid) -> NDArray[np.float64]:
    """Centres of all voxels (K, J, I, 3) in LPS mm."""
    k, j, i = np.indices(grid.shape_kji)
    return grid.to_patient(np.stack([i, j, k], axis=-1))


GRID = oblique_grid((50, 60, 70), (2.0, 2.3, 2.7), (10.0, -20.0, 30.0))
PATH = NeedlePath(np.array([10.0, 45.0, 30.0]), np.array([10.0, -15.0, 30.0]), NEEDLE.throw_mm)
"""Straight from back to front, notch from y = -17 to -35."""


@cache
def scene() -> Tissue:
    """A target round the notch, a structure to each side of the path, one in it, one behind."""
    x, y, z = np.moveaxis(points_of(GRID), -1, 0)
    return tissue_of(
        GRID,
        target=np.hypot(np.hypot(x - 10, y + 26), z - 30) < 12,
        lesion=np.hypot(np.hypot(x - 10, y + 26), z - 30) < 8,
        left=(x > 16) & (np.abs(y - 10) < 8),
        right=(x < 4) & (np.abs(y - 10) < 8),
        head=(z > 36) & (np.abs(y - 10) < 8),
        feet=(z < 24) & (np.abs(y - 10) < 8),
        wall=np.abs(y - 30) < 3,
        behind=y < -50,
    )


NAMES = ("left", "right", "head", "feet", "wall", "behind")


def risk_of(
    tissue: Tissue, path: NeedlePath = PATH, errors: GuidanceError | None = ERRORS, **more: object
) -> PathRisk:
    """One path with the usual question."""
    question: dict[str, object] = {
        "target": ("target",),
        "mobile": (),
        "harm": NAMES,
        "min_sample_mm": 9.0,
        "seed": 1,
    } | more
    return path_risk([path], NEEDLE, tissue, errors=errors, **question)[0]  # type: ignore[arg-type]


def test_it_works() -> None:
    risk = risk_of(scene())
    assert risk.sample is not None
    assert 0.5 < risk.sample < 1.0
    assert risk.harm["wall"] == 1.0
    assert risk.harm["behind"] == 0.0
    for name in ("left", "right", "head", "feet"):
        assert risk.harm[name] == pytest.approx(risk.harm["left"], abs=0.03)  # alike but for their voxels
        assert 0.1 < (risk.harm[name] or 0) < 0.3
    assert risk.error is not None
    assert 0 < risk.error < 0.005
    assert "4.87 mm" in risk.method
    assert "2.71°" in risk.method
    assert "not an outcome" in risk.method
    assert "seed 1" in risk.method
    assert "leave" not in risk.method


def test_no_sourced_figures_no_probability() -> None:
    risk = risk_of(scene(), errors=None)
    assert risk == PathRisk(None, {}, None, "no sourced error figures for this guidance")


def test_unverified_figures_say_so() -> None:
    assert "unverified" in risk_of(scene(), errors=GuidanceError(3.0, 2.0, 0.0, "judgement", "U")).method


def test_not_judged_is_none_and_the_rest_is_answered() -> None:
    risk = risk_of(scene(), not_judged=("left", "colon"), harm=(*NAMES, "colon"))
    assert risk.harm["left"] is None
    assert risk.harm["colon"] is None
    assert risk.harm["wall"] == 1.0
    assert tuple(risk.harm) == (*NAMES, "colon")
    assert risk_of(scene(), not_judged=("target",)).sample is None


def test_a_name_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError, match="spleen"):
        risk_of(scene(), harm=("spleen",))


def test_absent_from_reach_is_no_harm() -> None:
    tissue = scene()
    tissue = Tissue(tissue.grid, tissue.classes, tissue.members, tissue.names, absent=("spleen",))
    assert risk_of(tissue, harm=("spleen", "wall")).harm == {"spleen": 0.0, "wall": 1.0}


def test_no_error_is_yes_or_no() -> None:
    """Without any error each probability is 0 or 1: whether the planned path does it."""
    still = GuidanceError(0.0, 0.0, 0.0, "none", "U")
    risk = risk_of(scene(), errors=still)
    assert risk.sample == 1.0
    assert [risk.harm[name] for name in NAMES] == [0, 0, 0, 0, 1, 0]
    assert risk_of(scene(), errors=still, min_sample_mm=18.0).sample == 1.0  # the whole notch, to the hair
    assert risk_of(scene(), errors=still, min_sample_mm=18.1).sample == 0.0
    assert risk_of(scene(), errors=still, target=("lesion",), min_sample_mm=17.0).sample == 0.0


def test_the_throw_counts() -> None:
    """What only the fired tip reaches is harmed; with a shorter throw it is not."""
    x, y, _ = np.moveaxis(points_of(GRID), -1, 0)
    tissue = tissue_of(GRID, target=np.abs(y + 26) < 12, vessel=(y < -31) & (y > -36) & (np.abs(x - 10) < 20))
    still = GuidanceError(0.0, 0.0, 0.0, "none", "U")
    assert risk_of(tissue, errors=still, harm=("vessel",)).harm["vessel"] == 1.0
    short = NeedlePath(PATH.entry_lps_mm, PATH.tip_lps_mm, 12.0)
    assert risk_of(tissue, path=short, errors=still, harm=("vessel",)).harm["vessel"] == 0.0


def test_only_what_is_mobile_moves_and_only_head_to_feet() -> None:
    """Motion makes the structures beside it in z likelier to be met, and leaves those beside it in x alone."""
    rest = risk_of(scene(), errors=ERRORS, mobile=NAMES)
    moved = risk_of(scene(), errors=MOVING, mobile=NAMES)
    still = risk_of(scene(), errors=MOVING, mobile=())
    for name in ("head", "feet"):
        assert (moved.harm[name] or 0) > (rest.harm[name] or 0) + 0.03
    for name in ("left", "right", "wall", "behind"):
        assert moved.harm[name] == pytest.approx(rest.harm[name], abs=0.012)
    assert still.harm == pytest.approx(rest.harm, abs=0.01)


def test_a_target_that_moves_is_sampled_less_often() -> None:
    far = GuidanceError(0.1, 0.1, 8.0, "none", "U")
    still, moved = (risk_of(scene(), errors=far, mobile=mobile).sample or 0 for mobile in ((), ("target",)))
    assert still == 1.0
    assert moved < 0.85


def test_a_target_moves_as_a_whole() -> None:
    with pytest.raises(ValueError, match="as a whole"):
        risk_of(scene(), target=("target", "lesion"), mobile=("lesion",), errors=MOVING)


def test_many_structures() -> None:
    """More than one machine word of structures: each is answered as it would be alone."""
    x, y, z = np.moveaxis(points_of(GRID), -1, 0)
    masks = {f"slab {n}": (x > 10 + 0.2 * n) & (np.abs(y - 10) < 4) for n in range(80)}
    tissue = tissue_of(GRID, target=np.hypot(np.hypot(x - 10, y + 26), z - 30) < 12, **masks)
    together = risk_of(tissue, harm=tuple(masks))
    for name in ("slab 0", "slab 62", "slab 63", "slab 79"):
        assert risk_of(tissue, harm=(name,)).harm[name] == pytest.approx(together.harm[name], abs=0.01)
    values = [together.harm[name] or 0.0 for name in masks]
    assert values == sorted(values, reverse=True)


def test_passes_that_leave_are_told() -> None:
    path = NeedlePath(np.array([10.0, 170.0, 30.0]), np.array([10.0, -15.0, 30.0]), NEEDLE.throw_mm)
    assert "leave the part of the scan" in risk_of(scene(), path=path).method


def test_same_bits_for_any_number_of_threads_and_any_company() -> None:
    """Also alone or among other paths: every path meets the same errors."""
    other = NeedlePath(np.array([15.0, 45.0, 25.0]), np.array([10.0, -15.0, 30.0]), NEEDLE.throw_mm)
    tissue = scene()
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = risk_of(tissue, errors=MOVING, mobile=("left",))
    finally:
        numba.set_num_threads(before)
    both = path_risk(
        [other, PATH],
        NEEDLE,
        tissue,
        target=("target",),
        mobile=("left",),
        harm=NAMES,
        min_sample_mm=9.0,
        errors=MOVING,
        seed=1,
    )
    assert both[1] == one
    assert both[0] != one


def test_seeds_differ_by_no_more_than_the_error() -> None:
    """Twenty seeds: of 140 differences from their common mean none exceeds the stated error (99.7 % each)."""
    risks = [risk_of(scene(), seed=seed) for seed in range(20)]
    for name in (*NAMES, None):
        values = np.array([(risk.sample if name is None else risk.harm[name]) or 0.0 for risk in risks])
        errors = np.array([risk.error or 0.0 for risk in risks])
        assert (np.abs(values - values.mean()) <= errors).all()
    assert len({risk.sample for risk in risks}) > 1


@pytest.mark.parametrize("flips", [(0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_how_the_grid_runs_is_of_no_matter(flips: tuple[int, ...]) -> None:
    """The same patient with rows, columns or slices stored the other way round: the same, to a pass or two."""
    tissue = scene()
    matrix = tissue.grid.voxel_to_patient.copy()
    classes = tissue.classes
    for axis in flips:
        size = tissue.grid.size_ijk[axis]
        matrix[:3, 3] += matrix[:3, axis] * (size - 1)
        matrix[:3, axis] *= -1
        classes = np.flip(classes, axis=2 - axis)
    flipped = Tissue(
        Grid(tissue.grid.shape_kji, matrix), np.ascontiguousarray(classes), tissue.members, tissue.names
    )
    first, second = (risk_of(t, errors=MOVING, mobile=("head", "feet", "target")) for t in (tissue, flipped))
    assert first.sample == pytest.approx(second.sample, abs=2e-4)
    assert first.harm == pytest.approx(second.harm, abs=2e-4)


def test_left_is_left() -> None:
    """A path shifted to the patient's left, +x in LPS, meets what lies on the left, not its mirror image."""
    shift = np.array([6.0, 0, 0])
    risk = risk_of(
        scene(), path=NeedlePath(PATH.entry_lps_mm + shift, PATH.tip_lps_mm + shift, NEEDLE.throw_mm)
    )
    assert (risk.harm["left"] or 0) > 0.4
    assert (risk.harm["right"] or 0) < 0.05


def test_head_is_up() -> None:
    shift = np.array([0, 0, 6.0])
    risk = risk_of(
        scene(), path=NeedlePath(PATH.entry_lps_mm + shift, PATH.tip_lps_mm + shift, NEEDLE.throw_mm)
    )
    assert (risk.harm["head"] or 0) > 0.4
    assert (risk.harm["feet"] or 0) < 0.05


def test_half_width_is_honest_at_the_ends() -> None:
    """Repeats that agree on nothing or all still leave room; those that differ are judged by Student's t."""
    counts = np.zeros((REPEATS, 3), np.int64)
    counts[:, 1] = 1024
    counts[:, 2] = 512 + np.tile([-8, 8], REPEATS // 2)
    none, every, half = half_width(counts, 1024)
    assert none == every == 8.0 / (1024 * REPEATS)
    spread = (8 / 1024) * math.sqrt(REPEATS / (REPEATS - 1)) / math.sqrt(REPEATS)
    assert half == pytest.approx(3.535 * spread, rel=1e-3)  # t with 15 degrees of freedom at 99.85 %


@pytest.mark.parametrize("bad", [(-1.0, 1.0, 0.0), (1.0, math.nan, 0.0), (1.0, 1.0, math.inf)])
def test_impossible_sigmas(bad: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="sigmas"):
        GuidanceError(*bad, "T1", "R")


def test_a_source_is_needed() -> None:
    with pytest.raises(ValueError, match="source"):
        GuidanceError(1.0, 1.0, 0.0, "", "R")


def test_sigmas_from_means() -> None:
    """Rayleigh: mean = 1.2533 sigma; half-normal: mean = 0.7979 sigma."""
    errors = GuidanceError.from_means(1.2533141, 2.5066283, "T1", "R", motion_mean_mm=0.7978846)
    assert (errors.entry_sigma_mm, errors.angle_sigma_deg, errors.motion_sigma_mm) == pytest.approx(
        (1, 2, 1), rel=1e-6
    )

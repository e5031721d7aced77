"""Clearances and probabilities of bodies whose true values are known from a formula.

Nothing here is tuned to the planner: distances come from elementary geometry, probabilities from the normal,
Rayleigh and non-central chi-square distributions (scipy.stats). A voxel belongs to a body where its centre
does, so that the surface of its voxels lies within half a voxel's diagonal of the true surface. Bodies with
faces on voxel faces have no such error, and what is said of them must hold to rounding (clearances) or to the
stated numerical error (probabilities).

Grids are oblique and unequally spaced throughout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from trocar.geometry.grid import Grid
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.clearance import ClearanceIndex
from trocar.planning.plan import PathRisk
from trocar.planning.risk import GuidanceError, _Passes, path_risk

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]
SMALL_ANGLE = 0.001
"""Room for taking sin(x) as x where the formula does and the model does not: x is below 0.15 in all but 1 of 1000."""

TURN, _ = np.linalg.qr(np.array([[0.8, -0.5, 0.2], [0.3, 0.7, 0.6], [-0.4, -0.3, 0.9]]))
ENTRY = np.array([-30.0, 60.0, -110.0])
"""Where the phantoms' path enters; its direction is the grid's second axis unless said otherwise."""
AXIS_I, AXIS_J, AXIS_K = TURN.T
NEEDLE = Needle("phantom gun", 18, 200.0, 20.0, 2.0, 18.0, 1.3)
LENGTH_MM = 80.0
PATH = NeedlePath(ENTRY, ENTRY + LENGTH_MM * AXIS_J, NEEDLE.throw_mm)
FIRED_MM = LENGTH_MM + NEEDLE.throw_mm


def grid_round(
    spacing: tuple[float, float, float], low_mm: tuple[float, ...], high_mm: tuple[float, ...]
) -> Grid:
    """A grid along TURN; its outer faces lie at ``low_mm`` and ``high_mm`` from the entry along its axes."""
    size = np.round((np.array(high_mm) - low_mm) / spacing).astype(int)
    matrix = np.eye(4)
    matrix[:3, :3] = TURN * spacing
    matrix[:3, 3] = ENTRY + TURN @ (np.array(low_mm) + np.array(spacing) / 2)
    return Grid((int(size[2]), int(size[1]), int(size[0])), matrix)


def along_axes(grid: Grid) -> tuple[Float, Float, Float]:
    """Of every voxel's centre, mm from the entry along the grid's axes: across, deep, across."""
    k, j, i = np.indices(grid.shape_kji)
    from_entry = (grid.to_patient(np.stack([i, j, k], axis=-1)) - ENTRY) @ TURN
    return from_entry[..., 0], from_entry[..., 1], from_entry[..., 2]


def half_diagonal(grid: Grid) -> float:
    return float(np.linalg.norm(grid.spacing_mm)) / 2


@dataclass(frozen=True)
class Tissue:
    """The fields of a tissue map, for bodies that do not overlap."""

    grid: Grid
    classes: NDArray[np.uint8]
    members: Mask
    names: tuple[str, ...]
    absent: tuple[str, ...] = ()


def tissue_of(grid: Grid, **masks: Mask) -> Tissue:
    classes = np.zeros(grid.shape_kji, np.uint8)
    for number, mask in enumerate(masks.values(), start=1):
        assert not classes[mask].any()
        classes[mask] = number
    return Tissue(grid, classes, np.eye(len(masks) + 1, dtype=bool)[:, 1:], tuple(masks))


def risk_of(
    tissue: Tissue,
    errors: GuidanceError,
    path: NeedlePath = PATH,
    target: tuple[str, ...] = (),
    mobile: tuple[str, ...] = (),
    min_sample_mm: float = 1.0,
    seed: int = 1,
) -> PathRisk:
    return path_risk(
        [path],
        NEEDLE,
        tissue,
        target=target,
        mobile=mobile,
        harm=tissue.names,
        min_sample_mm=min_sample_mm,
        errors=errors,
        seed=seed,
    )[0]


def sigmas(entry_mm: float = 0.0, angle_deg: float = 0.0, motion_mm: float = 0.0) -> GuidanceError:
    return GuidanceError(entry_mm, angle_deg, motion_mm, "phantom", "C")


def segments(count: int, seed: int, spread_mm: float = 45.0) -> tuple[Float, Float]:
    """Segments all over the place, in LPS."""
    rng = np.random.default_rng(seed)
    starts = ENTRY + rng.uniform(-spread_mm, spread_mm, (count, 3))
    return starts, starts + rng.normal(scale=25.0, size=(count, 3))


def to_segment(points: Float, start: Float, end: Float) -> Float:
    """Distance of points (..., 3) to one segment."""
    along = np.clip((points - start) @ (end - start) / ((end - start) @ (end - start)), 0, 1)
    return np.asarray(np.linalg.norm(points - start - along[..., None] * (end - start), axis=-1))


class TestClearance:
    """Clearances of segments to bodies."""

    def test_slab_exactly(self) -> None:
        """Its faces are voxel faces, and it reaches the grid's edge: the nearer end of a segment tells."""
        grid = grid_round((0.7, 1.1, 1.6), (-35, -33, -32), (35, 33, 32))
        _, deep, _ = along_axes(grid)
        index = ClearanceIndex.of_masks(grid, {"slab": (deep > 1.1 * 3) & (deep < 1.1 * 12)})
        rng = np.random.default_rng(1)
        # Segments that keep to the slab's own extent across, so that its edges do not matter.
        flat = rng.uniform(-30, 30, (60, 2, 3)) * (1, 3, 1)
        starts, ends = (ENTRY + flat[:, n] @ TURN.T for n in (0, 1))
        low, high = flat[..., 1].min(axis=1), flat[..., 1].max(axis=1)
        true = np.maximum(np.maximum(1.1 * 3 - high, low - 1.1 * 12), 0)
        assert (true == 0).any()
        assert (true > 20).any()
        np.testing.assert_allclose(index.clearances(starts, ends)[:, 0], true, atol=1e-9)

    def test_box_exactly(self) -> None:
        """A box of whole voxels: the distance to its nearest point, found by a general minimiser's dense search."""
        grid = grid_round((0.7, 1.1, 1.6), (-35, -33, -32), (35, 33, 32))
        i, j, k = along_axes(grid)
        low, high = np.array([-7.0, 3.3, -8.0]), np.array([10.5, 13.2, 16.0])
        inside = [(c > a) & (c < b) for c, a, b in zip((i, j, k), low, high, strict=True)]
        index = ClearanceIndex.of_masks(grid, {"box": inside[0] & inside[1] & inside[2]})
        starts, ends = segments(40, 2)
        found = index.clearances(starts, ends)[:, 0]
        for start, end, distance in zip(starts, ends, found, strict=True):
            t = np.linspace(0, 1, 20001)[:, None]
            points = ((start + t * (end - start)) - ENTRY) @ TURN
            sampled = np.linalg.norm(points - np.clip(points, low, high), axis=1).min()
            assert distance - 1e-9 <= sampled <= distance + np.linalg.norm(end - start) / 40000 + 1e-9

    @pytest.mark.parametrize("refine", [1.0, 0.5])
    def test_sphere(self, refine: float) -> None:
        grid = grid_round((0.9 * refine, 1.2 * refine, 1.6 * refine), (-18, -18, -19.2), (18, 18, 19.2))
        i, j, k = along_axes(grid)
        centre, radius = np.array([2.3, -1.7, 3.1]), 12.4
        mask = np.sqrt((i - centre[0]) ** 2 + (j - centre[1]) ** 2 + (k - centre[2]) ** 2) <= radius
        starts, ends = segments(300, 3, spread_mm=25.0)
        middle = ENTRY + TURN @ centre
        true = np.array([to_segment(middle, s, e) - radius for s, e in zip(starts, ends, strict=True)])
        found = ClearanceIndex.of_masks(grid, {"sphere": mask}).clearances(starts, ends)[:, 0]
        assert np.abs(found - np.maximum(true, 0)).max() <= half_diagonal(grid)
        assert (found[true < -half_diagonal(grid)] == 0).all()
        assert 20 < (found == 0).sum() < 200

    def test_cylinder(self) -> None:
        """A long cylinder, slanting through the grid; only segments nearest to its middle part."""
        grid = grid_round((0.8, 1.0, 1.3), (-32, -32, -32.5), (32, 32, 32.5))
        voxels = np.stack(along_axes(grid), axis=-1)
        along = np.array([0.4, 0.3, 0.85]) / np.linalg.norm([0.4, 0.3, 0.85])
        half_mm, radius = 30.0, 5.3
        mask = to_segment(voxels, -half_mm * along, half_mm * along) <= radius
        starts, ends = segments(300, 4, spread_mm=20.0)
        found = ClearanceIndex.of_masks(grid, {"cylinder": mask}).clearances(starts, ends)[:, 0]
        t = np.linspace(-half_mm, half_mm, 6001)
        line = ENTRY + (t[:, None] * along) @ TURN.T
        checked = 0
        for start, end, distance in zip(starts, ends, found, strict=True):
            to_line = to_segment(line, start, end)
            if abs(t[to_line.argmin()]) < half_mm - 5:  # the rounded end is not in question
                checked += 1
                assert distance == pytest.approx(
                    max(0.0, to_line.min() - radius), abs=half_diagonal(grid) + 0.005
                )
        assert checked > 150


class TestHarm:
    """Probabilities of meeting bodies."""

    def test_slab_by_entry_error(self) -> None:
        """Beside the path from skin to tip: the normal distribution, of each side and of a wall between."""
        grid = grid_round((1.0, 5.0, 6.0), (-30, -5, -30), (30, 105, 30))
        i, _, _ = along_axes(grid)
        tissue = tissue_of(grid, far=i > 7, wall=(i > 2) & (i < 7), other=i < -4)
        risk = risk_of(tissue, sigmas(entry_mm=5.0))
        normal = stats.norm(scale=5.0)
        true = {"far": normal.sf(7), "wall": normal.cdf(7) - normal.cdf(2), "other": normal.cdf(-4)}
        assert risk.harm == pytest.approx(true, abs=risk.error)

    def test_slab_by_entry_and_angle(self) -> None:
        """Entry and tip are jointly normal across the path; the slab is met where one of both lies in it."""
        grid = grid_round((1.0, 5.0, 6.0), (-60, -10, -60), (60, 110, 60))
        i, _, _ = along_axes(grid)
        risk = risk_of(tissue_of(grid, slab=i > 6), sigmas(entry_mm=4.87, angle_deg=2.71))
        at_entry, at_tip = 4.87, math.hypot(4.87, FIRED_MM * math.radians(2.71))
        both = stats.multivariate_normal(cov=[[at_entry**2, at_entry**2], [at_entry**2, at_tip**2]])
        assert risk.harm["slab"] == pytest.approx(
            1 - both.cdf([6.0, 6.0]), abs=(risk.error or 0) + SMALL_ANGLE
        )

    def test_slab_by_a_large_angle(self) -> None:
        """The angle itself is Rayleigh, its way round even; no small angles here."""
        grid = grid_round((1.0, 5.0, 4.0), (-104, 0, -104), (104, 105, 104))
        i, _, _ = along_axes(grid)
        risk = risk_of(tissue_of(grid, slab=i > 20), sigmas(angle_deg=15.0))
        sigma = math.radians(15.0)
        lowest = math.asin(20 / FIRED_MM)

        def share(angle: float) -> float:
            round_about = math.acos(min(1.0, 20 / (FIRED_MM * math.sin(angle)))) / math.pi
            return float(stats.rayleigh.pdf(angle, scale=sigma)) * round_about

        true, _ = integrate.quad(share, lowest, math.pi / 2)
        assert 0.05 < true < 0.3
        assert risk.harm["slab"] == pytest.approx(true, abs=(risk.error or 0) + SMALL_ANGLE)

    @pytest.mark.parametrize(("entry", "angle"), [(5.0, 0.0), (4.87, 2.71), (0.0, 4.0)])
    def test_sphere(self, entry: float, angle: float) -> None:
        """The line's miss distance from a sphere beside it is Rician: non-central chi-square with two
        degrees.

        The grid holds the sphere only. Its voxels' shadow lies between discs half a diagonal smaller and
        larger.
        """
        depth, beside, radius = 60.0, np.array([5.0, -3.0]), 7.0
        grid = grid_round((0.1, 0.15, 0.12), (-3, 52.5, -10.2), (13, 67.5, 4.2))
        i, j, k = along_axes(grid)
        mask = (i - beside[0]) ** 2 + (j - depth) ** 2 + (k - beside[1]) ** 2 <= radius**2
        risk = risk_of(tissue_of(grid, sphere=mask), sigmas(entry_mm=entry, angle_deg=angle))
        sigma = math.hypot(entry, depth * math.radians(angle))

        def met(r: float) -> float:
            return float(stats.ncx2.cdf((r / sigma) ** 2, 2, (np.linalg.norm(beside) / sigma) ** 2))

        room = (risk.error or 0) + SMALL_ANGLE
        found = risk.harm["sphere"] or 0.0
        assert met(radius - half_diagonal(grid)) - room <= found <= met(radius + half_diagonal(grid)) + room
        assert met(radius + half_diagonal(grid)) - met(radius - half_diagonal(grid)) < 0.025

    def test_sphere_by_a_path_along_no_axis(self) -> None:
        """As above, the path slanting through the grid."""
        depth, radius = 60.0, 7.0
        direction = TURN @ (np.array([0.5, 0.6, -0.4]) / np.linalg.norm([0.5, 0.6, -0.4]))
        beside = np.cross(direction, AXIS_K)
        middle = TURN.T @ (depth * direction + 4.0 * beside / np.linalg.norm(beside))
        low, high = (np.round((middle + side * 9.0) / 0.9) * 0.9 for side in (-1, 1))
        grid = grid_round((0.25, 0.3, 0.2), tuple(low), tuple(high))
        voxels = np.stack(along_axes(grid), axis=-1)
        mask = np.linalg.norm(voxels - middle, axis=-1) <= radius
        path = NeedlePath(ENTRY, ENTRY + LENGTH_MM * direction, NEEDLE.throw_mm)
        risk = risk_of(tissue_of(grid, sphere=mask), sigmas(entry_mm=4.87, angle_deg=2.71), path)
        sigma = math.hypot(4.87, depth * math.radians(2.71))
        low_p, high_p = (
            float(stats.ncx2.cdf(((radius + side * half_diagonal(grid)) / sigma) ** 2, 2, (4.0 / sigma) ** 2))
            for side in (-1, 1)
        )
        room = (risk.error or 0) + SMALL_ANGLE
        assert low_p - room <= (risk.harm["sphere"] or 0) <= high_p + room

    def test_cylinder_along_the_path(self) -> None:
        """Rice's distribution (Marcum's Q) within a voxel, and exactly what its voxels' shadow says."""
        beside, radius, entry = np.array([4.0, 2.0]), 6.0, 5.0
        grid = grid_round((0.5, 5.0, 0.4), (-3, -5, -6), (11, 105, 10))
        i, _, k = along_axes(grid)
        mask = (i - beside[0]) ** 2 + (k - beside[1]) ** 2 <= radius**2
        risk = risk_of(tissue_of(grid, cylinder=mask), sigmas(entry_mm=entry))
        half_i, half_k = 0.25, 0.2
        normal = stats.norm(scale=entry)
        shadow = [
            (normal.cdf(x + half_i) - normal.cdf(x - half_i))
            * (normal.cdf(z + half_k) - normal.cdf(z - half_k))
            for x, z in zip(i[:, 0][mask[:, 0]], k[:, 0][mask[:, 0]], strict=True)
        ]
        assert risk.harm["cylinder"] == pytest.approx(sum(shadow), abs=risk.error)
        rice = stats.rice(b=np.linalg.norm(beside) / entry, scale=entry)
        assert risk.harm["cylinder"] == pytest.approx(rice.cdf(radius), abs=(risk.error or 0) + 0.005)

    def test_motion(self) -> None:
        """A mobile half of the patient towards the head: motion and entry error add up; what rests feels only
        entry.

        The path lies in the axial plane, the grid is the patient's own here, stored feet first and mirrored.
        """
        matrix = np.diag([1.1, -2.0, -1.0, 1.0])
        matrix[:3, 3] = (-30, 110, 59.5)
        grid = Grid((120, 60, 60), matrix)
        kji = np.indices(grid.shape_kji)
        z = grid.to_patient(np.stack(kji[::-1], axis=-1))[..., 2]
        mask = z > 6
        path = NeedlePath(np.array([0.0, 100, 0]), np.array([0.0, 20, 0]), NEEDLE.throw_mm)
        for mobile, spread in ((("half",), math.hypot(3.0, 5.0)), ((), 3.0)):
            risk = risk_of(tissue_of(grid, half=mask), sigmas(3.0, 0.0, 5.0), path, mobile=mobile)
            assert risk.harm["half"] == pytest.approx(stats.norm.sf(6, scale=spread), abs=risk.error)

    def test_motion_towards_head_and_feet(self) -> None:
        """A mobile plate just towards the head of the path: met where it has moved to the feet by 2 to 7 mm."""
        grid = Grid(
            (80, 30, 30), np.array([[2.0, 0, 0, -29], [0, 4, 0, -10], [0, 0, 0.5, -19.75], [0, 0, 0, 1]])
        )
        z = grid.to_patient(np.stack(np.indices(grid.shape_kji)[::-1], axis=-1))[..., 2]
        path = NeedlePath(np.array([0.0, 100, 0]), np.array([0.0, 20, 0]), NEEDLE.throw_mm)
        risk = risk_of(tissue_of(grid, plate=(z > 2) & (z < 7)), sigmas(0, 0, 4.0), path, mobile=("plate",))
        true = stats.norm.cdf(7, scale=4.0) - stats.norm.cdf(2, scale=4.0)
        assert risk.harm["plate"] == pytest.approx(true, abs=risk.error)

    def test_stated_error_holds(self) -> None:
        """24 walls times 10 seeds: of 240 differences from the truth at most 2 exceed the stated error.

        Each may exceed it in 0.3 % of cases if it were the largest of its run, and most are not.
        """
        grid = grid_round((1.0, 10.0, 10.0), (-16, -5, -50), (16, 105, 50))
        i, _, _ = along_axes(grid)
        walls = {f"wall {n}": (i > n) & (i < n + 1) for n in range(-12, 12)}
        tissue = tissue_of(grid, **walls)
        beyond = 0
        for seed in range(10):
            risk = risk_of(tissue, sigmas(entry_mm=5.0), seed=seed)
            assert (risk.error or 1) < 0.005
            for n in range(-12, 12):
                true = stats.norm.cdf(n + 1, scale=5.0) - stats.norm.cdf(n, scale=5.0)
                beyond += abs((risk.harm[f"wall {n}"] or 0) - true) > (risk.error or 0)
        assert beyond <= 2


class TestSample:
    """Probabilities of a sample."""

    def test_sphere_round_the_notch(self) -> None:
        """A chord of at least 8 mm through a sphere: the line must pass within a known distance of its centre."""
        radius = 6.0
        deep = LENGTH_MM + NEEDLE.notch_centre_mm
        grid = grid_round((0.1, 0.1, 0.12), (-6.5, deep - 6.5, -6.6), (6.5, deep + 6.5, 6.6))
        i, j, k = along_axes(grid)
        tissue = tissue_of(grid, target=i**2 + (j - deep) ** 2 + k**2 <= radius**2)
        risk = risk_of(tissue, sigmas(entry_mm=5.0), target=("target",), min_sample_mm=8.0)
        # Towards the rim a chord shortens by r / sqrt(r^2 - 16) mm for each mm, so that the room is wider
        # than a voxel.
        low, high = (
            float(stats.rayleigh.cdf(math.sqrt((radius + side * half_diagonal(grid)) ** 2 - 16), scale=5.0))
            for side in (-1, 1)
        )
        assert low - (risk.error or 0) <= (risk.sample or 0) <= high + (risk.error or 0)
        assert high - low < 0.035

    def test_slab_by_angle(self) -> None:
        """A target that begins at a depth: the more the needle tilts, the less of its notch gets there."""
        begins, wanted = 88.0, 11.0
        grid = grid_round((4.0, 1.0, 4.0), (-60, 50, -60), (60, 120, 60))
        _, j, _ = along_axes(grid)
        risk = risk_of(
            tissue_of(grid, target=j > begins),
            sigmas(angle_deg=6.0),
            target=("target",),
            min_sample_mm=wanted,
        )
        notch_end = LENGTH_MM + NEEDLE.notch_start_mm + NEEDLE.notch_length_mm
        # The notch is in it for (notch_end * cos - begins) / cos.
        largest = math.acos(begins / (notch_end - wanted))
        true = stats.rayleigh.cdf(largest, scale=math.radians(6.0))
        assert 0.2 < true < 0.8
        assert risk.sample == pytest.approx(true, abs=risk.error)

    def test_target_that_moves(self) -> None:
        """A mobile slab 10 mm thick across the head-to-feet axis: sampled while it has not moved away by half."""
        grid = Grid(
            (80, 30, 30), np.array([[2.0, 0, 0, -29], [0, 4, 0, -10], [0, 0, 0.5, -19.75], [0, 0, 0, 1]])
        )
        z = grid.to_patient(np.stack(np.indices(grid.shape_kji)[::-1], axis=-1))[..., 2]
        path = NeedlePath(np.array([0.0, 100, 0]), np.array([0.0, 20, 0]), NEEDLE.throw_mm)
        tissue = tissue_of(grid, target=np.abs(z) < 5)
        true = stats.norm.cdf(5, scale=4.0) - stats.norm.cdf(-5, scale=4.0)
        moved = risk_of(tissue, sigmas(0, 0, 4.0), path, ("target",), ("target",), 10.0)
        assert moved.sample == pytest.approx(true, abs=moved.error)
        assert risk_of(tissue, sigmas(0, 0, 4.0), path, ("target",), (), 10.0).sample == 1.0


class TestPublishedMeans:
    """The errors that are drawn have the means that were published."""

    def test_means_of_lengths(self) -> None:
        offsets, tilts, motions = _Passes(GuidanceError.from_means(6.1, 3.4, "T1", "R", 6.4), seed=3).block(0)
        angles = np.degrees(np.arccos(tilts[:, 2]))
        assert np.hypot(*offsets.T).mean() == pytest.approx(6.1, rel=2e-3)
        assert angles.mean() == pytest.approx(3.4, rel=2e-3)
        assert np.abs(motions).mean() == pytest.approx(6.4, rel=2e-3)
        np.testing.assert_allclose(np.linalg.norm(tilts, axis=1), 1.0, atol=1e-12)

    def test_lengths_are_rayleigh(self) -> None:
        """Spread and shape too: standard deviation 0.5227 of the mean, and the whole distribution."""
        offsets, tilts, motions = _Passes(GuidanceError.from_means(6.1, 3.4, "T1", "R", 6.4), seed=4).block(0)
        lengths = np.hypot(*offsets.T)
        assert lengths.std() / lengths.mean() == pytest.approx(math.sqrt(4 / math.pi - 1), rel=5e-3)
        for values, law in (
            (lengths, stats.rayleigh(scale=6.1 / math.sqrt(math.pi / 2))),
            (np.degrees(np.arccos(tilts[:, 2])), stats.rayleigh(scale=3.4 / math.sqrt(math.pi / 2))),
            (motions, stats.norm(scale=6.4 * math.sqrt(math.pi / 2))),
        ):
            assert stats.kstest(values, law.cdf).statistic < 0.01

    def test_no_way_round_is_preferred_and_entry_and_tilt_are_apart(self) -> None:
        offsets, tilts, motions = _Passes(GuidanceError.from_means(6.1, 3.4, "T1", "R", 6.4), seed=5).block(0)
        together = np.corrcoef(np.column_stack([offsets, tilts[:, :2], motions]).T) - np.eye(5)
        assert np.abs(together).max() < 0.01

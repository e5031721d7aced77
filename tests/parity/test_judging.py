"""Judging of pairs against the plain definition, pair by pair.

Codes of geometry and crossings must agree exactly: both sides are exact but for rounding, and random pairs do not lie
within rounding of a limit. Clearances may differ by 0.35 mm, the planner's promise: at most 0.25 mm from trilinear
lookup beside a corner, 0.05 mm from quanta of 0.1 mm, the rest from the steps along the needle.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest

from tests.parity.slow_twins import boxes_of, met, segment_to_boxes
from tests.parity.test_distance_map import tissue
from trocar.geometry.grid import Grid
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.judging import Judgement, PairJudge, PairLimits
from trocar.imaging.tissue import TissueMap

NEEDLE = Needle("test needle", 18, 19.0, 4.0, 1.0, 2.5, 1.2)
LIMITS = PairLimits(to_skin_deg=65.0, tilt_deg=50.0, shortest_mm=3.0)
ACCURACY_MM = 0.35
SHORT = Needle("short needle", 18, 60.0, 4.0, 1.0, 2.5, 1.2)


def case(
    seed: int, spacing: tuple[float, float, float]
) -> tuple[TissueMap, np.ndarray, np.ndarray, np.ndarray]:
    """Tissue, entries on two sides (some outside), their normals, samples in the middle."""
    t = tissue(spacing, seed)
    rng = np.random.default_rng(seed)
    extent = np.array(t.grid.size_ijk) * np.array(spacing)
    entries = rng.random((60, 3)) * extent - np.array(spacing) / 2
    entries[:30, 1] = -0.4 * spacing[1]
    entries[30:55, 2] = extent[2] - 0.6 * spacing[2]
    entries[55:, 1] = -1.2 * spacing[1]  # in front of the scan
    normals = np.zeros((60, 3))
    normals[:30, 1] = 1.0
    normals[30:55, 2] = -1.0
    normals[55:, 1] = 1.0
    return t, entries, normals, extent * (0.25 + 0.5 * rng.random((9, 3)))


def slow_reason(
    t: TissueMap,
    entry: np.ndarray,
    normal: np.ndarray,
    sample: np.ndarray,
    needle: Needle,
    forbidden: tuple[str, ...],
) -> str:
    """The first limit that a pair breaks, in words; empty where none. Tissue here has the identity as its axes."""
    reach = np.linalg.norm(sample - entry)
    if reach - needle.notch_centre_mm > needle.length_mm:
        return "too long"
    if reach - needle.notch_centre_mm < LIMITS.shortest_mm:
        return "too near"
    path = NeedlePath.through(entry, sample, needle)
    if np.degrees(np.arccos(path.direction_lps @ normal)) > LIMITS.to_skin_deg:
        return "angle to skin"
    if abs(np.degrees(np.arcsin(path.direction_lps[2]))) > LIMITS.tilt_deg:
        return "tilt"
    if not t.grid.contains(np.stack([entry, path.fired_tip_lps_mm])).all():
        return "leaves scan"
    hits = {n: met(entry, path.fired_tip_lps_mm, t.mask(n), t.spacing_mm) for n in forbidden}
    hits = {n: where for n, where in hits.items() if where is not None}
    return f"crosses {min(hits, key=lambda n: (round(hits[n], 9), n))}" if hits else ""


@pytest.mark.parametrize("spacing", [(0.7, 0.7, 2.5), (1.3, 0.6, 1.0), (3.0, 3.0, 3.0)])
def test_reasons_and_clearances(spacing: tuple[float, float, float]) -> None:
    scale = float(np.prod(spacing)) ** (1 / 3) / 1.07
    t, entries, normals, samples = case(2, spacing)
    needle = Needle("scaled", 18, 19.0 * scale, 4.0, 1.0, 2.5, 1.2)
    forbidden = ("s02", "s00")
    judge = PairJudge(t, forbidden, {"s00": 1.5, "s03": 2.0}, ["s01", "s02"], cap_mm=9.0)
    verdict = judge.judge(entries, normals, samples, needle, LIMITS)
    kept = {tuple(p): n for n, p in enumerate(verdict.survivors)}
    boxes = {n: boxes_of(t.mask(n), t.spacing_mm) for n in t.names}
    worst = 0.0
    seen = set()
    for e in range(len(entries)):
        for s in range(len(samples)):
            label = verdict.label_of(verdict.reason[e, s])
            seen.add(label.split(" mm")[0])
            reason = slow_reason(t, entries[e], normals[e], samples[s], needle, forbidden)
            if reason or not (label == "" or label.startswith("nearer")):
                assert label == reason, (e, s)
                continue
            path = NeedlePath.through(entries[e], samples[s], needle)
            exact = {n: segment_to_boxes(entries[e], path.fired_tip_lps_mm, *boxes[n]) for n in t.names}
            if label:
                name = label.split()[-1]
                assert exact[name] < judge.margins_mm[name] + ACCURACY_MM
                assert (e, s) not in kept
                continue
            row = kept[(e, s)]
            for column, name in enumerate(verdict.names):
                off = verdict.clearances[row, column] - min(exact[name], 9.0)
                worst = max(worst, abs(off))
                assert exact[name] > judge.margins_mm.get(name, 0.0) - ACCURACY_MM
            assert abs(verdict.lengths_mm[row] - path.length_mm) < 1e-9
    assert worst <= ACCURACY_MM
    assert {"", "too long", "angle to skin", "tilt", "leaves scan", "crosses s00"} <= seen
    assert any(label.startswith("nearer") for label in seen)
    assert sum(verdict.counts.values()) + len(verdict.survivors) == verdict.reason.size


def test_a_needle_in_a_tube_is_not_stopped_by_lookups_across_it() -> None:
    """Along the middle of a tube lookups are too small by more than the tolerance: there the boxes decide."""
    rng = np.random.default_rng(3)
    spacing = np.array([1.5, 1.5, 3.0])
    grid = Grid((24, 40, 40), np.diag([*spacing, 1.0]))
    at = np.moveaxis(np.indices((24, 40, 40))[::-1], 0, -1) * spacing
    reasons: dict[bool, int] = {True: 0, False: 0}
    for _ in range(60):
        middle = np.array([30.0, 0.0, 36.0]) + rng.uniform(-1.5, 1.5, 3)
        far = np.linalg.norm((at - middle)[..., [0, 2]], axis=-1)
        radius = rng.uniform(6.0, 9.0)
        tube = (far > radius) & (far < radius + 5.0) & (at[..., 1] > 15.0)
        t = TissueMap.build(grid, None, {}, {"tube": tube}, ["tube"])
        entry, sample = middle * (1, 0, 1), middle * (1, 0, 1) + (0.0, 50.0, 0.0)
        fired = NeedlePath.through(entry, sample, SHORT).fired_tip_lps_mm
        exact = segment_to_boxes(entry, fired, *boxes_of(tube, t.spacing_mm))
        margin = exact - rng.uniform(0.0, 0.7)
        judge = PairJudge(t, (), {"tube": margin}, (), cap_mm=12.0)
        verdict = judge.judge([entry], [(0.0, 1.0, 0.0)], [sample], SHORT, PairLimits())
        label = verdict.label_of(verdict.reason[0, 0])
        assert label in ("", f"nearer than {margin:g} mm to tube")
        assert not label or exact < margin + ACCURACY_MM
        reasons[label == ""] += 1
    assert min(reasons.values()) > 5


def same(a: Judgement, b: Judgement) -> bool:
    return a.reason.tobytes() == b.reason.tobytes() and a.clearances.tobytes() == b.clearances.tobytes()


def test_threads_and_order_change_nothing() -> None:
    t, entries, normals, samples = case(5, (0.7, 0.7, 2.5))
    before = numba.get_num_threads()
    verdicts = []
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            judge = PairJudge(t, ["s00", "s02"], {"s00": 1.5, "s03": 2.0}, ["s01"], 9.0)
            verdicts.append(judge.judge(entries, normals, samples, NEEDLE, LIMITS))
    finally:
        numba.set_num_threads(before)
    assert same(*verdicts)
    judge = PairJudge(t, ["s02", "s00"], {"s03": 2.0, "s00": 1.5}, ["s01"], 9.0)
    order = np.random.default_rng(0).permutation(len(entries))
    mixed = judge.judge(entries[order], normals[order], samples[::-1], NEEDLE, LIMITS)
    words = np.vectorize(mixed.label_of)(mixed.reason)
    assert (words == np.vectorize(verdicts[0].label_of)(verdicts[0].reason)[order][:, ::-1]).all()
    columns = [mixed.names.index(n) for n in verdicts[0].names]
    again = {(int(order[e]), len(samples) - 1 - int(s)): n for n, (e, s) in enumerate(mixed.survivors)}
    rows = [again[(int(e), int(s))] for e, s in verdicts[0].survivors]
    assert np.array_equal(mixed.clearances[rows][:, columns], verdicts[0].clearances)


def test_paired_is_the_diagonal() -> None:
    t, entries, normals, _ = case(6, (0.7, 0.7, 2.5))
    samples = np.random.default_rng(1).permutation(entries) * 0.5 + 5.0
    judge = PairJudge(t, ["s00"], {"s00": 1.0}, ["s03"], 9.0)
    every = judge.judge(entries, normals, samples, NEEDLE, LIMITS)
    single = judge.judge(entries, normals, samples, NEEDLE, LIMITS, paired=True)
    assert np.array_equal(single.reason[:, 0], np.diagonal(every.reason))
    rows = [n for n, (e, s) in enumerate(every.survivors) if e == s]
    assert len(rows) > 0
    assert np.array_equal(single.clearances, every.clearances[rows])


def test_oblique_grid_moves_with_the_patient() -> None:
    """The same case on axes that are rotated and mirrored has the same answers, tilt excepted."""
    t, entries, normals, samples = case(7, (0.7, 0.9, 2.0))
    turn = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]]) @ np.diag([1, -1, 1])
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ t.grid.voxel_to_patient[:3, :3]
    matrix[:3, 3] = (12.0, -40.0, 7.0)
    moved = TissueMap(type(t.grid)(t.grid.shape_kji, matrix), t.classes, t.members, t.names)
    limits = PairLimits(65.0, 90.0, 3.0)
    one = PairJudge(t, ["s00"], {"s00": 1.0}, ["s03"], 9.0).judge(entries, normals, samples, NEEDLE, limits)
    there = PairJudge(moved, ["s00"], {"s00": 1.0}, ["s03"], 9.0).judge(
        entries @ turn.T + matrix[:3, 3], normals @ turn.T, samples @ turn.T + matrix[:3, 3], NEEDLE, limits
    )
    assert np.array_equal(one.reason, there.reason)
    assert np.abs(one.clearances - there.clearances).max() < 1e-3


def test_measured_together_is_the_least_of_all() -> None:
    """Structures that share a margin may be measured as one: the slack stays within 0.35 mm of the exact one, and the
    structure named for a broken margin is one that is as near as that."""
    t, entries, normals, samples = case(9, (0.7, 0.7, 2.5))
    margins = {"s00": 1.5, "s02": 1.5}
    judge = PairJudge(t, ["s00", "s02"], margins, {"s03": 1.0, "s01": 1.0}, 9.0, singly=["s01"])
    assert len(judge.fields.names) == 3
    verdict = judge.judge(entries, normals, samples, NEEDLE, LIMITS)
    assert verdict.names == ("s01",)
    asked = margins | {"s03": 1.0, "s01": 1.0}
    boxes = {n: boxes_of(t.mask(n), t.spacing_mm) for n in t.names}
    named = set()

    def exact(e: int, s: int) -> dict[str, float]:
        tip = NeedlePath.through(entries[e], samples[s], NEEDLE).fired_tip_lps_mm
        return {n: min(segment_to_boxes(entries[e], tip, *boxes[n]), 9.0) for n in t.names}

    for row, (e, s) in enumerate(verdict.survivors):
        clear = exact(e, s)
        assert abs(verdict.slack_mm[row] - min(clear[n] - mm for n, mm in asked.items())) <= ACCURACY_MM
        assert abs(verdict.clearances[row, 0] - clear["s01"]) <= ACCURACY_MM
    for e, s in np.argwhere(verdict.reason >= 16):
        label = verdict.label_of(verdict.reason[e, s])
        if label.startswith("nearer"):
            named.add(label.split()[-1])
            assert exact(e, s)[label.split()[-1]] < 1.5 + ACCURACY_MM
    assert len(verdict.survivors) > 20
    assert named == {"s00", "s02"}

"""Pairs that are left: limits of the throw against plain counting, thinning, refining."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.unit.planning.test_anatomy import patient, request
from trocar.geometry.grid import Grid
from trocar.geometry.needle_path import Needle
from trocar.planning.anatomy import Anatomy, build_anatomy
from trocar.planning.candidates import Candidates, TargetLimits, shortlist
from trocar.planning.request import PlanRequest
from trocar.planning.target import TargetRegion
from trocar.planning.targeting import find_target


@cache
def case() -> tuple[PlanRequest, Needle, Anatomy, TargetRegion]:
    asked = request()
    region = find_target(asked, *patient())
    needle = asked.protocol.needle(None)
    return asked, needle, build_anatomy(asked, needle, *patient(), region), region


def limits(**changed: float | None) -> TargetLimits:
    asked, needle, anatomy, region = case()
    own = asked.protocol.limits
    values = {
        name: None if value is None else replace(getattr(own, name), value=value)
        for name, value in changed.items()
    }
    protocol = replace(asked.protocol, limits=replace(own, **values))
    return TargetLimits(protocol, needle, anatomy, region, patient()[0].grid)


def pairs(count: int, seed: int = 3) -> Candidates:
    """Random entries behind the patient's left side, with random samples in the target."""
    _, _, _, region = case()
    random = np.random.default_rng(seed)
    entries = random.uniform((20, 92, -80), (110, 96, 40), (count, 3))
    samples = region.samples_lps_mm(64, 1)[random.integers(64, size=count)]
    return Candidates(np.arange(count), entries, samples, {"number": np.arange(count)})


def counted_mm(mask: np.ndarray, grid: Grid, start: np.ndarray, end: np.ndarray) -> float:
    """Length in a mask by very small steps."""
    length = float(np.linalg.norm(end - start))
    at = start + (np.arange(4000)[:, None] + 0.5) / 4000 * (end - start)
    index = np.rint(grid.to_voxel(at)).astype(int)
    inside = ((index >= 0) & (index < grid.size_ijk)).all(axis=1)
    found = np.zeros(4000, bool)
    i, j, k = index[inside].T
    found[inside] = mask[k, j, i]
    return float(found.mean()) * length


def test_lengths_in_target_and_organ_agree_with_counting_small_steps() -> None:
    _, needle, _, region = case()
    volume, structures = patient()
    asked = limits(
        min_sample_mm=1e-6, min_tip_inside_mm=None, max_tip_inside_mm=None, min_to_scan_edge_mm=0.0
    )
    kept = asked.keep(pairs(60), {})
    assert len(kept) > 30
    kidney = structures.mask("kidney_left")
    for row in range(0, len(kept), 3):
        entry, sample = kept.entries_lps_mm[row], kept.samples_lps_mm[row]
        along = (sample - entry) / np.linalg.norm(sample - entry)
        tip = sample - along * needle.notch_centre_mm
        notch = tip + along * needle.notch_start_mm
        end = notch + along * needle.notch_length_mm
        taken = counted_mm(region.sample_mask, region.grid, notch, end)
        assert kept.values["sample_length"][row] == pytest.approx(taken, abs=0.03)
        inside = counted_mm(kidney, volume.grid, entry, tip)
        assert kept.values["tip_inside"][row] == pytest.approx(inside, abs=0.1)


def test_each_pair_that_falls_out_is_counted_under_the_first_limit_it_breaks() -> None:
    rejected: dict[str, int] = {"before": 5}
    start = pairs(400)
    kept = limits().keep(start, rejected)
    assert rejected.pop("before") == 5
    assert sum(rejected.values()) + len(kept) == len(start)
    assert set(rejected) <= {
        "nearer than 5 mm to the edge of the scan",
        "takes less than 9 mm of the target",
        "tip short of the capsule before the throw",
        "tip more than 10 mm inside before the throw",
    }
    assert len(rejected) >= 2
    assert (kept.values["sample_length"] >= 9).all()
    assert ((kept.values["tip_inside"] > 0) & (kept.values["tip_inside"] <= 10)).all()
    assert set(kept.values["number"]) < set(range(400))


def test_limits_do_what_they_say() -> None:
    start = pairs(400)
    loose = limits(min_sample_mm=0.1, min_tip_inside_mm=None, max_tip_inside_mm=None, min_to_scan_edge_mm=0.0)
    everything = loose.keep(start, {})
    for changed, name, holds in (
        ({"min_sample_mm": 12.0}, "sample_length", lambda v: v >= 12),
        ({"max_tip_inside_mm": 4.0}, "tip_inside", lambda v: v <= 4),
        ({"min_tip_inside_mm": 3.0}, "tip_inside", lambda v: v >= 3),
    ):
        base = {
            "min_sample_mm": 0.1, "min_tip_inside_mm": None, "max_tip_inside_mm": None, "min_to_scan_edge_mm": 0.0,
        }  # fmt: skip
        kept = limits(**(base | changed)).keep(start, {})  # type: ignore[arg-type]
        expected = everything.values["number"][holds(everything.values[name])]
        assert set(kept.values["number"]) == set(expected), name
        assert 0 < len(kept) < len(everything)


def test_what_comes_too_near_to_the_scans_edge_falls_out() -> None:
    grid = patient()[0].grid
    bottom = grid.corners_lps_mm()[:, 2].min()
    start = pairs(2)
    entries = np.array([[60.0, 93.0, bottom + 4.9], [60.0, 93.0, bottom + 5.1]])
    near = Candidates(start.entry_index, entries, start.samples_lps_mm, {})
    rejected: dict[str, int] = {}
    free = limits(min_sample_mm=1e-6, min_tip_inside_mm=None, max_tip_inside_mm=None)
    kept = free.keep(near, rejected)
    assert rejected.get("nearer than 5 mm to the edge of the scan") == 1
    assert len(kept) <= 1


def test_the_shortlist_holds_the_best_and_no_two_alike() -> None:
    asked = case()[0]
    start = limits().keep(pairs(400), {})
    values = {**start.values, "length": np.linalg.norm(start.samples_lps_mm - start.entries_lps_mm, axis=1)}
    full = Candidates(start.entry_index, start.entries_lps_mm, start.samples_lps_mm, values)
    chosen = shortlist(full, asked.protocol, 10)
    assert 1 < len(chosen) <= 10
    for one in range(len(chosen)):
        for other in range(one):
            entry = np.linalg.norm(chosen.entries_lps_mm[one] - chosen.entries_lps_mm[other])
            sample = np.linalg.norm(chosen.samples_lps_mm[one] - chosen.samples_lps_mm[other])
            assert max(entry, sample) > 4.0
    again = shortlist(full, asked.protocol, 10)
    assert np.array_equal(chosen.entry_index, again.entry_index)
    assert len(shortlist(full.take([]), asked.protocol, 10)) == 0

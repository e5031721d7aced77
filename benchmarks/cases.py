"""The cases that are measured: two real CTs, five targets, ten structures each, 100,000 pairs of skin and target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray

from trocar.clinical.department import effective, load_department
from trocar.clinical.loading import load_protocol
from trocar.geometry.grid import Box
from trocar.geometry.needle_path import Needle
from trocar.imaging.judging import PairJudge, PairLimits
from trocar.imaging.nifti import read_structures, read_volume
from trocar.imaging.structures import StructureSet
from trocar.imaging.tissue import TissueMap
from trocar.imaging.volume import Volume
from trocar.planning.access import skin_entries
from trocar.planning.anatomy import build_anatomy
from trocar.planning.planner import CAP_MM, pair_limits
from trocar.planning.request import PlanRequest
from trocar.planning.targeting import find_target
from trocar.samples.fetch import sample_path

Float = NDArray[np.float64]
TODAY = date(2026, 1, 1)
PAIRS = 100_000
MARGIN_MM = 3.0

TARGETS = {
    "chest, T11": ("chest", "bone_biopsy", "vertebrae_T11"),
    "chest, T8": ("chest", "bone_biopsy", "vertebrae_T8"),
    "chest, rib 9 left": ("chest", "bone_biopsy", "rib_left_9"),
    "abdomen, left kidney": ("abdomen", "kidney_biopsy", None),
    "abdomen, L3": ("abdomen", "bone_biopsy", "vertebrae_L3"),
}
STRUCTURES = {
    "chest": (
        "aorta", "inferior_vena_cava", "heart", "esophagus", "lung_lower_lobe_left", "lung_lower_lobe_right", "liver",
        "spleen", "rib_left_10", "rib_right_10",
    ),
    "abdomen": (
        "aorta", "inferior_vena_cava", "colon", "small_bowel", "liver", "spleen", "kidney_right", "rib_left_12",
        "vertebrae_L2", "vertebrae_L4",
    ),
}  # fmt: skip


@cache
def volume(scan: str) -> Volume:
    """The CT of ``scan``: chest (512x512x133) or abdomen (122x101x112)."""
    return read_volume(sample_path(f"{scan}_ct"))


@cache
def structures(scan: str) -> StructureSet:
    """Its labels."""
    return read_structures(sample_path(f"{scan}_labels"))


def request(protocol: str, target: str | None, **changes: object) -> PlanRequest:
    """The question as the command line would put it."""
    loaded = load_protocol(protocol)
    rules = effective(loaded, load_department(None), TODAY)
    usable = rules.for_planning(loaded.default_guidance, loaded.default_needle)
    side = "left" if target is None else None
    return PlanRequest(usable, TODAY, side, target_name=target, stamps=rules.stamps, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Case:
    """100,000 pairs that a needle could reach: entry n with sample n, sorted by entry. LPS mm."""

    scan: str
    names: tuple[str, ...]
    entries: Float
    normals: Float
    samples: Float
    needle: Needle
    limits: PairLimits

    @property
    def fired_tips(self) -> Float:
        """(N, 3) where the tips are after the throw."""
        along = self.samples - self.entries
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        return self.samples + along * (self.needle.throw_mm - self.needle.notch_centre_mm)

    def tissue(self) -> TissueMap:
        """The crop in the needle's reach, as the planner cuts it."""
        scan, labels = volume(self.scan), structures(self.scan)
        reach = self.needle.length_mm + self.needle.throw_mm
        box = Box.around(scan.grid, self.samples, reach)
        crop = scan.grid.crop(box.low_ijk, box.high_ijk)
        assert labels.labels is not None
        return TissueMap.build(crop, labels.labels[box.slices_kji], labels.label_names, {}, self.names)

    def judge(self) -> PairJudge:
        """Ten structures forbidden, each with a margin."""
        return PairJudge(self.tissue(), self.names, dict.fromkeys(self.names, MARGIN_MM), (), CAP_MM)


@cache
def case(name: str) -> Case:
    """Entries and samples as the planner finds them; of all pairs within the limits of length and angle 100,000
    are drawn by a fixed seed, so that every one of them has to be looked at in the tissue."""
    scan, protocol, target = TARGETS[name]
    asked = request(protocol, target)
    needle = asked.protocol.needle(asked.needle_name)
    region = find_target(asked, volume(scan), structures(scan))
    anatomy = build_anatomy(asked, needle, volume(scan), structures(scan), region)
    samples = region.samples_lps_mm(asked.samples, asked.seed)
    reach = needle.length_mm + needle.notch_centre_mm
    at_edge = (anatomy.box, volume(scan).grid.size_ijk)
    assert asked.position is not None
    skin = skin_entries(
        anatomy.body, anatomy.grid, at_edge, samples, asked.position, reach, asked.entry_spacing_mm
    )
    limits = pair_limits(asked.protocol)
    empty = TissueMap.build(anatomy.grid, None, {}, {}, ())
    free = PairJudge(empty, (), {}, (), CAP_MM)
    verdict = free.judge(skin.points_lps_mm, skin.inward_normals_lps, samples, needle, limits)
    chosen = np.random.default_rng(1).choice(len(verdict.survivors), PAIRS, replace=False)
    pairs = verdict.survivors[np.sort(chosen)]
    names = tuple(n for n in STRUCTURES[scan] if n != target)
    entry, sample = pairs[:, 0], pairs[:, 1]
    return Case(
        scan,
        names,
        skin.points_lps_mm[entry],
        skin.inward_normals_lps[entry],
        samples[sample],
        needle,
        limits,
    )

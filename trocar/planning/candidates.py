"""Pairs that keep every limit, with what they are compared by; thinned to the best, and refined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trocar.clinical.protocol import KeepClear, NamedBone, Protocol
from trocar.geometry.grid import Box, Grid
from trocar.geometry.needle_path import Needle
from trocar.imaging.judging import Judgement, PairJudge, PairLimits
from trocar.imaging.kernels.traversal import lengths_in_sets
from trocar.imaging.tissue import TissueMap
from trocar.planning.access import SkinEntries
from trocar.planning.anatomy import OUTSIDE, TARGET, Anatomy, with_target
from trocar.planning.ranking import score, spread_out
from trocar.planning.target import TargetRegion

Float = NDArray[np.float64]

REFINED = 200
"""So many of the best pairs are moved about their target."""
REFINE_STEP_MM = 1.0
APART_MM = 4.0
"""Of pairs whose entry and sample both lie nearer than this to a better pair's, only the better one is refined."""
AROUND_TARGET_MM = 30.0
"""A notch on the target reaches no farther beyond it."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """N pairs of an entry and a sample point.

    entry_index: (N,) into the skin entries; entries_lps_mm, samples_lps_mm: (N, 3). values: criterion -> (N,), in
    the units of the protocol's preferences.
    """

    entry_index: NDArray[np.intp]
    entries_lps_mm: Float
    samples_lps_mm: Float
    values: Mapping[str, Float]

    def __len__(self) -> int:
        return len(self.entry_index)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_] | list[int]) -> Candidates:
        """Some of them."""
        values = {name: value[index] for name, value in self.values.items()}
        return Candidates(
            self.entry_index[index], self.entries_lps_mm[index], self.samples_lps_mm[index], values
        )


def pair_judge(
    tissue: TissueMap, rules: Mapping[str, KeepClear], protocol: Protocol, cap_mm: float
) -> PairJudge:
    """A judge of what the rules forbid and ask; only a sinus is measured by itself, being a criterion of its own."""
    asked = {n: min(rule.margin_mm.value, cap_mm) for n, rule in rules.items()}
    forbidden = [n for n, rule in rules.items() if rule.crossing == "forbidden"]
    counted = {n: asked[n] for n, rule in rules.items() if rule.crossing == "counted"}
    sinus = [z.name for z in protocol.zones if z.kind == "organ_sinus" and z.name in rules]
    margins = {n: asked[n] for n in forbidden}
    return PairJudge(tissue, [*forbidden, OUTSIDE], margins, counted, cap_mm, singly=sinus)


def kept_pairs(
    judgement: Judgement,
    entries_lps_mm: Float,
    samples_lps_mm: Float,
    entry_index: NDArray[np.intp],
    paired: bool,
    up_lps: Float,
    sinus: str | None,
) -> Candidates:
    """The pairs that the judge kept, with the criteria that its answer holds.

    up_lps: (3,) towards the ceiling; off_vertical is the needle's angle in degrees to straight down.

    margin: the least that any clearance exceeds what is asked for, up to the judge's cap. sinus: name of the zone
    whose clearance is a criterion of its own.
    """
    rows = judgement.survivors[:, 0]
    columns = rows if paired else judgement.survivors[:, 1]
    along = samples_lps_mm[columns] - entries_lps_mm[rows]
    down = -(along @ up_lps) / np.maximum(np.linalg.norm(along, axis=1), 1e-9)
    values = {
        "off_vertical": np.degrees(np.arccos(np.clip(down, -1.0, 1.0))),
        "margin": judgement.slack_mm.astype(np.float64),
        "length": judgement.lengths_mm,
        "tilt": np.abs(judgement.tilt_deg),
        "to_skin": judgement.to_skin_deg,
    }
    if sinus in judgement.names:
        values["sinus_clearance"] = judgement.clearances[:, judgement.names.index(str(sinus))].astype(
            np.float64
        )
    return Candidates(entry_index[rows], entries_lps_mm[rows], samples_lps_mm[columns], values)


class TargetLimits:
    """What the protocol asks of the throw: length of notch in the target, tip inside its organ, distance to the
    scan's edge. Measured by walking through the voxels."""

    def __init__(
        self, protocol: Protocol, needle: Needle, anatomy: Anatomy, region: TargetRegion, scan: Grid
    ) -> None:
        self._limits = protocol.limits
        self._least_sample_mm = region.least_sample_mm(protocol.limits.min_sample_mm.value)
        self._scan = scan
        self._needle = needle
        low, high = region.grid.corners_lps_mm().min(axis=0), region.grid.corners_lps_mm().max(axis=0)
        box = Box.around(anatomy.grid, np.stack([low, high]), AROUND_TARGET_MM)
        self._around = with_target(anatomy.tissue, region.sample_mask, region.grid, box)
        self._tissue = anatomy.tissue
        rule = protocol.target
        groups = [rule.group_of(host) for host in anatomy.hosts] if isinstance(rule, NamedBone) else []
        self._through_pedicle = any(group is not None and group.pedicle for group in groups)
        hosts = [n for n, name in enumerate(self._tissue.names) if name in anatomy.hosts]
        self._of_target = self._around.members[:, self._around.names.index(TARGET)]
        self._of_hosts = np.asarray(self._tissue.members[:, hosts].any(axis=1))

    def keep(self, candidates: Candidates, rejected: dict[str, int]) -> Candidates:
        """The candidates within the limits, with ``sample_length`` added; those that fall out are counted."""
        limits = self._limits
        along = candidates.samples_lps_mm - candidates.entries_lps_mm
        reach = np.linalg.norm(along, axis=1, keepdims=True)
        direction = along / np.maximum(reach, 1e-9)
        tips = candidates.samples_lps_mm - direction * self._needle.notch_centre_mm
        notch = tips + direction * self._needle.notch_start_mm
        end = notch + direction * self._needle.notch_length_mm
        sample = _lengths(self._around, self._of_target, notch, end)
        inside = _lengths(self._tissue, self._of_hosts, candidates.entries_lps_mm, tips)
        fired = tips + direction * self._needle.throw_mm
        edge = np.minimum(self._to_edge_mm(candidates.entries_lps_mm), self._to_edge_mm(fired))
        near_edge = limits.min_to_scan_edge_mm.value
        reasons = [(f"nearer than {near_edge:g} mm to the edge of the scan", edge < near_edge)]
        reasons += [
            (
                f"takes less than {self._least_sample_mm:g} mm of the target",
                sample < self._least_sample_mm,
            )
        ]
        if limits.min_tip_inside_mm is not None:
            least = limits.min_tip_inside_mm.value
            text = f"tip less than {least:g} mm inside" if least > 0 else "tip short of the capsule"
            reasons.append((f"{text} before the throw", inside < max(least, 1e-6)))
        if limits.max_tip_inside_mm is not None:
            most = limits.max_tip_inside_mm.value
            reasons.append((f"tip more than {most:g} mm inside before the throw", inside > most))
        left = np.ones(len(candidates), bool)
        for text, falls in reasons:
            if (left & falls).any():
                rejected[text] = rejected.get(text, 0) + int((left & falls).sum())
            left &= ~falls
        values = {**candidates.values, "sample_length": sample, "tip_inside": inside}
        if self._through_pedicle:
            values["bone_tract"] = inside
        whole = Candidates(
            candidates.entry_index, candidates.entries_lps_mm, candidates.samples_lps_mm, values
        )
        return whole.take(left)

    def _to_edge_mm(self, points_lps_mm: Float) -> Float:
        """Distance (N,) of points inside the scan to its nearest outer face."""
        ijk = self._scan.to_voxel(points_lps_mm)
        return np.asarray(
            (np.minimum(ijk + 0.5, np.array(self._scan.size_ijk) - 0.5 - ijk) * self._scan.spacing_mm).min(
                axis=1
            )
        )


def _lengths(
    tissue: TissueMap, classes: NDArray[np.bool_], starts_lps_mm: Float, ends_lps_mm: Float
) -> Float:
    """Millimetres (N,) of each segment in voxels of the marked classes (n_class,)."""
    starts_mm, ends_mm = tissue.to_grid_mm(starts_lps_mm), tissue.to_grid_mm(ends_lps_mm)
    sets = np.ascontiguousarray(classes[None])
    return np.asarray(lengths_in_sets(tissue.classes, sets, tissue.spacing_mm, starts_mm, ends_mm)[:, 0])


def shortlist(candidates: Candidates, protocol: Protocol, most: int) -> Candidates:
    """The best by the protocol's preferences, no two of them alike."""
    if len(candidates) == 0:
        return candidates
    points = score(protocol.preferences, candidates.values)
    # ties broken by place, so that the order is the same everywhere
    order = np.lexsort((np.arange(len(points)), -points.round(5)))
    head = order[: 200 * most]
    return candidates.take(
        spread_out(head, candidates.entries_lps_mm, candidates.samples_lps_mm, APART_MM, most)
    )


def refine(
    chosen: Candidates,
    protocol: Protocol,
    needle: Needle,
    region: TargetRegion,
    skin: SkinEntries,
    judge: PairJudge,
    limits: PairLimits,
    target_limits: TargetLimits,
    up_lps: Float,
    sinus: str | None,
) -> Candidates:
    """Move each pair's sample point about in steps of REFINE_STEP_MM and keep the best place of each."""
    if len(chosen) == 0:
        return chosen
    steps = np.arange(-1, 2) * REFINE_STEP_MM
    offsets = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    samples = (chosen.samples_lps_mm[:, None, :] + offsets[None]).reshape(-1, 3)
    owner = np.repeat(np.arange(len(chosen)), len(offsets))
    inside = region.holds(samples)
    samples, owner = samples[inside], owner[inside]
    entries, index = chosen.entries_lps_mm[owner], chosen.entry_index[owner]
    judgement = judge.judge(entries, skin.inward_normals_lps[index], samples, needle, limits, paired=True)
    moved = kept_pairs(judgement, entries, samples, np.arange(len(owner)), True, up_lps, sinus)
    moved = target_limits.keep(moved, {})
    if len(moved) == 0:
        return chosen.take([])
    points = score(protocol.preferences, moved.values).round(5)
    owners = owner[moved.entry_index]
    order = np.lexsort((np.arange(len(points)), -points, owners))
    first = np.concatenate([[True], owners[order][1:] != owners[order][:-1]])
    best = moved.take(order[first])
    return Candidates(index[best.entry_index], best.entries_lps_mm, best.samples_lps_mm, best.values)

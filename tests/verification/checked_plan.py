"""Random targets on the sample CTs, and everything that the planner says of them held against the slow truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.verification.slow_truth import (
    UP,
    LabelledScan,
    Surface,
    ball,
    between_deg,
    in_axial_deg,
    inward_normal,
    skin_gap_mm,
    tilt_deg,
    tissue_ahead,
)
from trocar.clinical.department import effective, load_department
from trocar.clinical.loading import load_protocol
from trocar.errors import InputRefused
from trocar.geometry.grid import Box
from trocar.geometry.needle_path import NeedlePath
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.access import skin_entries
from trocar.planning.candidates import Candidates, TargetLimits
from trocar.planning.planner import Planner, pair_limits
from trocar.planning.report import plan_report
from trocar.planning.request import PlanRequest
from trocar.planning.targeting import find_target

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]

TOLERANCE_MM = 0.35
TOLERANCE_DEG = 0.5
EXACT_MM = 1e-3
"""plan.json holds four decimals; distances of kept paths are exact."""
GRAZING_MM = 0.05
"""A needle that runs along a face of voxels changes sides where its ends are rounded to four decimals."""
DAY = date(2026, 1, 1)


@dataclass(frozen=True, eq=False)
class Subject:
    """One CT, for the planner and for the slow truth."""

    name: str
    volume: Volume
    structures: StructureSet
    scan: LabelledScan
    planner: Planner


@dataclass
class Tally:
    """What was looked at and the largest differences found."""

    counts: Counter[str] = field(default_factory=Counter)
    largest: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def differ(self, what: str, difference: float, allowed: float, where: str) -> None:
        """Note a difference, and a fault where it is larger than allowed."""
        self.counts[what] += 1
        self.largest[what] = max(self.largest.get(what, 0.0), float(difference))
        if not difference <= allowed:
            self.faults.append(f"{where}: {what} differs by {difference:.4g}")

    def hold(self, what: str, true: bool, where: str) -> None:
        """Note a yes or no, and a fault where it is no."""
        self.counts[what] += 1
        if not true:
            self.faults.append(f"{where}: not true that {what}")


BONES = {
    "abdomen": ("vertebrae_*", "hip_*", "rib_*", "sacrum"),
    "chest": ("vertebrae_*", "rib_*", "scapula_*", "sternum", "clavicula_*", "humerus_*"),
}
POSITIONS = ("prone", "supine", "left_lateral", "right_lateral")


def random_request(subject: Subject, seed: int) -> tuple[str, PlanRequest]:
    """A target in a random organ or bone, as a lesion, a point or by name; with what it is, in words."""
    random = np.random.default_rng([seed, len(subject.name)])
    names = subject.structures.names
    kidney = random.random() < 0.35
    if kidney:
        name = str(random.choice(["kidney_left", "kidney_right"]))
    else:
        from fnmatch import fnmatchcase

        pattern = str(random.choice(BONES[subject.name]))
        name = str(random.choice([n for n in names if fnmatchcase(n, pattern)]))
    protocol = load_protocol("kidney_biopsy" if kidney else "bone_biopsy")
    needle = protocol.default_needle
    if random.random() < 0.4:
        needle = str(random.choice([n.name for n in protocol.needles]))
    usable = effective(protocol, load_department(None)).for_planning("ct", needle)
    position = str(random.choice(POSITIONS))
    scan_position = position if random.random() < 0.7 else "supine"
    side = "left" if "left" in name else "right" if "right" in name else None
    mask = subject.structures.mask(name)
    voxels = np.argwhere(mask)
    middle = subject.scan.to_patient(voxels[random.integers(len(voxels))][::-1].astype(float))
    how = str(random.choice(["lesion", "lesion", "lesion", "point", "name"]))
    question: dict[str, Any] = {}
    if how == "lesion":
        radius = random.uniform(3.0, 11.0)
        question["target_mask"] = (f"ball in {name}", ball(subject.scan, middle, radius) & mask)
        what = f"lesion of {radius:.0f} mm radius in {name}"
    elif how == "point":
        question["target_point_lps_mm"] = tuple(float(c) for c in middle)
        what = f"point in {name}"
    else:
        if not kidney:
            question["target_name"] = name
        what = f"lower pole of {name}" if kidney else name
    request = PlanRequest(
        usable,
        DAY,
        side=side,  # type: ignore[arg-type]
        guidance="ct",
        position=position,  # type: ignore[arg-type]
        needle_name=needle,
        scan_position=scan_position,  # type: ignore[arg-type]
        position_source="given",
        **question,
    )
    return f"{subject.name} {seed}: {what}, {position}, {needle}", request


def check_target(subject: Subject, seed: int, tally: Tally, pairs: int) -> None:
    """Plan one random target and check paths, rejected pairs and kept pairs (``pairs`` of each kind)."""
    where, request = random_request(subject, seed)
    try:
        plan = subject.planner.plan(request)
    except InputRefused as refusal:
        tally.counts[f"targets refused: {_kind(str(refusal))}"] += 1
        return
    tally.counts["targets planned"] += 1
    tally.counts["targets with paths" if plan.paths else "targets without a path"] += 1
    tally.counts["pairs judged by the planner"] += plan.judged
    case = Checked(subject, request, where, tally)
    report = plan_report(plan, {})
    for path in report["paths"]:
        case.check_path(path, within_limits=True)
    for path in report["nearest"]:
        tally.hold("a path outside the limits is marked", bool(path["relaxed"]), where)
        case.check_path(path, within_limits=False)
    tally.hold("shares of rejected pairs add up to at most 1", sum(plan.rejected.values()) <= 1 + 1e-9, where)
    case.check_pairs(pairs, np.random.default_rng([seed, 7]), anything_kept=bool(plan.paths))


def _kind(text: str) -> str:
    for words in ("cut by the edge", "lies on the patient's", "No cortex", "empty"):
        if words in text:
            return words
    return text


class Checked:
    """One case with all that its limits need, looked at slowly."""

    def __init__(self, subject: Subject, request: PlanRequest, where: str, tally: Tally) -> None:
        self.subject, self.request, self.where, self.tally = subject, request, where, tally
        self.scan = subject.scan
        self.protocol = request.protocol
        self.needle = self.protocol.needle(request.needle_name)
        self.region = find_target(request, subject.volume, subject.structures)
        self.anatomy, self.judge, _ = subject.planner._surroundings(request, self.needle, self.region)
        self.rules = self.anatomy.rules
        self.least_mm = self.protocol.limits.min_sample_mm.value
        if self.region.kind == "point":  # the radius of the ball that stands for it
            size = self.region.mask.sum() * float(np.prod(self.scan.spacing_mm))
            self.least_mm = min(self.least_mm, round(float((3 * size / 4 / np.pi) ** (1 / 3)), 1))
        self.zones = {n: self._surface(m) for n, m in self.anatomy.zones.items() if n in self.rules}
        self.target = self._whole(self.region.sample_mask, self.region.box)
        self.host = np.zeros(self.scan.hu.shape, bool)
        for host in self.anatomy.hosts:
            self.host |= self.scan.mask(host)
        # two voxels about the body belong to it, through faces: |di| + |dj| + |dk| <= 2
        from scipy import ndimage

        diamond = np.abs(np.indices((5, 5, 5)) - 2).sum(axis=0) <= 2
        self.outside = self._whole(~ndimage.binary_dilation(self.anatomy.body, diamond), self.anatomy.box)
        self.body = self._whole(self.anatomy.body, self.anatomy.box)
        self.margins = {n: r.margin_mm.value for n, r in self.rules.items() if r.crossing == "forbidden"}

    def _whole(self, part: Mask, box: Box) -> Mask:
        mask = np.zeros(self.scan.hu.shape, bool)
        mask[box.slices_kji] = part
        return mask

    def _surface(self, part: Mask) -> Surface:
        return Surface.of(self._whole(part, self.anatomy.box), self.scan)

    def clearance(self, name: str, start: Float, end: Float) -> float:
        """To a structure of the label file, or to a zone derived from it."""
        surface = self.zones.get(name) or self.scan.surface(name)
        return surface.clearance(start, end)

    # --- one path of plan.json ------------------------------------------------------------------------------------

    def check_path(self, path: Mapping[str, Any], within_limits: bool) -> None:
        """Everything that plan.json says of one path."""
        both = ("clearances_path_mm", "clearances_mm")
        path = {**path, **{name: path[name] | path[f"zone_{name}"] for name in both}}
        tally, where, scan = self.tally, f"{self.where}, path {path['rank']}", self.scan
        entry, tip = np.array(path["entry_lps_mm"]), np.array(path["target_lps_mm"])
        direction = (tip - entry) / np.linalg.norm(tip - entry)
        fired = tip + direction * self.needle.throw_mm
        relaxed = path["relaxed"] or ""
        tally.counts["paths checked" if within_limits else "nearest paths checked"] += 1
        tally.differ("length, mm", abs(np.linalg.norm(tip - entry) - path["length_mm"]), EXACT_MM, where)
        tally.differ("direction", np.abs(direction - path["direction_lps"]).max(), 1e-5, where)
        tally.differ("fired tip, mm", np.abs(fired - path["fired_tip_lps_mm"]).max(), EXACT_MM, where)
        zoned = {**path["clearances_mm"], **path["zone_clearances_mm"]}
        zoned_path = {**path["clearances_path_mm"], **path["zone_clearances_path_mm"]}
        tally.hold("zones stand apart from labels", set(path["zone_clearances_mm"]) == set(self.zones), where)
        named = set(zoned)
        mobile = {n for n, rule in self.rules.items() if rule.mobile}
        judged = {n for n in self.rules if n in scan.names.values() or n in self.zones}
        tally.hold("every structure that the protocol names has a clearance", named == judged, where)
        for clearances, end in ((zoned_path, tip), (zoned, fired)):
            for structure, given in clearances.items():
                if given is None:
                    tally.hold(
                        "only mobile organs out of position are not judged",
                        structure in mobile and not self.request.in_position,
                        where,
                    )
                    continue
                true = self.clearance(structure, entry, end)
                tally.differ("clearance, mm", abs(true - given), EXACT_MM, f"{where}, {structure}")
                asked = self.margins.get(structure)
                if within_limits and asked is not None and end is fired:
                    tally.hold("margins are kept", true >= asked - EXACT_MM, f"{where}, {structure}")
                    tally.hold(
                        "required_mm is the protocol's", path["required_mm"][structure] == asked, where
                    )
        crossed = scan.crossed(entry, fired) | {
            n for n, s in self.zones.items() if s.clearance(entry, fired) == 0
        }
        said = {n for n in path["crosses"] if n in scan.names.values() or n in self.zones}
        tally.hold("structures gone through are all named", crossed == said, f"{where} {crossed ^ said}")
        angles = path["angles_deg"]
        tally.differ("tilt, degrees", abs(tilt_deg(direction) - angles["out_of_axial"]), 0.01, where)
        turn = abs(in_axial_deg(direction) - angles["in_axial"]) % 360
        tally.differ("direction in the axial plane, degrees", min(turn, 360 - turn), 0.05, where)
        self.check_entry(entry, direction, angles["to_skin"], where)
        limits = self.protocol.limits
        if "skin" not in relaxed:
            tally.hold(
                "angle to the skin is kept", angles["to_skin"] <= limits.max_to_skin_deg.value + 1e-3, where
            )
        if "tilted" not in relaxed:
            kept = abs(angles["out_of_axial"]) <= limits.max_out_of_axial_deg.value + 1e-3
            tally.hold("tilt is kept", kept, where)
        if "longer" not in relaxed:
            tally.hold(
                "the needle is long enough", path["length_mm"] <= self.needle.length_mm + EXACT_MM, where
            )
        notch = tip + direction * self.needle.notch_start_mm
        length = scan.length_in(self.target, notch, notch + direction * self.needle.notch_length_mm)
        tally.differ(
            "notch in the target, mm", abs(length - path["measures"]["notch_in_target_mm"]), GRAZING_MM, where
        )
        if "less than" not in relaxed:
            tally.hold("enough of the target is taken", length >= self.least_mm - EXACT_MM, where)
        inside = scan.length_in(self.host, entry, tip)
        tally.differ(
            "tip inside its organ, mm", abs(inside - path["measures"]["tip_inside_mm"]), GRAZING_MM, where
        )
        edge = min(scan.to_edge_mm(entry), scan.to_edge_mm(fired))
        tally.hold(
            "the edge of the scan is far enough", edge >= limits.min_to_scan_edge_mm.value - 1e-3, where
        )
        outside = scan.length_in(self.outside, entry, fired)
        tally.hold("the needle stays in the body", outside <= 1e-6, where)
        risk = path["risk"]
        chances = [p for p in (risk["sample"], *risk["harm"].values()) if p is not None]
        tally.hold("probabilities lie in 0 to 1", all(0 <= p <= 1 for p in chances), where)
        tally.hold("their numerical error is below 0.005", risk["error"] < 0.005, where)
        unjudged = {n for n, p in risk["harm"].items() if p is None}
        expected = {n for n in mobile if n in risk["harm"]} if not self.request.in_position else set()
        tally.hold("harm of mobile organs out of position is not judged", unjudged == expected, where)
        harmful = {n for n, rule in self.rules.items() if rule.harm}
        tally.hold("harm is given for what the protocol asks", set(risk["harm"]) == harmful, where)
        for structure, p in risk["harm"].items():
            # the needle would have to miss by five times the published mean
            if p is not None and zoned[structure] > 60:
                tally.hold("what lies far away is not harmed", p < 0.001, f"{where}, {structure}")

    def check_entry(self, entry: Float, direction: Float, to_skin: float, where: str) -> None:
        """An entry lies on skin, on the free side, away from the scan's edge."""
        tally = self.tally
        gap = min(
            skin_gap_mm(self.scan, entry, self.scan.hu > -500), skin_gap_mm(self.scan, entry, self.body)
        )
        tally.differ("entry from the skin, mm", gap, EXACT_MM, where)
        normal = self.inward_normal(entry)
        tally.differ("angle to the skin, degrees", abs(between_deg(direction, normal) - to_skin), 0.1, where)
        up = -float(normal @ UP[str(self.request.position)])
        tally.hold("the entry lies on the free side", up > -1e-3, where)
        tally.hold("tissue lies ahead of the entry", tissue_ahead(self.scan, entry, direction) > 0.4, where)

    def inward_normal(self, entry: Float) -> Float:
        """Of the skin, in LPS."""
        grid = self.anatomy.grid
        along = inward_normal(grid.to_voxel(entry), np.array(grid.spacing_mm), self.anatomy.body)
        return np.asarray(grid.directions @ along)

    # --- pairs ----------------------------------------------------------------------------------------------------

    def slacks(self, entry: Float, normal: Float, sample: Float, only: str | None = None) -> dict[str, float]:
        """By how much a pair keeps (or, negative, breaks) each limit, in mm or degrees.

        only: of the structures, the one that matters (and none where it is empty).
        """
        limits, needle, scan = self.protocol.limits, self.needle, self.scan
        reach = float(np.linalg.norm(sample - entry))
        direction = (sample - entry) / reach
        tip = sample - direction * needle.notch_centre_mm
        fired = tip + direction * needle.throw_mm
        length = reach - needle.notch_centre_mm
        found = {
            "longer than": needle.length_mm - length,
            "target too near": length,
            "off the skin": limits.max_to_skin_deg.value - between_deg(direction, normal),
            "out of the axial": limits.max_out_of_axial_deg.value - abs(tilt_deg(direction)),
        }
        if length <= 0.5:
            return found
        crop = self.subject.volume.grid.crop(self.anatomy.box.low_ijk, self.anatomy.box.high_ijk)
        for point in (entry, fired):
            ijk = crop.to_voxel(point)
            edge = float((np.minimum(ijk + 0.5, np.array(crop.size_ijk) - 0.5 - ijk) * crop.spacing_mm).min())
            found["leaves the scan"] = min(found.get("leaves the scan", np.inf), edge)
        if found["leaves the scan"] < 0:
            return found
        for name, asked in self.margins.items():
            if only in (None, name) and (name in self.zones or name in self.scan.names.values()):
                found[f" {name}"] = self.clearance(name, entry, fired) - asked
                if found[f" {name}"] + asked == 0:
                    found[f"crosses {name}"] = -1.0
        if (self.outside[tuple(scan.touched(entry, fired)[:, ::-1].T)]).any():
            found["leaves the body"] = -scan.length_in(self.outside, entry, fired)
        found["edge of the scan"] = (
            min(scan.to_edge_mm(entry), scan.to_edge_mm(fired)) - limits.min_to_scan_edge_mm.value
        )
        notch = tip + direction * needle.notch_start_mm
        taken = scan.length_in(self.target, notch, notch + direction * needle.notch_length_mm)
        found["of the target"] = taken - self.least_mm
        inside = scan.length_in(self.host, entry, tip)
        if limits.min_tip_inside_mm is not None:
            found["before the throw, short"] = inside - limits.min_tip_inside_mm.value
        if limits.max_tip_inside_mm is not None:
            found["before the throw, deep"] = limits.max_tip_inside_mm.value - inside
        return found

    def check_pairs(self, count: int, random: np.random.Generator, anything_kept: bool) -> None:
        """Random rejected pairs of every reason are rejected rightly; random kept ones keep every limit."""
        request, anatomy, region = self.request, self.anatomy, self.region
        samples = region.samples_lps_mm(request.samples, request.seed)
        skin = skin_entries(
            anatomy.body,
            anatomy.grid,
            (anatomy.box, self.subject.volume.grid.size_ijk),
            samples,
            request.position,  # type: ignore[arg-type]
            self.needle.length_mm + self.needle.notch_centre_mm,
            request.entry_spacing_mm,
            anatomy.unscanned,
        )
        entries, normals = skin.points_lps_mm, skin.inward_normals_lps
        if len(entries) == 0:
            self.tally.counts["targets without reachable skin"] += 1
            return
        judgement = self.judge.judge(entries, normals, samples, self.needle, pair_limits(self.protocol))
        rows, columns = judgement.survivors.T
        candidates = Candidates(rows, entries[rows], samples[columns], {"number": np.arange(len(rows))})
        limits = TargetLimits(self.protocol, self.needle, anatomy, region, self.subject.volume.grid)
        fell: dict[str, int] = {}
        kept = limits.keep(candidates, fell)
        self.tally.hold(
            "every pair is counted once",
            sum(judgement.counts.values()) + sum(fell.values()) + len(kept) == judgement.reason.size,
            self.where,
        )
        codes = np.unique(judgement.reason)
        for code in codes[codes > 0]:
            label = judgement.label_of(int(code))
            pairs = np.argwhere(judgement.reason == code)
            for e, s in pairs[random.integers(len(pairs), size=max(1, count // 4))]:
                self._check_rejected(label, entries[e], normals[e], samples[s])
        survivors = judgement.survivors
        kept_rows = np.zeros(len(survivors), bool)
        kept_rows[kept.values["number"].astype(int)] = True
        fallen = np.flatnonzero(~kept_rows)
        for row in fallen[random.integers(len(fallen), size=count)] if len(fallen) else ():
            e, s = survivors[row]
            self._check_rejected("", entries[e], normals[e], samples[s])
        good = np.flatnonzero(kept_rows)
        for row in good[random.integers(len(good), size=count)] if len(good) else ():
            e, s = survivors[row]
            self._check_kept(entries[e], normals[e], samples[s])
        if len(good) and not anything_kept:
            self.tally.counts["targets whose pairs all fell out at the exact measuring"] += 1
            self._check_none_is_good(survivors[good], entries, normals, samples, random)

    def _check_rejected(self, label: str, entry: Float, normal: Float, sample: Float) -> None:
        """The stated limit is broken, or all but; without a label, some limit of the throw is."""
        structure = (
            label.rpartition(" to ")[2] if label.startswith("nearer") else label.removeprefix("crosses ")
        )
        found = self.slacks(entry, normal, sample, only=structure)
        self.tally.counts["rejected pairs checked"] += 1
        words = {
            "too long": "longer than",
            "too near": "target too near",
            "angle to skin": "off the skin",
            "tilt": "out of the axial",
            "leaves scan": "leaves the scan",
            "crosses air outside the body": "leaves the body",
        }.get(label, label)
        if words.startswith("nearer than"):
            slack = found[f" {structure}"]
            if slack >= 0:
                self.tally.differ(
                    "rejected though just beyond the margin, mm", slack, TOLERANCE_MM, self.where
                )
            return
        if words == "":
            ends = ("edge of the scan", "of the target", "before the throw, short", "before the throw, deep")
            slack = min(found[name] for name in ends if name in found)
            self.tally.hold("pairs that fall out at the throw break a limit of it", slack < 1e-3, self.where)
            return
        slack = found.get(words, np.inf)
        true = slack < TOLERANCE_DEG if words in ("off the skin", "out of the axial") else slack < EXACT_MM
        self.tally.hold("the stated reason is true", true, f"{self.where}, {label}, by {slack:.4g}")

    def _check_kept(self, entry: Float, normal: Float, sample: Float) -> None:
        self.tally.counts["kept pairs checked"] += 1
        found = self.slacks(entry, normal, sample)
        for name, slack in found.items():
            if name.startswith(" "):
                self.tally.differ(
                    "kept though within the margin, mm", max(-slack, 0), TOLERANCE_MM, self.where + name
                )
            elif name in ("off the skin", "out of the axial"):
                self.tally.hold("kept pairs keep the angles", slack > -TOLERANCE_DEG, f"{self.where}, {name}")
            else:
                self.tally.hold(
                    "kept pairs keep the other limits", slack > -EXACT_MM, f"{self.where}, {name}"
                )

    def _check_none_is_good(
        self,
        pairs: NDArray[np.int32],
        entries: Float,
        normals: Float,
        samples: Float,
        random: np.random.Generator,
    ) -> None:
        """Where every pair fell out at the end, none of the pairs before it keeps all limits clearly."""
        for e, s in pairs[random.permutation(len(pairs))[:30]]:
            path = NeedlePath.through(entries[e], samples[s], self.needle)
            slack = min(self.slacks(entries[e], normals[e], samples[s]).values())
            reason = self._bone_limit(path)
            self.tally.hold(
                "no pair clearly within all limits is lost",
                slack <= TOLERANCE_MM or reason is not None,
                f"{self.where}, slack {slack:.2f}",
            )

    def _bone_limit(self, path: NeedlePath) -> str | None:
        from trocar.planning.final import Surroundings, _bone, _bone_limit, _measures

        case = Surroundings(
            self.request,
            self.needle,
            self.anatomy,
            self.region,
            None,
            None,
            self.subject.volume.grid,  # type: ignore[arg-type]
        )
        return _bone_limit(case, _measures(case, path, _bone(case)))

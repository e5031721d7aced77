"""Judging every entry-sample pair against the limits of a needle, and measuring those that keep them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trocar.geometry.needle_path import Needle
from trocar.imaging.distance import ClearanceFields
from trocar.imaging.kernels import judging as kernel
from trocar.imaging.kernels import nearest
from trocar.imaging.kernels.distance_map import LANES
from trocar.imaging.tissue import TissueMap

Float = NDArray[np.float64]
Progress = Callable[[int, int], None]

GEOMETRY_REASONS = {
    kernel.TOO_LONG: "too long",
    kernel.TOO_NEAR: "too near",
    kernel.TO_SKIN: "angle to skin",
    kernel.TILT: "tilt",
    kernel.LEAVES_SCAN: "leaves scan",
}
TOLERANCE_MM = 0.35
"""A pair that a margin stops comes at least this near to breaking it; what a lookup cannot show is measured."""
SLACK_MM = 8.0
"""How much more than needed is built of the fields, so that a target moved a little finds them whole."""


@dataclass(frozen=True)
class PairLimits:
    """Limits of a path that need no structure.

    to_skin_deg: largest angle to the inward normal of the skin; tilt_deg: largest tilt out of the patient's axial
    plane, either way; shortest_mm: least length from skin to tip before the throw.
    """

    to_skin_deg: float = 90.0
    tilt_deg: float = 90.0
    shortest_mm: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.to_skin_deg <= 90 and 0 <= self.tilt_deg <= 90 and self.shortest_mm >= 0):
            raise ValueError(
                "angles must lie between 0 and 90 degrees, the shortest length must not be negative"
            )


@dataclass(frozen=True, eq=False)
class Judgement:
    """What became of every pair.

    reason: uint16 (E, S) codes, 0 = kept; ``label_of`` puts a code into words. counts: label -> number of pairs.
    survivors: int32 (P, 2), entry and sample of each kept pair, sorted. For each of them: lengths_mm, from entry to
    tip before the throw; to_skin_deg; tilt_deg, positive where the tip points to the head; clearances, float32
    (P, len(names)), mm from the segment entry to fired tip to the voxel boxes of each structure, cut at ``cap_mm``
    (an absent structure has the cap); slack_mm, float32 (P,), the least that any clearance, cut at the cap, exceeds
    what is asked for it (the cap where nothing is asked).
    """

    reason: NDArray[np.uint16]
    labels: Mapping[int, str]
    counts: Mapping[str, int]
    survivors: NDArray[np.int32]
    lengths_mm: Float
    to_skin_deg: Float
    tilt_deg: Float
    names: tuple[str, ...]
    clearances: NDArray[np.float32]
    slack_mm: NDArray[np.float32]
    cap_mm: float

    def label_of(self, code: int) -> str:
        """``crosses colon`` or ``nearer than 5 mm to colon``, say; empty for a kept pair."""
        return self.labels.get(int(code), "")


class PairJudge:
    """Judges pairs on one tissue map; keeps the distance fields that it has built, for a target that moves.

    tissue: the needle's reach. forbidden: structures that may not be crossed. margins_mm: structure -> least
    clearance in mm (0 or more), a limit. counted: structures whose clearance is measured without a limit; as a mapping,
    structure -> what is asked in mm, which counts in ``slack_mm`` and stops nothing. cap_mm: the largest clearance
    told apart, at least the largest margin. singly: structures whose clearance is wanted by name, all of them where
    None; of the others those with equal margins are measured together, which is much faster where they are many.
    Names that ``tissue`` does not hold are taken as absent.
    """

    def __init__(
        self,
        tissue: TissueMap,
        forbidden: Sequence[str],
        margins_mm: Mapping[str, float],
        counted: Sequence[str] | Mapping[str, float],
        cap_mm: float,
        singly: Sequence[str] | None = None,
    ) -> None:
        soft = dict(counted) if isinstance(counted, Mapping) else dict.fromkeys(counted)
        if cap_mm <= 0 or any(not 0 <= m <= cap_mm for m in margins_mm.values()):
            raise ValueError("margins must lie between 0 and the cap, and the cap must be above 0")
        self.tissue = tissue
        self.cap_mm = float(cap_mm)
        self.margins_mm = {n: float(m) for n, m in margins_mm.items() if m > 0}
        everyone = tuple(dict.fromkeys([*margins_mm, *soft]))
        self.names = everyone if singly is None else tuple(dict.fromkeys(singly))
        asked: dict[str, float | None] = {**soft, **margins_mm}
        held = set(tissue.names)
        members: dict[str, list[str]] = {}
        for name in sorted({*everyone, *self.names} & held):
            limit = self.margins_mm.get(name, 0.0)
            together = f"{limit:g} mm kept, {asked.get(name)} mm asked"
            members.setdefault(name if name in self.names else together, []).append(name)
        lanes = sorted(members, key=lambda lane: (members[lane][0] not in self.margins_mm, lane))
        self.fields = ClearanceFields(tissue, {lane: members[lane] for lane in lanes}, cap_mm)
        self.forbidden = tuple(sorted(set(forbidden) & held))
        measured = sorted(name for names in members.values() for name in names)
        self._structures = tuple(dict.fromkeys([*self.forbidden, *measured]))
        self._class_rule = np.zeros(tissue.members.shape[0], dtype=np.uint16)
        for at in reversed(range(len(self.forbidden))):
            column = tissue.members[:, tissue.names.index(self.forbidden[at])]
            self._class_rule[column] = at + 1
        self._set_lanes(members, asked)
        self.labels = self._labels()

    def _set_lanes(self, members: Mapping[str, Sequence[str]], asked: Mapping[str, float | None]) -> None:
        """The tables that the kernels read: per lane its margin, what is asked of it, and its structures."""
        shape = (self.fields.groups, LANES)
        self._margins = np.full(self.fields.groups * LANES, kernel.NO_LIMIT, dtype=np.float32)
        self._used = np.zeros(shape, dtype=np.bool_)
        self._asked = np.full(len(self.fields.names), np.nan)
        self._structure_of = np.zeros((len(self.fields.names), len(self.tissue.members)), dtype=np.int32)
        for at, lane in enumerate(self.fields.names):
            first = members[lane][0]
            self._used[divmod(at, LANES)] = True
            if first in self.margins_mm:
                self._margins[at] = self.margins_mm[first]
            want = asked.get(first)
            self._asked[at] = np.nan if want is None else want
            for name in sorted(members[lane], reverse=True):
                column = self.tissue.members[:, self.tissue.names.index(name)]
                self._structure_of[at, column] = self._structures.index(name) + 1

    def _labels(self) -> dict[int, str]:
        labels = dict(GEOMETRY_REASONS)
        first, n = kernel.FIRST_STRUCTURE, len(self._structures)
        labels |= {first + s: f"crosses {name}" for s, name in enumerate(self._structures)}
        near = {name: f"nearer than {mm:g} mm to {name}" for name, mm in self.margins_mm.items()}
        return labels | {first + n + s: near[name] for s, name in enumerate(self._structures) if name in near}

    def judge(
        self,
        entries_lps_mm: ArrayLike,
        inward_normals_lps: ArrayLike,
        samples_lps_mm: ArrayLike,
        needle: Needle,
        limits: PairLimits,
        progress: Progress | None = None,
        paired: bool = False,
    ) -> Judgement:
        """Judge every entry (E, 3) with every sample point (S, 3), all in LPS mm, normals of unit length.

        The middle of the notch lies on the sample after the throw. paired: entry n goes with sample n only (E = S),
        and the results have one column. progress: called with (done, total) pairs.
        """
        entries = self.tissue.to_grid_mm(entries_lps_mm).reshape(-1, 3)
        normals = self.tissue.directions_to_grid(inward_normals_lps).reshape(-1, 3)
        samples = self.tissue.to_grid_mm(samples_lps_mm).reshape(-1, 3)
        if normals.shape != entries.shape or (paired and samples.shape != entries.shape):
            raise ValueError("each entry needs one normal, and one sample where they are paired")
        axial = self.tissue.directions_to_grid((0.0, 0.0, 1.0))
        columns = 1 if paired else len(samples)
        reason = np.zeros((len(entries), columns), dtype=np.uint16)
        chunk = len(entries) if progress is None else max(1, 200_000 // max(columns, 1))
        for at in range(0, len(entries), max(chunk, 1)):
            part = slice(at, at + chunk)
            kernel.judge_crossings(
                self.tissue.classes, self._class_rule, self.tissue.spacing_mm, entries[part], normals[part],
                samples[part] if paired else samples, axial, needle.length_mm, limits.shortest_mm,
                needle.notch_centre_mm, needle.throw_mm, _cos(limits.to_skin_deg), _sin(limits.tilt_deg), paired,
                reason[part],
            )  # fmt: skip
            if progress is not None:
                progress(min(at + chunk, len(entries)) * columns // 2, reason.size)
        pairs = np.argwhere(reason == kernel.KEPT).astype(np.int32)
        chosen = pairs[:, 0] if paired else pairs[:, 1]
        starts = entries[pairs[:, 0]]
        along = samples[chosen] - starts
        reach = np.linalg.norm(along, axis=1)
        along /= reach[:, None]
        lengths = reach - needle.notch_centre_mm
        codes, found = self._measure(
            starts, starts + along * (lengths + needle.throw_mm)[:, None], limited=True
        )
        reason[pairs[:, 0], pairs[:, 1]] = codes
        kept = codes == kernel.KEPT
        pairs, along, lengths = pairs[kept], along[kept], lengths[kept]
        inward = np.einsum("ij,ij->i", along, normals[pairs[:, 0]])
        if progress is not None:
            progress(reason.size, reason.size)
        return Judgement(
            reason=reason,
            labels=self.labels,
            counts=self._counts(reason),
            survivors=pairs,
            lengths_mm=lengths,
            to_skin_deg=np.degrees(np.arccos(np.clip(inward, -1, 1))),
            tilt_deg=np.degrees(np.arcsin(np.clip(along @ axial, -1, 1))),
            names=self.names,
            clearances=self._by_name(found[kept]),
            slack_mm=self._slack(found[kept]),
            cap_mm=self.cap_mm,
        )

    def clearances(self, starts_lps_mm: ArrayLike, ends_lps_mm: ArrayLike) -> NDArray[np.float32]:
        """Clearances (N, len(names)) in mm of any segments inside the tissue map, cut at the cap, without limits."""
        starts, ends = self.tissue.to_grid_mm(starts_lps_mm), self.tissue.to_grid_mm(ends_lps_mm)
        return self._by_name(self._measure(starts, ends, limited=False)[1])

    def _measure(
        self, starts_mm: Float, ends_mm: Float, limited: bool
    ) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
        """(reason codes (N,), clearances (N, lanes) where the code is 0) of segments in grid mm."""
        n = len(starts_mm)
        broken = np.full(n, -1, dtype=np.int32)
        found = np.full((n, self.fields.groups * LANES), self.cap_mm, dtype=np.float32)
        codes = np.zeros(n, dtype=np.uint16)
        if n == 0 or not self.fields.names:
            return codes, found
        both = np.concatenate([starts_mm, ends_mm])
        self.fields.cover(both.min(axis=0), both.max(axis=0), SLACK_MM)
        where = np.zeros(n)
        kernel.judge_clearances(
            self.fields.data.reshape(-1), np.array(self.fields.data.shape), self.fields.low_mm, self.fields.step_mm,
            self.fields.quantum_mm, self._margins if limited else np.full_like(self._margins, kernel.NO_LIMIT),
            self._used, self.cap_mm, starts_mm, ends_mm, broken, where, found,
        )  # fmt: skip
        hit = np.flatnonzero(broken >= 0)
        if len(hit):
            along = ends_mm[hit] - starts_mm[hit]
            share = where[hit] / np.maximum(np.linalg.norm(along, axis=1), 1e-9)
            margin_mm = self._margins[broken[hit]].astype(np.float64)
            named = nearest.nearest_structures(
                self.tissue.classes, self._structure_of, broken[hit], self.tissue.spacing_mm,
                starts_mm[hit] + along * share[:, None], margin_mm + TOLERANCE_MM,
            )  # fmt: skip
            # between two structures a lookup may be too small by more than the tolerance
            doubtful = hit[named < 0]
            named[named < 0] = nearest.broken_margins(
                self.tissue.classes, self._structure_of, self._margins[: len(self._structure_of)],
                self.tissue.spacing_mm, starts_mm[doubtful], ends_mm[doubtful],
            )  # fmt: skip
            codes[hit] = np.where(named < 0, 0, kernel.FIRST_STRUCTURE + len(self._structures) + named)
            kept = doubtful[codes[doubtful] == kernel.KEPT]
            if len(kept):
                found[kept] = self._measure(starts_mm[kept], ends_mm[kept], limited=False)[1]
        return codes, found

    def _by_name(self, found: NDArray[np.float32]) -> NDArray[np.float32]:
        """Clearances (N, len(names)) from those by lane; the cap for absent structures."""
        out = np.full((len(found), len(self.names)), self.cap_mm, dtype=np.float32)
        for column, name in enumerate(self.names):
            if name in self.fields.names:
                out[:, column] = found[:, self.fields.names.index(name)]
        return out

    def _slack(self, found: NDArray[np.float32]) -> NDArray[np.float32]:
        """The least (N,) by which a clearance exceeds what is asked."""
        lanes = np.flatnonzero(np.isfinite(self._asked))
        over = found[:, lanes] - self._asked[lanes].astype(np.float32)
        return np.asarray(over.min(axis=1, initial=np.float32(self.cap_mm)))

    def _counts(self, reason: NDArray[np.uint16]) -> dict[str, int]:
        number = np.bincount(reason.ravel())
        return {self.labels[int(c)]: int(number[c]) for c in np.flatnonzero(number) if c != kernel.KEPT}


def _cos(degrees: float) -> float:
    return float(np.cos(np.radians(degrees))) if degrees < 90 else 0.0


def _sin(degrees: float) -> float:
    return float(np.sin(np.radians(degrees))) if degrees < 90 else 1.0

"""Judging every entry-sample pair against the limits of a needle, and measuring those that keep them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trocar.geometry.needle_path import Needle
from trocar.imaging.distance import ClearanceFields
from trocar.imaging.kernels import judging as kernel
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
    (an absent structure has the cap).
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
    cap_mm: float

    def label_of(self, code: int) -> str:
        """``crosses colon`` or ``nearer than 5 mm to colon``, say; empty for a kept pair."""
        return self.labels.get(int(code), "")


class PairJudge:
    """Judges pairs on one tissue map; keeps the distance fields that it has built, for a target that moves.

    tissue: the needle's reach. forbidden: structures that may not be crossed. margins_mm: structure -> least
    clearance in mm (0 or more). counted: structures whose clearance is measured without a limit. cap_mm: the largest
    clearance told apart, at least the largest margin. Names that ``tissue`` does not hold are taken as absent.
    """

    def __init__(
        self,
        tissue: TissueMap,
        forbidden: Sequence[str],
        margins_mm: Mapping[str, float],
        counted: Sequence[str],
        cap_mm: float,
    ) -> None:
        if cap_mm <= 0 or any(not 0 <= m <= cap_mm for m in margins_mm.values()):
            raise ValueError("margins must lie between 0 and the cap, and the cap must be above 0")
        self.tissue = tissue
        self.cap_mm = float(cap_mm)
        self.margins_mm = {n: float(m) for n, m in margins_mm.items() if m > 0}
        self.names = tuple(dict.fromkeys([*margins_mm, *counted]))
        held = set(tissue.names)
        measured = sorted((n for n in self.names if n in held), key=lambda n: (n not in self.margins_mm, n))
        self.fields = ClearanceFields(tissue, measured, cap_mm)
        self.forbidden = tuple(sorted(set(forbidden) & held))
        self._structures = tuple(dict.fromkeys([*self.forbidden, *measured]))
        self._class_rule = np.zeros(tissue.members.shape[0], dtype=np.uint16)
        for at in reversed(range(len(self.forbidden))):
            column = tissue.members[:, tissue.names.index(self.forbidden[at])]
            self._class_rule[column] = at + 1
        unit_mm = self.fields.quantum_mm / (1 << kernel.UNIT_BITS)
        shape = (self.fields.groups, LANES)
        self._margins = np.full(shape, kernel.NO_LIMIT, dtype=np.int32)
        self._used = np.zeros(shape, dtype=np.bool_)
        for at, name in enumerate(measured):
            self._used[divmod(at, LANES)] = True
            if name in self.margins_mm:
                self._margins[divmod(at, LANES)] = round(self.margins_mm[name] / unit_mm)
        self._cap = round(self.cap_mm / unit_mm)
        self.labels = self._labels()

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
        broken, clearances = self._clearances(starts, starts + along * (lengths + needle.throw_mm)[:, None])
        reason[pairs[:, 0], pairs[:, 1]] = self._near_codes(broken)
        kept = broken < 0
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
            clearances=clearances[kept],
            cap_mm=self.cap_mm,
        )

    def clearances(self, starts_lps_mm: ArrayLike, ends_lps_mm: ArrayLike) -> NDArray[np.float32]:
        """Clearances (N, len(names)) in mm of any segments inside the tissue map, cut at the cap, without limits."""
        starts, ends = self.tissue.to_grid_mm(starts_lps_mm), self.tissue.to_grid_mm(ends_lps_mm)
        return self._clearances(starts, ends, limited=False)[1]

    def _clearances(
        self, starts_mm: Float, ends_mm: Float, limited: bool = True
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """(structure whose margin is broken or -1 (N,), clearances (N, len(names))) of segments in grid mm."""
        n = len(starts_mm)
        broken = np.full(n, -1, dtype=np.int32)
        out = np.full((n, len(self.names)), self.cap_mm, dtype=np.float32)
        if n == 0 or not self.fields.names:
            return broken, out
        both = np.concatenate([starts_mm, ends_mm])
        self.fields.cover(both.min(axis=0), both.max(axis=0), SLACK_MM)
        found = np.empty((n, self.fields.groups * LANES), dtype=np.float32)
        kernel.judge_clearances(
            self.fields.data.reshape(-1), np.array(self.fields.data.shape), self.fields.low_mm, self.fields.step_mm,
            self.fields.quantum_mm, self._margins if limited else np.full_like(self._margins, kernel.NO_LIMIT),
            self._used, self._cap, starts_mm, ends_mm, broken, found,
        )  # fmt: skip
        for column, name in enumerate(self.names):
            if name in self.fields.names:
                out[:, column] = found[:, self.fields.names.index(name)]
        return broken, out

    def _near_codes(self, broken: NDArray[np.int32]) -> NDArray[np.uint16]:
        """Reason codes of structures that come too near (0 for -1)."""
        first = kernel.FIRST_STRUCTURE + len(self._structures)
        codes = np.array(
            [first + self._structures.index(n) for n in self.fields.names] + [0], dtype=np.uint16
        )
        return codes[broken]

    def _counts(self, reason: NDArray[np.uint16]) -> dict[str, int]:
        number = np.bincount(reason.ravel())
        return {self.labels[int(c)]: int(number[c]) for c in np.flatnonzero(number) if c != kernel.KEPT}


def _cos(degrees: float) -> float:
    return float(np.cos(np.radians(degrees))) if degrees < 90 else 0.0


def _sin(degrees: float) -> float:
    return float(np.sin(np.radians(degrees))) if degrees < 90 else 1.0

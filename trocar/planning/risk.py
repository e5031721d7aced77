"""What a path risks when the needle does not go exactly where it is aimed: probabilities by seeded sampling.

The model and what it leaves out are described in docs/risk-model.md. It is one uncorrected pass: a model, not
an outcome, for staff only.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from trocar.clinical.sourced import STATUS_IN_WORDS, Status
from trocar.geometry.grid import Grid
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.kernels import perturbation as kernel
from trocar.planning.plan import PathRisk
from trocar.planning.quasi_random import ScrambledSobol

Float = NDArray[np.float64]

REPEATS = 16
"""Independent repeats of the whole sample; their spread is the numerical error."""
FIRST_PASSES = 1024
"""Passes of each repeat at first; doubled until the error is small enough."""
MOST_PASSES = 65536
"""Passes of each repeat at most."""
WANTED_ERROR = 0.005
"""Half width of the 99.7 % interval of every probability."""
CONFIDENCE_QUANTILE = 0.9985
UNSEEN_PASSES = 8.0
"""Even where all repeats agree, this many passes of all may hide: with 0 (1) of N passes the exact 99.7 %
binomial
interval ends at 6.5 / N (8.9 / N)."""
BLOCK_MM = 8.0
"""Side of the blocks that the walk looks at first; a matter of speed only."""
LEAVING_SHARE = 0.001
"""If more passes than this leave the part of the scan that was looked at, the method says so."""


class Tissue(Protocol):
    """What lies in every voxel (``imaging.tissue.TissueMap``), as far as this module needs it."""

    @property
    def grid(self) -> Grid: ...
    @property
    def classes(self) -> NDArray[Any]: ...
    @property
    def members(self) -> NDArray[np.bool_]: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def absent(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class GuidanceError:
    """How far a needle goes astray with one kind of guidance; make it from published figures with
    ``from_means``.

    entry_sigma_mm: of the entry, along each of two directions across the planned path.
    angle_sigma_deg: of the direction, about each of two axes across the planned path.
    motion_sigma_mm: of moving organs and a target in them, along the patient's head-to-feet axis; 0 for bone.
    source, status: as in the protocol that the figures come from.
    """

    entry_sigma_mm: float
    angle_sigma_deg: float
    motion_sigma_mm: float
    source: str
    status: Status

    def __post_init__(self) -> None:
        sigmas = (self.entry_sigma_mm, self.angle_sigma_deg, self.motion_sigma_mm)
        if not all(math.isfinite(sigma) and sigma >= 0 for sigma in sigmas):
            raise ValueError("the sigmas of a guidance error must be finite and not negative")
        if not self.source:
            raise ValueError("a guidance error needs a source")

    @staticmethod
    def from_means(
        entry_mean_mm: float,
        angle_mean_deg: float,
        source: str,
        status: Status,
        motion_mean_mm: float = 0.0,
    ) -> GuidanceError:
        """Sigmas from published means of *lengths*.

        entry_mean_mm: mean distance between planned and true entry. If both components of that error are
            normal with the same sigma and mean 0, its length follows Rayleigh's distribution, whose mean is
            sigma * sqrt(pi / 2).
        angle_mean_deg: mean angle between planned and true direction; likewise, of two tilts.
        motion_mean_mm: mean absolute shift along one axis: half-normal, with mean sigma * sqrt(2 / pi).
        Formulas: Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions 1, chapters 13 and 18.
        """
        return GuidanceError(
            entry_mean_mm / math.sqrt(math.pi / 2),
            angle_mean_deg / math.sqrt(math.pi / 2),
            motion_mean_mm * math.sqrt(math.pi / 2),
            source,
            status,
        )

    @property
    def in_words(self) -> str:
        """The figures that were used, for the method text."""
        motion = f", moving organs {self.motion_sigma_mm:.2f} mm head to feet" if self.motion_sigma_mm else ""
        return (
            f"standard deviations: entry {self.entry_sigma_mm:.2f} mm in each of two directions, tilt "
            f"{self.angle_sigma_deg:.2f}° about each of two axes{motion} "
            f"(source {self.source}, {STATUS_IN_WORDS[self.status]})"
        )


def path_risk(
    paths: Sequence[NeedlePath],
    needle: Needle,
    tissue: Tissue,
    *,
    target: Collection[str],
    mobile: Collection[str],
    harm: Sequence[str],
    min_sample_mm: float,
    errors: GuidanceError | None,
    seed: int,
    not_judged: Collection[str] = (),
) -> tuple[PathRisk, ...]:
    """Probability that each path samples its target, and that it enters each structure, by modelled passes.

    target: structures that together are sampled; either all of them move or none. mobile: structures that
    move. harm: structures to answer for. not_judged: of these, and of the target, those that get None instead
        of a probability: what the labels do not have, or what lies elsewhere once the patient is in position.
    min_sample_mm: length of target in the notch that counts as a sample. errors: None where the guidance has
        no sourced figures; then nothing is answered.
    The same arguments give the same bits, whatever the number of threads. A structure in ``tissue.absent``
    has no voxel in reach: probability 0. Raises KeyError for a name that ``tissue`` knows nothing of,
    ValueError for a target that moves in part.
    """
    if errors is None:
        return (PathRisk(None, {}, None, "no sourced error figures for this guidance"),) * len(paths)
    judged = [name for name in dict.fromkeys(harm) if name not in not_judged]
    aim = () if not target or set(target) & set(not_judged) else tuple(dict.fromkeys(target))
    unknown = [name for name in (*judged, *aim) if name not in tissue.names and name not in tissue.absent]
    if unknown:
        raise KeyError(unknown[0])
    if 0 < len(set(mobile) & set(aim)) < len(aim):
        raise ValueError("a target must either move as a whole or not at all")
    # Where nothing moves, one walk through everything does for two.
    scene = _Scene.of(tissue, judged, aim, mobile if errors.motion_sigma_mm > 0 else ())
    passes = _Passes(errors, seed)
    return tuple(_one_path(path, needle, scene, passes, harm, min_sample_mm) for path in paths)


def half_width(counts: NDArray[np.int64], passes: int) -> Float:
    """Half width of the 99.7 % interval of the numerical error of each probability.

    counts: (R, S) hits of each independent repeat; passes: of each repeat. Student's t over the repeats, but
    never less than ``UNSEEN_PASSES`` of all passes, since repeats that agree on 0 or 1 say nothing of their
    spread.
    """
    repeats = len(counts)
    spread = (counts / passes).std(axis=0, ddof=1) / math.sqrt(repeats)
    return np.asarray(
        np.maximum(stdtrit(repeats - 1, CONFIDENCE_QUANTILE) * spread, UNSEEN_PASSES / (repeats * passes))
    )


class _Passes:
    """Errors of the passes, in blocks that double the sample; the same for every path, so that paths compare."""

    def __init__(self, errors: GuidanceError, seed: int) -> None:
        self.errors = errors
        self.seed = seed
        self._sobol = ScrambledSobol(REPEATS, seed)
        self._blocks: list[tuple[Float, Float, Float]] = []

    def block(self, number: int) -> tuple[Float, Float, Float]:
        """Offsets (N, 2) in mm, directions (N, 3) along two cross axes and the path, shifts (N,) in mm."""
        while number >= len(self._blocks):
            begin = FIRST_PASSES << (len(self._blocks) - 1) if self._blocks else 0
            end = FIRST_PASSES << len(self._blocks)
            normal = ndtri(self._sobol.points(begin, end)).reshape(-1, 5)
            tilt = normal[:, 2:4] * math.radians(self.errors.angle_sigma_deg)
            angle = np.hypot(tilt[:, 0], tilt[:, 1])
            direction = np.column_stack([tilt * np.sinc(angle / math.pi)[:, None], np.cos(angle)])
            self._blocks.append(
                (
                    np.ascontiguousarray(normal[:, :2] * self.errors.entry_sigma_mm),
                    direction,
                    np.ascontiguousarray(normal[:, 4] * self.errors.motion_sigma_mm),
                )
            )
        return self._blocks[number]


_Layer = tuple[NDArray[np.uint64], NDArray[np.uint64]]
"""Bits of each class and of each block of voxels, as the kernel wants them."""


@dataclass(frozen=True, eq=False)
class _Scene:
    """The tissue as the kernel sees it. Groups of at most 63 structures each; the target stands in the first."""

    grid: Grid
    classes: NDArray[Any]
    log2_kji: NDArray[np.int64]
    groups: tuple[tuple[tuple[str, ...], _Layer, _Layer], ...]
    samples: bool
    """Whether there is a target to be sampled."""

    @staticmethod
    def of(tissue: Tissue, judged: Sequence[str], aim: Sequence[str], mobile: Collection[str]) -> _Scene:
        """Sort judged structures and target into what stays and what moves."""
        spacing_kji = tissue.grid.spacing_mm[::-1]
        log2_kji = np.array([max(0, int(math.log2(BLOCK_MM / side))) for side in spacing_kji], np.int64)
        classes = np.ascontiguousarray(tissue.classes)
        column = {name: index for index, name in enumerate(tissue.names)}

        def layer(names: Sequence[str], target: Sequence[str], moving: bool) -> _Layer:
            bits = np.zeros(len(tissue.members), np.uint64)
            marks = [(name, np.uint64(1 << bit)) for bit, name in enumerate(names)]
            marks += [(name, kernel.TARGET) for name in target]
            for name, mark in marks:
                if name in column and (name in mobile) == moving:
                    bits[tissue.members[:, column[name]]] |= mark
            if not bits.any():  # never walked
                return bits, np.zeros((1, 1, 1), np.uint64)
            return bits, kernel.block_contents(classes, bits, log2_kji)

        groups = []
        for begin in range(0, max(len(judged), 1), kernel.MOST_STRUCTURES):
            names = tuple(judged[begin : begin + kernel.MOST_STRUCTURES])
            sampled = aim if begin == 0 else ()
            groups.append((names, layer(names, sampled, False), layer(names, sampled, True)))
        return _Scene(tissue.grid, classes, log2_kji, tuple(groups), bool(aim))

    @cached_property
    def motion_axis(self) -> Float:
        """The patient's feet-to-head axis along the axes of the grid."""
        return np.ascontiguousarray(self.grid.directions.T @ (0.0, 0.0, 1.0))


def _one_path(
    path: NeedlePath,
    needle: Needle,
    scene: _Scene,
    passes: _Passes,
    harm: Sequence[str],
    min_sample_mm: float,
) -> PathRisk:
    names = [name for group, _, _ in scene.groups for name in group]
    hits = np.zeros((REPEATS, len(names) + 2), np.int64)
    done = 0
    block = 0
    while True:
        offsets_mm, tilts, motions_mm = passes.block(block)
        each = len(offsets_mm) // REPEATS
        hits += _count(path, needle, scene, (offsets_mm, tilts, motions_mm), each, min_sample_mm)
        done += each
        block += 1
        error = float(half_width(hits[:, : len(names) + 1], done).max())
        if error < WANTED_ERROR or done >= MOST_PASSES:
            break
    share = hits.sum(axis=0) / (REPEATS * done)
    found = dict(zip(names, share.tolist(), strict=False))
    return PathRisk(
        sample=float(share[-2]) if scene.samples else None,
        harm={name: found.get(name) for name in dict.fromkeys(harm)},
        error=error,
        method=_method(passes, REPEATS * done, error, float(share[-1])),
    )


def _count(
    path: NeedlePath,
    needle: Needle,
    scene: _Scene,
    block: tuple[Float, Float, Float],
    each: int,
    min_sample_mm: float,
) -> NDArray[np.int64]:
    """Hits of each repeat in one block of passes: (REPEATS, structures + 2), then samples, then passes that leave."""
    grid = scene.grid
    axes = np.ascontiguousarray(_axes(path.direction_lps) @ grid.directions)
    begin_mm = path.length_mm + needle.notch_start_mm
    counted = [
        kernel.count_passes(
            scene.classes,
            grid.spacing_mm,
            scene.log2_kji,
            still,
            moving,
            (grid.to_voxel(path.entry_lps_mm) * grid.spacing_mm, axes, scene.motion_axis),
            block,
            path.length_mm + path.throw_mm,
            np.array([begin_mm, begin_mm + needle.notch_length_mm]),
            # A notch that lies wholly in its target must not miss the wanted length by rounding.
            min_sample_mm - 1e-9,
            len(names),
            each,
        )
        for names, still, moving in scene.groups
    ]
    return np.concatenate([*(part[:, :-2] for part in counted), counted[0][:, -2:]], axis=1)


def _axes(direction_lps: Float) -> Float:
    """Two unit vectors across a direction, then the direction itself, as rows (3, 3) in LPS."""
    beside = (0.0, 0.0, 1.0) if abs(direction_lps[2]) < 0.9 else (0.0, -1.0, 0.0)
    first = np.cross(beside, direction_lps)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(direction_lps, first), direction_lps])


def _method(passes: _Passes, total: int, error: float, leaving: float) -> str:
    text = (
        f"Model of one uncorrected pass, not an outcome; {passes.errors.in_words}. "
        f"{total:,} seeded quasi-random passes ({REPEATS} scrambled Sobol sequences, seed {passes.seed}); "
        f"numerical error at most {100 * error:.2f} percentage points (99.7 %)."
    )
    if leaving > LEAVING_SHARE:
        text += (
            f" {100 * leaving:.1f} % of the passes leave the part of the scan that was looked at; "
            "what they would meet there is not counted."
        )
    return text

"""Orders the slices of one acquisition by where they lie, and refuses what makes no volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trocar.dicom.acquisitions import SAME_DIRECTION, SAME_PLACE_MM, Acquisition
from trocar.dicom.frames import Frame
from trocar.dicom.pixels import read_hu
from trocar.errors import InputRefused

Float = NDArray[np.float64]

STRAIGHT_MM = 0.1
"""Slices may stand this far off the straight line across them (rounded positions) and still count as aligned."""
EVEN_MM = 0.05
"""A slice may lie this far from its even place; far below the 0.35 mm that planning promises."""
MISSING_STEP = 1.5
"""A step this many times the usual one means that a slice is missing, unless a whole block is spaced so."""
BLOCK_STEPS = 3
"""So many equal steps in a row make a block with a spacing of its own."""
SEE_THROUGH_STEP = 1.5
"""Slices further apart than this many times their thickness leave tissue unseen."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Frames in order along the slice normal.

    positions_lps_mm: (N, 3), first pixel's centre of each. directions: 3x3, columns are the unit vectors of
    i, j, and the normal i x j. spacing_mm: of the even stack, or the one to resample to. is_regular: whether
    the slices make a right-angled, evenly spaced grid as they are. notices: sentences for the user.
    """

    frames: tuple[Frame, ...]
    positions_lps_mm: Float
    directions: Float
    spacing_mm: float
    is_regular: bool
    notices: tuple[str, ...]


def stack(acquisition: Acquisition) -> Stack:
    """Order the frames of ``acquisition`` by position along the slice normal.

    Raises InputRefused with one sentence where geometry is missing, slices do not match (size, spacing,
    orientation, frame of reference, patient), lie on one another with different pixels, or one is missing, and
    where there is only one.
    """
    frames = acquisition.frames
    _require_geometry(frames)
    _require_alike(frames)
    # Rounding may differ from slice to slice; which one counts must not depend on the order of files.
    first = min(frames, key=lambda frame: (*frame.position_lps_mm, frame.sop_instance_uid))
    directions = np.column_stack([first.row_direction, first.column_direction, first.normal])
    depth = np.array([float(frame.position_lps_mm @ first.normal) for frame in frames])
    # Equal depths are told apart by UID, so that the order of files on disk never matters.
    order = sorted(
        range(len(frames)),
        key=lambda n: (round(depth[n] / SAME_PLACE_MM), frames[n].sop_instance_uid, frames[n].name),
    )
    frames, notices = _without_duplicates([frames[n] for n in order])
    if len(frames) < 2:
        raise InputRefused("There is only one slice; planning needs a volume.")
    positions = np.array([frame.position_lps_mm for frame in frames])
    depth = positions @ first.normal
    across = positions @ directions[:, :2]
    steps = np.diff(depth)
    _require_no_gap(frames, steps)

    even = float(depth[-1] - depth[0]) / (len(frames) - 1)
    is_even = np.abs(depth - depth[0] - even * np.arange(len(frames))).max() <= min(EVEN_MM, 0.05 * even)
    is_straight = np.abs(across - (across.max(axis=0) + across.min(axis=0)) / 2).max() <= STRAIGHT_MM
    if not is_even:
        notices.append(
            f"The slices are unevenly spaced ({steps.min():.2f} to {steps.max():.2f} mm); they were resampled to "
            f"{_fine_spacing(steps):.2f} mm."
        )
    if not is_straight:
        notices.append(_slant_notice(across, depth))
    notices += _coverage_notice(frames, steps) + _uid_notice(frames)
    spacing = even if is_even else _fine_spacing(steps)
    return Stack(frames, positions, directions, spacing, bool(is_even and is_straight), tuple(notices))


def _fine_spacing(steps: Float) -> float:
    """The smallest step, so that no detail is lost; but not less than half the usual one."""
    return float(max(steps.min(), np.median(steps) / 2))


def _require_geometry(frames: Sequence[Frame]) -> None:
    bare = [frame for frame in frames if not frame.has_geometry]
    if bare:
        raise InputRefused(
            f"{bare[0].name} does not say where it lies in the patient (position, orientation or pixel spacing is "
            "missing or broken); planning needs that."
        )


def _require_alike(frames: Sequence[Frame]) -> None:
    first = frames[0]
    references = {frame.frame_of_reference_uid for frame in frames if frame.frame_of_reference_uid}
    if len(references) > 1:
        raise InputRefused(
            "The slices have different frames of reference: the patient may have moved between them; "
            "choose files of one acquisition."
        )
    if len({str(frame.file.header.get("PatientID") or "") for frame in frames}) > 1:
        raise InputRefused(
            "The slices of this series carry different patient identifiers; check where they come from."
        )
    for frame in frames:
        turned = max(
            np.abs(frame.row_direction - first.row_direction).max(),
            np.abs(frame.column_direction - first.column_direction).max(),
        )
        if turned > SAME_DIRECTION:
            raise InputRefused(
                f"The slices are not parallel: {first.name} and {frame.name} have different orientations."
            )
        if (frame.rows, frame.columns) != (first.rows, first.columns):
            raise InputRefused(
                f"The slices differ in size: {first.name} has {first.columns} x {first.rows} pixels, {frame.name} "
                f"{frame.columns} x {frame.rows}."
            )
        if not np.allclose(frame.spacing_mm, first.spacing_mm, rtol=1e-4, atol=0):
            raise InputRefused(f"The slices differ in pixel spacing ({first.name} and {frame.name}).")


def _uid_notice(frames: Sequence[Frame]) -> list[str]:
    uids = {(frame.sop_instance_uid, frame.number) for frame in frames if frame.sop_instance_uid}
    if len(uids) == len(frames):
        return []
    return ["Some slices carry no SOP Instance UID of their own; DICOM results cannot refer to each of them."]


def _without_duplicates(frames: list[Frame]) -> tuple[tuple[Frame, ...], list[str]]:
    """One frame for each position; frames come ordered along the normal."""
    kept = [frames[0]]
    dropped = 0
    for frame in frames[1:]:
        before = kept[-1]
        depth = float((frame.position_lps_mm - before.position_lps_mm) @ frame.normal)
        if abs(depth) > SAME_PLACE_MM:
            kept.append(frame)
            continue
        apart = float(np.linalg.norm(frame.position_lps_mm - before.position_lps_mm))
        pixels, _ = read_hu([before, frame], (frame.rows, frame.columns))
        if apart > SAME_PLACE_MM or not np.array_equal(pixels[0], pixels[1]):
            raise InputRefused(
                f"{before.name} and {frame.name} lie at the same place ({_where(frame)}) and show different pictures; "
                "they are not one acquisition."
            )
        dropped += 1
    if not dropped:
        return tuple(kept), []
    return tuple(kept), [
        f"{'1 slice was' if dropped == 1 else f'{dropped} slices were'} there twice with equal pixels."
    ]


def _where(frame: Frame) -> str:
    """The slice's position along the patient axis that it is most square to, as text."""
    axis = int(np.argmax(np.abs(frame.normal)))
    return f"{'xyz'[axis]} {frame.position_lps_mm[axis]:.1f} mm"


def _require_no_gap(frames: Sequence[Frame], steps: Float) -> None:
    """Refuse where a slice is missing: a step far above the usual one that is no block's own spacing."""
    usual = float(np.sort(steps)[(len(steps) - 1) // 2])
    for n, step in enumerate(steps):
        if step <= MISSING_STEP * usual or _in_own_block(frames, steps, n):
            continue
        raise InputRefused(
            f"A slice is missing between {_where(frames[n])} ({frames[n].name}) and {_where(frames[n + 1])} "
            f"({frames[n + 1].name}): the step there is {step:.2f} mm, elsewhere {usual:.2f} mm; export it again."
        )


def _in_own_block(frames: Sequence[Frame], steps: Float, n: int) -> bool:
    """Whether step ``n`` belongs to a run of equal steps whose slices are as thick as the step is long."""
    alike = np.abs(steps / steps[n] - 1) <= 0.1
    start = end = n
    while start > 0 and alike[start - 1]:
        start -= 1
    while end + 1 < len(steps) and alike[end + 1]:
        end += 1
    thickness = [frames[m].thickness_mm for m in range(start, end + 2)]
    thick_enough = all(t is not None and steps[n] <= SEE_THROUGH_STEP * t for t in thickness[1:-1])
    return end - start + 1 >= BLOCK_STEPS and thick_enough


def _slant_notice(across: Float, depth: Float) -> str:
    slope = np.polyfit(depth - depth[0], across - across[0], 1)[0]
    fit = across.mean(axis=0) + np.outer(depth - depth.mean(), slope)
    if np.abs(across - fit).max() <= STRAIGHT_MM:
        angle = float(np.degrees(np.arctan(np.linalg.norm(slope))))
        return (
            f"The gantry was tilted by {angle:.1f} degrees; the slices were resampled to a right-angled grid."
        )
    return "The slices are shifted against one another; they were resampled to a right-angled grid."


def _coverage_notice(frames: Sequence[Frame], steps: Float) -> list[str]:
    thickness = max((frame.thickness_mm or 0.0 for frame in frames), default=0.0)
    step = float(np.median(steps))
    if 0 < thickness < step / SEE_THROUGH_STEP:
        return [
            f"The slices are {thickness:g} mm thick but {step:.1f} mm apart: what lies between them was not seen."
        ]
    return []

"""Plain NumPy twins of the planner's kernels: slow, short, and written from the definition, not from the kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
TOUCH_MM = 1e-6


def boxes_of(mask_kji: NDArray[np.bool_], spacing_mm: Float) -> tuple[Float, Float]:
    """Low and high corners (N, 3) in grid mm of the voxels of a mask."""
    centres = np.argwhere(mask_kji)[:, ::-1] * spacing_mm
    return centres - spacing_mm / 2, centres + spacing_mm / 2


def point_to_boxes(points_mm: Float, low: Float, high: Float) -> Float:
    """Distance (P,) from each point to the nearest box; infinite where there is none."""
    if len(low) == 0:
        return np.full(len(points_mm), np.inf)
    return np.array(
        [np.linalg.norm(np.maximum(0, np.maximum(low - p, p - high)), axis=1).min() for p in points_mm]
    )


def segment_to_boxes(start_mm: Float, end_mm: Float, low: Float, high: Float) -> float:
    """Distance from a segment to the nearest of many boxes.

    The squared distance to one box is convex along the segment: a golden-section search finds its minimum. Boxes
    that cannot be nearest, by the distance of their centres, are left out.
    """
    if len(low) == 0:
        return np.inf
    along = end_mm - start_mm
    centres = (low + high) / 2
    t = np.clip((centres - start_mm) @ along / max(along @ along, 1e-30), 0, 1)
    to_centre = np.linalg.norm(centres - (start_mm + t[:, None] * along), axis=1)
    near = to_centre <= to_centre.min() + np.linalg.norm(high[0] - low[0])
    low, high = low[near], high[near]

    def squared(at: Float) -> Float:
        p = start_mm + at[:, None] * along
        return np.asarray((np.maximum(0, np.maximum(low - p, p - high)) ** 2).sum(axis=1))

    a, b = np.zeros(len(low)), np.ones(len(low))
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(75):
        c, d = b - ratio * (b - a), a + ratio * (b - a)
        left = squared(c) <= squared(d)
        a, b = np.where(left, a, c), np.where(left, d, b)
    return float(np.sqrt(min(squared(v).min() for v in ((a + b) / 2, np.zeros(len(low)), np.ones(len(low))))))


def segment_in_boxes(start_mm: Float, end_mm: Float, low: Float, high: Float) -> tuple[Float, Float]:
    """Shares (first, last) of the segment inside each closed box by the slab test; first > last: not met."""
    along = end_mm - start_mm
    first, last = np.zeros(len(low)), np.ones(len(low))
    for axis in range(3):
        if abs(along[axis]) < 1e-12:
            outside = (start_mm[axis] < low[:, axis] - TOUCH_MM) | (start_mm[axis] > high[:, axis] + TOUCH_MM)
            first = np.where(outside, np.inf, first)
            continue
        t0 = (low[:, axis] - start_mm[axis]) / along[axis]
        t1 = (high[:, axis] - start_mm[axis]) / along[axis]
        first = np.maximum(first, np.minimum(t0, t1))
        last = np.minimum(last, np.maximum(t0, t1))
    return first, last


def met(start_mm: Float, end_mm: Float, mask_kji: NDArray[np.bool_], spacing_mm: Float) -> float | None:
    """Share of the segment at which it first meets or touches a voxel of the mask; None where it does not."""
    low, high = boxes_of(mask_kji, spacing_mm)
    first, last = segment_in_boxes(start_mm, end_mm, low, high)
    hit = first <= last + TOUCH_MM / max(float(np.linalg.norm(end_mm - start_mm)), 1e-9)
    return float(first[hit].min()) if hit.any() else None


def length_inside(start_mm: Float, end_mm: Float, mask_kji: NDArray[np.bool_], spacing_mm: Float) -> float:
    """Millimetres of a segment inside the voxels of a mask (for segments that run in no face)."""
    low, high = boxes_of(mask_kji, spacing_mm)
    first, last = segment_in_boxes(start_mm, end_mm, low, high)
    return float(np.maximum(0, last - first).sum() * np.linalg.norm(end_mm - start_mm))

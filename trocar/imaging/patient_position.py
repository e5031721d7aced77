"""How the patient lies: from the DICOM header, or seen in the picture from the table and from gas levels.

Two independent signs, each on the body's plane of slices:

- The table: dense cells outside the body that stand at the same place in most slices (a table is straight along
  the patient, a blanket or a tube is not) and lie along one side of the body.
- Gas levels: gas in stomach and bowel rises, and the fluid under it has a level surface. Level borders of gas
  pockets are counted for each of the four directions; "down" is where they are.

Both may be absent (cropped scan, no fluid). Where they contradict each other, nothing is inferred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cc3d
import numpy as np
from numpy.typing import NDArray

from trocar.imaging.segmentation.coarse import CoarseScan, coarse_scan
from trocar.imaging.structures import Mask
from trocar.imaging.volume import PatientPosition, Volume

TablePosition = Literal["supine", "prone", "left_lateral", "right_lateral"]
"""How the patient lies on the table; left_lateral: on the left side, so that the left side is down."""

Sides = dict[tuple[int, int], str]
"""(axis 1 or 2 of the cells, sign) -> side of the patient that this direction points to."""

_BY_CODE: dict[str, TablePosition] = {
    "S": "supine",
    "P": "prone",
    "DL": "left_lateral",
    "DR": "right_lateral",
}

_BY_SIDE_DOWN: dict[str, TablePosition] = {
    "posterior": "supine",
    "anterior": "prone",
    "left": "left_lateral",
    "right": "right_lateral",
}

SOLID_HU = -600
"""Covers of tables, a few millimetres thick, fill a cell to above this."""

STRAIGHT = 0.6
"""Share of the slices in which a cell of the table is dense."""

TABLE_COVER = 0.35
"""The table lies beside at least this share of the body's width, and 2.5 times as much as on any other
side. Wide patients hide the middle of a table that sinks below the picture."""

LEVEL_SHARE = 0.7
"""A pocket's border is level in a slice where this share of it lies within two neighbouring rows of cells."""

LEVEL_MM = 20.0
"""Shortest level border that counts: a round pocket of usual size has none so long."""

FLUID_HU = (-20, 400)
"""Range of what a level stands on: fluid or stool, with contrast or without; fat and wall alone do not count."""

LEVELS_MM2 = 300.0
"""Smallest area of level borders from which a direction is read."""

LEVEL_MAJORITY = 0.7
"""Share of all level borders that one direction must have."""

LOOP_ML = (2.0, 2000.0)
"""Volume of a pocket of gas in stomach or bowel."""


@dataclass(frozen=True)
class PositionGuess:
    """position: how the patient lies, or None where the picture does not tell; confidence_reason: why, in words."""

    position: TablePosition | None
    confidence_reason: str


def position_from_dicom(code: PatientPosition) -> TablePosition:
    """Table position from DICOM PatientPosition (0018,5100): head or feet first makes no difference.

    Decubitus right (HFDR, FFDR) is the right side down, as PS3.3 C.7.3.1.1.2 defines it.
    """
    return _BY_CODE[code[2:]]


def infer_position(volume: Volume, body: Mask) -> PositionGuess:
    """How the patient lies, seen in the picture. ``body``: `body_mask(volume)`, bool ``[k, j, i]``."""
    scan = coarse_scan(volume)
    inside = scan.cells_of(body)
    sides = _sides(volume, scan)
    table = table_side(scan, inside, sides)
    levels = level_side(scan, inside, sides)
    if table and levels and table != levels:
        reason = (
            f"the table seems to lie {_SIDE_WORDS[table]}, but gas levels show {levels} as the lower side"
        )
        return PositionGuess(None, reason)
    side = table or levels
    if side is None:
        return PositionGuess(None, "neither a table nor gas levels can be seen")
    signs = []
    if table:
        signs.append(f"a table lies {_SIDE_WORDS[table]}")
    if levels:
        signs.append(f"gas levels show {levels} as the lower side")
    return PositionGuess(_BY_SIDE_DOWN[side], " and ".join(signs))


_SIDE_WORDS = {
    "posterior": "behind the patient",
    "anterior": "in front of the patient",
    "left": "at the patient's left side",
    "right": "at the patient's right side",
}


def _sides(volume: Volume, scan: CoarseScan) -> Sides:
    """Which side of the patient each direction in the plane of the slices points to."""
    order = [scan.through, *(axis for axis in range(3) if axis != scan.through)]
    sides: Sides = {}
    for axis in (1, 2):
        direction = volume.grid.directions[:2, 2 - order[axis]]
        along = int(np.argmax(np.abs(np.round(direction, 6))))
        plus, minus = (("left", "right"), ("posterior", "anterior"))[along]
        if direction[along] < 0:
            plus, minus = minus, plus
        sides[axis, 1], sides[axis, -1] = plus, minus
    return sides


def _facing(array: NDArray[Any], axis: int, sign: int) -> NDArray[Any]:
    """A slice of cells laid out so that its rows run in one of the four directions."""
    along = array if axis == 1 else array.T
    return along[::sign]


def table_side(scan: CoarseScan, inside: NDArray[np.bool_], sides: Sides) -> str | None:
    """The side of the patient on which a table lies, None where none is seen or it is not clear."""
    slices = np.any(inside, axis=(1, 2), keepdims=True)
    if not slices.any():
        return None
    # Cells that touch the body are half skin.
    solid = np.logical_and(scan.means > SOLID_HU, scan.distances_mm10(inside) > scan.steps[2])
    # Where the body is in the way of a cell, the cell says nothing about what is straight.
    seen = (~inside & slices).sum(axis=0)
    long_enough = seen >= max(1.0, 0.3 * slices.sum())
    straight = np.asarray((np.sum(solid & slices, axis=0) >= STRAIGHT * seen) & long_enough)
    anywhere = np.asarray(inside.any(axis=0))
    cover: dict[str, float] = {}
    for (axis, sign), side in sides.items():
        table, trunk = _facing(straight, axis, sign), _facing(anywhere, axis, sign)
        columns = trunk.any(axis=0)
        last = len(trunk) - 1 - np.argmax(trunk[::-1], axis=0)
        beyond = np.arange(len(table))[:, None] >= last[None, :]
        cover[side] = float(np.mean(np.any(table & beyond, axis=0), where=columns))
    best = max(cover, key=lambda side: cover[side])
    rest = max(share for side, share in cover.items() if side != best)
    return best if cover[best] >= TABLE_COVER and 2.5 * rest <= cover[best] else None


def level_side(scan: CoarseScan, inside: NDArray[np.bool_], sides: Sides) -> str | None:
    """The side of the patient that is down by the level borders of gas pockets, None where there are too few."""
    areas = level_areas_mm2(scan, inside, sides)
    best = max(areas, key=lambda side: areas[side])
    clear = areas[best] >= LEVELS_MM2 and areas[best] >= LEVEL_MAJORITY * sum(areas.values())
    return best if clear else None


def level_areas_mm2(scan: CoarseScan, inside: NDArray[np.bool_], sides: Sides) -> dict[str, float]:
    """Area in mm2 of level borders between gas and fluid that face each side of the patient."""
    gas = inside & (scan.means < -600)
    pockets, count = cc3d.connected_components(gas, connectivity=6, return_N=True)
    sizes = np.bincount(pockets[gas], minlength=count + 1)
    empty = np.bincount(pockets[gas & (scan.means < -900)], minlength=count + 1)
    # Lung is denser than gas in bowel, small bubbles have no level.
    loops = (
        (sizes * scan.cell_ml >= LOOP_ML[0]) & (sizes * scan.cell_ml <= LOOP_ML[1]) & (empty > 0.3 * sizes)
    )
    loops[0] = False
    gas = loops[pockets]
    areas = dict.fromkeys(sides.values(), 0.0)
    for k in np.flatnonzero(gas.any(axis=(1, 2))):
        parts, number = cc3d.connected_components(gas[k], connectivity=4, return_N=True)
        for (axis, sign), side in sides.items():
            part, means = _facing(parts, axis, sign), _facing(scan.means[k], axis, sign)
            here, beyond = part[:-3], means[3:]
            row, column = np.nonzero((here > 0) & (part[1:-2] != here))
            borders = np.zeros((2, number + 1, len(part)), np.int64)
            np.add.at(borders[0], (here[row, column], row), 1)
            wet = (beyond[row, column] > FLUID_HU[0]) & (beyond[row, column] < FLUID_HU[1])
            np.add.at(borders[1], (here[row, column], row), wet)
            two = borders[:, :, :-1] + borders[:, :, 1:]
            at = two[0].argmax(axis=1)
            level, on_fluid = two[:, np.arange(number + 1), at]
            width = scan.cell_mm[3 - axis]
            counts = (
                (level >= LEVEL_SHARE * borders[0].sum(axis=1))
                & (level * width >= LEVEL_MM)
                & (on_fluid >= LEVEL_SHARE * level)
            )
            areas[side] += float(level[counts].sum()) * width * scan.cell_mm[0]
    return areas

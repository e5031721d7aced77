"""Named structures (organs, bones, lesions) on a grid: a label map, single masks, or both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trocar.errors import InputRefused
from trocar.geometry.grid import Box, Grid

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class StructureSet:
    """Structures on one grid.

    labels: unsigned integers ``[k, j, i]`` (0 = none of them); names: label value -> name of the structure.
    masks: name -> boolean ``[k, j, i]``, for structures that may overlap others.
    sha256: over names, voxels and geometry; notices: sentences for the user from reading them.
    """

    grid: Grid
    labels: NDArray[np.unsignedinteger] | None
    label_names: Mapping[int, str]
    masks: Mapping[str, Mask]
    sha256: str = ""
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for array in [*([] if self.labels is None else [self.labels]), *self.masks.values()]:
            if array.shape != self.grid.shape_kji:
                raise InputRefused("The structures' voxels and their geometry do not have the same size.")
        names = [*self.label_names.values(), *self.masks]
        if len(set(names)) != len(names):
            raise InputRefused("Two structures have the same name; rename one of them.")

    @property
    def names(self) -> tuple[str, ...]:
        """Every structure's name, in the file's order."""
        return (*self.label_names.values(), *self.masks)

    def mask(self, name: str, box: Box | None = None) -> Mask:
        """Boolean ``[k, j, i]`` of one structure, in ``box`` or the whole grid. KeyError where there is none."""
        where = box.slices_kji if box else (slice(None),) * 3
        if name in self.masks:
            return self.masks[name][where]
        if name not in self.names:
            raise KeyError(name)
        return self.union((name,), box)

    def union(self, names: Collection[str], box: Box | None = None) -> Mask:
        """Boolean ``[k, j, i]``: in any of the structures ``names``; names that are not here count as empty."""
        whole = Box((0, 0, 0), self.grid.size_ijk)
        outer = box or whole
        i, j, k = (b - a for a, b in zip(outer.low_ijk, outer.high_ijk, strict=True))
        result = np.zeros((k, j, i), bool)
        values = [value for value, name in self.label_names.items() if name in names and value in self.boxes]
        inner = outer.common([self.boxes[value] for value in values])
        if values and self.labels is not None and inner is not None:
            part = self.labels[inner.slices_kji]
            # one entry for every value the array can hold: values without a name are in no structure
            wanted = np.zeros(int(np.iinfo(part.dtype).max) + 1, bool)
            wanted[values] = True
            result[inner.inside(outer)] = wanted[part]
        for name in names:
            if name in self.masks:
                result |= self.masks[name][outer.slices_kji]
        return result

    @cached_property
    def boxes(self) -> dict[int, Box]:
        """Label value -> the smallest box that holds it; values without a voxel are not in it."""
        if self.labels is None:
            return {}
        found = ndimage.find_objects(self.labels)
        return {
            value: Box((i.start, j.start, k.start), (i.stop, j.stop, k.stop))
            for value, place in enumerate(found, start=1)
            if place is not None
            for k, j, i in [place]
        }

    def box_of(self, names: Collection[str], margin_mm: float = 0.0) -> Box | None:
        """The smallest box that holds all of ``names``, widened within the grid; None where they have no voxel."""
        boxes = [self.boxes[v] for v, n in self.label_names.items() if n in names and v in self.boxes]
        boxes += [b for n, m in self.masks.items() if n in names and (b := Box.of_mask(m)) is not None]
        whole = Box((0, 0, 0), self.grid.size_ijk)
        return whole.common(boxes, tuple(np.ceil(margin_mm / self.grid.spacing_mm).astype(int).tolist()))

    def merged(self, other: StructureSet) -> StructureSet:
        """Both together; ``other`` must lie on the same grid and wins where names are equal."""
        if not self.grid.same_as(other.grid):
            raise InputRefused("Two structure files lie on different grids; resample one to the other.")
        masks = {n: m for n, m in self.masks.items() if n not in other.names}
        masks |= {n: other.mask(n) for n in other.names}
        names = {v: n for v, n in self.label_names.items() if n not in other.names}
        return StructureSet(
            self.grid, self.labels, names, masks, self.sha256 + other.sha256, (*self.notices, *other.notices)
        )

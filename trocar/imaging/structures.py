"""Named structures (organs, bones, lesions) on a grid: a label map, single masks, or both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
        value = next((v for v, n in self.label_names.items() if n == name), None)
        if value is None or self.labels is None:
            raise KeyError(name)
        return np.asarray(self.labels[where] == value)

    def union(self, names: Collection[str], box: Box | None = None) -> Mask:
        """Boolean ``[k, j, i]``: in any of the structures ``names``; names that are not here count as empty."""
        where = box.slices_kji if box else (slice(None),) * 3
        if self.labels is None:
            shape = self.grid.shape_kji if box is None else self.grid.crop(box.low_ijk, box.high_ijk).shape_kji
            result = np.zeros(shape, bool)
        else:
            part = self.labels[where]
            # one entry for every value the array can hold: values without a name are in no structure
            wanted = np.zeros(int(np.iinfo(part.dtype).max) + 1, bool)
            for value, name in self.label_names.items():
                wanted[value] = name in names
            result = wanted[part] if wanted.any() else np.zeros(part.shape, bool)
        for name in names:
            if name in self.masks:
                result |= self.masks[name][where]
        return np.asarray(result)

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

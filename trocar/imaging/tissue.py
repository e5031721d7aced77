"""What lies in every voxel of the needle's reach: one class per distinct combination of structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trocar.geometry.grid import Grid
from trocar.imaging.kernels.tissue_classes import classes_under, labels_to_classes, reclass_under

Mask = NDArray[np.bool_]
Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TissueMap:
    """Structures on a (cropped) grid, overlapping or not, in one array.

    grid: of the crop. classes: uint8 or uint16 ``[k, j, i]``, voxel -> class; class 0 is in no structure.
    members: bool (n_class, n_structure): which structures a class belongs to. names: (n_structure,) the structures
    that have a voxel in the crop. absent: those that were wanted and have none.
    """

    grid: Grid
    classes: NDArray[Any]
    members: Mask
    names: tuple[str, ...]
    absent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.classes.shape != self.grid.shape_kji or not self.classes.flags.c_contiguous:
            raise ValueError("classes must be C-contiguous and as large as the grid")
        if self.members.shape[1] != len(self.names) or self.members[0].any():
            raise ValueError("members must have one column per structure, and class 0 must be in none")

    @staticmethod
    def build(
        grid: Grid,
        labels: NDArray[Any] | None,
        label_names: Mapping[int, str],
        extra_masks: Mapping[str, Mask],
        wanted: Sequence[str],
    ) -> TissueMap:
        """Classes from a label map and masks that may overlap it and each other, all cropped to ``grid``.

        labels: integers ``[k, j, i]`` or None; label_names: label value -> name; extra_masks: name -> bool
        ``[k, j, i]``. Only names in ``wanted`` are kept. Raises ValueError where a size differs or a name is double.
        """
        for array in [*([] if labels is None else [labels]), *extra_masks.values()]:
            if array.shape != grid.shape_kji:
                raise ValueError("labels and masks must be cropped to the grid")
        chosen = dict.fromkeys(wanted)
        from_labels = {
            v: n for v, n in sorted(label_names.items()) if n in chosen and labels is not None and v > 0
        }
        masks = {n: m for n, m in extra_masks.items() if n in chosen}
        names = [*from_labels.values(), *masks]
        if len(set(names)) != len(names):
            raise ValueError("two structures have the same name")

        members = [frozenset[str](), *(frozenset((n,)) for n in from_labels.values())]
        classes = np.zeros(grid.shape_kji, dtype=np.uint8 if len(members) <= 256 else np.uint16)
        present = np.zeros(len(members), dtype=bool)
        present[0] = True
        if labels is not None and from_labels:
            table = np.zeros(max(from_labels) + 1, dtype=classes.dtype)
            for new, value in enumerate(from_labels, start=1):
                table[value] = new
            present = labels_to_classes(_unsigned(labels), table, classes).any(axis=0)
        for name, mask in masks.items():
            where = _bounding_slices(mask)
            if where is None:
                continue
            inside = np.asarray(mask[where], dtype=np.bool_)
            under = np.flatnonzero(classes_under(classes[where], inside, len(members)).any(axis=0))
            target = np.arange(len(members))
            for old in under:
                target[old] = len(members)
                members.append(members[old] | {name})
            if len(members) > 256 and classes.dtype == np.uint8:
                classes = classes.astype(np.uint16)
            if len(members) > 65536:
                raise ValueError("more than 65536 combinations of structures")
            reclass_under(classes[where], inside, target.astype(classes.dtype))
            present = np.concatenate([present, np.ones(len(under), dtype=bool)])
        kept = set().union(*(m for m, there in zip(members, present, strict=True) if there))
        found = tuple(n for n in names if n in kept)
        table_of_members = np.zeros((len(members), len(found)), dtype=bool)
        for c, held in enumerate(members):
            for s, name in enumerate(found):
                table_of_members[c, s] = name in held
        absent = tuple(n for n in chosen if n not in kept)
        return TissueMap(grid, classes, table_of_members, found, absent)

    @cached_property
    def spacing_mm(self) -> Float:
        """(3,) along i, j, k; writable, so that compiled loops see one kind of array."""
        return np.array(self.grid.spacing_mm)

    def mask(self, name: str) -> Mask:
        """Boolean ``[k, j, i]`` of one structure; all false where it is absent; KeyError where it is unknown."""
        if name in self.absent:
            return np.zeros(self.classes.shape, dtype=bool)
        if name not in self.names:
            raise KeyError(name)
        return np.asarray(self.members[:, self.names.index(name)][self.classes])

    def to_grid_mm(self, lps_mm: ArrayLike) -> Float:
        """Points (..., 3) in LPS mm to grid mm: along i, j, k from the centre of voxel (0, 0, 0)."""
        return self.directions_to_grid(
            np.asarray(lps_mm, dtype=np.float64) - self.grid.voxel_to_patient[:3, 3]
        )

    def directions_to_grid(self, lps: ArrayLike) -> Float:
        """Vectors (..., 3) in LPS to components along i, j, k; lengths are kept."""
        vectors = np.asarray(lps, dtype=np.float64)
        x, y, z = self.grid.directions
        # written out: a matrix product of so thin an array wakes all threads of the linear algebra library for nothing
        return np.asarray(vectors[..., 0, None] * x + vectors[..., 1, None] * y + vectors[..., 2, None] * z)


def _unsigned(labels: NDArray[Any]) -> NDArray[Any]:
    """The same voxels as unsigned integers (a view where sizes agree); refuses fractions."""
    if labels.dtype.kind == "u":
        return labels
    if labels.dtype.kind == "i":
        return labels.view(np.dtype(f"u{labels.dtype.itemsize}"))
    raise ValueError("labels must be integers")


def _bounding_slices(mask: Mask) -> tuple[slice, slice, slice] | None:
    """Slices round the true voxels; None where there are none."""
    bounds = []
    planes: Mask = np.any(mask, axis=2)
    for line in (np.any(planes, axis=1), np.any(planes, axis=0)):
        hits = np.flatnonzero(line)
        if hits.size == 0:
            return None
        bounds.append(slice(int(hits[0]), int(hits[-1]) + 1))
    columns = np.flatnonzero(np.any(mask[bounds[0], bounds[1]], axis=(0, 1)))
    return bounds[0], bounds[1], slice(int(columns[0]), int(columns[-1]) + 1)

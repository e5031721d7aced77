"""What lies within the needle's reach of a target: a tissue map, and the rule that each structure in it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from trocar.clinical.protocol import DerivedZone, KeepClear, Protocol, Side, with_side
from trocar.geometry.grid import Box, Grid
from trocar.geometry.needle_path import Needle
from trocar.imaging.kernels.skin import off_body
from trocar.imaging.segmentation.body import body_mask, unscanned_mask
from trocar.imaging.structures import StructureSet
from trocar.imaging.tissue import TissueMap
from trocar.imaging.volume import Volume
from trocar.planning import zones
from trocar.planning.request import PlanRequest
from trocar.planning.target import TargetRegion, organ_in_its_box

Mask = NDArray[np.bool_]

TARGET = "\\target"
"""Name of the target's voxels in a tissue map that holds them; no structure of a file is called so."""
OUTSIDE = "air outside the body"
"""Name of what the needle may not leave the body into: air more than two voxels off the body, since nearer air can
be the stair of voxels at a slanting entry."""
REACH_MARGIN_MM = 20.0
"""Beyond the needle's reach: so far a target may be moved without looking at the scan again."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The scan within the needle's reach of a target.

    box: where the crop lies in the scan; grid, hu, body, tissue: the crop; unscanned: what the scanner did not
    measure of it. rules: structure or zone -> what the protocol asks of it; structures that nothing is asked of
    are not in it. hosts: structures that may be gone through. missing: groups that the protocol wants kept clear
    and no label shows. zones: derived masks in the crop.
    """

    box: Box
    grid: Grid
    hu: NDArray[np.int16]
    body: Mask
    unscanned: Mask
    tissue: TissueMap
    rules: Mapping[str, KeepClear]
    hosts: tuple[str, ...]
    missing: tuple[str, ...]
    zones: Mapping[str, Mask]
    _points: dict[str, NDArray[np.float64]] = field(default_factory=dict, init=False, repr=False)

    def zone_points_lps_mm(self, name: str) -> NDArray[np.float64]:
        """Centres (N, 3) of the voxels of a zone in LPS mm; looked for once, for every path asks."""
        if name not in self._points:
            mask = self.zones[name]
            box = Box.of_mask(mask) or Box((0, 0, 0), (1, 1, 1))
            voxels = np.argwhere(mask[box.slices_kji])[:, ::-1] + box.low_ijk
            self._points[name] = self.grid.to_patient(voxels)
        return self._points[name]

    def group(self, name: str) -> str:
        """The protocol's word for the group that a structure belongs to: "bowel" for "colon"."""
        return self.rules[name].name if name in self.rules else name

    def in_body(self, region: TargetRegion) -> bool:
        """Whether any of a target's voxels lies in the patient's body."""
        return bool((self.body & _placed(region.mask, region.box, self.box)).any())

    def covers(self, region: TargetRegion, needle: Needle, scan: Grid) -> bool:
        """Whether this crop of ``scan`` holds everything in the needle's reach of another target, too."""
        wanted = _reach(region, needle, scan, 0.0)
        low = all(w >= own for w, own in zip(wanted.low_ijk, self.box.low_ijk, strict=True))
        return low and all(w <= own for w, own in zip(wanted.high_ijk, self.box.high_ijk, strict=True))


def build_anatomy(
    request: PlanRequest, needle: Needle, volume: Volume, structures: StructureSet, region: TargetRegion
) -> Anatomy:
    """Crop everything to what a needle could meet on its way to ``region``, and derive the protocol's zones."""
    box = _reach(region, needle, volume.grid, REACH_MARGIN_MM)
    crop = volume.crop(box)
    body, unscanned = _body(volume, box)
    derived: dict[str, Mask] = {}
    for zone in request.protocol.zones:
        if zone.name in structures.names:  # whoever drew it knows better
            continue
        mask = _zone_mask(zone, request, region, structures, box, derived)
        if mask is not None and mask.any():
            derived[zone.name] = mask
    outside = off_body(body)
    labels = None if structures.labels is None else structures.labels[box.slices_kji]
    extra = {name: structures.mask(name, box) for name in structures.masks} | derived | {OUTSIDE: outside}
    tissue = TissueMap.build(
        crop.grid, labels, structures.label_names, extra, (*structures.names, *derived, OUTSIDE)
    )
    rules, missing = _rules(request.protocol, request.side, (*structures.names, *derived), region.hosts)
    return Anatomy(box, crop.grid, crop.hu, body, unscanned, tissue, rules, region.hosts, missing, derived)


def with_target(tissue: TissueMap, mask: Mask, mask_grid: Grid, box: Box) -> TissueMap:
    """The part ``box`` of a tissue map with a target's voxels (``mask`` on ``mask_grid``, same voxels) as TARGET."""
    grid = tissue.grid.crop(box.low_ijk, box.high_ijk)
    offset = np.rint(grid.to_voxel(mask_grid.to_patient((0, 0, 0)))).astype(int)
    low = (int(offset[0]), int(offset[1]), int(offset[2]))
    i, j, k = (a + b for a, b in zip(low, mask_grid.size_ijk, strict=True))
    placed = _placed(mask, Box(low, (i, j, k)), Box((0, 0, 0), grid.size_ijk))
    classes = tissue.classes[box.slices_kji].copy()
    under = np.unique(classes[placed])
    count = len(tissue.members)
    if count + len(under) > np.iinfo(classes.dtype).max:
        classes = classes.astype(np.uint16)
    moved = np.arange(count + len(under)).astype(classes.dtype)
    moved[under] = count + np.arange(len(under))
    classes[placed] = moved[classes[placed]]
    members = np.zeros((count + len(under), len(tissue.names) + 1), bool)
    members[:count, :-1] = tissue.members
    members[count:, :-1] = tissue.members[under]
    members[count:, -1] = True
    return TissueMap(grid, classes, members, (*tissue.names, TARGET), tissue.absent)


def _reach(region: TargetRegion, needle: Needle, grid: Grid, margin_mm: float) -> Box:
    return Box.around(grid, region.grid.corners_lps_mm(), needle.length_mm + needle.throw_mm + margin_mm)


def _body(volume: Volume, box: Box) -> tuple[Mask, Mask]:
    """The body in ``box``, and what was not scanned, as they are seen in whole slices.

    Cut smaller, the air round the patient may not be known as such.
    """
    # i, j or k, whichever lies nearest to the patient's long axis
    through = int(np.argmax(np.round(np.abs(volume.grid.directions[2]), 6)))
    low, high = [0, 0, 0], list(volume.grid.size_ijk)
    low[through], high[through] = box.low_ijk[through], box.high_ijk[through]
    slab = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    whole, inner = volume.crop(slab), _inside(box, slab)
    return np.ascontiguousarray(body_mask(whole)[inner]), np.ascontiguousarray(unscanned_mask(whole)[inner])


def _rules(
    protocol: Protocol, side: Side | None, names: tuple[str, ...], hosts: tuple[str, ...]
) -> tuple[dict[str, KeepClear], tuple[str, ...]]:
    """Which group's rule each structure keeps (the first that names it), and which wanted groups are empty."""
    rules: dict[str, KeepClear] = {}
    missing = []
    for group in protocol.keep_clear:
        members = group.members(names, side)
        for name in members:
            if name not in hosts:
                rules.setdefault(name, group)
        if group.wanted and not members:
            missing.append(group.name)
    return rules, tuple(missing)


def _zone_mask(
    zone: DerivedZone,
    request: PlanRequest,
    region: TargetRegion,
    structures: StructureSet,
    box: Box,
    made: Mapping[str, Mask],
) -> Mask | None:
    """A derived zone in ``box``; None where there is nothing to derive it from."""
    value = {key: parameter.value for key, parameter in zone.parameters.items()}
    globs = [with_side(glob, request.side) for glob in zone.made_from]
    sources = [name for name in structures.names if any(fnmatchcase(name, glob) for glob in globs)]
    grid = structures.grid
    if zone.kind == "organ_sinus":
        mask = next((m for n, m in region.zones.items() if n.endswith("_sinus")), None)
        if mask is not None:
            return _placed(mask, region.box, box)
    if not sources:
        return None
    if zone.kind == "organ_sinus":  # of the whole organ, not of its part in reach
        found = np.zeros(grid.crop(box.low_ijk, box.high_ijk).shape_kji, bool)
        for organ in sources:
            whole, around = organ_in_its_box(structures, organ, value["closing_mm"])
            part = grid.crop(around.low_ijk, around.high_ijk)
            sinus, _ = zones.organ_sinus(whole, part, value["closing_mm"], value["deeper_than_mm"])
            found |= _placed(sinus, around, box)
        return found
    source = structures.union(sources, box)
    tight = _tight(source, box, grid, 40.0)
    if tight is None:
        return None
    part = grid.crop(tight.low_ijk, tight.high_ijk)
    if zone.kind == "below_ribs":
        ribs = structures.union(sources, tight)
        return _placed(zones.below_ribs([ribs], part, value["height_mm"]), tight, box)
    if zone.kind == "spinal_canal":
        bone = structures.union(sources, tight)
        canal = zones.spinal_canal(bone, part, value["reach_mm"])
        return _placed(canal | structures.union(("spinal_cord", "spinal_canal"), tight), tight, box)
    if zone.kind == "foramina":
        canals = [m for n, m in made.items() if _kind_of(request.protocol, n) == "spinal_canal"]
        canal = canals[0] if canals else structures.union(("spinal_cord", "spinal_canal"), box)
        inner = _inside(tight, box)
        bone = structures.union(sources, tight)
        return _placed(zones.foramina(canal[inner], bone, part, value["lateral_mm"]), tight, box)
    return None


def _kind_of(protocol: Protocol, name: str) -> str | None:
    return next((z.kind for z in protocol.zones if z.name == name), None)


def _tight(mask: Mask, box: Box, grid: Grid, margin_mm: float) -> Box | None:
    """The smallest box, in the scan's voxels, round what ``mask`` (in ``box``) marks, widened but within ``box``."""
    if not mask.any():
        return None
    margin = np.ceil(margin_mm / grid.spacing_mm).astype(int)
    low, high = [], []
    for axis in range(3):
        line = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != 2 - axis)))
        first, last = int(line[0]) + box.low_ijk[axis], int(line[-1]) + 1 + box.low_ijk[axis]
        low.append(max(first - int(margin[axis]), box.low_ijk[axis]))
        high.append(min(last + int(margin[axis]), box.high_ijk[axis]))
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def _inside(inner: Box, outer: Box) -> tuple[slice, slice, slice]:
    low = [a - b for a, b in zip(inner.low_ijk, outer.low_ijk, strict=True)]
    high = [a - b for a, b in zip(inner.high_ijk, outer.low_ijk, strict=True)]
    return slice(low[2], high[2]), slice(low[1], high[1]), slice(low[0], high[0])


def _placed(mask: Mask, box: Box, outer: Box) -> Mask:
    """A mask in ``box`` as a mask in ``outer``; what lies outside is cut away."""
    i, j, k = (b - a for a, b in zip(outer.low_ijk, outer.high_ijk, strict=True))
    result = np.zeros((k, j, i), bool)
    target, source = [], []
    for axis in (2, 1, 0):
        first = max(box.low_ijk[axis], outer.low_ijk[axis])
        last = max(first, min(box.high_ijk[axis], outer.high_ijk[axis]))
        target.append(slice(first - outer.low_ijk[axis], last - outer.low_ijk[axis]))
        source.append(slice(first - box.low_ijk[axis], last - box.low_ijk[axis]))
    result[tuple(target)] = mask[tuple(source)]
    return result

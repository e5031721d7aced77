"""The CT and structures that a plan was made on, read again for its pictures."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from trocar.errors import InputRefused
from trocar.imaging.nifti import is_nifti, read_structures, read_volume
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.web.plans.plan_folder import PlanFolder

Scan = tuple[Volume, StructureSet | None]

KEPT_SCANS = 3
"""A full-size scan with labels takes about 100 MB; the newest few stay in memory."""

_scans: OrderedDict[tuple[str, ...], Scan] = OrderedDict()
_reading = threading.Lock()


def scan_of(folder: PlanFolder) -> Scan:
    """The scan of a plan. Raises InputRefused where its files are gone or cannot be read."""
    if folder.card.ct is None:
        raise InputRefused("The pictures cannot be shown: this plan does not say which CT it was made on.")
    key = (folder.card.ct, *folder.card.structures)
    # One reads, the others wait: five pictures of a page ask at the same time.
    with _reading:
        if key not in _scans:
            _scans[key] = _read(Path(folder.card.ct), [Path(name) for name in folder.card.structures])
            while len(_scans) > KEPT_SCANS:
                _scans.popitem(last=False)
        _scans.move_to_end(key)
        return _scans[key]


def _read(ct: Path, structure_files: list[Path]) -> Scan:
    if not ct.exists():
        raise InputRefused(
            "The pictures cannot be shown: the CT that this plan was made on is no longer there."
        )
    if not is_nifti(ct):
        raise InputRefused("The pictures cannot be shown: only plans on NIfTI files have pictures here.")
    structures: StructureSet | None = None
    for file in structure_files:
        more = read_structures(file)
        structures = more if structures is None else structures.merged(more)
    return read_volume(ct), structures

"""The CT and structures that a plan was made on, read again for its pictures."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from trocar.errors import InputRefused
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.web.plans.plan_folder import PlanFolder
from trocar.workflow.inputs import read_pictures, read_structures

Scan = tuple[Volume, StructureSet]

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
            _scans[key] = _read(Path(folder.card.ct), folder.card.structures)
            while len(_scans) > KEPT_SCANS:
                _scans.popitem(last=False)
        _scans.move_to_end(key)
        return _scans[key]


def _read(ct: Path, structure_files: Sequence[str]) -> Scan:
    if not ct.exists():
        raise InputRefused(
            "The pictures cannot be shown: the CT that this plan was made on is no longer there."
        )
    pictures = read_pictures([ct])
    return pictures.volume, read_structures(structure_files, pictures)

"""Writes everything that a plan leaves in DICOM: structures, report, pictures, sheet, and the CT where it had none."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from trocar import __version__
from trocar.dicom.write import instance
from trocar.dicom.write.capture import Capture, encapsulated_pdf, secondary_capture
from trocar.dicom.write.derived_ct import derived_ct, write_derived_ct
from trocar.dicom.write.report import report
from trocar.dicom.write.segmentation import segmentations
from trocar.dicom.write.study import SourceStudy
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.plan import Plan

CT_FILES = "ct-*.dcm"
PLAN_FILES = ("structures*.dcm", "plan-report.dcm", "picture-*.dcm", "setup-sheet.dcm")

Progress = Callable[[int, int], None]
"""Called with the number of objects written and the number of all."""


def write_plan_objects(
    out: Path,
    plan: Plan,
    study: SourceStudy,
    structures: StructureSet | None,
    captures: Sequence[Capture],
    pdf: bytes | None,
    made_at: datetime,
    progress: Progress | None = None,
    names: Sequence[str] | None = None,
) -> tuple[Path, ...]:
    """Write a plan's objects into the folder ``out`` and return their paths.

    structures-N.dcm (SEG), plan-report.dcm (Comprehensive 3D SR), picture-NN.dcm (one Secondary Capture for each of
    ``captures``) and setup-sheet.dcm (Encapsulated PDF of ``pdf``), all in ``study``. ``names``: structures to write;
    by default those that the plan names. An earlier plan's objects in ``out`` are replaced, other files stay.

    The same arguments give the same bytes. ``made_at`` goes into creation and content dates and times only; UIDs
    follow from the plan's inputs (hashes, parameters, what was asked for), the CT's series and Trocar's version.
    Files appear in ``out`` only when all have been written. Raises InputRefused where ``pdf`` is none.
    """
    key = plan_key(plan)
    chosen = [] if structures is None else _chosen(structures, named_by(plan) if names is None else names)
    total = bool(chosen) + 1 + len(captures) + (pdf is not None)
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    with _staged(out, PLAN_FILES) as (folder, written):

        def put(dataset: Dataset, name: str) -> None:
            instance.save(dataset, folder / name)
            written.append(name)

        # Kept for the report's references; without their pixels, which may be a hundred megabytes.
        references: list[Dataset] = []
        if structures is not None and chosen:
            for number, dataset in enumerate(segmentations(structures, chosen, study, key, made_at), start=1):
                put(dataset, f"structures-{number}.dcm")
                references.append(_reference(dataset))
            step()
        put(report(plan, study, references, key, made_at), "plan-report.dcm")
        step()
        for number, capture in enumerate(captures, start=1):
            put(secondary_capture(capture, number, study, key, made_at), f"picture-{number:02d}.dcm")
            step()
        if pdf is not None:
            title = f"{plan.protocol_title}: setup sheet"
            put(encapsulated_pdf(pdf, title, study, key, made_at), "setup-sheet.dcm")
            step()
    return tuple(out / name for name in written)


def derive_study(volume: Volume, out: Path, made_at: datetime | None = None) -> SourceStudy:
    """Write the CT series of a volume that has no DICOM study (ct-NNNN.dcm in ``out``) and return its study.

    The images are marked as derived and as belonging to no DICOM patient; their study is their own. An earlier one
    in ``out`` is replaced, other files stay. Without ``made_at`` the images bear no time of making: the same volume
    gives the same bytes on any day.
    """
    with _staged(out, (CT_FILES,)) as (folder, written):
        study, images = derived_ct(volume, made_at)
        written += [path.name for path in write_derived_ct(images, folder)]
    return study


def plan_key(plan: Plan) -> str:
    """SHA-256 over what the plan was made from (not over what came out, which may differ in the last bit)."""
    asked = {
        "version": __version__,
        "protocol": [plan.protocol, plan.protocol_version],
        "side": plan.side,
        "guidance": plan.guidance,
        "position": [plan.position, plan.scan_position, plan.position_source],
        "needle": asdict(plan.needle),
        "target": [plan.target.name, plan.target.kind],
        # a point is asked for as it is; the centre of anything else is worked out
        "point": plan.target.centre_lps_mm.tolist() if plan.target.kind == "point" else None,
        "parameters": _plain(plan.parameters),
        "inputs": dict(plan.inputs),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def named_by(plan: Plan) -> tuple[str, ...]:
    """Every structure that the plan names: target, what stands in the way, what each path clears, crosses or risks."""
    names: dict[str, None] = {plan.target.name: None}
    for name in plan.in_the_way:
        names[name] = None
    for planned in (*plan.paths, *plan.nearest):
        for group in (planned.clearances_path_mm, planned.clearances_mm, planned.crosses, planned.risk.harm):
            names |= dict.fromkeys(group)
        names |= dict.fromkeys(planned.required_mm)
    return tuple(names)


def _chosen(structures: StructureSet, names: Sequence[str]) -> list[str]:
    """Those of ``names`` that there are, in the order of the structures' file."""
    wanted = set(names)
    return [name for name in structures.names if name in wanted]


def _plain(value: Any) -> Any:
    """``value`` as JSON holds it; a value of another type counts by its text."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _reference(dataset: Dataset) -> Dataset:
    reference = Dataset()
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(reference, keyword, dataset[keyword].value)
    return reference


@contextmanager
def _staged(out: Path, patterns: Sequence[str]) -> Iterator[tuple[Path, list[str]]]:
    """A folder beside ``out`` to write into, and a list for the names of the files to be moved.

    When the block ends well, the files are moved into ``out`` and files there that match ``patterns`` but were not
    written this time are removed; when it fails, ``out`` is left as it was.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.part-", dir=out.parent))
    written: list[str] = []
    try:
        yield staging, written
        out.mkdir(exist_ok=True)
        for name in written:
            os.replace(staging / name, out / name)
        for pattern in patterns:
            for path in out.glob(pattern):
                if path.name not in written:
                    path.unlink()
    finally:
        shutil.rmtree(staging, ignore_errors=True)

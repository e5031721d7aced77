"""Plan one case from files, and write everything that comes of it into one folder."""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from trocar import __version__
from trocar.clinical.department import effective, load_department
from trocar.clinical.loading import load_protocol
from trocar.errors import InputRefused, UsageError
from trocar.imaging.patient_position import infer_position, position_from_dicom
from trocar.imaging.segmentation.body import body_mask
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.plan import Guidance, Plan, PlanWarning, PositionSource, Side, TablePosition
from trocar.planning.planner import Planner
from trocar.planning.report import plan_report
from trocar.planning.request import PlanRequest
from trocar.planning.route import AgreedRoute
from trocar.workflow.destination import move_into, remove_if_empty
from trocar.workflow.inputs import Pictures, read_pictures, read_structures, read_target
from trocar.workflow.sitting import ScannerPlace, check_sitting, scanner_place

Progress = Callable[[str, float], None]

VERSIONED = ("numpy", "numba", "scipy", "pydicom", "highdicom", "nibabel", "SimpleITK")
"""Libraries whose version may change a number in the plan."""


@dataclass(frozen=True)
class CaseQuestion:
    """What the user asks for, as they wrote it. Points are patient LPS mm; specs are FILE or FILE#ROI."""

    pictures: tuple[Path, ...]
    protocol: str
    side: Side | None = None
    structures: tuple[str, ...] = ()
    target_name: str | None = None
    target_point: tuple[float, float, float] | None = None
    target_mask: str | None = None
    kidney_point: tuple[float, float, float] | None = None
    guidance: Guidance | None = None
    position: TablePosition | None = None
    needle: str | None = None
    series: str | None = None
    department: Path | None = None
    same_sitting: bool = False
    suspected_primary_tumour: bool = False
    route: tuple[float, float, float, float] | None = None
    route_agreed_by: str = ""


@dataclass(frozen=True, eq=False)
class PlannedCase:
    """The answer, with what it was made from and what stands in plan.json.

    structures: those that were read, the zones that were derived from them, and a target given as a mask.
    """

    plan: Plan
    report: Mapping[str, Any]
    pictures: Pictures
    structures: StructureSet
    same_sitting: bool = False


def plan_case(question: CaseQuestion, today: date, progress: Progress) -> PlannedCase:
    """Read the files and plan; nothing is written. Raises TrocarError with one sentence for bad input."""
    department = load_department(question.department)
    protocol = load_protocol(question.protocol)
    rules = effective(protocol, department, today)
    guidance = question.guidance or protocol.default_guidance
    usable = rules.for_planning(guidance, protocol.needle(question.needle).name)
    # asked before any file is read, so that a wrong question is answered at once
    if question.target_mask and (question.target_name or question.target_point):
        raise UsageError("Give one target: a name, a point or a mask.")
    request = PlanRequest(
        usable,
        today,
        question.side,
        guidance,
        question.position,
        question.needle,
        target_name=question.target_name,
        target_point_lps_mm=question.target_point,
        stamps=rules.stamps,
        suspected_primary_tumour=question.suspected_primary_tumour,
        route=_route(question),
    )
    if question.kidney_point is not None and request.side is None:
        raise UsageError("Say whose side the kidney of --kidney-point is: --side left or --side right.")
    progress("Reading the pictures", 0.0)
    pictures = read_pictures(
        question.pictures,
        question.series,
        lambda done, total: progress("Reading the pictures", 0.2 * done / total),
    )
    progress("Reading the structures", 0.2)
    structures = read_structures(question.structures, pictures)
    structures = _without_labels(question, usable.target.kind, pictures.volume, structures)
    scan_position, source = scan_position_of(pictures.volume)
    mask, target_sha256 = None, ""
    if question.target_mask:
        name, voxels, target_sha256 = read_target(question.target_mask, pictures)
        mask = (name, voxels)
    request = replace(
        request,
        target_mask=mask,
        scan_position=scan_position,
        position_source=source,
    )
    planner = Planner(pictures.volume, structures)
    plan = planner.plan(request, lambda what, share: progress(what, 0.25 + 0.75 * share))
    notices = tuple(PlanWarning("input", text) for text in structures.notices)
    if question.same_sitting:
        check_sitting(plan)
    inputs = {**plan.inputs, "target": target_sha256} if target_sha256 else plan.inputs
    plan = replace(plan, warnings=(*plan.warnings, *notices), inputs=inputs)
    report = plan_report(plan, provenance(question, rules.department.name))
    shown = structures.merged(planner.derived_zones())
    if mask is not None:
        shown = shown.merged(StructureSet(shown.grid, None, {}, {mask[0]: mask[1]}, target_sha256))
    return PlannedCase(plan, report, pictures, shown, question.same_sitting)


def _route(question: CaseQuestion) -> AgreedRoute | None:
    if question.route is None:
        if question.route_agreed_by:
            raise UsageError("Give the agreed route itself, too: --route X,Y,Z,RADIUS.")
        return None
    x, y, z, radius_mm = question.route
    return AgreedRoute((x, y, z), radius_mm, question.route_agreed_by)


def scan_position_of(volume: Volume) -> tuple[TablePosition | None, PositionSource]:
    """How the patient lay when the scan was made, and how that is known."""
    if volume.source.patient_position is not None:
        return position_from_dicom(volume.source.patient_position), "dicom"
    guess = infer_position(volume, body_mask(volume))
    return guess.position, "unknown" if guess.position is None else "inferred"


def write_case(
    case: PlannedCase,
    out: Path,
    made_at: datetime,
    progress: Progress,
    seconds: float | None = None,
    dicom: bool = True,
) -> dict[str, Any]:
    """Write plan.json, plan.html, plan.pdf and dicom/ into ``out``, all of it or nothing; returns what plan.json holds.

    made_at and the host go into ``provenance.run`` and the creation times of the DICOM objects, nowhere else.
    """
    # heavy, and not needed to refuse a wrong question
    from trocar.dicom.write.capture import Capture
    from trocar.dicom.write.plan_objects import derive_study, write_plan_objects
    from trocar.dicom.write.study import SourceStudy
    from trocar.documents.pictures import sheet_pictures
    from trocar.documents.sheet import write_sheet

    plan = case.plan
    report = dict(case.report)
    run = {
        "made_at": made_at.isoformat(timespec="seconds"),
        "host": platform.node(),
        "system": platform.platform(),
    }
    if seconds is not None:
        run["seconds"] = f"{seconds:.2f}"
    report["provenance"] = {**report["provenance"], "run": run}
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".part-", dir=out))
    except OSError as error:
        raise UsageError(f"Nothing can be written to {out}: {error.strerror or error}.") from error
    try:
        volume = case.pictures.volume
        progress("Drawing the sheet", 0.0)
        index = 0 if plan.paths or plan.nearest else None
        pictures = (
            {}
            if index is None
            else sheet_pictures(plan, index, volume, case.structures, not_a_plan=not plan.paths)
        )
        shown = (*plan.paths, *plan.nearest)
        place = (
            scanner_place(case.pictures, shown[0].path.entry_lps_mm) if shown else ScannerPlace(None, None)
        )
        write_sheet(
            plan,
            volume,
            case.structures,
            folder / "plan.html",
            folder / "plan.pdf",
            report,
            pictures,
            same_sitting=case.same_sitting,
            table_position_mm=place.table_position_mm,
            laser_midline_lps_x_mm=place.laser_midline_lps_x_mm,
        )
        if dicom:
            progress("Writing DICOM", 0.5)
            (folder / "dicom").mkdir()
            study = (
                SourceStudy.from_headers(case.pictures.series.headers)
                if case.pictures.series
                else derive_study(volume, folder / "dicom")
            )
            captures = [Capture(picture.png, picture.title) for picture in pictures.values()]
            write_plan_objects(
                folder / "dicom",
                plan,
                study,
                case.structures,
                captures,
                (folder / "plan.pdf").read_bytes(),
                made_at,
            )
        text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / "plan.json").write_text(text + "\n", encoding="utf-8")
        move_into(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        remove_if_empty(out)
    progress("Done", 1.0)
    return report


def provenance(question: CaseQuestion, department: str) -> dict[str, Any]:
    """Versions and the question, without paths of the machine: file names only."""
    found = {}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    asked = {
        "pictures": [path.name for path in question.pictures],
        "structures": [Path(spec).name for spec in question.structures],
        "target_mask": Path(question.target_mask).name if question.target_mask else None,
        "kidney_point": question.kidney_point,
    }
    return {"trocar": __version__, "libraries": found, "department": department, "question": asked}


def _without_labels(
    question: CaseQuestion, kind: str, volume: Volume, structures: StructureSet
) -> StructureSet:
    """Structures seen in the densities, where no file shows them."""
    if structures.names and question.kidney_point is None:
        return structures
    from trocar.imaging.segmentation import segment

    if question.kidney_point is not None:
        seen = segment(volume, ["bone", "lung", "bowel_gas"], kidney_points=[question.kidney_point])
        if f"kidney_{question.side}" not in seen.names:
            other = "right" if question.side == "left" else "left"
            raise InputRefused(
                f"The point given lies in the kidney on the {other}, but the side is {question.side}."
            )
        return seen if not structures.names else seen.merged(structures)
    if kind == "organ_pole":
        raise UsageError(
            "Say where the organ is: --structures FILE, or --kidney-point X,Y,Z for a click in it."
        )
    return segment(volume, ["bone", "lung", "bowel_gas"])

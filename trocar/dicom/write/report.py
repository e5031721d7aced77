"""The plan as a Comprehensive 3D structured report (TID 1500)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import Comprehensive3DSRStorage

from trocar import RESEARCH_NOTICE, __version__
from trocar.dicom.write import content, instance
from trocar.dicom.write.codes import LEFT, RIGHT, our_code
from trocar.dicom.write.path_group import LATERALITY, SOURCE_OF_MEASUREMENT, path_group, slices_of
from trocar.dicom.write.study import SourceStudy
from trocar.dicom.write.uids import DEVICE_UID, derived_uid
from trocar.planning.plan import Plan, PlannedPath

SERIES_NUMBER = 9102
PLAN = our_code("PLAN", "Needle plan")
NOTICE = our_code("NOTICE", "Notice")
PROBABILITIES_ARE_MODELLED = (
    "Probabilities are modelled for one uncorrected pass: a model, not an outcome; for staff only."
)
_TEXTS = {
    "protocol": "Protocol",
    "procedure": "Procedure that is planned",
    "guidance": "Guidance",
    "position": "Position of the patient during the biopsy",
    "scan_position": "Position of the patient on the scan",
    "needle": "Needle",
    "target": "Target",
    "search": "Extent of the search",
    "rejected": "Why other paths fell out",
    "in_the_way": "Structures that stop most paths",
    "warning": "Warning",
    "not_judged": "Not judged",
    "input": "Input hash (SHA-256)",
    "result": "Result",
}
_CONCEPTS = {key: our_code(key.upper(), meaning) for key, meaning in _TEXTS.items()}
_POSITION_SOURCE = {
    "dicom": "from the DICOM header",
    "inferred": "inferred from the image",
    "given": "as given by the user",
    "unknown": "no source",
}


def report(
    plan: Plan, study: SourceStudy, segmentations: Sequence[Dataset], key: str, made_at: datetime
) -> Dataset:
    """The report: one measurement group for each path in rank order, and what the plan says beside them.

    Where no path keeps every limit, the groups are the plan's nearest paths, each marked as outside the limits. The
    slices at entry and tips are its image library; the whole CT and the ``segmentations`` (their UIDs are enough)
    are its evidence. It is preliminary and unverified: a person has not signed it. ``key`` names the plan; UIDs
    follow from it and the CT.
    """
    document = instance.begin(
        study,
        Comprehensive3DSRStorage,
        derived_uid("instance", "SR", key, study.series_uid),
        derived_uid("series", "SR", key, study.series_uid),
        SERIES_NUMBER,
        "SR",
        "Needle plan",
    )
    document.InstanceNumber = 1
    document.ContentDate = document.ContentTime = None
    document.CompletionFlag = "COMPLETE"
    document.PreliminaryFlag = "PRELIMINARY"
    document.VerificationFlag = "UNVERIFIED"
    document.PerformedProcedureCodeSequence = []
    document.ReferencedPerformedProcedureStepSequence = []
    document.CodingSchemeIdentificationSequence = [instance.coding_scheme()]
    document.CurrentRequestedProcedureEvidenceSequence = [_evidence(study, segmentations)]
    document.update(_content(plan, study, key))
    instance.stamp(document, study, made_at)
    return document


def _evidence(study: SourceStudy, segmentations: Sequence[Dataset]) -> Dataset:
    """Every object that the report is based on, series by series."""
    series: dict[str, list[Dataset]] = {}
    for header in (*study.images, *segmentations):
        series.setdefault(str(header.SeriesInstanceUID), []).append(content.reference(header))
    items = []
    for uid, references in series.items():
        item = Dataset()
        item.SeriesInstanceUID = uid
        item.ReferencedSOPSequence = references
        items.append(item)
    evidence = Dataset()
    evidence.StudyInstanceUID = study.study_uid
    evidence.ReferencedSeriesSequence = items
    return evidence


def _content(plan: Plan, study: SourceStudy, key: str) -> Dataset:
    dcm = codes.DCM
    paths = plan.paths or plan.nearest
    children = [
        content.code(
            dcm.LanguageOfContentItemAndDescendants,
            Code("en-GB", "RFC5646", "English (United Kingdom)"),
            "HAS CONCEPT MOD",
        ),
        content.code(dcm.ObserverType, dcm.Device, "HAS OBS CONTEXT"),
        content.uid(dcm.DeviceObserverUID, DEVICE_UID, "HAS OBS CONTEXT"),
        content.text(dcm.DeviceObserverName, f"Trocar {__version__}", "HAS OBS CONTEXT"),
        content.text(dcm.DeviceObserverManufacturer, instance.MANUFACTURER, "HAS OBS CONTEXT"),
        content.text(dcm.DeviceObserverModelName, instance.MODEL, "HAS OBS CONTEXT"),
        content.code(dcm.ProcedureReported, codes.LN.CTUnspecifiedBodyRegion, "HAS CONCEPT MOD"),
        _image_library(paths, study),
    ]
    if paths:
        children.append(content.container(dcm.ImagingMeasurements, _groups(plan, paths, study, key)))
    statements = [content.text(concept, sentence) for concept, sentence in _sentences(plan)]
    if plan.side is not None:
        statements.insert(0, content.code(LATERALITY, LEFT if plan.side == "left" else RIGHT))
    children.append(content.container(PLAN, statements))
    return content.container(dcm.ImagingMeasurementReport, children, relationship=None, template="1500")


def _image_library(paths: Sequence[PlannedPath], study: SourceStudy) -> Dataset:
    """The slices at the ends of the needle (or the one multi-frame image), with what they have in common."""
    numbers = (
        {0} if study.is_multi_frame or not paths else {n for path in paths for n in slices_of(path, study)}
    )
    children = [
        content.code(codes.DCM.Modality, codes.DCM.ComputedTomography, "HAS ACQ CONTEXT"),
        content.uid(codes.DCM.FrameOfReferenceUID, study.frame_of_reference_uid, "HAS ACQ CONTEXT"),
        *[content.image(SOURCE_OF_MEASUREMENT, study.images[n]) for n in sorted(numbers)],
    ]
    group = content.container(codes.DCM.ImageLibraryGroup, children)
    return content.container(codes.DCM.ImageLibrary, [group])


def _groups(plan: Plan, paths: Sequence[PlannedPath], study: SourceStudy, key: str) -> Iterator[Dataset]:
    for rank, planned in enumerate(paths, start=1):
        name = f"Path {rank}" if planned.relaxed is None else f"Path {rank}, outside the limits"
        uid = derived_uid("path", key, study.series_uid, rank, planned.relaxed)
        yield path_group(planned, rank, name, uid, plan.target.name, study)


def _sentences(plan: Plan) -> Iterator[tuple[Code, str]]:
    """What the plan says beside its paths."""
    say = _CONCEPTS
    yield NOTICE, f"{RESEARCH_NOTICE}."
    for sentence in plan.stamps:
        if sentence.strip(".") != RESEARCH_NOTICE:
            yield NOTICE, sentence
    yield NOTICE, PROBABILITIES_ARE_MODELLED
    yield say["procedure"], plan.protocol_title
    yield say["protocol"], f"{plan.protocol}, version {plan.protocol_version}"
    yield say["guidance"], plan.guidance
    yield say["position"], plan.position.replace("_", " ")
    scan = "not known" if plan.scan_position is None else plan.scan_position.replace("_", " ")
    yield say["scan_position"], f"{scan} ({_POSITION_SOURCE[plan.position_source]})"
    needle = plan.needle
    yield (
        say["needle"],
        f"{needle.name}: {needle.gauge} G, {needle.length_mm:g} mm long, throw {needle.throw_mm:g} mm,"
        f" notch {needle.notch_length_mm:g} mm",
    )
    volume = "" if plan.target.volume_ml is None else f", {plan.target.volume_ml:.1f} ml"
    yield say["target"], f"{plan.target.name} ({plan.target.kind.replace('_', ' ')}{volume})"
    yield say["result"], _result(plan)
    yield say["search"], f"{plan.judged} pairs of entry and sample point judged"
    for reason, share in plan.rejected.items():
        yield say["rejected"], f"{100 * share:.1f} %: {reason}"
    if plan.in_the_way:
        yield say["in_the_way"], ", ".join(plan.in_the_way)
    for warning in plan.warnings:
        yield say["warning"], warning.text
    for sentence in plan.not_judged:
        yield say["not_judged"], sentence
    for name, digest in plan.inputs.items():
        yield say["input"], f"{name}: {digest}"


def _result(plan: Plan) -> str:
    if plan.paths:
        count = len(plan.paths)
        return f"{count} {'path keeps' if count == 1 else 'paths keep'} the protocol's limits."
    if plan.nearest:
        return "No path keeps every limit; the paths listed would be left if the limit named with each were given up."
    return "No path keeps every limit."

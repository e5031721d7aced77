"""One planned path as a measurement group (TID 1501) of a report."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from trocar import __version__
from trocar.dicom.write import content
from trocar.dicom.write.codes import our_code, private_code, structure_code
from trocar.dicom.write.study import SourceStudy
from trocar.planning.plan import PlannedPath

MM = codes.UCUM.Millimeter
DEGREE = codes.UCUM.Degree
PERCENT = codes.UCUM.Percent
NO_UNITS = codes.UCUM.NoUnits
FINDING_SITE = codes.SCT.FindingSite
LATERALITY = codes.SCT.Laterality
YES, NO = codes.SCT.Yes, codes.SCT.No
NOT_ATTEMPTED = codes.DCM.MeasurementNotAttempted
SOURCE_OF_MEASUREMENT = codes.DCM.SourceOfMeasurement

NAME = our_code("NAME", "Name in the file of structures")
PLANNED_PATH = our_code("PLANNED_PATH", "Planned needle path")
PLAN_METHOD = our_code("PLANNER", "Search of all paths from the skin by a computer")
RANK = our_code("RANK", "Rank by the protocol's preferences, 1 is first")
SCORE = our_code("SCORE", "Score by the protocol's preferences")
THROW = our_code("THROW", "Throw: how far the tip moves when fired")
ENTRY = our_code("ENTRY", "Entry point on the skin")
TIP = our_code("TIP", "Needle tip before the throw")
FIRED_TIP = our_code("FIRED_TIP", "Needle tip after the throw")
CLEARANCE_PATH = our_code("CLEAR_PATH", "Clearance from needle's axis, before the throw")
CLEARANCE = our_code("CLEAR_FIRED", "Clearance from needle's axis, throw included")
REQUIRED = our_code("CLEAR_REQUIRED", "Clearance that the protocol asks for")
CROSSES = our_code("CROSSES", "Structure that the needle goes through")
SAMPLE = our_code("P_SAMPLE", "Modelled probability that the target is sampled")
HARM = our_code("P_HARM", "Modelled probability that the structure is entered")
ERROR = our_code("P_ERROR", "Numerical error of the probabilities, 99.7 % interval")
METHOD = our_code("P_METHOD", "How the probabilities were computed")
WITHIN_LIMITS = our_code("WITHIN_LIMITS", "Path keeps all of the protocol's limits")
RELAXED = our_code("RELAXED", "Limit given up for this path")
CHECK_SCAN = our_code("CHECK_SCAN", "Needs a scan in the position of the biopsy")
ANGLES = {
    "to_skin": our_code("A_SKIN", "Angle to the skin's inward normal"),
    "out_of_axial": our_code("A_OUT_OF_AXIAL", "Angle out of the axial plane, positive towards the head"),
    "in_axial": our_code("A_IN_AXIAL", "Angle in the axial plane: 0 to the front, positive to the left"),
    "to_cortex": our_code("A_CORTEX", "Angle to the normal of the cortex"),
}
UNIT_OF_ENDING = {
    "_mm": (MM, 1.0),
    "_deg": (DEGREE, 1.0),
    "_fraction": (PERCENT, 100.0),
    "_share": (PERCENT, 100.0),
}


def path_group(
    planned: PlannedPath, rank: int, name: str, uid: str, target: str, study: SourceStudy
) -> Dataset:
    """Everything that the plan says of one path.

    rank: 1 is first. name, uid: tracking identifier. target: name of the structure that is sampled. Points are
    polylines and points in the frame of reference of the CT, LPS mm. For a value that was not judged stands the code
    "Measurement not attempted" in place of a number: its absence would read as no danger.
    """
    numbers, not_judged = _per_structure(planned)
    answers = [
        content.code(WITHIN_LIMITS, YES if planned.relaxed is None else NO),
        content.code(CHECK_SCAN, YES if planned.needs_check_scan else NO),
        *[
            content.code(CROSSES, structure_code(structure).kind, children=_which(structure))
            for structure in planned.crosses
        ],
    ]
    if planned.risk.sample is None:
        answers.append(content.code(SAMPLE, NOT_ATTEMPTED))
    children = [
        content.text(codes.DCM.TrackingIdentifier, name, "HAS OBS CONTEXT"),
        content.uid(codes.DCM.TrackingUniqueIdentifier, uid, "HAS OBS CONTEXT"),
        content.code(codes.DCM.Finding, PLANNED_PATH),
        content.code(codes.SCT.MeasurementMethod, PLAN_METHOD),
        _site(target),
        content.text(codes.DCM.AlgorithmName, "Trocar planner", "HAS CONCEPT MOD"),
        content.text(codes.DCM.AlgorithmVersion, __version__, "HAS CONCEPT MOD"),
        *_of_the_needle(planned, rank, study.frame_of_reference_uid),
        *numbers,
        *answers,
        *not_judged,
        *_points(planned, study.frame_of_reference_uid),
        *_sentences(planned),
    ]
    if not study.is_multi_frame:
        children += [content.image(SOURCE_OF_MEASUREMENT, study.images[n]) for n in slices_of(planned, study)]
    return content.container(codes.DCM.MeasurementGroup, children, template="1501")


def slices_of(planned: PlannedPath, study: SourceStudy) -> list[int]:
    """The slices nearest to entry, tip and fired tip, each once, in this order."""
    path = planned.path
    points = (path.entry_lps_mm, path.tip_lps_mm, path.fired_tip_lps_mm)
    return list(dict.fromkeys(study.nearest_slice(point) for point in points))


def _of_the_needle(planned: PlannedPath, rank: int, frame: str) -> list[Dataset]:
    path = planned.path
    line = content.points(
        SOURCE_OF_MEASUREMENT, "POLYLINE", (path.entry_lps_mm, path.tip_lps_mm), frame, "INFERRED FROM"
    )
    throw = content.points(
        SOURCE_OF_MEASUREMENT, "POLYLINE", (path.tip_lps_mm, path.fired_tip_lps_mm), frame, "INFERRED FROM"
    )
    numbers = [
        content.number(RANK, rank, NO_UNITS),
        content.number(codes.SCT.Length, _rounded(path.length_mm), MM, [line]),
        content.number(THROW, _rounded(path.throw_mm), MM, [throw] if path.throw_mm > 0 else []),
    ]
    for angle, concept in ANGLES.items():
        value = getattr(planned.angles, angle)
        if value is not None:
            numbers.append(content.number(concept, _rounded(value), DEGREE))
    if planned.risk.sample is not None:
        numbers.append(content.number(SAMPLE, _rounded(100 * planned.risk.sample), PERCENT))
    if planned.risk.error is not None:
        numbers.append(content.number(ERROR, _rounded(100 * planned.risk.error), PERCENT))
    numbers += [_measure(key, value) for key, value in planned.measures.items()]
    numbers.append(content.number(SCORE, _rounded(planned.score), NO_UNITS))
    return numbers


def _per_structure(planned: PlannedPath) -> tuple[list[Dataset], list[Dataset]]:
    """Numbers of each structure in turn, and the statements of what was not judged."""
    values_of = (
        (CLEARANCE_PATH, planned.clearances_path_mm, MM, 1.0),
        (CLEARANCE, planned.clearances_mm, MM, 1.0),
        (REQUIRED, planned.required_mm, MM, 1.0),
        (HARM, planned.risk.harm, PERCENT, 100.0),
    )
    numbers, not_judged = [], []
    for structure in dict.fromkeys(name for _, values, _, _ in values_of for name in values):
        for concept, values, unit, scale in values_of:
            if structure not in values:
                continue
            value = values[structure]
            if value is None:
                not_judged.append(content.code(concept, NOT_ATTEMPTED, children=_which(structure)))
            else:
                numbers.append(content.number(concept, _rounded(value * scale), unit, _which(structure)))
    return numbers, not_judged


def _points(planned: PlannedPath, frame: str) -> list[Dataset]:
    path = planned.path
    named = ((ENTRY, path.entry_lps_mm), (TIP, path.tip_lps_mm), (FIRED_TIP, path.fired_tip_lps_mm))
    return [content.points(concept, "POINT", [point], frame, "CONTAINS") for concept, point in named]


def _sentences(planned: PlannedPath) -> list[Dataset]:
    sentences = [content.text(codes.DCM.Comment, reason) for reason in planned.reasons]
    if planned.relaxed is not None:
        sentences.insert(0, content.text(RELAXED, planned.relaxed))
    if planned.risk.method:
        sentences.append(content.text(METHOD, planned.risk.method))
    return sentences


def _which(structure: str) -> list[Dataset]:
    """The structure that a value is about: its code, and its name, since the code of a rib does not say which."""
    return [_site(structure), content.text(NAME, structure, "HAS CONCEPT MOD")]


def _site(structure: str) -> Dataset:
    place = structure_code(structure)
    side = [] if place.laterality is None else [content.code(LATERALITY, place.laterality, "HAS CONCEPT MOD")]
    return content.code(FINDING_SITE, place.kind, "HAS CONCEPT MOD", side)


def _measure(key: str, value: float) -> Dataset:
    """A measure of the protocol's target, such as ``notch_in_target_mm``; the end of its name is its unit."""
    ending = next((end for end in UNIT_OF_ENDING if key.endswith(end)), "")
    unit, scale = UNIT_OF_ENDING.get(ending, (NO_UNITS, 1.0))
    concept: Code = private_code(key.removesuffix(ending).replace("_", " ").capitalize())
    return content.number(concept, _rounded(value * scale), unit)


def _rounded(value: float) -> float:
    return round(float(value), 4) + 0.0  # never "-0.0"

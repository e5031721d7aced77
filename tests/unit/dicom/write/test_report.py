from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom.sr._concepts_dict as dictionary
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from tests.ct_factory import make_grid, oblique_directions
from tests.unit.dicom.write.plan_factory import make_path, make_plan, make_study
from tests.unit.dicom.write.test_study import enhanced
from trocar.dicom.write import SourceStudy, instance
from trocar.dicom.write.report import report
from trocar.planning.plan import Plan, PlannedPath

NOON = datetime(2026, 5, 4, 12, 30, 15)
GRID = make_grid(
    (9, 40, 50), (0.7, 0.9, 2.5), origin_lps_mm=(-317.3, 211.9, -1203.7), directions=oblique_directions(4)
)


def paths() -> list[PlannedPath]:
    entries = GRID.to_patient([(3, 2, 1), (45, 38, 7)])
    sample = GRID.to_patient((25, 20, 4))
    return [make_path(entry, sample) for entry in entries]


def read(plan: Plan, folder: Path, study: SourceStudy | None = None) -> hd.sr.Comprehensive3DSR:
    """The report as another program reads it."""
    study = study or make_study(GRID)
    instance.save(report(plan, study, [], "key", NOON), folder / "report.dcm")
    document = hd.sr.srread(folder / "report.dcm")
    assert isinstance(document, hd.sr.Comprehensive3DSR)
    return document


def groups(document: Dataset) -> list[hd.sr.MeasurementsAndQualitativeEvaluations]:
    return document.content.get_image_measurement_groups()


def items(item: Dataset) -> Iterator[Dataset]:
    yield item
    for child in item.get("ContentSequence", []):
        yield from items(child)


def named(item: Dataset, meaning: str) -> list[Dataset]:
    return [c for c in items(item) if c.ConceptNameCodeSequence[0].CodeMeaning == meaning]


def test_points_come_back_within_a_ten_thousandth_of_a_millimetre(tmp_path: Path) -> None:
    """Coordinates are 32-bit floats; at 2 m from the origin their step is 0.00012 mm, so half of that is lost."""
    document = read(make_plan(paths()), tmp_path)
    found = groups(document)
    assert len(found) == 2
    for group, planned in zip(found, paths(), strict=True):
        path = planned.path
        (length,) = group.get_measurements(name=codes.SCT.Length)
        line, throw = (
            np.reshape(p.GraphicData, (-1, 3)) for p in items(group[0]) if p.get("GraphicType") == "POLYLINE"
        )
        np.testing.assert_allclose(line, [path.entry_lps_mm, path.tip_lps_mm], atol=1e-4)
        np.testing.assert_allclose(throw, [path.tip_lps_mm, path.fired_tip_lps_mm], atol=1e-4)
        assert length.value == pytest.approx(path.length_mm, abs=1e-4)
        assert length.unit == codes.UCUM.Millimeter
        for meaning, point in (
            ("Entry point on the skin", path.entry_lps_mm),
            ("Needle tip before the throw", path.tip_lps_mm),
            ("Needle tip after the throw", path.fired_tip_lps_mm),
        ):
            (item,) = named(group[0], meaning)
            np.testing.assert_allclose(item.GraphicData, point, atol=1e-4)
            assert item.ReferencedFrameOfReferenceUID == make_study(GRID).frame_of_reference_uid


def measured(group: hd.sr.MeasurementsAndQualitativeEvaluations) -> dict[tuple[str, str], tuple[float, str]]:
    """(name of the measurement, structure or "") -> (value, unit)."""
    result = {}
    for item in group[0].ContentSequence:
        if item.ValueType == "NUM":
            structure = [c.TextValue for c in item.get("ContentSequence", []) if c.ValueType == "TEXT"]
            unit = item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue
            key = (item.ConceptNameCodeSequence[0].CodeMeaning, structure[0] if structure else "")
            assert key not in result
            result[key] = (float(item.value), unit)
    return result


def test_every_number_stands_with_its_unit_and_structure(tmp_path: Path) -> None:
    second = groups(read(make_plan(paths()), tmp_path))[1]
    assert measured(second) == {
        ("Rank by the protocol's preferences, 1 is first", ""): (2, "1"),
        ("Length", ""): (pytest.approx(paths()[1].path.length_mm, abs=1e-4), "mm"),
        ("Throw: how far the tip moves when fired", ""): (22.0, "mm"),
        ("Angle to the skin's inward normal", ""): (11.5, "deg"),
        ("Angle out of the axial plane, positive towards the head", ""): (-7.25, "deg"),
        ("Angle in the axial plane: 0 to the front, positive to the left", ""): (23.75, "deg"),
        ("Modelled probability that the target is sampled", ""): (81.25, "%"),
        ("Numerical error of the probabilities, 99.7 % interval", ""): (0.04, "%"),
        ("Notch in target", ""): (15.5, "mm"),
        ("Cortex", ""): (62.5, "%"),
        ("Score by the protocol's preferences", ""): (0.75, "1"),
        ("Clearance from needle's axis, before the throw", "colon"): (14.25, "mm"),
        ("Clearance from needle's axis, throw included", "colon"): (12.125, "mm"),
        ("Clearance that the protocol asks for", "colon"): (10.0, "mm"),
        ("Modelled probability that the structure is entered", "colon"): (0.31, "%"),
    }


def test_what_was_not_judged_is_said_and_has_no_number(tmp_path: Path) -> None:
    first = groups(read(make_plan(paths()), tmp_path))[0]
    silent = [
        (item.ConceptNameCodeSequence[0].CodeMeaning, item.ContentSequence[-1].TextValue)
        for item in first[0].ContentSequence
        if item.ValueType == "CODE"
        and item.ConceptCodeSequence[0].CodeValue == codes.DCM.MeasurementNotAttempted.value
    ]
    assert silent == [
        ("Clearance from needle's axis, before the throw", "kidney_right"),
        ("Clearance from needle's axis, throw included", "kidney_right"),
        ("Modelled probability that the structure is entered", "kidney_right"),
    ]


def test_a_guidance_without_error_figures_has_no_probability(tmp_path: Path) -> None:
    unknown = make_path(*GRID.to_patient([(3, 2, 1), (25, 20, 4)]))
    risk = type(unknown.risk)(None, {}, None, "")
    (group,) = groups(
        read(make_plan([make_path(*GRID.to_patient([(3, 2, 1), (25, 20, 4)]), risk=risk)]), tmp_path)
    )
    assert not any(unit == "%" for (name, _), (_, unit) in measured(group).items() if "robabilit" in name)
    (answer,) = named(group[0], "Modelled probability that the target is sampled")
    assert answer.ConceptCodeSequence[0].CodeMeaning == "Measurement not attempted"


def test_groups_are_in_rank_order_and_can_be_followed(tmp_path: Path) -> None:
    document = read(make_plan(paths()), tmp_path)
    found = groups(document)
    assert [g.tracking_identifier for g in found] == ["Path 1", "Path 2"]
    assert len({g.tracking_uid for g in found}) == 2
    assert all(g.finding_type.meaning == "Planned needle path" for g in found)
    site = found[0].finding_sites[0]
    assert (site.value, site.laterality) == (codes.SCT.Kidney, codes.SCT.Left)
    assert [i.TextValue for i in named(found[0][0], "Comment")] == ["Shortest of all paths."]
    (crossed,) = named(found[0][0], "Structure that the needle goes through")
    assert [c.TextValue for c in crossed.ContentSequence if c.ValueType == "TEXT"] == ["kidney_left"]


def test_a_path_outside_the_limits_says_so_everywhere(tmp_path: Path) -> None:
    entry, sample = GRID.to_patient([(3, 2, 1), (25, 20, 4)])
    nearest = make_path(entry, sample, relaxed="clearance to the colon, 10 mm")
    document = read(make_plan([], nearest=(nearest,)), tmp_path)
    (group,) = groups(document)
    assert group.tracking_identifier == "Path 1, outside the limits"
    (answer,) = named(group[0], "Path keeps all of the protocol's limits")
    assert answer.ConceptCodeSequence[0].CodeMeaning == "No"
    (limit,) = named(group[0], "Limit given up for this path")
    assert limit.TextValue == "clearance to the colon, 10 mm"
    assert named(document, "Result")[0].TextValue.startswith("No path keeps every limit; the paths listed")


def test_a_plan_without_any_path_is_still_a_report(tmp_path: Path) -> None:
    document = read(make_plan([]), tmp_path)
    assert not groups(document)
    assert named(document, "Result")[0].TextValue == "No path keeps every limit."
    assert [i.TextValue for i in named(document, "Why other paths fell out")] == [
        "71.0 %: goes through the colon"
    ]


def test_statements_stand_beside_the_paths(tmp_path: Path) -> None:
    document = read(make_plan(paths()), tmp_path)
    assert [i.TextValue for i in named(document, "Notice")] == [
        "Research software, not for clinical use.",
        "Sample values",
        "Probabilities are modelled for one uncorrected pass: a model, not an outcome; for staff only.",
    ]
    assert named(document, "Protocol")[0].TextValue == "kidney_biopsy, version 1"
    assert (
        named(document, "Position of the patient on the scan")[0].TextValue
        == "supine (inferred from the image)"
    )
    assert named(document, "Warning")[0].TextValue == "The scan was made supine."
    assert named(document, "Not judged")[0].TextValue == "Intercostal vessels are not on the CT."
    assert named(document, "Input hash (SHA-256)")[1].TextValue == "structures: " + "22" * 32


def test_images_are_the_slices_at_both_ends_of_the_needle(tmp_path: Path) -> None:
    study = make_study(GRID)
    (planned, _) = paths()
    document = read(make_plan([planned]), tmp_path, study)
    expected = {
        str(study.images[study.nearest_slice(p)].SOPInstanceUID)
        for p in (planned.path.entry_lps_mm, planned.path.tip_lps_mm, planned.path.fired_tip_lps_mm)
    }
    library = named(document, "Image Library")[0]
    uids = {
        i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in items(library) if i.ValueType == "IMAGE"
    }
    assert uids == expected
    assert len(expected) >= 2
    evidence = document.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert evidence.SeriesInstanceUID == study.series_uid
    assert {str(i.SOPInstanceUID) for i in study.images} == {
        str(r.ReferencedSOPInstanceUID) for r in evidence.ReferencedSOPSequence
    }


def test_a_multi_frame_ct_is_the_one_image(tmp_path: Path) -> None:
    study = SourceStudy.from_headers([enhanced(orientation_per_frame=False)])
    document = read(make_plan(paths()), tmp_path, study)
    assert (
        len(
            {
                i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
                for i in items(document)
                if i.ValueType == "IMAGE"
            }
        )
        == 1
    )


def test_every_public_code_is_in_the_dictionary_with_its_meaning(tmp_path: Path) -> None:
    document = read(make_plan(paths()), tmp_path)
    known = {
        (scheme, value): {m.strip().lower() for m in meanings}
        for scheme in ("DCM", "SCT", "UCUM", "LN")
        for value, meanings in _meanings(scheme).items()
    }
    used = set()
    for item in document.iterall():
        if item.keyword == "CodeValue":
            continue
        if item.VR == "SQ":
            used |= {
                (c.CodingSchemeDesignator, c.CodeValue, c.CodeMeaning) for c in item.value if "CodeValue" in c
            }
    assert len(used) > 40
    for scheme, value, meaning in used:
        if scheme not in ("99TROCAR", "RFC5646"):
            assert meaning.lower() in known[(scheme, value)]
    (scheme,) = document.CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == "99TROCAR"


def _meanings(scheme: str) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for entries in dictionary.concepts[scheme].values():
        for value, (meaning, _) in entries.items():
            result.setdefault(value, []).append(meaning)
    return result

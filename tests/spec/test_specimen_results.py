"""What a report comes to: adequate or not, what it has to say, when a repeat is decided on, what the patient sees."""

from __future__ import annotations

import pytest

from tests.unit.clinical.protocol_files import LIVER
from trocar.clinical.department import effective, read_department
from trocar.clinical.loading import load_protocol, read_protocol
from trocar.clinical.specimen import adequate, finding_problems, may_reach_patient, repeat_to_decide

KIDNEY = load_protocol("kidney_biopsy").specimen
BONE = load_protocol("bone_biopsy").specimen
ALL_THREE = ("light microscopy", "immunofluorescence", "electron microscopy")
ENOUGH = {"glomeruli": 10, "glomeruli in immunofluorescence": 1, "glomeruli in electron microscopy": 1}


def test_a_kidney_sample_is_adequate_from_ten_glomeruli_and_one_in_each_other_part() -> None:
    """Source N1: at least 10 glomeruli in light microscopy, 1 in immunofluorescence, 1 in electron microscopy."""
    assert adequate(ENOUGH, ALL_THREE, KIDNEY).verdict == "adequate"


@pytest.mark.parametrize("short", [{"glomeruli": 9}, {"glomeruli in immunofluorescence": 0}])
def test_one_part_that_falls_short_makes_it_not_adequate(short) -> None:
    found = adequate({**ENOUGH, **short}, ALL_THREE, KIDNEY)
    assert found.verdict == "not adequate"
    assert "source N1, R" in found.reasons[0]


def test_a_part_that_is_not_stated_leaves_it_not_assessed() -> None:
    found = adequate({"glomeruli": 25, "glomeruli in immunofluorescence": 3}, ALL_THREE, KIDNEY)
    assert found.verdict == "not assessed"
    assert found.reasons[0] == "Glomeruli in electron microscopy: not stated."


def test_a_part_that_falls_short_decides_before_one_that_is_not_stated() -> None:
    assert adequate({"glomeruli": 2}, ALL_THREE, KIDNEY).verdict == "not adequate"


def test_parts_that_were_not_asked_for_are_not_missed() -> None:
    assert adequate({"glomeruli": 12}, ("light microscopy",), KIDNEY).verdict == "adequate"


def test_a_limit_that_nobody_approved_judges_nothing() -> None:
    real = b"format: 1\ndepartment: Real\nsample: false\nuses_unapproved: false\n"
    real += b"allows: {archive_export: false, live_overlay: false}\n"
    protocol = load_protocol("bone_biopsy")
    rules = protocol.specimen.without(effective(protocol, read_department(real, "d.yaml")[0]).not_configured)
    found = adequate({"lesion sampled": True}, ("histology",), rules)
    assert found.verdict == "not assessed"
    assert "not configured" in found.reasons[0]


def test_a_bone_sample_is_adequate_when_the_lesion_is_in_it() -> None:
    """Status U, for a department to approve."""
    assert adequate({"lesion sampled": True}, ("histology",), BONE).verdict == "adequate"
    assert adequate({"lesion sampled": False}, ("histology",), BONE).verdict == "not adequate"


def test_a_test_without_any_figure_is_not_assessed() -> None:
    rules = read_protocol(LIVER, "liver_biopsy.yaml")[0].specimen
    assert adequate({}, ("copper",), rules).verdict == "not assessed"
    assert adequate({"portal tracts": 11}, ("liver histology",), rules).verdict == "adequate"


def test_a_report_says_what_the_protocol_asks_of_its_tests() -> None:
    assert finding_problems({}, ("light microscopy",), KIDNEY) == {
        "glomeruli": "Glomeruli in light microscopy is missing."
    }
    assert finding_problems({"glomeruli": 12, "sclerosed glomeruli": 3}, ("light microscopy",), KIDNEY) == {}


@pytest.mark.parametrize("answer", [-1, 2.5, True, "twelve"])
def test_a_count_is_a_whole_number(answer) -> None:
    assert (
        "whole number" in finding_problems({"glomeruli": answer}, ("light microscopy",), KIDNEY)["glomeruli"]
    )


def test_no_more_sclerosed_glomeruli_than_glomeruli() -> None:
    found = finding_problems({"glomeruli": 12, "sclerosed glomeruli": 13}, ("light microscopy",), KIDNEY)
    assert found == {
        "sclerosed glomeruli": "Globally sclerosed glomeruli cannot be more than glomeruli in light microscopy."
    }


def test_what_the_protocol_does_not_ask_is_refused() -> None:
    assert "does not ask" in finding_problems({"glomeruli": 12}, ("histology",), BONE)["glomeruli"]


@pytest.mark.parametrize(
    ("outcome", "opens"), [("diagnosis", False), ("indeterminate", True), ("insufficient", True)]
)
def test_a_report_that_is_not_diagnostic_opens_the_decision_on_a_repeat(outcome, opens) -> None:
    assert (repeat_to_decide(outcome, "adequate", KIDNEY) is not None) is opens


def test_a_sample_that_falls_short_opens_it_even_with_a_diagnosis() -> None:
    assert "falls short" in repeat_to_decide("diagnosis", "not adequate", KIDNEY)


def test_a_report_that_comes_to_nothing_opens_it_too() -> None:
    assert repeat_to_decide("", "adequate", KIDNEY) == "The report does not say what it comes to."


def test_normal_bone_is_no_answer_to_a_question_about_a_lesion() -> None:
    """Status U: the needle may have missed."""
    assert repeat_to_decide("normal", "adequate", BONE) is not None


def test_nothing_of_a_result_reaches_the_patient_before_the_named_reader_has_discussed_it() -> None:
    """Source: the project's clinical rules, "The patient"."""
    assert not may_reach_patient("Sample referrer", None)
    assert not may_reach_patient("Sample referrer", "Sample IR doctor")
    assert not may_reach_patient("", "")
    assert may_reach_patient("Sample referrer", "Sample referrer")

"""What must be known and solved before a biopsy. What is missing is never ready; each answer says where it is from."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.spec.vetting_cases import NOW, answers, bone, finding, kidney, real, results, sample, well
from trocar.clinical.loading import builtin_protocols
from trocar.clinical.medicines import Taken
from trocar.clinical.readiness import assess
from trocar.clinical.vetting_facts import Override, VettingFacts

SITES = {"kidney_biopsy": "native kidney", "bone_biopsy": "lumbar vertebra"}


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_a_patient_in_whom_nothing_stands_against_it_is_within_the_limits(protocol: str) -> None:
    used = sample(protocol)
    answer = assess(used, well(used, SITES[protocol]), "vetting", NOW)
    assert answer.ready is True, answer.of("refused", "blocks", "missing")
    assert answer.words == "within the protocol's limits"


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_nothing_known_is_not_assessed_and_never_ready(protocol: str) -> None:
    used = sample(protocol)
    facts = VettingFacts(site="", birth_date=date(1970, 5, 1), sex="male")
    for phase in ("vetting", "day"):
        answer = assess(used, facts, phase, NOW)
        assert answer.ready is None
        assert answer.words == "not assessed"
        assert all(f.text.startswith("Not assessed") for f in answer.of("missing"))


@pytest.mark.parametrize("protocol", builtin_protocols())
@pytest.mark.parametrize("phase", ["vetting", "day"])
def test_each_fact_left_out_by_itself_is_missed(protocol: str, phase: str) -> None:
    """No rule can be passed by saying nothing: every answer and every needed result is missed when it is not there."""
    used = sample(protocol)
    rules = used.protocol.vetting
    facts = well(used, SITES[protocol])
    for question in rules.questions_at(phase):
        if question.severity.value == "specialist":
            continue
        without = {name: yes for name, yes in facts.answers.items() if name != question.name}
        answer = assess(used, well(used, SITES[protocol], answers=without), phase, NOW)
        assert finding(answer, f"question {question.name}").kind == "missing"
        assert answer.ready is None
    for gate in rules.gates:
        if phase in gate.phases and gate.need == "always" and gate.of != "age" and "high" in gate.classes:
            answer = assess(used, well(used, SITES[protocol], results=results(**{gate.of: None})), phase, NOW)
            assert finding(answer, f"gate {gate.name}").kind == "missing"
            assert answer.ready is None


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_medicines_and_allergies_that_nobody_asked_about_are_missing(protocol: str) -> None:
    used = sample(protocol)
    assert assess(used, well(used, SITES[protocol], medicines=None), "vetting", NOW).ready is None
    assert assess(used, well(used, SITES[protocol], allergies=None), "vetting", NOW).ready is None


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_a_real_department_that_approved_nothing_is_never_ready(protocol: str) -> None:
    used = real(protocol)
    answer = assess(used, well(used, SITES[protocol]), "vetting", NOW)
    assert answer.ready is None
    assert any("not configured" in f.text for f in answer.of("missing"))


def test_a_limit_on_which_sources_disagree_is_the_departments_choice() -> None:
    """Platelets before kidney biopsy: 50 by SIR (B2), 100 at Edinburgh (K10)."""
    text = finding(kidney(used=real("kidney_biopsy")), "gate platelets").text
    assert "not configured" in text
    assert "SIR 50 (B2)" in text
    assert "Edinburgh 100 (K10)" in text


def test_a_recorded_choice_counts() -> None:
    chosen = (
        "key: vetting.gates.platelets.chosen, value: SIR, own: true, approved_by: A. Radiologist, "
        "approved_on: 2026-05-01, review_due: 2027-05-01"
    )
    age = (
        "key: vetting.result_age.chosen, value: one month, own: true, approved_by: A. Radiologist, "
        "approved_on: 2026-05-01, review_due: 2027-05-01"
    )
    found = finding(
        kidney(used=real("kidney_biopsy", chosen, age), results=results(platelets=60)), "gate platelets"
    )
    assert (found.kind, found.source) == ("met", "B2 (R)")
    assert found.value == "60 10^9/L"
    assert found.age == "2 hours"


# laboratory limits


@pytest.mark.parametrize(
    ("quantity", "just_in", "just_out", "gate"),
    [
        ("platelets", 100, 99, "platelets"),
        ("inr", 1.5, 1.6, "INR"),
        ("haemoglobin", 81, 80, "haemoglobin"),
        ("systolic", 159, 160, "systolic pressure"),
        ("diastolic", 89, 90, "diastolic pressure"),
        ("kidney_length", 80, 79, "kidney length"),
    ],
)
def test_limits_before_kidney_biopsy(quantity: str, just_in: float, just_out: float, gate: str) -> None:
    """Edinburgh (K10): platelets 100, haemoglobin over 80, pressure below 160/90. SIR (B2): INR 1.5. N3: 80 mm."""
    assert finding(kidney(results=results(**{quantity: just_in})), f"gate {gate}").kind == "met"
    out = kidney(results=results(**{quantity: just_out}))
    assert finding(out, f"gate {gate}").kind == "blocks"
    assert out.ready is False


@pytest.mark.parametrize(
    ("site", "platelets", "ready"),
    [
        ("lumbar vertebra", 49, False),
        ("lumbar vertebra", 50, True),
        ("long bone", 49, True),
        ("long bone", 19, False),
    ],
)
def test_limits_before_bone_biopsy_depend_on_the_site(site: str, platelets: float, ready: bool) -> None:
    """SIR 2019 (B2, B1): platelets 50 at high risk, 20 at low risk."""
    assert bone(site, results=results(platelets=platelets)).ready is ready


def test_at_low_risk_blood_tests_are_not_asked_for() -> None:
    """SIR 2019 (B2): screening is not routine at low risk."""
    assert bone("long bone", results=results(platelets=None, inr=None, haemoglobin=None)).ready is True


def test_at_low_risk_warfarin_makes_the_inr_needed() -> None:
    """SIR 2019 (B2): consider it with warfarin; at most 3.0."""
    warfarin = (Taken("warfarin"),)
    missing = bone("long bone", medicines=warfarin, results=results(inr=None))
    assert finding(missing, "gate INR low risk").kind == "missing"
    assert (
        finding(bone("long bone", medicines=warfarin, results=results(inr=3.1)), "gate INR low risk").kind
        == "blocks"
    )
    assert bone("long bone", medicines=warfarin, results=results(inr=3.0)).ready is True


# the age of results


def test_a_result_counts_a_week_in_a_stable_patient_of_the_sample_department() -> None:
    old = results(NOW - timedelta(days=7))
    assert finding(kidney(results=old), "gate platelets").kind == "met"
    older = finding(kidney(results=results(NOW - timedelta(days=7, minutes=1))), "gate platelets")
    assert older.kind == "missing"
    assert "too old: 7 days old, at most 7 days" in older.text


def test_a_result_counts_a_day_in_an_unstable_patient() -> None:
    unwell = answers("kidney_biopsy", unstable=True)
    assert (
        finding(kidney(answers=unwell, results=results(NOW - timedelta(hours=24))), "gate platelets").kind
        == "met"
    )
    late = finding(kidney(answers=unwell, results=results(NOW - timedelta(hours=25))), "gate platelets")
    assert late.kind == "missing"
    assert "unstable patient" in late.text


def test_whether_the_patient_is_stable_must_be_said_before_any_result_counts() -> None:
    found = finding(kidney(answers=answers("kidney_biopsy", unstable=None)), "gate platelets")
    assert found.kind == "missing"
    assert "nobody answered" in found.text


def test_blood_pressure_is_taken_again_on_the_day() -> None:
    yesterday = results(NOW - timedelta(hours=20))
    assert finding(kidney(results=yesterday), "gate systolic pressure").kind == "met"
    found = finding(kidney("day", results=yesterday), "gate systolic pressure")
    assert found.kind == "missing"
    assert "must be taken again today" in found.text
    assert kidney("day").ready is True


# questions


@pytest.mark.parametrize("name", ["pregnant", "transplant", "horseshoe kidney"])
def test_patients_for_whom_the_kidney_protocol_is_not_made_are_refused_and_nobody_overrides(
    name: str,
) -> None:
    answer = kidney(answers=answers("kidney_biopsy", **{name.replace(" ", "_"): True}))
    found = finding(answer, f"question {name}")
    assert (found.kind, found.override_role) == ("refused", "")
    assert answer.words == "refused by this protocol"
    assert "Yes: " in found.text, "it says why"


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_children_under_sixteen_are_refused(protocol: str) -> None:
    """The day of the appointment counts, not today."""
    used = sample(protocol)
    for born, slot, refused in (
        (date(2010, 11, 24), None, True),
        (date(2010, 11, 23), None, False),
        (date(2010, 11, 24), NOW + timedelta(days=1), False),
    ):
        answer = assess(used, well(used, SITES[protocol], birth_date=born, start=slot), "vetting", NOW)
        assert bool(answer.of("refused")) is refused


def test_a_patient_of_a_hundred_and_twenty_five_is_assessed() -> None:
    assert kidney(birth_date=date(1901, 11, 1)).ready is True


def test_pregnancy_is_refused_before_bone_biopsy_too() -> None:
    assert (
        bone("lumbar vertebra", answers=answers("bone_biopsy", pregnant=True)).words
        == "refused by this protocol"
    )


@pytest.mark.parametrize(
    "name", ["single_kidney", "hydronephrosis", "urine_infection", "skin_infection", "bleeding_history"]
)
def test_what_blocks_a_kidney_biopsy(name: str) -> None:
    """N3, N6, K11, B3: single kidney, hydronephrosis, infection; more than two yes in HEMSTOP."""
    assert kidney(answers=answers("kidney_biopsy", **{name: True})).ready is False


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_a_patient_who_cannot_lie_still_blocks(protocol: str) -> None:
    used = sample(protocol)
    facts = well(used, SITES[protocol], answers=answers(protocol, can_lie_still=False))
    assert assess(used, facts, "vetting", NOW).ready is False
    assert assess(used, facts, "day", NOW).ready is False


def test_a_suspected_primary_bone_tumour_is_a_hard_stop_until_decision_and_route_are_recorded() -> None:
    suspected = answers("bone_biopsy", suspected_primary_bone_tumour=True)
    stopped = finding(bone("long bone", answers=suspected), "question suspected primary bone tumour")
    assert (stopped.kind, stopped.override_role) == ("blocks", "")
    decided = {"suspected primary bone tumour/decided by": "Sarcoma MDT, 20 November 2026"}
    half = bone("long bone", answers=suspected, records=decided)
    assert half.ready is False
    assert "The route agreed for the needle" in finding(half, "question suspected primary bone tumour").text
    blank = {**decided, "suspected primary bone tumour/agreed route": "  "}
    assert bone("long bone", answers=suspected, records=blank).ready is False
    both = {**decided, "suspected primary bone tumour/agreed route": "Anterior, through deltoid"}
    lifted = bone("long bone", answers=suspected, records=both)
    assert lifted.ready is True
    assert "Anterior, through deltoid" in finding(lifted, "question suspected primary bone tumour").text


def test_allergies_are_said_and_do_not_block() -> None:
    answer = kidney(allergies=("chlorhexidine",))
    assert answer.ready is True
    assert "chlorhexidine" in answer.of("warns")[0].text


# the patient's own risks


def test_risks_of_the_patient_are_listed_with_their_sources() -> None:
    """Women, urgent, eGFR below 60 and 30, high creatinine, pressure, age, acute kidney injury (reference 3.1)."""
    answer = kidney(
        sex="female",
        urgency="urgent",
        birth_date=date(1950, 1, 1),
        results=results(creatinine=210, egfr=22, systolic=150),
        answers=answers("kidney_biopsy", acute_kidney_injury=True),
    )
    assert {f.gate for f in answer.of("risk")} == {
        "gate creatinine",
        "gate eGFR below 60",
        "gate eGFR below 30",
        "gate pressure as a risk",
        "gate over 70",
        "question acute kidney injury",
        "trait women",
        "trait urgent",
    }
    assert all(f.source for f in answer.of("risk"))
    assert answer.ready is True, "a risk is weighed by the doctor; it does not block"


def test_bone_tumours_and_marrow_disease_raise_the_risk_of_bleeding() -> None:
    """The leaflet says so."""
    answer = bone(
        "lumbar vertebra", answers=answers("bone_biopsy", vascular_lesion=True, marrow_disease=True)
    )
    assert {f.gate for f in answer.of("risk")} == {"question vascular lesion", "question marrow disease"}


# overrides

LOW = "gate platelets"


def override(**changes: str) -> Override:
    given = {
        "gate": LOW,
        "value": "90 10^9/L",
        "role": "ir_doctor",
        "by": "Sample IR doctor",
        "reason": "Platelets given.",
    }
    return Override(**{**given, **changes})


def test_a_block_is_overridden_by_the_named_role_with_a_reason() -> None:
    answer = kidney(results=results(platelets=90), overrides=(override(),))
    assert answer.ready is True
    assert answer.words == "within the protocol's limits, with overrides"
    assert "Overridden by Sample IR doctor: Platelets given." in finding(answer, LOW).text


def test_another_role_cannot() -> None:
    assert kidney(results=results(platelets=90), overrides=(override(role="ir_nurse"),)).ready is False


def test_an_override_ends_when_the_value_changes() -> None:
    assert kidney(results=results(platelets=60), overrides=(override(),)).ready is False


def test_no_override_without_a_name_and_a_reason() -> None:
    with pytest.raises(ValueError, match="a name and a reason"):
        override(reason="  ")
    with pytest.raises(ValueError, match="a name and a reason"):
        override(by="")


def test_what_is_missing_or_refused_cannot_be_overridden() -> None:
    missing = override(value="")
    assert kidney(results=results(platelets=None), overrides=(missing,)).ready is None
    refused = override(gate="question pregnant", value="yes")
    assert kidney(answers=answers("kidney_biopsy", pregnant=True), overrides=(refused,)).ready is False


def test_an_infected_skin_is_overridden_by_nobody() -> None:
    given = override(gate="question skin infection", value="yes")
    assert kidney(answers=answers("kidney_biopsy", skin_infection=True), overrides=(given,)).ready is False


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_every_finding_that_judges_names_its_source(protocol: str) -> None:
    used = sample(protocol)
    answer = assess(used, well(used, SITES[protocol]), "vetting", NOW)
    assert all(f.source for f in answer.findings if f.kind in ("met", "blocks", "warns", "risk", "refused"))

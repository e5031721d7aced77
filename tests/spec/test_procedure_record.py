"""The procedure record: who, with what, how often, what was given, how far from the plan, and when it was over."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from trocar.clinical.loading import builtin_protocols, load_protocol
from trocar.clinical.procedure_record import (
    DrugGiven,
    TeamMember,
    baseline_problems,
    before_sedation,
    complication_problems,
    deviation,
    drug_problems,
    drug_totals,
    needle_out_problems,
    observation_problem,
    pass_warning,
    raises_incident,
    team_problems,
)
from trocar.clinical.procedure_rules import DrugRules, ProcedureRules

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DOCTOR = TeamMember("Sample IR doctor", "ir_doctor", frozenset({"operator"}))
NURSE = TeamMember("Sample IR nurse", "ir_nurse", frozenset({"monitor"}))
RADIOGRAPHER = TeamMember("Sample radiographer", "radiographer", frozenset({"radiographer"}))
WELL: dict[str, float | str | None] = {
    "systolic_mmhg": 128,
    "diastolic_mmhg": 74,
    "heart_rate_per_min": 72,
    "spo2_percent": 98,
    "respiratory_rate_per_min": 14,
    "temperature_c": 36.7,
    "consciousness": "alert",
    "pain_0_to_10": 0,
    "urine": "clear",
    "legs": "as before",
}


def rules(protocol: str = "kidney_biopsy") -> ProcedureRules:
    return load_protocol(protocol).procedure_record


def drug(name: str) -> DrugRules:
    found = rules().drug(name)
    assert found is not None
    return found


def given(name: str, amount: float, unit: str, route: str) -> DrugGiven:
    return DrugGiven(name, amount, unit, route, NOW)


def test_doctor_nurse_and_radiographer_are_a_team() -> None:
    assert team_problems([DOCTOR, NURSE, RADIOGRAPHER], ionising=True) == ()
    assert team_problems([DOCTOR, NURSE], ionising=False) == ()


@pytest.mark.parametrize(
    "role", ["ir_nurse", "radiographer", "coordinator", "referrer", "laboratory", "pharmacist", "manager"]
)
def test_only_an_ir_doctor_is_the_operator(role: str) -> None:
    """Clinical reference, section 1, row 3."""
    somebody = TeamMember("Somebody", role, frozenset({"operator"}))
    assert "Somebody is not an IR doctor and cannot be the operator." in team_problems(
        [somebody, NURSE], False
    )


def test_there_is_one_operator_of_record() -> None:
    second = TeamMember("Second IR doctor", "ir_doctor", frozenset({"operator"}))
    assert team_problems([DOCTOR, second, NURSE], False) != ()
    assert team_problems([NURSE], False) == ("No operator is named.",)


def test_who_watches_the_patient_is_named_and_never_the_operator() -> None:
    """Clinical rules, "In the room"."""
    both = TeamMember("Sample IR doctor", "ir_doctor", frozenset({"operator", "monitor"}))
    assert team_problems([DOCTOR], False) == ("Nobody is named who watches the patient.",)
    assert team_problems([both, NURSE], False) == (
        "Sample IR doctor operates and cannot watch the patient at the same time.",
    )


def test_x_rays_need_a_radiographer() -> None:
    """Clinical reference, section 1, row 22."""
    assert team_problems([DOCTOR, NURSE], ionising=True) == (
        "X-rays are used, but no radiographer is named.",
    )


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_a_full_set_of_observations_is_a_baseline(protocol: str) -> None:
    wanted = rules(protocol).baseline
    assert baseline_problems(wanted, WELL, NOW, NOW + timedelta(minutes=5), 60) == ()


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_every_missing_observation_is_named(protocol: str) -> None:
    for kind in rules(protocol).baseline:
        found = baseline_problems(rules(protocol).baseline, {**WELL, kind: None}, NOW, NOW, 60)
        assert len(found) == 1
        assert found[0].endswith("is missing.")


def test_kidney_asks_urine_and_bone_the_legs() -> None:
    """Clinical rules: what is observed beyond the common set comes from the protocol."""
    assert "urine" in rules("kidney_biopsy").baseline
    assert "legs" in rules("bone_biopsy").baseline


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("systolic_mmhg", 12.8),  # kPa or a slip
        ("systolic_mmhg", 1280),
        ("temperature_c", 98.6),  # Fahrenheit
        ("spo2_percent", 0.98),  # a fraction
        ("spo2_percent", 101),
        ("heart_rate_per_min", math.nan),
        ("heart_rate_per_min", "72"),
        ("pain_0_to_10", 11),
        ("consciousness", "fine"),
    ],
)
def test_what_cannot_be_is_refused(kind: str, value: float | str) -> None:
    assert observation_problem(kind, value) is not None


def test_an_old_baseline_is_none() -> None:
    wanted = rules().baseline
    assert baseline_problems(wanted, WELL, NOW, NOW + timedelta(minutes=60), 60) == ()
    assert baseline_problems(wanted, WELL, NOW, NOW + timedelta(minutes=61), 60) != ()
    assert baseline_problems(wanted, WELL, NOW, NOW, None) != ()
    assert baseline_problems(wanted, WELL, NOW, NOW - timedelta(minutes=1), 60) != ()
    assert baseline_problems(wanted, WELL, None, NOW, 60) == (
        "No observations from before sedation are recorded.",
    )


def test_diastolic_lies_below_systolic() -> None:
    found = baseline_problems(rules().baseline, {**WELL, "diastolic_mmhg": 130}, NOW, NOW, 60)
    assert found == ("The diastolic pressure must be lower than the systolic one.",)


def test_sedation_waits_for_baseline_iv_access_a_watcher_and_consent() -> None:
    """Clinical rules, "Before" and "In the room"."""
    assert before_sedation((), "20G, left hand", (), True) == ()
    assert before_sedation((), " ", (), True) == ("No IV access is recorded.",)
    assert before_sedation((), "20G", ("Nobody is named who watches the patient.",), True) != ()
    assert before_sedation(("Oxygen saturation is missing.",), "20G", (), True) != ()
    for confirmed in (False, None):
        assert before_sedation((), "20G", (), confirmed) != ()


@pytest.mark.parametrize(
    ("name", "amount", "unit", "route"),
    [
        ("lidocaine 1 percent", 10, "mL", "infiltration"),
        ("midazolam", 1, "mg", "intravenous"),
        ("fentanyl", 50, "microgram", "intravenous"),
    ],
)
def test_a_usual_dose_is_taken_as_it_is(name: str, amount: float, unit: str, route: str) -> None:
    assert drug_problems(drug(name), given(name, amount, unit, route)) == ()


@pytest.mark.parametrize(
    ("name", "amount", "unit", "route", "words"),
    [
        ("midazolam", 10, "mg", "intravenous", "between 0.25 and 2.5 mg"),  # a decimal point
        ("midazolam", 1, "microgram", "intravenous", "recorded in mg"),
        ("fentanyl", 0.05, "microgram", "intravenous", "between 10 and 100 microgram"),  # milligrams meant
        ("fentanyl", 50, "mg", "intravenous", "recorded in microgram"),
        ("lidocaine 1 percent", 100, "mL", "infiltration", "between 1 and 20 mL"),  # milligrams meant
        ("lidocaine 1 percent", 10, "mL", "intravenous", "not by intravenous"),
        ("midazolam", 0, "mg", "intravenous", "more than nothing"),
        ("midazolam", math.inf, "mg", "intravenous", "more than nothing"),
    ],
)
def test_a_slip_of_unit_point_or_route_is_named(
    name: str, amount: float, unit: str, route: str, words: str
) -> None:
    found = drug_problems(drug(name), given(name, amount, unit, route))
    assert len(found) == 1
    assert words in found[0]


def test_a_drug_that_the_protocol_does_not_list_can_be_recorded() -> None:
    assert drug_problems(None, given("ondansetron", 4, "mg", "intravenous")) == ()
    assert drug_problems(None, given("ondansetron", -4, "mg", "intravenous")) != ()


def test_doses_add_up_to_a_warning() -> None:
    two = [given("midazolam", 2.5, "mg", "intravenous")] * 2
    assert drug_totals(rules().drugs, two) == ()
    assert drug_totals(rules().drugs, [*two, given("midazolam", 1, "mg", "intravenous")]) == (
        "6 mg of midazolam in all; the protocol warns from 5 on.",
    )


@pytest.mark.parametrize("number", [1, 2])
def test_the_first_passes_pass_without_a_word(number: int) -> None:
    assert pass_warning(number, 3, 4) == ""


def test_the_page_warns_at_the_protocols_pass_and_asks_why_beyond_the_last() -> None:
    """Clinical reference, 3.2: at most 4, warn at 3 (unverified)."""
    record = rules()
    assert (record.warn_at_pass.value, record.most_passes.value, record.warn_at_pass.status) == (3, 4, "U")
    assert pass_warning(3, 3, 4) == "Pass 3 of at most 4 in the protocol."
    assert "Say why" in pass_warning(5, 3, 4)
    assert "not configured" in pass_warning(1, None, 4)
    assert "not configured" in pass_warning(1, 3, None)


def test_planned_against_achieved_is_a_distance_and_an_angle() -> None:
    found = deviation((0, 0, 0), (0, 0, 100), (0, 0, 0), (0, 5, 100))
    assert found.tip_mm == pytest.approx(5)
    assert found.angle_deg == pytest.approx(math.degrees(math.atan2(5, 100)))


def test_a_small_angle_is_not_rounded_away() -> None:
    found = deviation((0, 0, 0), (0, 0, 100), (0, 0, 0), (1e-7, 0, 100))
    assert found.angle_deg == pytest.approx(math.degrees(1e-9), rel=1e-6)


def test_a_needle_put_in_from_the_other_side_is_turned_by_180_degrees() -> None:
    assert deviation((0, 0, 0), (0, 0, 50), (0, 0, 100), (0, 0, 50)).angle_deg == pytest.approx(180)


def test_the_same_shift_of_entry_and_tip_changes_no_angle() -> None:
    found = deviation((1, 2, 3), (10, 20, 30), (4, 6, 3), (13, 24, 30))
    assert (found.tip_mm, found.angle_deg) == (pytest.approx(5), pytest.approx(0, abs=1e-9))


def test_without_entries_there_is_a_distance_and_no_angle() -> None:
    assert deviation(None, (0, 0, 0), None, (3, 4, 0)).angle_deg is None


def test_points_that_make_no_needle_are_refused() -> None:
    with pytest.raises(ValueError, match="same point"):
        deviation((0, 0, 0), (0, 0, 0), (0, 0, 1), (0, 0, 2))
    with pytest.raises(ValueError, match="finite"):
        deviation(None, (0, 0, 0), None, (0, math.nan, 0))


def test_needle_out_follows_every_pass_and_is_not_ahead_of_the_clock() -> None:
    """T0 starts the recovery clock (clinical reference, section 1, row 36)."""
    first, second = NOW - timedelta(minutes=9), NOW - timedelta(minutes=2)
    assert needle_out_problems(NOW, NOW, first, [first, second]) == ()
    assert needle_out_problems(first, NOW, first, [first, second]) != ()
    assert needle_out_problems(NOW + timedelta(seconds=1), NOW, first, [second]) == (
        "That time is still to come.",
    )
    assert needle_out_problems(NOW, NOW, None, []) != ()


def test_a_complication_has_a_plan_and_what_the_patient_was_told() -> None:
    """Clinical rules, "Recovery"."""
    assert complication_problems("low", "Ultrasound in an hour.", "Told there is a small clot.") == ()
    assert len(complication_problems("", "", " ")) == 3


def test_severe_harm_raises_an_incident() -> None:
    assert raises_incident("severe")
    assert raises_incident("death")
    assert not raises_incident("moderate")


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_every_figure_of_the_record_is_unverified_until_somebody_approves_it(protocol: str) -> None:
    values = load_protocol(protocol).values()
    assert {v.status for k, v in values.items() if k.startswith("procedure_record.")} == {"U"}

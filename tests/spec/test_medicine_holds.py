"""Which medicines are stopped before a biopsy, when the last dose is, and when they start again."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from tests.spec.vetting_cases import NOW, answers, bone, finding, kidney, real, results
from trocar.clinical.loading import load_protocol
from trocar.clinical.medicine_plan import LONDON, WITHDRAWN, line, standing
from trocar.clinical.medicines import Advice, OwnAdvice, Taken
from trocar.clinical.vetting_facts import Assessment

MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=LONDON)


def advice(name: str, **changes: object) -> Advice:
    """What the kidney protocol of the sample department says of one medicine."""
    (found,) = kidney(medicines=(Taken(name),), **changes).advice
    return found


def low(name: str) -> Advice:
    """What the bone protocol says of one medicine at low bleeding risk."""
    (found,) = bone("long bone", medicines=(Taken(name),)).advice
    return found


# dates from the appointment


def test_a_day_is_a_full_day_with_no_dose_and_there_is_none_on_the_day() -> None:
    """AF guideline (B6). Apixaban 2 days before Monday 23: last dose Friday 20, none on 21, 22 and 23."""
    plan = line(advice("apixaban"), MONDAY)
    assert plan.last_dose_on == date(2026, 11, 20)
    assert plan.none_on == (date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 23))
    assert (plan.restart_from, plan.restart_to) == (date(2026, 11, 25), date(2026, 11, 26))
    assert plan.words == (
        "apixaban: last dose on Friday 20 November 2026. None from Saturday 21 November 2026 to Monday 23 November "
        "2026, the day of the biopsy. Restart from Wednesday 25 November 2026 to Thursday 26 November 2026, unless "
        "there is bleeding: then ask first."
    )


def test_the_day_is_that_of_london() -> None:
    """00:30 on 1 July in London is still 30 June in UTC."""
    start = datetime(2026, 7, 1, 0, 30, tzinfo=LONDON)
    assert line(advice("warfarin"), start).last_dose_on == date(2026, 6, 25)


def test_hours_are_real_hours_in_the_night_when_the_clocks_go_back() -> None:
    """25 October 2026: 12 hours before 09:00 is 22:00, since the hour from 1 to 2 comes twice."""
    start = datetime(2026, 10, 25, 9, 0, tzinfo=LONDON)
    plan = line(advice("LMWH prophylactic"), start)
    assert plan.last_dose_by == datetime(2026, 10, 24, 22, 0, tzinfo=LONDON)
    assert "last dose by Saturday 24 October 2026 at 22:00" in plan.words


def test_hours_are_real_hours_in_the_night_when_the_clocks_go_forward() -> None:
    """28 March 2027: 12 hours before 09:00 is 20:00."""
    start = datetime(2027, 3, 28, 9, 0, tzinfo=LONDON)
    assert line(advice("LMWH prophylactic"), start).last_dose_by == datetime(
        2027, 3, 27, 20, 0, tzinfo=LONDON
    )


def test_days_do_not_care_about_the_clocks() -> None:
    start = datetime(2027, 3, 29, 9, 0, tzinfo=LONDON)
    assert line(advice("warfarin"), start).last_dose_on == date(2027, 3, 23)


def test_an_appointment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        line(advice("apixaban"), datetime(2026, 11, 23, 9, 30))


# high bleeding risk


@pytest.mark.parametrize(
    ("medicine", "days", "hours", "source"),
    [
        ("warfarin", 5, None, "G1, B6 (R)"),
        ("unfractionated heparin infusion", None, 6, "G1 (R)"),
        ("LMWH prophylactic", None, 12, "B5 (R2)"),
        ("LMWH treatment", None, 24, "G1 (R)"),
        ("fondaparinux", 3, None, "B5 (R2)"),
        ("apixaban", 2, None, "B7 (R)"),
        ("rivaroxaban", 2, None, "B7 (R)"),
        ("edoxaban", 2, None, "B6 (R)"),
        ("dabigatran", 2, None, "B6, B7 (R)"),
        ("clopidogrel", 7, None, "G1, K10 (R)"),
        ("ticagrelor", 5, None, "G1 (R)"),
        ("prasugrel", 7, None, "G1 (R)"),
        ("aspirin", 7, None, "G1, K10 (R)"),
        ("ibuprofen", 1, None, "SIR (U)"),
        ("naproxen", 3, None, "SIR (U)"),
        ("meloxicam", 10, None, "SIR (U)"),
    ],
)
def test_holds_of_the_sample_department(
    medicine: str, days: int | None, hours: float | None, source: str
) -> None:
    """Reference 2.2; creatinine clearance of this patient is 62 ml/min."""
    found = advice(medicine)
    assert (found.kind, found.hold_days, found.hold_hours) == ("hold", days, hours)
    assert found.source.startswith(f"hold {source}")


# kidney function


@pytest.mark.parametrize(
    ("medicine", "creatinine", "days"),
    [
        ("dabigatran", 148, 2),  # 50.2 ml/min
        ("dabigatran", 149, 4),  # 49.8 ml/min: AF guideline and PAUSE (B6, B7)
        ("fondaparinux", 170, 5),
    ],
)
def test_some_holds_depend_on_creatinine_clearance(medicine: str, creatinine: float, days: int) -> None:
    assert advice(medicine, results=results(creatinine=creatinine)).hold_days == days


@pytest.mark.parametrize("medicine", ["apixaban", "rivaroxaban", "dabigatran", "edoxaban"])
def test_below_the_table_a_specialist_is_asked(medicine: str) -> None:
    """AF guideline (B6): below the table add days and ask; at 800 umol/L clearance is 9 ml/min."""
    found = advice(medicine, results=results(creatinine=800))
    assert found.kind == "ask"
    assert "clearance of 9 ml/min" in found.words


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"results": results(weight=None)}, "weight is missing"),
        ({"results": results(creatinine=None)}, "Creatinine is missing"),
        ({"results": results(NOW - timedelta(days=91))}, "too old"),
        ({"results": results(NOW - timedelta(days=9))}, "too old"),
        ({"answers": answers("kidney_biopsy", acute_kidney_injury=True)}, "is changing"),
        ({"answers": answers("kidney_biopsy", acute_kidney_injury=None)}, "nobody said"),
        ({"sex": "other"}, "sex recorded at birth"),
        ({"birth_date": date(2009, 1, 1)}, "ages from 18"),
    ],
)
def test_without_a_clearance_nothing_is_guessed(changes: dict[str, object], why: str) -> None:
    found = advice("dabigatran", **changes)
    assert found.kind == "missing"
    assert why in found.words


# low bleeding risk


@pytest.mark.parametrize(
    "medicine",
    [
        "warfarin",
        "LMWH treatment",
        "fondaparinux",
        "apixaban",
        "rivaroxaban",
        "dabigatran",
        "clopidogrel",
        "prasugrel",
    ],
)
def test_at_low_risk_they_go_on(medicine: str) -> None:
    """SIR 2019 (B5): do not withhold."""
    found = low(medicine)
    assert (found.kind, found.source) == ("go on", "B5 (R2)")


def test_at_low_risk_pause_is_the_other_choice() -> None:
    """PAUSE (B7): one day before, dabigatran two where clearance is below 50; SIR (B5): none."""
    options = {m.name: m.low for m in load_protocol("bone_biopsy").vetting.medicines}
    for name, steps in (("apixaban", {"from 30": 1}), ("dabigatran", {"from 50": 1, "30 to 50": 2})):
        plan = options[name]
        assert plan is not None
        found = {s.name: s.hold_days.value for s in plan.option("PAUSE").steps if s.hold_days}
        assert found == steps


# where the sources disagree


@pytest.mark.parametrize("medicine", ["aspirin", "clopidogrel", "warfarin", "ibuprofen", "apixaban"])
def test_a_real_department_has_no_hold_until_it_has_chosen(medicine: str) -> None:
    week = (
        "key: vetting.result_age.chosen, value: one month, own: true, approved_by: A. Radiologist, "
        "approved_on: 2026-05-01, review_due: 2027-05-01"
    )
    found = advice(medicine, used=real("kidney_biopsy", week))
    assert found.kind == "not configured"
    assert "the sources disagree" in found.words
    assert "K10 (R)" in found.words or "B7 (R)" in found.words, "the options stand there with their sources"


def approved(key: str, value: object, own: bool = True) -> str:
    return (
        f"key: {key}, value: {value}, own: {str(own).lower()}, approved_by: A. Radiologist, "
        "approved_on: 2026-05-01, review_due: 2027-05-01"
    )


def test_the_departments_choice_of_aspirin_is_used() -> None:
    """Glasgow (K4): continued, no excess of bleeding."""
    used = real("kidney_biopsy", approved("vetting.medicines.aspirin.high.chosen", "go on"))
    found = advice("aspirin", used=used)
    assert (found.kind, found.source) == ("go on", "G1, K4 (R)")


def test_a_choice_does_not_approve_the_figures_behind_it() -> None:
    used = real("kidney_biopsy", approved("vetting.medicines.aspirin.high.chosen", "three days"))
    assert "when it is restarted" in advice("aspirin", used=used).words
    used = real(
        "kidney_biopsy",
        approved("vetting.medicines.aspirin.high.chosen", "three days"),
        approved("vetting.medicines.aspirin.high.options.three days.steps.any.restart_days", 1, own=False),
    )
    assert advice("aspirin", used=used).hold_days == 3


# who has to be asked


@pytest.mark.parametrize("name", ["ginkgo", "apixabann", "xyz", "Теноксикам", "war farin", "apixabanum"])
def test_an_unknown_medicine_asks_a_pharmacist_and_is_never_matched_by_likeness(name: str) -> None:
    answer = kidney(medicines=(Taken(name),))
    assert answer.ready is False
    assert "ask a pharmacist" in finding(answer, f"medicine {name}").text


def test_a_pharmacists_word_settles_it() -> None:
    own = OwnAdvice("Sample pharmacist", "No effect on bleeding: go on.", None, None)
    answer = kidney(medicines=(Taken("ginkgo", own=own),))
    assert answer.ready is True
    assert finding(answer, "medicine ginkgo").source == "advice of Sample pharmacist"


def test_a_name_may_carry_its_dose_and_a_brand_is_known() -> None:
    assert advice("Apixaban 5 mg twice a day").rule == "apixaban"
    assert advice("XARELTO").rule == "rivaroxaban"
    assert advice("acetylsalicylic acid").rule == "aspirin"


@pytest.mark.parametrize(
    "name",
    [
        "aspirin and clopidogrel",
        "clopidogrel aspirin",
        "paracetamol + ibuprofen",
        "apixaban 5 mg & aspirin",
        "Aspirin plus statin",
    ],
)
def test_two_medicines_in_one_entry_are_told_apart_first(name: str) -> None:
    """One rule for both would leave one of them running."""
    found = advice(name)
    assert found.kind == "ask"
    assert "enter each on its own" in found.words


def test_a_longer_name_of_one_medicine_is_not_two() -> None:
    assert advice("LMWH treatment enoxaparin 80 mg").rule == "LMWH treatment"
    assert advice("treatment enoxaparin").rule == "LMWH treatment"


def test_enoxaparin_alone_leaves_open_which_dose() -> None:
    found = advice("enoxaparin")
    assert found.kind == "ask"
    assert "LMWH prophylactic or LMWH treatment" in found.words


RISKS = [
    "mechanical mitral valve",
    "mechanical aortic valve",
    "antiphospholipid syndrome",
    "recent embolism",
    "CHADS2 of 5 or 6",
    "embolism when stopped before",
]


@pytest.mark.parametrize("risk", RISKS)
@pytest.mark.parametrize("medicine", ["warfarin", "apixaban", "clopidogrel"])
def test_high_thrombotic_risk_blocks_the_automatic_plan(risk: str, medicine: str) -> None:
    """KHA-CARI (G1): such patients go to haematology or the MDT."""
    given = {**answers("kidney_biopsy"), risk: True}
    answer = kidney(answers=given, medicines=(Taken(medicine),))
    found = finding(answer, f"medicine {medicine}")
    assert (found.kind, found.override_role) == ("blocks", "")
    assert "ask haematology or the MDT" in found.text
    with pytest.raises(ValueError, match="has no plan"):
        line(answer.advice[0], MONDAY)


def test_the_specialists_plan_is_used_instead() -> None:
    own = OwnAdvice("Dr Sample Haematologist", "Stop 5 days before, bridge with heparin on the ward.", 5, 1)
    given = {**answers("kidney_biopsy"), "mechanical mitral valve": True}
    answer = kidney(answers=given, medicines=(Taken("warfarin", own=own),))
    assert answer.ready is True
    assert line(answer.advice[0], MONDAY).last_dose_on == date(2026, 11, 17)


def test_thrombotic_risk_is_asked_only_where_a_medicine_acts_on_clotting() -> None:
    nothing_said = {k: v for k, v in answers("kidney_biopsy").items() if k not in RISKS}
    assert kidney(answers=nothing_said, medicines=(Taken("paracetamol"),)).ready is True
    asked = kidney(answers=nothing_said, medicines=(Taken("warfarin"),))
    assert asked.ready is None
    assert {f.gate for f in asked.of("missing")} >= {f"question {risk}" for risk in RISKS}


# stents


@pytest.mark.parametrize(
    ("stent", "placed", "kind"),
    [
        ("drug eluting", date(2025, 11, 24), "go on"),
        ("drug eluting", date(2025, 11, 23), "hold"),
        ("bare metal", date(2026, 8, 24), "go on"),
        ("bare metal", date(2026, 8, 23), "hold"),
        ("drug eluting", None, "go on"),
        ("unknown kind", date(2026, 7, 1), "go on"),
        ("none", None, "hold"),
        (None, None, "missing"),
    ],
)
def test_aspirin_goes_on_with_a_young_stent(stent: str | None, placed: date | None, kind: str) -> None:
    """KHA-CARI (G1): bare metal under 3 months, drug eluting under 12 months; unknown counts as young."""
    assert advice("aspirin", stent=stent, stent_on=placed).kind == kind


def test_a_young_stent_sends_clopidogrel_to_the_cardiologist() -> None:
    found = advice("clopidogrel", stent="drug eluting", stent_on=date(2026, 5, 1))
    assert found.kind == "ask"
    assert "cardiologist" in found.words


# the slot moves, and the day comes

PATIENT = "PATIENT, Sample, 0000 000 0000"


def test_a_moved_slot_withdraws_the_signed_plan_and_says_whom_to_phone() -> None:
    for moved in (MONDAY + timedelta(hours=1), MONDAY - timedelta(days=1), None):
        now = standing(signed_for=MONDAY, needed=True, start=moved, patient=PATIENT)
        assert not now.holds
        assert "withdrawn" in now.words
        assert now.phone == (f"{PATIENT}: {WITHDRAWN}",)
    assert WITHDRAWN == "Do not change your tablets yet, ring us."


def test_a_plan_stands_for_its_own_slot() -> None:
    assert standing(signed_for=MONDAY, needed=True, start=MONDAY, patient=PATIENT).holds
    assert not standing(signed_for=None, needed=True, start=MONDAY, patient=PATIENT).holds
    assert standing(signed_for=None, needed=False, start=MONDAY, patient=PATIENT).holds


def on_the_day(name: str, last_dose: datetime | None) -> Assessment:
    return kidney("day", medicines=(Taken(name, last_dose_at=last_dose),), start=NOW + timedelta(minutes=30))


def test_on_the_day_the_last_dose_actually_taken_counts() -> None:
    taken_late = on_the_day("apixaban", datetime(2026, 11, 21, 8, 0, tzinfo=LONDON))
    found = finding(taken_late, "last dose apixaban")
    assert (found.kind, found.override_role) == ("blocks", "ir_doctor")
    assert "Saturday 21 November 2026 at 08:00, not by Friday 20 November 2026" in found.text
    assert on_the_day("apixaban", datetime(2026, 11, 20, 22, 0, tzinfo=LONDON)).ready is True
    assert on_the_day("apixaban", None).ready is None


def test_hours_count_to_the_minute_on_the_day() -> None:
    start = NOW + timedelta(minutes=30)
    assert on_the_day("LMWH treatment", start - timedelta(hours=24)).ready is True
    assert on_the_day("LMWH treatment", start - timedelta(hours=23, minutes=59)).ready is False


def test_a_slot_too_soon_for_the_hold_is_said_when_it_is_booked() -> None:
    answer = kidney(medicines=(Taken("warfarin"),), start=NOW + timedelta(days=3))
    assert "the slot is too soon" in finding(answer, "medicine warfarin").text
    assert finding(answer, "medicine warfarin").kind == "warns"


BAD = [
    (lambda: OwnAdvice("", "Stop", 5, 1), "adviser's name"),
    (lambda: OwnAdvice("Dr Sample", "  ", 5, 1), "what was advised"),
    (lambda: OwnAdvice("Dr Sample", "Stop", -1, 1), "0 to 30 days"),
    (lambda: OwnAdvice("Dr Sample", "Stop", 300, 1), "0 to 30 days"),
    (lambda: OwnAdvice("Dr Sample", "Go on", None, 1), "a restart follows a hold"),
    (lambda: OwnAdvice("Dr Sample", "Stop", 5, 300), "within 30 days"),
    (lambda: Taken("apixaban", last_dose_at=datetime(2026, 11, 20)), "time zone"),
]


@pytest.mark.parametrize(("make", "sentence"), BAD)
def test_what_cannot_be_advice_or_a_dose(make: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()  # type: ignore[operator]

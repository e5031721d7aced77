"""Consent has two stages, holds for one plan, ends when the patient says so; what is missing counts against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from trocar.clinical.consent import Status, missing, missing_for_stage_one, missing_for_stage_two, state
from trocar.clinical.consent_record import (
    BestInterests,
    ConsentRecord,
    Ended,
    PlanFacts,
    Question,
    Referred,
    StageOne,
    StageTwo,
)
from trocar.clinical.consent_words import Nearby, modelled_for_staff, nearby_in_words
from trocar.clinical.loading import load_protocol
from trocar.clinical.working_time import LONDON

RULES = load_protocol("kidney_biopsy").consent
EXPLAINED = datetime(2026, 11, 20, 10, tzinfo=LONDON)
CONFIRMED = datetime(2026, 11, 23, 9, tzinfo=LONDON)
REFERRED = Referred("left kidney, lower pole", "left")
PLAN = PlanFacts(
    identity="plan A", accepted=True, at_table=False, site="left kidney, lower pole", side="left", x_rays=True
)
ONE = StageOne(
    explained_by="Sample IR doctor",
    explained_at=EXPLAINED,
    indication="protein in the urine, no cause found",
    site="left kidney, lower pole",
    side="left",
    matters="being able to drive to work",
    benefits_explained=True,
    without_explained=True,
    risks=frozenset(risk.name for risk in RULES.risks),
    alternatives=frozenset(told.name for told in RULES.alternatives),
    blood_products="accepts",
    sedation="agreed",
    sample_use="diagnosis only",
    x_rays=True,
    radiation_explained=True,
    capacity="has capacity",
    interpreter="not needed",
    information_needs="none",
    information_needs_met=True,
    leaflet="0573/VER6",
    leaflet_read=True,
    agrees=True,
)
TWO = StageTwo(
    plan="plan A",
    confirmed_by="Sample IR doctor",
    confirmed_at=CONFIRMED,
    site="left kidney, lower pole",
    side="left",
    nearby_explained=True,
    nothing_changed=True,
    before_sedation=True,
    still_agrees=True,
)
FULL = ConsentRecord(stage_one=ONE, stage_two=TWO)


def one(**changes: Any) -> ConsentRecord:
    return replace(FULL, stage_one=replace(ONE, **changes))


def two(**changes: Any) -> ConsentRecord:
    return replace(FULL, stage_two=replace(TWO, **changes))


def test_a_full_record_is_a_confirmed_consent() -> None:
    found = state(FULL, RULES, PLAN, REFERRED)
    assert (found.status, found.missing, found.cautions) == (Status.CONFIRMED, (), ())
    assert missing(FULL, RULES, PLAN, REFERRED) == ()
    assert found.facts == {
        "consent.stage1": True,
        "consent.confirmed": True,
        "consent.declined": False,
        "consent.withdrawn": False,
    }


def test_nothing_recorded_is_nothing_consented() -> None:
    found = state(ConsentRecord(), RULES, PLAN, REFERRED)
    assert found.status is Status.NOT_STARTED
    assert not any(found.facts.values())


# Stage 1: each entry taken away closes it again.
MAY_BE_EMPTY = {
    "side",
    "not_here",
    "instead_of_blood",
    "best_interests",
    "interpreter_who",
    "explained_by",
    "version",
}


@pytest.mark.parametrize("name", [f.name for f in fields(StageOne) if f.name not in MAY_BE_EMPTY])
def test_stage_one_without_any_one_entry_is_not_complete(name: str) -> None:
    """Clinical reference, section 5, "consent record fields"."""
    empty = getattr(StageOne(), name)
    assert getattr(ONE, name) != empty
    found = state(one(**{name: empty}), RULES, PLAN, REFERRED)
    assert found.status is Status.STAGE_ONE_OPEN
    assert len(found.missing) >= 1
    assert not found.facts["consent.stage1"]


def test_an_explanation_by_nobody_is_none() -> None:
    assert missing_for_stage_one(one(explained_by=""), RULES, REFERRED) == (
        "It is not recorded who explained.",
    )


@pytest.mark.parametrize("name", [risk.name for risk in RULES.risks])
def test_every_single_risk_is_explained(name: str) -> None:
    title = RULES.risk(name).title
    assert missing_for_stage_one(one(risks=ONE.risks - {name}), RULES, REFERRED) == (
        f"Risk not explained: {title}.",
    )


def test_a_risk_may_be_set_aside_only_where_the_protocol_ties_it_to_a_site() -> None:
    """Weakness that passes belongs to the spine; death belongs to everybody."""
    bone = load_protocol("bone_biopsy").consent
    everything = replace(
        ONE,
        risks=frozenset(r.name for r in bone.risks) - {"passing nerve weakness"},
        alternatives=frozenset(told.name for told in bone.alternatives),
        leaflet="0245/VER5",
    )
    aside = replace(everything, not_here={"passing nerve weakness": "the biopsy is of the hip"})
    assert missing_for_stage_one(ConsentRecord(aside), bone, REFERRED) == ()
    no_reason = replace(everything, not_here={"passing nerve weakness": " "})
    assert len(missing_for_stage_one(ConsentRecord(no_reason), bone, REFERRED)) == 1
    death = replace(
        aside, risks=aside.risks - {"death"}, not_here={**aside.not_here, "death": "too unlikely"}
    )
    assert missing_for_stage_one(ConsentRecord(death), bone, REFERRED) == ("Risk not explained: Death.",)


@pytest.mark.parametrize("name", [told.name for told in RULES.alternatives])
def test_every_alternative_is_explained_no_biopsy_among_them(name: str) -> None:
    """Section 1, rows 57 to 59; GMC 2020 as reported by C2: alternatives including no action."""
    assert len(missing_for_stage_one(one(alternatives=ONE.alternatives - {name}), RULES, REFERRED)) == 1
    assert "no biopsy" in ONE.alternatives


def test_a_refusal_of_blood_needs_what_was_agreed_instead_and_is_told_to_the_team() -> None:
    refused = one(blood_products="refuses")
    assert "what was agreed instead" in missing_for_stage_one(refused, RULES, REFERRED)[0]
    agreed = one(blood_products="refuses", instead_of_blood="tranexamic acid, embolisation early")
    found = state(agreed, RULES, PLAN, REFERRED)
    assert found.status is Status.CONFIRMED
    assert "Refuses blood products" in found.cautions[0]


def test_radiation_is_explained_where_x_rays_are_used_and_not_asked_for_elsewhere() -> None:
    """Ultrasound uses none (clinical reference, section 6)."""
    assert missing_for_stage_one(one(radiation_explained=None), RULES, REFERRED)
    assert missing_for_stage_one(one(x_rays=False, radiation_explained=None), RULES, REFERRED) == ()


def test_stage_two_notices_x_rays_that_stage_one_ruled_out() -> None:
    record = one(x_rays=False, radiation_explained=None)
    assert any("explain radiation" in text for text in missing_for_stage_two(record, PLAN, REFERRED))


BEST = BestInterests(
    assessed="cannot keep in mind what was said; asked three times with pictures",
    decided_by="Sample IR doctor and Sample nephrologist",
    consulted="the daughter",
    reasons="treatment depends on the diagnosis, and he always wanted treatment",
    no_refusal_known=True,
)


def test_without_capacity_the_way_of_best_interests_is_asked_for() -> None:
    assert missing_for_stage_one(one(capacity="lacks capacity"), RULES, REFERRED) == (
        "The patient lacks capacity: a best-interests decision is not recorded.",
    )
    found = state(one(capacity="lacks capacity", best_interests=BEST), RULES, PLAN, REFERRED)
    assert found.status is Status.CONFIRMED
    assert "best interests" in found.cautions[0]


@pytest.mark.parametrize("name", [f.name for f in fields(BestInterests)])
def test_best_interests_says_who_decided_who_was_consulted_and_why(name: str) -> None:
    best = replace(BEST, **{name: None if name == "no_refusal_known" else " "})
    assert (
        len(missing_for_stage_one(one(capacity="lacks capacity", best_interests=best), RULES, REFERRED)) == 1
    )


def test_an_interpreter_who_is_needed_must_have_been_there_and_be_named() -> None:
    assert missing_for_stage_one(one(interpreter="needed, not there"), RULES, REFERRED)
    assert missing_for_stage_one(one(interpreter="present"), RULES, REFERRED)
    assert (
        missing_for_stage_one(one(interpreter="present", interpreter_who="service, no. 41"), RULES, REFERRED)
        == ()
    )


def test_information_needs_must_have_been_met() -> None:
    assert missing_for_stage_one(
        one(information_needs="large print", information_needs_met=False), RULES, REFERRED
    )


@pytest.mark.parametrize(
    ("leaflet", "text"), [("0573/VER5", "knows no leaflet 0573/VER5"), ("0245/VER5", "knows no leaflet")]
)
def test_the_leaflet_is_one_of_this_procedure(leaflet: str, text: str) -> None:
    assert any(text in found for found in missing_for_stage_one(one(leaflet=leaflet), RULES, REFERRED))


def test_a_leaflet_that_had_run_out_does_not_count() -> None:
    """W8."""
    late = datetime(2027, 3, 1, 0, 30, tzinfo=LONDON)
    assert any(
        "due for review" in text for text in missing_for_stage_one(one(explained_at=late), RULES, REFERRED)
    )


def test_a_question_without_an_answer_keeps_stage_one_open() -> None:
    asked = Question("Will I be able to work on Monday?", EXPLAINED)
    assert missing_for_stage_one(replace(FULL, questions=(asked,)), RULES, REFERRED) == (
        "A question of the patient has no answer yet: “Will I be able to work on Monday?”",
    )
    answered = replace(
        asked, answer="No lifting for a week.", answered_by="Sample IR nurse", answered_at=EXPLAINED
    )
    assert missing_for_stage_one(replace(FULL, questions=(answered,)), RULES, REFERRED) == ()


def test_what_the_department_has_not_approved_cannot_be_explained() -> None:
    keys = ("consent.alternatives.other biopsy.words",)
    found = state(FULL, RULES, PLAN, REFERRED, keys)
    assert found.status is Status.STAGE_ONE_OPEN
    assert found.missing[0].startswith("Not configured: consent.alternatives.other biopsy.words")


# Side and site.


@pytest.mark.parametrize(
    ("record", "plan", "referred"),
    [
        (one(side="right"), PLAN, REFERRED),
        (one(side=None), PLAN, REFERRED),
        (one(site="left kidney, upper pole"), PLAN, REFERRED),
        (two(side="right"), PLAN, REFERRED),
        (two(site="right kidney"), PLAN, REFERRED),
        (FULL, replace(PLAN, side="right"), REFERRED),
        (FULL, PLAN, Referred("left kidney, lower pole", "right")),
        (FULL, PLAN, Referred("right kidney", "left")),
        (FULL, PLAN, None),
    ],
)
def test_one_side_or_site_that_differs_anywhere_stops_consent(
    record: ConsentRecord, plan: PlanFacts, referred: Referred | None
) -> None:
    assert state(record, RULES, plan, referred).status is not Status.CONFIRMED


def test_spelling_with_other_capitals_and_commas_is_the_same_site() -> None:
    assert state(one(site="Left kidney  lower pole"), RULES, PLAN, REFERRED).status is Status.CONFIRMED


# Stage 2.


@pytest.mark.parametrize("plan", [None, replace(PLAN, accepted=False)])
def test_stage_two_waits_for_an_accepted_plan(plan: PlanFacts | None) -> None:
    found = state(FULL, RULES, plan, REFERRED)
    assert found.status is Status.WAITS_FOR_PLAN
    assert found.facts["consent.stage1"]
    assert not found.facts["consent.confirmed"]


def test_a_case_planned_at_the_table_goes_the_same_way() -> None:
    """Most kidney biopsies have no planning CT (clinical rules, "Before")."""
    table = replace(PLAN, at_table=True, x_rays=False)
    record = one(x_rays=False, radiation_explained=None)
    assert state(record, RULES, table, REFERRED).status is Status.CONFIRMED


def test_a_changed_plan_opens_stage_two_again() -> None:
    found = state(FULL, RULES, replace(PLAN, identity="plan B"), REFERRED)
    assert found.status is Status.PLAN_CHANGED
    assert found.missing == ("Stage 2 was confirmed for another plan; confirm it for this one.",)
    assert found.facts["consent.stage1"]
    assert not found.facts["consent.confirmed"]


@pytest.mark.parametrize(
    "name",
    [
        "confirmed_by",
        "confirmed_at",
        "nearby_explained",
        "nothing_changed",
        "before_sedation",
        "still_agrees",
    ],
)
def test_stage_two_without_any_one_entry_is_not_confirmed(name: str) -> None:
    found = state(two(**{name: getattr(StageTwo(), name)}), RULES, PLAN, REFERRED)
    assert found.status is Status.STAGE_TWO_OPEN


@pytest.mark.parametrize("minutes", [0, -5])
def test_a_confirmation_after_sedation_began_does_not_count(minutes: int) -> None:
    plan = replace(PLAN, sedation_at=CONFIRMED + timedelta(minutes=minutes))
    assert any("sedation had begun" in text for text in missing_for_stage_two(FULL, plan, REFERRED))


def test_a_confirmation_before_sedation_does() -> None:
    plan = replace(PLAN, sedation_at=CONFIRMED + timedelta(minutes=5))
    assert missing_for_stage_two(FULL, plan, REFERRED) == ()


def test_explaining_again_asks_for_a_new_confirmation() -> None:
    again = one(explained_at=CONFIRMED + timedelta(hours=1))
    assert state(again, RULES, PLAN, REFERRED).status is Status.STAGE_TWO_OPEN


def test_whoever_changes_stage_one_has_it_confirmed_again() -> None:
    found = state(one(version=2), RULES, PLAN, REFERRED)
    assert found.status is Status.STAGE_TWO_OPEN
    assert found.missing == ("Stage 1 was changed after stage 2 was confirmed; confirm it again.",)


def test_stage_one_after_the_scan_is_pointed_out() -> None:
    plan = replace(PLAN, scanned_at=EXPLAINED - timedelta(hours=1))
    assert any("after the planning scan" in text for text in state(FULL, RULES, plan, REFERRED).cautions)


# Declining and withdrawing.

END = Ended("I would rather wait.", "Sample IR nurse", CONFIRMED + timedelta(minutes=10))


@pytest.mark.parametrize(
    ("end", "status", "fact"),
    [
        ({"declined": END}, Status.DECLINED, "consent.declined"),
        ({"withdrawn": END}, Status.WITHDRAWN, "consent.withdrawn"),
    ],
)
def test_the_patient_can_end_it_at_any_time(end: dict[str, Ended], status: Status, fact: str) -> None:
    record = replace(FULL, **end)
    found = state(record, RULES, PLAN, REFERRED)
    assert found.status is status
    assert [name for name, value in found.facts.items() if value] == [fact]
    assert missing(record, RULES, PLAN, REFERRED)
    assert state(replace(ConsentRecord(), **end), RULES, None, None).status is status


def test_after_a_withdrawal_everything_is_explained_again() -> None:
    later = END.at + timedelta(days=3)
    again = replace(FULL, withdrawn=END, stage_one=replace(ONE, explained_at=later))
    assert state(again, RULES, PLAN, REFERRED).status is Status.STAGE_TWO_OPEN
    corrected = replace(FULL, withdrawn=END, stage_one=replace(ONE, matters="a word corrected"))
    assert state(corrected, RULES, PLAN, REFERRED).status is Status.WITHDRAWN


@pytest.mark.parametrize(
    "make",
    [
        lambda: StageOne(explained_at=datetime(2026, 11, 20, 10)),
        lambda: StageTwo(confirmed_at=datetime(2026, 11, 20, 10)),
        lambda: Ended("", "Sample IR nurse", datetime(2026, 11, 20, 10)),
    ],
)
def test_a_time_without_its_zone_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="time zone"):
        make()


# What lies near the very path.


def test_what_lies_near_stands_in_words_with_distances_and_no_probability() -> None:
    """Clinical rules: consent names nearby structures in words."""
    near = [
        Nearby("bowel", 23.9, False),
        Nearby("muscle of the back", 0.0, True),
        Nearby("pleura and lung", None, False),
        Nearby("spleen", 11.2, False),
        Nearby("renal sinus", 0.4, False),
    ]
    assert nearby_in_words(near) == (
        "The needle goes through: muscle of the back.",
        "The needle comes closer than 1 mm to: renal sinus.",
        "11 mm from the needle: spleen.",
        "23 mm from the needle: bowel.",
        "How near the needle comes was not judged: pleura and lung.",
    )


def test_a_distance_is_rounded_towards_the_needle() -> None:
    assert nearby_in_words([Nearby("bowel", 9.99, False)]) == ("9 mm from the needle: bowel.",)


@pytest.mark.parametrize("distance", [-1.0, float("nan"), float("inf")])
def test_a_distance_that_cannot_be_is_refused(distance: float) -> None:
    with pytest.raises(ValueError, match="0 mm or more"):
        Nearby("bowel", distance, False)


def test_modelled_probabilities_are_for_staff_and_say_what_they_are() -> None:
    """Clinical rules: "model, not outcome" and shown to staff only."""
    assert modelled_for_staff(
        {"bowel": 0.004, "spleen": 0.0002, "pleura and lung": None, "renal sinus": 0.031}
    ) == (
        "renal sinus: 3.1% (model, not outcome)",
        "bowel: 0.4% (model, not outcome)",
        "spleen: under 0.1% (model, not outcome)",
        "pleura and lung: not judged (model, not outcome)",
    )

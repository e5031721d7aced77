"""Sign in, time out, sign out: hard stops in order, each answer somebody's, each stop resolved by name."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from trocar.clinical.checklist import (
    Answer,
    Resolution,
    StageReview,
    count_specimens,
    out_of_order,
    review,
    time_out_standing,
)
from trocar.clinical.checklist_rules import STAGES, ChecklistRules, ChecklistStage
from trocar.clinical.department import effective, load_department
from trocar.clinical.loading import builtin_protocols, load_protocol

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
BACKED = {
    guard: True
    for guard in (
        "consent",
        "plan",
        "sides",
        "baseline",
        "monitoring",
        "specimens",
        "complications",
        "exposure",
    )
}


def rules(protocol: str = "kidney_biopsy") -> ChecklistRules:
    return load_protocol(protocol).checklist


def good_answers(checklist: ChecklistRules, stage: ChecklistStage) -> list[Answer]:
    return [
        Answer(item.name, next(a for a in item.answers if a not in item.stops), "Sample IR nurse", NOW)
        for item in checklist.of(stage)
    ]


def answered(
    stage: ChecklistStage, item: str, given: str, resolution: Resolution | None = None
) -> StageReview:
    checklist = rules()
    answers = [*good_answers(checklist, stage), Answer(item, given, "Sample IR nurse", NOW, resolution)]
    return review(checklist, stage, answers, BACKED)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("protocol", builtin_protocols())
def test_a_stage_is_complete_when_every_question_has_a_good_answer(
    protocol: str, stage: ChecklistStage
) -> None:
    checklist = rules(protocol)
    assert review(checklist, stage, good_answers(checklist, stage), BACKED).complete


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("protocol", builtin_protocols())
def test_no_question_can_be_skipped(protocol: str, stage: ChecklistStage) -> None:
    checklist = rules(protocol)
    answers = good_answers(checklist, stage)
    for missing in answers:
        found = review(checklist, stage, [a for a in answers if a is not missing], BACKED)
        assert not found.complete
        assert found.problems == (f"“{missing.item}” is not answered.",)


def test_a_site_that_is_not_marked_stops() -> None:
    found = answered("sign_in", "marked side", "not marked")
    assert not found.complete
    assert found.problems == ("“marked side”: not marked. It needs a named resolution.",)


def test_a_named_ir_doctor_resolves_a_stop_and_stays_on_the_record() -> None:
    resolution = Resolution("Marked now, by the operator.", "Sample IR doctor", "ir_doctor", NOW)
    found = answered("sign_in", "marked side", "not marked", resolution)
    assert found.complete
    assert [state.item.name for state in found.resolved] == ["marked side"]


def test_nobody_else_resolves_a_stop() -> None:
    resolution = Resolution("It is all right.", "Sample IR nurse", "ir_nurse", NOW)
    assert not answered("sign_in", "marked side", "not marked", resolution).complete


@pytest.mark.parametrize(("text", "by"), [("", "Sample IR doctor"), ("Marked now.", " ")])
def test_a_resolution_says_what_was_decided_and_by_whom(text: str, by: str) -> None:
    with pytest.raises(ValueError, match="names a person"):
        Resolution(text, by, "ir_doctor", NOW)


def test_the_last_answer_counts() -> None:
    checklist = rules()
    wrong = [Answer(a.item, "no", a.by, a.at) for a in good_answers(checklist, "sign_in") if a.item == "kit"]
    assert review(checklist, "sign_in", [*wrong, *good_answers(checklist, "sign_in")], BACKED).complete
    assert not review(checklist, "sign_in", [*good_answers(checklist, "sign_in"), *wrong], BACKED).complete


def test_an_answer_that_the_question_does_not_have_is_none() -> None:
    assert not answered("sign_in", "kit", "maybe").complete


def test_an_answer_is_attributed_and_timed() -> None:
    with pytest.raises(ValueError, match="names who"):
        Answer("kit", "yes", "", NOW)
    with pytest.raises(ValueError, match="time zone"):
        Answer("kit", "yes", "Sample IR nurse", NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("stage", "item", "guard"),
    [
        ("sign_in", "consent", "consent"),
        ("time_out", "plan on screen", "plan"),
        ("time_out", "side and site", "sides"),
        ("time_out", "baseline", "baseline"),
        ("time_out", "monitoring", "monitoring"),
        ("sign_out", "specimens", "specimens"),
        ("sign_out", "complications", "complications"),
        ("sign_out", "dose", "exposure"),
    ],
)
@pytest.mark.parametrize("protocol", builtin_protocols())
def test_a_yes_counts_only_where_the_record_bears_it_out(
    protocol: str, stage: ChecklistStage, item: str, guard: str
) -> None:
    """What the record does not say, or does not know (None), is not met."""
    checklist = rules(protocol)
    for says in (False, None):
        found = review(checklist, stage, good_answers(checklist, stage), {**BACKED, guard: says})
        assert [state.item.name for state in found.items if not state.good] == [item]
    without = {key: value for key, value in BACKED.items() if key != guard}
    assert not review(checklist, stage, good_answers(checklist, stage), without).complete


def test_no_resolution_makes_two_sides_one() -> None:
    resolution = Resolution("We know which.", "Sample IR doctor", "ir_doctor", NOW)
    found = answered("time_out", "side and site", "no", resolution)
    assert not found.complete
    assert "Put right what disagrees" in found.problems[0]


def test_a_question_that_the_department_has_not_approved_holds_the_stage() -> None:
    checklist = rules()
    found = review(checklist, "sign_in", good_answers(checklist, "sign_in"), BACKED, {"lying still"})
    assert found.problems == ("“lying still”: not configured, nobody approved the question.",)


def test_time_out_waits_for_sign_in() -> None:
    assert out_of_order("time_out", {}, None) == ("Sign in comes first.",)
    assert out_of_order("time_out", {"sign_in": NOW}, None) == ()


def test_sign_out_waits_for_the_needle() -> None:
    done = {"sign_in": NOW, "time_out": NOW}
    assert out_of_order("sign_out", done, None) == (
        "Sign out begins when the last needle is out; record needle out first.",
    )
    assert out_of_order("sign_out", done, NOW) == ()


def test_a_time_out_can_be_repeated_until_the_needle_is_out() -> None:
    done = {"sign_in": NOW, "time_out": NOW}
    assert out_of_order("time_out", done, None) == ()
    assert out_of_order("time_out", done, NOW) != ()


@pytest.mark.parametrize("stage", ["sign_in", "sign_out"])
def test_sign_in_and_sign_out_are_done_once(stage: ChecklistStage) -> None:
    done = {"sign_in": NOW, "time_out": NOW, stage: NOW}
    assert out_of_order(stage, done, NOW)


@pytest.mark.parametrize(("minutes_later", "valid"), [(0, True), (15, True), (15.01, False), (60, False)])
def test_a_time_out_holds_for_the_protocols_minutes(minutes_later: float, valid: bool) -> None:
    """Clinical reference, section 5: time out within N minutes of the puncture; N is unverified."""
    value = rules().time_out_minutes
    assert (value.value, value.status) == (15, "U")
    assert time_out_standing(NOW, 15, NOW + timedelta(minutes=minutes_later)).valid is valid


def test_without_a_configured_time_no_time_out_holds() -> None:
    found = time_out_standing(NOW, None, NOW)
    assert not found.valid
    assert "not configured" in found.sentence


def test_a_time_out_does_not_hold_for_a_puncture_before_it() -> None:
    assert not time_out_standing(NOW, 15, NOW - timedelta(minutes=1)).valid
    assert not time_out_standing(None, 15, NOW).valid


def test_the_sample_department_has_a_time_for_it() -> None:
    used = effective(load_protocol("kidney_biopsy"), load_department())
    assert used.figure("checklist.time_out_minutes") == 15


def test_every_order_has_one_pot_and_every_core_lies_in_one() -> None:
    """Clinical reference, section 5: specimen count at sign out equals orders sent."""
    assert count_specimens(2, 2, 3, 3) == ()
    assert count_specimens(2, 1, 3, 3) == ("Pots: 1, for orders: 2; every order has one pot.",)
    assert count_specimens(1, 2, 3, 3) == ("Pots: 2, for orders: 1; every order has one pot.",)
    assert count_specimens(2, 2, 3, 2) == ("Cores taken: 3; in the pots: 2.",)


def test_a_procedure_without_a_sample_has_neither_orders_nor_pots() -> None:
    assert count_specimens(0, 0, 0, 0) == ()
    assert count_specimens(1, 1, 0, 0) == ("Ordered, and no core was taken.",)
    assert count_specimens(0, 0, 2, 2) == ("Cores were taken, and nothing is ordered.",)


@pytest.mark.parametrize("missing", range(4))
def test_a_number_that_nobody_gave_is_a_mismatch(missing: int) -> None:
    counts: list[int | None] = [2, 2, 3, 3]
    counts[missing] = None
    assert count_specimens(*counts) != ()


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_themes_of_the_source_are_said_to_be_from_it_and_ours_to_be_ours(protocol: str) -> None:
    """L1 (WHO checklist for radiology) was read in a secondary source, L3 (NatSSIPs) in an excerpt."""
    for item in rules(protocol).items:
        status = {"L1": "R2", "L3": "R", "L1, L3": "R", "J": "U"}[item.question.source]
        assert item.question.status == status, item.name


@pytest.mark.parametrize(("stage", "needs"), [("time_out", "sides"), ("sign_out", "specimens")])
def test_a_protocol_without_its_hard_stops_is_refused(stage: str, needs: str) -> None:
    checklist = rules()
    kept = tuple(item for item in checklist.items if item.needs != needs)
    with pytest.raises(ValueError, match=f"needs: {needs}"):
        dataclasses.replace(checklist, items=kept)


def test_a_question_that_nobody_could_pass_is_refused() -> None:
    item = rules().item("kit")
    with pytest.raises(ValueError, match="never be completed"):
        dataclasses.replace(item, stops=item.answers)

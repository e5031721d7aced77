"""What is chased: each step from the needle to the patient has a time and a person, in working days of England."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from trocar.clinical.chase import Progress, awaited, overdue
from trocar.clinical.loading import load_protocol
from trocar.clinical.working_time import (
    LONDON,
    due_after,
    hours_after,
    is_working_day,
    working_day_after,
    working_days_between,
)

KIDNEY = load_protocol("kidney_biopsy").specimen
BONE = load_protocol("bone_biopsy").specimen
MONDAY = date(2026, 11, 23)


def london(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


TAKEN = Progress(
    "LM1", "light microscopy", urgent=False, taken_at=london("2026-11-23T10:00"), reader="Sample referrer"
)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (MONDAY, True),
        (date(2026, 11, 21), False),
        (date(2026, 11, 22), False),
        (date(2026, 12, 25), False),
        (date(2026, 12, 28), False),
        (date(2027, 3, 26), False),
        (date(2027, 3, 29), False),
        (date(2026, 8, 3), True),
        (date(2027, 1, 4), True),
    ],
)
def test_weekends_and_englands_bank_holidays_are_no_working_days(day, works) -> None:
    """Boxing Day 2026 is a Saturday, so its bank holiday is Monday the 28th; Scotland's 3 August counts here."""
    assert is_working_day(day) is works


def test_a_department_can_be_closed_on_further_days() -> None:
    assert not is_working_day(MONDAY, closed={MONDAY})


def test_the_day_itself_is_not_counted() -> None:
    friday = date(2026, 11, 20)
    assert working_day_after(friday, 1) == MONDAY
    assert working_day_after(date(2026, 11, 21), 1) == MONDAY, "a Saturday is no later than the Friday"
    assert working_day_after(friday, 0) == friday
    assert working_day_after(date(2026, 11, 21), 0) == MONDAY


def test_two_working_days_over_christmas() -> None:
    assert working_day_after(date(2026, 12, 24), 2) == date(2026, 12, 30)


def test_what_is_due_is_due_at_five_in_the_afternoon_in_london() -> None:
    assert due_after(london("2026-11-20T16:59"), 2) == london("2026-11-24T17:00")
    assert due_after(london("2026-11-20T23:00"), 2) == london("2026-11-24T17:00")


def test_the_day_is_londons_day() -> None:
    """23:30 UTC on a summer's Thursday is Friday in London."""
    assert due_after(datetime.fromisoformat("2026-07-02T23:30+00:00"), 1) == london("2026-07-06T17:00")


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        due_after(datetime(2026, 11, 20, 12), 1)
    with pytest.raises(ValueError, match="negative"):
        working_day_after(MONDAY, -1)


def test_hours_run_on_when_the_clocks_change() -> None:
    """25 October 2026 has 25 hours."""
    assert hours_after(london("2026-10-25T00:30"), 4) == london("2026-10-25T03:30")


def test_working_days_between_leaves_the_first_out() -> None:
    assert working_days_between(date(2026, 11, 20), MONDAY) == 1
    assert working_days_between(MONDAY, MONDAY) == 0


def test_a_sample_that_was_taken_is_to_be_sent() -> None:
    """Kidney, light microscopy: 2 hours (U)."""
    (chase,) = awaited(TAKEN, KIDNEY, london("2026-11-23T11:59"))
    assert (chase.step, chase.state, chase.due) == ("dispatch", "in time", london("2026-11-23T12:00"))
    (late,) = awaited(TAKEN, KIDNEY, london("2026-11-23T15:00"))
    assert (late.state, late.late) == ("overdue", "3 hours")
    assert late.sentence == (
        "The sample leaves the department: was due 23 Nov 2026, 12:00, 3 hours late. The IR nurse acts."
    )


def test_a_sample_that_was_sent_is_to_be_received() -> None:
    """Kidney, light microscopy: 4 hours (U)."""
    sent = replace(TAKEN, dispatched_at=london("2026-11-23T11:00"))
    (chase,) = awaited(sent, KIDNEY, london("2026-11-23T15:01"))
    assert (chase.step, chase.state) == ("receipt", "overdue")


@pytest.mark.parametrize(("urgent", "due"), [(False, "2026-11-26T17:00"), (True, "2026-11-24T17:00")])
def test_a_sample_that_was_received_is_to_be_reported_sooner_when_it_is_urgent(urgent, due) -> None:
    """Kidney, light microscopy: 3 working days, 1 when urgent (U)."""
    received = replace(TAKEN, urgent=urgent, received_at=london("2026-11-23T14:00"))
    (chase,) = awaited(received, KIDNEY, london("2026-11-23T15:00"))
    assert (chase.step, chase.due) == ("result", london(due))


def test_a_receipt_without_a_dispatch_shows_that_it_was_sent() -> None:
    received = replace(TAKEN, received_at=london("2026-11-23T14:00"))
    assert [chase.step for chase in awaited(received, KIDNEY, london("2026-11-23T15:00"))] == ["result"]


REPORTED = replace(TAKEN, received_at=london("2026-11-23T14:00"), reported_at=london("2026-11-25T09:00"))


def test_a_report_belongs_to_its_named_reader_until_it_is_acknowledged() -> None:
    """2 working days (U)."""
    (chase,) = awaited(REPORTED, KIDNEY, london("2026-12-01T09:00"))
    assert (chase.step, chase.whose, chase.state) == ("acknowledgement", "Sample referrer", "overdue")
    assert chase.late == "2 working days"


def test_a_report_without_a_reader_is_nobodys_excuse() -> None:
    (chase,) = awaited(replace(REPORTED, reader=""), KIDNEY, london("2026-11-25T10:00"))
    assert chase.whose == "The IR doctor, as nobody is named"


READ = replace(REPORTED, acknowledged_at=london("2026-11-26T09:00"))


def test_a_report_that_was_read_is_to_be_told() -> None:
    """5 working days (U)."""
    (chase,) = awaited(READ, KIDNEY, london("2026-11-26T10:00"))
    assert (chase.step, chase.due) == ("telling", london("2026-12-03T17:00"))
    assert (
        awaited(replace(READ, told_at=london("2026-11-27T10:00")), KIDNEY, london("2026-12-24T10:00")) == ()
    )


def test_an_open_repeat_decision_is_chased_from_the_report_on() -> None:
    """3 working days (U)."""
    opened = replace(READ, told_at=london("2026-11-26T10:00"), repeat_open=True)
    (chase,) = awaited(opened, KIDNEY, london("2026-12-01T09:00"))
    assert (chase.step, chase.due, chase.state) == ("repeat decision", london("2026-11-30T17:00"), "overdue")


def test_a_follow_up_is_due_on_its_day_or_the_next_working_day() -> None:
    done = replace(READ, told_at=london("2026-11-26T10:00"))
    (on_the_day,) = awaited(
        replace(done, follow_up_due=date(2026, 12, 23)), KIDNEY, london("2026-11-26T10:00")
    )
    assert on_the_day.due == london("2026-12-23T17:00")
    (holiday,) = awaited(replace(done, follow_up_due=date(2026, 12, 25)), KIDNEY, london("2026-11-26T10:00"))
    assert holiday.due == london("2026-12-29T17:00")


def test_an_order_that_was_closed_waits_for_no_result() -> None:
    assert awaited(replace(TAKEN, closed=True), KIDNEY, london("2026-12-24T10:00")) == ()


def test_a_time_that_nobody_configured_is_shown_and_never_in_time() -> None:
    nothing_approved = KIDNEY.without({"specimen.tests.light microscopy.dispatch_h"})
    (chase,) = awaited(TAKEN, nothing_approved, london("2026-11-23T10:01"))
    assert (chase.state, chase.due) == ("not assessed", None)
    assert "no time is configured" in chase.sentence


def test_a_test_that_the_protocol_no_longer_knows_is_not_forgotten() -> None:
    (chase,) = awaited(replace(TAKEN, test="old test"), KIDNEY, london("2026-11-23T10:01"))
    assert chase.state == "not assessed"


def test_what_is_longest_overdue_comes_first_and_what_is_in_time_not_at_all() -> None:
    orders = [
        replace(TAKEN, order="A", taken_at=london("2026-11-23T12:00")),
        replace(TAKEN, order="B", taken_at=london("2026-11-23T09:00")),
        replace(TAKEN, order="C", taken_at=london("2026-11-23T14:30")),
        replace(TAKEN, order="D", test="old test"),
    ]
    assert [chase.order for chase in overdue(orders, KIDNEY, london("2026-11-23T15:00"))] == ["B", "A", "D"]


def test_each_test_has_its_own_times() -> None:
    """Bone culture 10 working days, mycobacteria 40 (U)."""
    received = london("2026-11-23T10:00")
    due = {
        test: awaited(replace(TAKEN, test=test, received_at=received), BONE, received)[0].due
        for test in ("culture", "mycobacteria")
    }
    assert due == {"culture": london("2026-12-07T17:00"), "mycobacteria": london("2027-01-21T17:00")}

"""What a moved slot causes: new hold dates, a withdrawn medicine plan, and whom staff must ring."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from trocar.clinical.moved_slot import Arrangements, Hold, consequences, earliest_start, too_late
from trocar.clinical.opening_hours import LONDON
from trocar.clinical.slots import Slot

EVERYTHING = Arrangements(plan_signed=True, ward=True, transport=True, interpreter=True)
NOTHING = Arrangements(plan_signed=False, ward=False, transport=False, interpreter=False)

TUESDAY = Slot("CT room 1", datetime(2026, 12, 1, 9, tzinfo=LONDON), 60)
THURSDAY = Slot("CT room 1", datetime(2026, 12, 3, 11, tzinfo=LONDON), 60)


def test_a_slot_that_moves_withdraws_the_signed_plan_and_hold_dates_count_anew() -> None:
    """Clinical rules, "Before": a moved slot withdraws the medicine plan."""
    found = consequences(TUESDAY, THURSDAY, EVERYTHING)
    assert found.holds_recomputed
    assert found.plan_withdrawn


def test_the_patient_is_rung_first_and_told_to_leave_the_tablets_as_they_are() -> None:
    first = consequences(TUESDAY, THURSDAY, EVERYTHING).tell[0]
    assert first.whom == "patient"
    assert first.sentence.startswith(
        "Now Thursday 3 December 2026 at 11:00 in CT room 1; was Tuesday 1 December"
    )
    assert "Do not change your tablets yet" in first.sentence


def test_everybody_who_has_arranged_something_is_told() -> None:
    told = [tell.whom for tell in consequences(TUESDAY, THURSDAY, EVERYTHING).tell]
    assert told == ["patient", "prescriber", "ward", "referrer", "transport", "interpreter"]


def test_nobody_is_told_of_what_was_not_arranged() -> None:
    found = consequences(TUESDAY, THURSDAY, NOTHING)
    assert [tell.whom for tell in found.tell] == ["patient", "referrer"]
    assert not found.plan_withdrawn
    assert "tablets" not in found.tell[0].sentence


def test_a_quarter_of_an_hour_later_is_a_move_too() -> None:
    """A hold of 24 hours counts to the minute, so no change of the start is small enough to leave out."""
    later = Slot(TUESDAY.room, TUESDAY.start + timedelta(minutes=15), 60)
    assert consequences(TUESDAY, later, EVERYTHING).plan_withdrawn


def test_another_room_at_the_same_time_leaves_medicines_alone() -> None:
    found = consequences(TUESDAY, Slot("CT room 2", TUESDAY.start, 60), EVERYTHING)
    assert not found.plan_withdrawn
    assert not found.holds_recomputed
    assert [tell.whom for tell in found.tell] == ["ward", "transport", "interpreter"]


@pytest.mark.parametrize("minutes", [60, 45])
def test_the_same_start_in_the_same_room_causes_nothing(minutes: int) -> None:
    found = consequences(TUESDAY, Slot(TUESDAY.room, TUESDAY.start, minutes), EVERYTHING)
    assert found.tell == ()
    assert not found.holds_recomputed


def test_a_cancelled_slot_asks_the_prescriber_when_medicines_are_taken_again() -> None:
    found = consequences(TUESDAY, None, EVERYTHING)
    prescriber = next(tell for tell in found.tell if tell.whom == "prescriber")
    assert prescriber.sentence.startswith("Cancelled; was Tuesday")
    assert "when medicines are taken again" in prescriber.sentence


def test_a_first_slot_is_told_to_the_patient_and_withdraws_nothing() -> None:
    found = consequences(None, TUESDAY, NOTHING)
    assert [tell.whom for tell in found.tell] == ["patient"]
    assert found.tell[0].sentence == "Now Tuesday 1 December 2026 at 09:00 in CT room 1."
    assert found.holds_recomputed


WARFARIN = Hold("Warfarin", timedelta(days=5))
LMWH = Hold("LMWH, treatment dose", timedelta(hours=24))


def test_a_slot_too_near_for_a_hold_says_which_medicine_and_by_when() -> None:
    """Warfarin is held for 5 days (G1, B6), LMWH in treatment dose for 24 hours (G1)."""
    said = too_late(TUESDAY.start, [LMWH, WARFARIN], datetime(2026, 11, 27, 12, tzinfo=LONDON))
    assert said == (
        "Warfarin: the last dose should be by Thursday 26 November 2026 at 09:00, which has passed.",
    )


def test_a_slot_in_time_says_nothing() -> None:
    assert too_late(TUESDAY.start, [LMWH, WARFARIN], datetime(2026, 11, 26, 9, tzinfo=LONDON)) == ()


def test_the_longest_hold_decides_the_earliest_slot() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=LONDON)
    assert earliest_start([LMWH, WARFARIN], now) == datetime(2026, 11, 28, 12, tzinfo=LONDON)
    assert earliest_start([], now) == now


def test_a_hold_over_the_night_when_clocks_go_back_counts_real_hours() -> None:
    """25 October 2026 has 25 hours: 24 hours before 09:00 on Sunday is 10:00 on Saturday by the clock."""
    last = LMWH.last_dose(datetime(2026, 10, 25, 9, tzinfo=LONDON))
    assert (last.day, last.hour) == (24, 10)

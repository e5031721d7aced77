"""What may be booked in which room, in which order, and who needs a bed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trocar.clinical.department import load_department, read_department
from trocar.clinical.loading import load_protocol
from trocar.clinical.opening_hours import LONDON
from trocar.clinical.slots import (
    Scheduling,
    Slot,
    advised_order,
    clashes,
    closing_warning,
    expected_leaving,
    free_starts,
    in_order,
    latest_start,
    refusals,
)

CT = "CT room 1"
NOW = datetime(2026, 11, 23, 12, tzinfo=LONDON)


def department() -> Scheduling:
    found = load_department().scheduling
    assert found is not None
    return found


def slot(hour: int, minute: int = 0, minutes: int = 60, room: str = CT, day: int = 24) -> Slot:
    return Slot(room, datetime(2026, 11, day, hour, minute, tzinfo=LONDON), minutes)


def stay(protocol: str) -> timedelta:
    return timedelta(hours=load_protocol(protocol).stay.minimum_h.value)


def test_a_free_slot_in_a_room_with_the_guidance_can_be_booked() -> None:
    assert refusals(slot(9), "ct", department(), [], NOW) == ()


def test_a_room_takes_one_patient_at_a_time() -> None:
    assert refusals(slot(9, 30), "ct", department(), [slot(9)], NOW) == (
        "CT room 1 is taken from 09:00 to 10:00.",
    )


def test_one_slot_may_begin_when_the_other_ends() -> None:
    assert clashes(slot(10), [slot(9), slot(11)]) == ()


def test_the_same_time_in_another_room_is_free() -> None:
    assert clashes(slot(9), [slot(9, room="Ultrasound room")]) == ()


def test_two_slots_clash_exactly_if_they_share_a_piece_of_five_minutes() -> None:
    """The database refuses a piece of time that is taken; that must say the same as the rule."""
    fixed = slot(10, minutes=45)
    for offset in range(-120, 125, 5):
        for minutes in (5, 20, 45, 90):
            other = Slot(CT, fixed.start + timedelta(minutes=offset), minutes)
            shared = bool(set(fixed.ticks()) & set(other.ticks()))
            assert shared is bool(clashes(fixed, [other])), (offset, minutes)


def test_a_room_without_the_guidance_is_refused() -> None:
    assert refusals(slot(9), "ultrasound", department(), [], NOW) == ("CT room 1 has no ultrasound.",)


def test_a_room_that_the_department_does_not_have_is_refused() -> None:
    assert "knows no room" in refusals(slot(9, room="Cellar"), "ct", department(), [], NOW)[0]


def test_a_slot_in_the_past_is_refused() -> None:
    assert refusals(slot(9, day=23), "ct", department(), [], NOW) == ("The slot lies in the past.",)


def test_a_slot_on_a_closed_day_says_why() -> None:
    christmas = Slot(CT, datetime(2026, 12, 25, 10, tzinfo=LONDON), 60)
    assert refusals(christmas, "ct", department(), [], NOW) == (
        "The department is closed on Friday 25 December 2026: bank holiday, Christmas Day.",
    )


def test_a_slot_that_ends_after_the_room_closes_is_refused() -> None:
    assert refusals(slot(16, 30), "ct", department(), [], NOW) == (
        "16:30 to 17:30 is outside the opening hours: 08:30 to 17:00 on Tuesday 24 November 2026.",
    )


def test_an_emergency_is_not_bound_by_opening_hours_but_by_everything_else() -> None:
    night = slot(22, room="Ultrasound room")
    assert refusals(night, "ultrasound", department(), [], NOW, emergency=True) == ()
    assert len(refusals(night, "ct", department(), [night], NOW, emergency=True)) == 2


def test_what_was_done_on_paper_may_be_entered_afterwards() -> None:
    assert refusals(slot(9, day=23), "ct", department(), [], NOW, afterwards=True) == ()


def test_everything_wrong_is_said_at_once() -> None:
    said = refusals(slot(8, day=23), "fluoroscopy", department(), [slot(8, 30, day=23)], NOW)
    assert len(said) == 4


def test_without_rooms_in_the_department_file_nothing_can_be_booked() -> None:
    assert "not configured" in refusals(slot(9), "ct", None, [], NOW)[0]


@pytest.mark.parametrize(
    ("start", "minutes"),
    [
        (datetime(2026, 11, 24, 9), 60),
        (datetime(2026, 11, 24, 9, 2, tzinfo=LONDON), 60),
        (datetime(2026, 11, 24, 9, tzinfo=LONDON), 0),
        (datetime(2026, 11, 24, 9, tzinfo=LONDON), 42),
        (datetime(2026, 11, 24, 9, tzinfo=LONDON), 485),
    ],
)
def test_what_is_no_slot_is_refused(start: datetime, minutes: int) -> None:
    with pytest.raises(ValueError, match="slot"):
        Slot(CT, start, minutes)


def test_a_slot_over_the_hour_that_is_lost_ends_an_hour_later_by_the_clock() -> None:
    """29 March 2026: at 01:00 the clocks show 02:00."""
    night = Slot(CT, datetime(2026, 3, 29, 0, 30, tzinfo=LONDON), 60)
    assert (night.end.hour, night.end.minute) == (2, 30)


def test_in_the_hour_that_comes_twice_two_slots_have_room() -> None:
    """25 October 2026: half past one comes twice, and the second is not the first."""
    first = Slot(CT, datetime(2026, 10, 25, 1, tzinfo=LONDON, fold=0), 60)
    second = Slot(CT, datetime(2026, 10, 25, 1, tzinfo=LONDON, fold=1), 60)
    assert clashes(first, [second]) == ()
    assert second.ticks()[0] == first.ticks()[-1] + 1


def test_a_bone_biopsy_stays_four_hours_and_a_kidney_biopsy_six() -> None:
    """Bone: leaflet, "at least 4 hours". Kidney: 6 to 24 h advised (KHA-CARI), 6 for a department to approve."""
    assert stay("bone_biopsy") == timedelta(hours=4)
    assert stay("kidney_biopsy") == timedelta(hours=6)
    values = load_protocol("kidney_biopsy").values()
    assert values["stay.minimum_h"].status == "U"


def test_the_stay_counts_from_the_end_of_the_slot() -> None:
    """T0 is expected at the end of the slot, which errs on the late side."""
    assert expected_leaving(slot(9), stay("bone_biopsy")) == datetime(2026, 11, 24, 14, tzinfo=LONDON)


def test_a_stay_past_closing_time_without_a_bed_is_warned_of() -> None:
    """Clinical rules, recovery: scheduling warns when T0 + minimum stay passes closing time and no bed is booked."""
    said = closing_warning(slot(13), stay("kidney_biopsy"), department(), bed_booked=False)
    assert said is not None
    assert "leave at 20:00 at the earliest, the department closes at 19:00" in said


def test_with_a_bed_or_in_time_nothing_is_said() -> None:
    assert closing_warning(slot(13), stay("kidney_biopsy"), department(), bed_booked=True) is None
    assert closing_warning(slot(13), stay("bone_biopsy"), department(), bed_booked=False) is None
    assert closing_warning(slot(12), stay("kidney_biopsy"), department(), bed_booked=False) is None


def test_a_minimum_stay_that_nobody_approved_is_not_assessed_and_says_so() -> None:
    said = closing_warning(slot(9), None, department(), bed_booked=False)
    assert said is not None
    assert "not assessed" in said


def test_the_latest_start_without_a_bed() -> None:
    day = datetime(2026, 11, 24, tzinfo=LONDON)
    latest = latest_start(day, 60, stay("kidney_biopsy"), department())
    assert latest == datetime(2026, 11, 24, 12, tzinfo=LONDON)
    assert closing_warning(Slot(CT, latest, 60), stay("kidney_biopsy"), department(), False) is None
    later = Slot(CT, latest + timedelta(minutes=5), 60)
    assert closing_warning(later, stay("kidney_biopsy"), department(), False) is not None


def test_a_stay_longer_than_the_day_has_no_latest_start() -> None:
    day = datetime(2026, 11, 24, tzinfo=LONDON)
    assert latest_start(day, 60, timedelta(hours=24), department()) is None


def test_free_starts_leave_out_what_is_taken_and_what_has_passed() -> None:
    room = department().room(CT)
    assert room is not None
    found = free_starts(
        room, NOW, 60, department(), [slot(13, day=23), slot(14, 15, day=23)], NOW.replace(hour=12, minute=10)
    )
    assert [f"{start:%H:%M}" for start in found] == ["15:15"]
    for start in found:
        assert refusals(Slot(CT, start, 60), "ct", department(), [slot(13, day=23)], NOW) == ()


def test_another_order_keeps_lengths_and_pauses() -> None:
    """09:00 to 10:00, 15 minutes free, 10:15 to 11:00; the other way round, the pause stays after the first."""
    now_first, now_second = slot(9), slot(10, 15, minutes=45)
    new_second, new_first = in_order([now_first, now_second], [1, 0])
    assert (new_first.start.hour, new_first.start.minute) == (9, 0)
    assert (new_second.start.hour, new_second.start.minute) == (10, 0)
    assert new_second.end == now_second.end
    assert clashes(new_first, [new_second]) == ()


def test_the_same_order_changes_nothing() -> None:
    slots = [slot(9), slot(10, 30), slot(12, minutes=90)]
    assert in_order(slots, [0, 1, 2]) == tuple(slots)


def test_an_order_names_each_place_once_and_one_room() -> None:
    with pytest.raises(ValueError, match="each place once"):
        in_order([slot(9), slot(10)], [0, 0])
    with pytest.raises(ValueError, match="one room"):
        in_order([slot(9), slot(10, room="Ultrasound room")], [1, 0])


def test_whoever_stays_longest_goes_first_and_who_is_not_configured_before_all() -> None:
    """Kidney before bone, so that fewer stay past closing time; what is missing fails closed."""
    assert advised_order([stay("bone_biopsy"), stay("kidney_biopsy"), None, stay("bone_biopsy")]) == (
        2,
        1,
        0,
        3,
    )


HEAD = """\
format: 1
department: A department
sample: true
uses_unapproved: true
allows: {archive_export: false, live_overlay: false}
"""

GOOD = """\
scheduling:
  opening_hours:
    monday: ["09:00-12:00", "13:00-17:00"]
    bank_holidays: scotland
    closed_days:
      - {day: 2026-12-24, why: carols}
  closing_time: "18:00"
  rooms:
    - {name: CT 2, modalities: [ct, ultrasound], slot_minutes: 60}
"""


def test_a_department_file_gives_rooms_hours_and_closing_time() -> None:
    found, mistakes = read_department((HEAD + GOOD).encode(), "d.yaml")
    assert not mistakes
    assert found is not None
    assert found.scheduling is not None
    assert found.scheduling.rooms[0].modalities == ("ct", "ultrasound")
    assert found.scheduling.closes(NOW).astimezone(UTC).hour == 18
    assert found.scheduling.hours.nation == "scotland"


@pytest.mark.parametrize(
    ("old", "new", "key", "line", "text"),
    [
        ("09:00-12:00", "9 to 12", "opening_hours.monday", 8, "no period"),
        ("09:00-12:00", "09:00-14:00", "opening_hours", 7, "overlap"),
        ("scotland", "narnia", "opening_hours.bank_holidays", 9, "one of england"),
        ("monday:", "moonday:", "opening_hours.moonday", 8, "not known here"),
        ("2026-12-24", "Thursday", "opening_hours.closed_days.Thursday.day", 11, "a date such as"),
        ('"18:00"', '"6 pm"', "closing_time", 12, "a time such as 18:00"),
        ('"18:00"', '"16:00"', "", 6, "before the rooms close"),
        ("[ct, ultrasound]", "[mri]", "rooms.CT 2.modalities", 14, "not one of ct"),
        ("slot_minutes: 60", "slot_minutes: 61", "rooms.CT 2", 14, "multiple of 5"),
        ("slot_minutes: 60", "slot_minutes: 0", "rooms.CT 2.slot_minutes", 14, "from 5 to 480"),
        ("  closing_time", "  closing_times", "closing_time", 6, "is missing"),
    ],
)
def test_a_mistake_in_the_department_file_is_named_with_line_and_key(
    old: str, new: str, key: str, line: int, text: str
) -> None:
    assert GOOD.count(old) == 1
    found, mistakes = read_department((HEAD + GOOD.replace(old, new)).encode(), "d.yaml")
    assert found is None
    dotted = f"scheduling.{key}" if key else "scheduling"
    assert any(m.key == dotted and m.line == line and text in m.text for m in mistakes), mistakes

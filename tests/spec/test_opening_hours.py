"""When the department is open: on London's clocks, on bank holidays, and in the nights when the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from trocar.clinical.bank_holidays import bank_holiday
from trocar.clinical.opening_hours import (
    LONDON,
    OpeningHours,
    Period,
    at_wall_clock,
    repeated,
    skipped,
)

NINE_TO_FIVE = {weekday: (Period.of("09:00-17:00"),) for weekday in range(5)}
LEAFLET = OpeningHours(NINE_TO_FIVE, "england")
"""Monday to Friday, 9am to 5pm, as both leaflets say."""

ALL_DAY = OpeningHours({weekday: (Period.of("00:00-24:00"),) for weekday in range(7)}, None)

FORWARD = date(2026, 3, 29)
BACK = date(2026, 10, 25)


def london(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("hour", "minute", "is_open"), [(8, 59, False), (9, 0, True), (16, 59, True), (17, 0, False)]
)
def test_it_opens_at_nine_and_at_five_it_is_closed(hour: int, minute: int, is_open: bool) -> None:
    """Source: both leaflets, "Monday to Friday, 9am to 5pm" (row 66)."""
    assert LEAFLET.is_open(london(2026, 11, 23, hour, minute)) is is_open


def test_hours_are_on_the_wall_clock_so_nine_is_eight_in_utc_in_summer() -> None:
    assert LEAFLET.is_open(datetime(2026, 7, 1, 8, 0, tzinfo=UTC))
    assert not LEAFLET.is_open(datetime(2026, 1, 7, 8, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2026, 11, 28), "closed on Saturdays"),
        (date(2026, 12, 25), "bank holiday, Christmas Day"),
        (date(2026, 12, 28), "bank holiday, Boxing Day (observed)"),
        (date(2027, 3, 26), "bank holiday, Good Friday"),
        (date(2026, 11, 23), None),
    ],
)
def test_a_closed_day_says_why(day: date, why: str | None) -> None:
    assert LEAFLET.closed_why(day) == why


def test_scotland_has_other_bank_holidays_than_england() -> None:
    assert bank_holiday(date(2026, 1, 2), "scotland") == "New Year Holiday"
    assert bank_holiday(date(2026, 1, 2), "england") is None
    assert bank_holiday(date(2026, 4, 6), "england") == "Easter Monday"
    assert bank_holiday(date(2026, 4, 6), "scotland") is None


def test_a_department_may_close_on_days_of_its_own() -> None:
    hours = OpeningHours(NINE_TO_FIVE, "england", {date(2026, 11, 24): "new CT is being built in"})
    assert hours.closed_why(date(2026, 11, 24)) == "new CT is being built in"
    assert not hours.is_open(london(2026, 11, 24, 10))


def test_a_department_may_work_on_bank_holidays() -> None:
    assert OpeningHours(NINE_TO_FIVE, None).is_open(london(2026, 12, 25, 10))


def test_after_christmas_it_opens_on_tuesday() -> None:
    """Christmas 2026: Friday holiday, weekend, Monday substitute for Boxing Day."""
    assert LEAFLET.next_opening(london(2026, 12, 24, 17)) == london(2026, 12, 29, 9)


def test_what_never_opens_has_no_next_opening() -> None:
    assert OpeningHours({}, "england").next_opening(london(2026, 11, 23, 9)) is None


def test_a_break_at_noon_is_closed_and_nothing_covers_it() -> None:
    hours = OpeningHours({0: (Period.of("09:00-12:30"), Period.of("13:30-17:00"))}, None)
    assert not hours.is_open(london(2026, 11, 23, 13))
    assert hours.covers(london(2026, 11, 23, 11), london(2026, 11, 23, 12, 30))
    assert not hours.covers(london(2026, 11, 23, 12), london(2026, 11, 23, 14))
    assert hours.day_in_words(date(2026, 11, 23)) == "09:00 to 12:30 and 13:30 to 17:00"


def test_open_round_the_clock_covers_midnight() -> None:
    assert ALL_DAY.covers(london(2026, 11, 23, 22), london(2026, 11, 24, 3))


@pytest.mark.parametrize(("day", "hours"), [(FORWARD, 23), (BACK, 25), (date(2026, 11, 23), 24)])
def test_a_whole_day_has_23_or_25_hours_when_the_clocks_change(day: date, hours: int) -> None:
    opens, closes = ALL_DAY.periods(day)[0]
    assert closes.astimezone(UTC) - opens.astimezone(UTC) == timedelta(hours=hours)


def test_in_the_night_when_clocks_go_forward_half_past_one_does_not_exist() -> None:
    assert skipped(datetime(2026, 3, 29, 1, 30, tzinfo=LONDON))
    assert not skipped(datetime(2026, 3, 29, 2, 0, tzinfo=LONDON))
    assert at_wall_clock(FORWARD, 90) == london(2026, 3, 29, 2, 30)


def test_in_the_night_when_clocks_go_back_half_past_one_comes_twice() -> None:
    assert repeated(datetime(2026, 10, 25, 1, 30, tzinfo=LONDON))
    assert not repeated(datetime(2026, 10, 25, 2, 0, tzinfo=LONDON))
    first, second = at_wall_clock(BACK, 90), at_wall_clock(BACK, 90, later=True)
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)


def test_closing_at_half_past_one_in_that_night_is_the_second_time() -> None:
    """Whoever may stay till half past one is not sent away an hour early."""
    late = OpeningHours({6: (Period.of("00:00-01:30"),)}, None)
    assert late.is_open(datetime(2026, 10, 25, 1, 15, tzinfo=LONDON, fold=1))
    assert not late.is_open(datetime(2026, 10, 25, 1, 30, tzinfo=LONDON, fold=1))


@pytest.mark.parametrize("text", ["9-17", "09:00-25:00", "17:00-09:00", "09:00-09:00", "09:00-24:30", ""])
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"period|close"):
        Period.of(text)


def test_hours_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="hours of monday overlap"):
        OpeningHours({0: (Period.of("09:00-13:00"), Period.of("12:00-17:00"))}, None)

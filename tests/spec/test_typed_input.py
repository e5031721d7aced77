"""What people type into clinical forms: read strictly, or refused with one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from trocar.clinical.identifiers import nhs_number
from trocar.clinical.typed_input import LONDON, clean_words, read_day, read_moment, read_number

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MIXED_UP = {"g/dL": "multiply by 10"}


def haemoglobin(text: str) -> Decimal:
    return read_number(text, "g/L", 30, 250, 0, MIXED_UP)


def ratio(text: str) -> Decimal:
    return read_number(text, "", 0.5, 15, 1)


def birthday(text: str) -> date:
    return read_day(text, TODAY, past=125 * 365, future=0)


def appointment(text: str) -> date:
    return read_day(text, TODAY, past=0, future=365)


def bedside(text: str) -> datetime:
    return read_moment(text, NOW, past=24 * 31, future=0)


def slot(text: str) -> datetime:
    return read_moment(text, NOW, past=0, future=24 * 365)


def line(text: str) -> str:
    return clean_words(text, 120)


def lines(text: str) -> str:
    return clean_words(text, 4000, lines=True)


REFUSED: list[tuple[Callable[[str], Any], str, str]] = [
    # numbers
    (haemoglobin, "12,5", "comma; write decimals with a point and thousands without a mark: 12.5"),
    (haemoglobin, "1,200.5", "comma"),
    (haemoglobin, "12.5 g/dL", "multiply by 10"),
    (haemoglobin, "12.5", "multiply by 10"),
    (haemoglobin, "120 mmol/L", "is not the unit here"),
    (haemoglobin, "120.5", "without decimals"),
    (haemoglobin, "one hundred", "not a number"),
    (haemoglobin, "-120", "must lie between 30 and 250"),
    (haemoglobin, "1200", "must lie between"),
    (haemoglobin, "1e2", "is not the unit"),
    (haemoglobin, "nan", "not a number"),
    (haemoglobin, "inf", "not a number"),
    (haemoglobin, "0x7b", "is not the unit"),
    (haemoglobin, "120 130", "is not the unit"),
    (haemoglobin, "٣٢", "not a number"),
    (haemoglobin, "≥100", "not a number"),
    (haemoglobin, "<100", "not a number"),
    (haemoglobin, "12.", "is not the unit"),
    (haemoglobin, ".5", "not a number"),
    (haemoglobin, "--5", "not a number"),
    (ratio, "1.25", "at most 1 decimal"),
    (ratio, "1,2", "1.2"),
    (ratio, "120", "between 0.5 and 15"),
    (ratio, "1.2 seconds", "write the number in digits alone"),
    # days
    (birthday, "31/02/1980", "There is no day 31/2/1980"),
    (birthday, "29/02/1981", "There is no day"),
    (birthday, "12/25/1980", "Write the day before the month"),
    (birthday, "01/01/80", "four digits"),
    (birthday, "1980", "not a day"),
    (birthday, "yesterday", "not a day"),
    (birthday, "24/11/2026", "has not come yet"),
    (birthday, "01/01/1899", "The year 1899 cannot be"),
    (birthday, "01/01/2526", "cannot be"),
    (birthday, "01/01/1900", "too long ago"),
    (birthday, "00/01/1980", "There is no day"),
    (birthday, "1/13/1980", "There is no day 1/13/1980"),
    (birthday, "1/1/1980 10:00", "not a day"),
    (appointment, "22/11/2026", "has gone by"),
    (appointment, "24/11/2027", "too far ahead"),
    (appointment, "2026-02-30", "There is no day 30/2/2026"),
    # moments
    (bedside, "23/11/2026", "has no time"),
    (bedside, "23/11/2026 25:00", "no time 25:00"),
    (bedside, "23/11/2026 10:60", "no time 10:60"),
    (bedside, "23/11/2026 9", "has no time"),
    (bedside, "half past nine", "has no time"),
    (bedside, "23/11/2026 10:00", "has not come yet"),
    (bedside, "01/09/2026 10:00", "too long ago"),
    (bedside, "25/10/2026 01:30", "comes twice"),
    (bedside, "32/10/2026 01:30", "There is no day"),
    (bedside, "22/11/2026 01:30 BST", "the clocks show GMT"),
    (slot, "28/03/2027 01:30", "the clocks go forward"),
    (slot, "23/11/2026 08:59", "has gone by"),
    (slot, "24/11/2028 09:00", "too far ahead"),
    # words
    (line, "Ann\nSmith", "one line"),
    (line, "Ann\x00Smith", "cannot be seen (U+0000)"),
    (line, "Ann\x1b[31mSmith", "U+001B"),
    (line, "invoice\u202egnp.exe", "U+202E"),
    (line, "zero\u200bwidth", "U+200B"),
    (line, "x" * 121, "121 characters; write at most 120"),
    (lines, "y" * 10_000_000, "10,000,000 characters"),
    (lines, "a\x07b", "U+0007"),
    (lines, "lone \ud800 half", "U+D800"),
    # NHS numbers
    (nhs_number, "9434765918", ""),
    (nhs_number, "943476591", ""),
    (nhs_number, "94347659199", ""),
    (nhs_number, "943 476 591X", ""),
]


@pytest.mark.parametrize(
    ("read", "text", "says"), REFUSED, ids=[f"{r.__name__}: {t[:20]!r}" for r, t, _ in REFUSED]
)
def test_refused_with_a_sentence(read: Callable[[str], Any], text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as refusal:
        read(text)
    assert says in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_the_table_is_long_enough() -> None:
    assert len(REFUSED) >= 60


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (haemoglobin, "120", Decimal(120)),
        (haemoglobin, " 120 g/l ", Decimal(120)),
        (haemoglobin, "120.0", Decimal(120)),
        (ratio, "1.2", Decimal("1.2")),
        (birthday, "1/2/1980", date(1980, 2, 1)),
        (birthday, "29.02.1980", date(1980, 2, 29)),
        (birthday, "1980-02-29", date(1980, 2, 29)),
        (birthday, "23 11 2026", TODAY),
        (line, "  Łukasz Ó Briain  ", "Łukasz Ó Briain"),
        (line, "王小明", "王小明"),
        (line, "عائشة", "عائشة"),
        (line, "O’Neill-Smith", "O’Neill-Smith"),
        (line, "e\u0301", "é"),
        (lines, "one\r\ntwo", "one\ntwo"),
        (lines, "", ""),
        (nhs_number, "943 476 5919", "9434765919"),
    ],
)
def test_read(read: Callable[[str], Any], text: str, value: Any) -> None:
    assert read(text) == value


def test_a_time_alone_is_today_in_the_department() -> None:
    assert bedside("08:15") == datetime(2026, 11, 23, 8, 15, tzinfo=LONDON)
    late = datetime(2026, 6, 1, 23, 30, tzinfo=UTC)  # after midnight in London
    assert read_moment("00:10", late) == datetime(2026, 6, 2, 0, 10, tzinfo=LONDON)


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    """The clocks go back on 25 October 2026 at 02:00 BST."""
    first, second = bedside("25/10/2026 01:30 BST"), bedside("25/10/2026 01:30 gmt")
    assert first.astimezone(UTC).hour == 0
    assert second.astimezone(UTC).hour == 1


def test_summer_and_winter() -> None:
    assert slot("01/07/2027 14:30").astimezone(UTC).hour == 13
    assert slot("01/12/2026 14:30").astimezone(UTC).hour == 14

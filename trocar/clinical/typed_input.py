"""What people type into a clinical form, read strictly: a value, or one sentence that says what is wrong.

Every function raises ValueError with that sentence. Nothing is rounded, cut or guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
FIRST_YEAR = 1900

_DAY = re.compile(r"(\d{1,2})[/. -](\d{1,2})[/. -](\d{4})")
_ISO_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_TIME = re.compile(r"(\d{1,2})[:.](\d{2})(?:\s*(BST|GMT))?", re.IGNORECASE)
_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(.*)")
_HIDDEN = {"\u200b", "\u2060", "\ufeff"}
_TURNS_TEXT_ROUND = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_words(text: str, longest: int, lines: bool = False) -> str:
    """Words in any script, composed (NFC), with blanks at the ends taken off. longest: characters; lines: may
    have several.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > longest:
        raise ValueError(f"This has {len(text):,} characters; write at most {longest:,}.")
    text = unicodedata.normalize("NFC", text)
    for place, character in enumerate(text, start=1):
        if character in ("\n", "\t") and lines:
            continue
        if character == "\n":
            raise ValueError("This must be on one line; take the line break out.")
        kind = unicodedata.category(character)
        if kind in ("Cc", "Cs", "Co", "Cn") or character in _TURNS_TEXT_ROUND or character in _HIDDEN:
            raise ValueError(
                f"Character {place} cannot be seen (U+{ord(character):04X}); it may have come with a pasted text. "
                "Type it anew."
            )
    return text


def read_number(
    text: str,
    unit: str = "",
    low: float = 0,
    high: float = 1e6,
    decimals: int = 0,
    other_units: Mapping[str, str] | None = None,
) -> Decimal:
    """A number in ``unit``, which may stand behind it, from low to high, with at most ``decimals`` places.

    other_units: unit -> what to do about it, for units that are taken for this one ("g/dL": "multiply by 10").
    """
    text = unicodedata.normalize("NFKC", text).strip()
    if "," in text:
        shown = text.replace(",", ".") if re.fullmatch(r"[+-]?\d+,\d+\D*", text) else "1234.5"
        raise ValueError(
            f"“{text[:40]}” has a comma; write decimals with a point and thousands without a mark: {shown}."
        )
    match = _NUMBER.fullmatch(text)
    if match is None or not match[1].isascii():
        raise ValueError(f"“{text[:40]}” is not a number; write it in digits{f' ({unit})' if unit else ''}.")
    number, written = Decimal(match[1]), match[2].strip()
    if written and _unit(written) != _unit(unit):
        for other, advice in (other_units or {}).items():
            if _unit(written) == _unit(other):
                raise ValueError(f"This is in {other}, and {unit} is asked; {advice}.")
        raise ValueError(
            f"“{written[:20]}” is not the unit here; write the number in {unit or 'digits alone'}."
        )
    if not low <= number <= Decimal(str(high)):
        hint = "".join(f" If it is in {other}, {advice}." for other, advice in (other_units or {}).items())
        raise ValueError(
            f"{match[1]} {unit}".rstrip() + f" cannot be; it must lie between {low:g} and {high:g}.{hint}"
        )
    places = -int(number.normalize().as_tuple().exponent) if number else 0
    if places > decimals:
        say = (
            "without decimals" if decimals == 0 else f"with at most {decimals} decimal{'s' * (decimals > 1)}"
        )
        raise ValueError(f"Write this {say}.")
    return number


def _unit(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().replace("\u03bc", "u").replace("\u00b5", "u")
    # a product of units is written with a dot, high or low, or with none: mGy·cm², mGy.cm2, mGy cm2
    return re.sub(r"(?<=[a-z])[.\u00b7\u22c5](?=[a-z])", "", text.replace(" ", "")).rstrip(".")


def read_day(text: str, today: date, past: int | None = None, future: int | None = None) -> date:
    """A day as day/month/year (or year-month-day). past, future: at most so many days from today; None for no bound."""
    text = unicodedata.normalize("NFKC", text).strip()
    match = _DAY.fullmatch(text)
    iso = _ISO_DAY.fullmatch(text)
    if match:
        day, month, year = int(match[1]), int(match[2]), int(match[3])
    elif iso:
        day, month, year = int(iso[3]), int(iso[2]), int(iso[1])
    elif re.fullmatch(r"\d{1,2}[/. -]\d{1,2}[/. -]\d{2}", text):
        raise ValueError(f"Write the year of “{text}” with four digits.")
    else:
        raise ValueError(f"“{text[:40]}” is not a day; write day/month/year, such as {today:%d/%m/%Y}.")
    if year < FIRST_YEAR or year > today.year + 100:
        raise ValueError(f"The year {year} cannot be; check it.")
    try:
        found = date(year, month, day)
    except ValueError:
        swapped = month > 12 >= day
        more = " Write the day before the month." if swapped else ""
        raise ValueError(f"There is no day {day}/{month}/{year}.{more}") from None
    _near(found - today, past, future, "day", f"{found:%d/%m/%Y}")
    return found


def _near(away: timedelta, past: float | None, future: float | None, unit: str, shown: str) -> None:
    per = timedelta(days=1) if unit == "day" else timedelta(hours=1)
    if future is not None and away > future * per:
        if future == 0:
            raise ValueError(f"{shown} has not come yet; check the date.")
        raise ValueError(f"{shown} is too far ahead; at most {_span(future, unit)} from now.")
    if past is not None and -away > past * per:
        if past == 0:
            raise ValueError(f"{shown} has gone by; check the date.")
        raise ValueError(f"{shown} is too long ago; at most {_span(past, unit)} back.")


def _span(amount: float, unit: str) -> str:
    if unit == "hour" and amount >= 48:
        amount, unit = amount / 24, "day"
    if unit == "day" and amount >= 730:
        amount, unit = amount / 365, "year"
    whole = round(amount)
    return f"{whole} {unit}{'s' * (whole != 1)}"


def read_moment(text: str, now: datetime, past: float | None = None, future: float | None = None) -> datetime:
    """Day and time in Europe/London as ``day/month/year hour:minute``, or a time alone for today; with its time zone.

    past, future: at most so many hours from now, None for no bound. A time that the clocks leave out in spring is
    refused; one that comes twice in autumn must say BST or GMT.
    """
    text = " ".join(unicodedata.normalize("NFKC", text).split())
    text = re.sub(r"^(\d{4}-\d\d-\d\d)T", r"\1 ", text)
    text = re.sub(r"(?i)\b([bg])\s(s?m?t)\b", r"\1\2", text)
    today = now.astimezone(LONDON).date()
    day_text, _, time_text = (
        text.rpartition(" ") if not re.search(r"(?i) (bst|gmt)$", text) else _split_zone(text)
    )
    match = _TIME.fullmatch(time_text or text)
    if match is None:
        raise ValueError(
            f"“{text[:40]}” has no time; write it as {today:%d/%m/%Y} 14:30, or 14:30 for today."
        )
    day = read_day(day_text, today) if day_text.strip(" ,") else today
    hour, minute, zone = int(match[1]), int(match[2]), (match[3] or "").upper()
    if hour > 23 or minute > 59:
        raise ValueError(
            f"There is no time {match[1]}:{match[2]}; write hours from 0 to 23 and minutes from 0 to 59."
        )
    first = datetime(day.year, day.month, day.day, hour, minute, tzinfo=LONDON)
    second = first.replace(fold=1)
    if first.utcoffset() != second.utcoffset():
        if _exists(first):
            if not zone:
                raise ValueError(
                    f"{hour:02d}:{minute:02d} comes twice on {day:%d/%m/%Y}, as the clocks go back; write "
                    f"{hour:02d}:{minute:02d} BST for the first or {hour:02d}:{minute:02d} GMT for the second."
                )
        else:
            raise ValueError(
                f"There is no {hour:02d}:{minute:02d} on {day:%d/%m/%Y}: the clocks go forward then."
            )
    found = second if zone == "GMT" and second.tzname() == "GMT" else first
    if zone and found.tzname() != zone:
        raise ValueError(f"On {day:%d/%m/%Y} the clocks show {found.tzname()}, not {zone}; leave it out.")
    _near(found - now, past, future, "hour", f"{found:%d/%m/%Y %H:%M}")
    return found


def _split_zone(text: str) -> tuple[str, str, str]:
    parts = text.split(" ")
    return " ".join(parts[:-2]), " ", " ".join(parts[-2:])


def _exists(moment: datetime) -> bool:
    """Whether the department's clocks show this time at all."""
    there = moment.astimezone(ZoneInfo("UTC")).astimezone(LONDON)
    return there.replace(tzinfo=None) == moment.replace(tzinfo=None, fold=0)

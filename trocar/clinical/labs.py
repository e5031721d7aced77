"""Laboratory tests and bedside measurements: units, what a value can be at all, and how old a result may be.

The ranges guard against slips of unit and decimal point. They are no reference ranges and no limits of a procedure:
those stand in the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LONGEST_TYPED = 40

_NUMBER = re.compile(r"(?P<number>\d+(?:[.,]\d+)?)(?![.,\d])\s*(?P<unit>.*)", re.DOTALL)

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹µμ×·∙*", "0123456789uuxxxx")


@dataclass(frozen=True)
class Quantity:
    """Something that is measured, in one unit. low, high: what it can be at all, both included.

    spellings: other ways to write the same unit. others: another unit that people type -> what one of it is in ours.
    laboratory: a result with a sample and its time, not a measurement at the bedside.
    """

    key: str
    title: str
    unit: str
    low: float
    high: float
    decimals: int
    spellings: tuple[str, ...] = ()
    others: Mapping[str, float] = field(default_factory=dict)
    laboratory: bool = True

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"{self.key}: low must be smaller than high")

    def shown(self, value: float) -> str:
        """A value with its unit, in as many decimals as it has: ``125 g/L``."""
        return f"{_plain(value, self.decimals)} {self.unit}".strip()


QUANTITIES: Mapping[str, Quantity] = {
    quantity.key: quantity
    for quantity in (
        Quantity("haemoglobin", "Haemoglobin", "g/L", 30, 250, 0, ("g/litre",), {"g/dL": 10, "mmol/L": 16.114}),
        Quantity(
            "platelets",
            "Platelets",
            "10^9/L",
            1,
            2000,
            0,
            ("x10^9/L", "10e9/L", "10*9/L", "giga/L", "G/L", "thousand/uL", "K/uL", "10^3/uL"),
            {"10^12/L": 1000, "10^6/L": 0.001, "/uL": 0.001, "/mm3": 0.001},
        ),
        Quantity("inr", "INR", "", 0.5, 20, 1, ("ratio",)),
        Quantity("pt_over_control", "Prothrombin time over control", "s", -5, 120, 1, ("sec", "seconds")),
        Quantity("aptt_over_control", "APTT over control", "s", -15, 180, 1, ("sec", "seconds")),
        Quantity("creatinine", "Creatinine", "umol/L", 15, 2500, 0, ("micromol/L",), {"mg/dL": 88.42, "mmol/L": 1000}),
        Quantity("egfr", "eGFR", "ml/min/1.73m2", 1, 200, 0, ("ml/min", "ml/min/1.73 m2", "mL/min/1.73m^2")),
        Quantity("urea", "Urea", "mmol/L", 0.3, 100, 1),
        Quantity("potassium", "Potassium", "mmol/L", 1.5, 10, 1, ("mEq/L",)),
        Quantity("crp", "C-reactive protein", "mg/L", 0, 700, 0, (), {"mg/dL": 10}),
        Quantity("white_cells", "White cells", "10^9/L", 0, 500, 1, ("x10^9/L", "10e9/L", "G/L")),
        Quantity("systolic", "Systolic blood pressure", "mmHg", 40, 300, 0, ("mm Hg",), {"kPa": 7.5006}, False),
        Quantity("diastolic", "Diastolic blood pressure", "mmHg", 20, 200, 0, ("mm Hg",), {"kPa": 7.5006}, False),
        Quantity(
            "weight",
            "Weight",
            "kg",
            20,
            350,
            1,
            ("kilo", "kilos"),
            {"lb": 0.45359, "stone": 6.35029, "st": 6.35029},
            False,
        ),
        Quantity("kidney_length", "Length of the kidney", "mm", 30, 250, 0, (), {"cm": 10}, laboratory=False),
        Quantity("age", "Age", "years", 0, 130, 0, laboratory=False),
    )
}  # fmt: skip
"""Every quantity that vetting knows, by its key."""

SIGNED = ("pt_over_control", "aptt_over_control")
"""Differences: these may be below zero."""


def _plain(value: float, decimals: int) -> str:
    text = f"{value:.{max(decimals, 2)}f}".rstrip("0").rstrip(".")
    return text if text not in ("-0", "") else "0"


def _folded(unit: str) -> str:
    return re.sub(r"\s+", "", unit.translate(_SUPERSCRIPTS)).lower().replace("^", "").lstrip("x")


def read_value(quantity: Quantity, typed: str) -> float:
    """The number that somebody typed for ``quantity``; a decimal comma and the unit itself may stand in it.

    Raises ValueError with one sentence: no number, a unit that is not ours (named, with the value in our unit), or a
    value that cannot be (with the unit that was probably meant).
    """
    text = typed.strip()
    if not text:
        raise ValueError(f"Enter {_lower(quantity.title)}{_in_unit(quantity)}.")
    if len(text) > LONGEST_TYPED:
        raise ValueError(f"{quantity.title} is one number; this is {len(text)} characters long.")
    if any(ord(c) < 32 for c in text):
        raise ValueError(f"{quantity.title} holds signs that cannot be seen; type the number again.")
    if re.match(r"[<>≤≥~]", text):
        raise ValueError(f"{quantity.title} must be a number; {text[0]!r} leaves open which.")
    sign = 1.0
    if text[0] in "-\u2212":
        if quantity.key not in SIGNED:
            raise ValueError(f"{quantity.title} cannot be below zero.")
        sign, text = -1.0, text[1:].lstrip()
    text = text.lstrip("+") if quantity.key in SIGNED else text
    if re.match(r"\d{1,3}(?:,\d{3}){2,}|\d{1,3},\d{3}\.|\d+\.\d{3},", text):
        raise ValueError(
            f"{quantity.title} has a comma and a point or several commas; type it without thousands marks."
        )
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{quantity.title} must be a number{_in_unit(quantity)}, not {typed.strip()!r}.")
    value = sign * float(match["number"].replace(",", "."))
    return _in_ours(quantity, value, match["unit"].strip())


def _in_ours(quantity: Quantity, value: float, unit: str) -> float:
    ours = {_folded(name) for name in (quantity.unit, *quantity.spellings)}
    if unit and _folded(unit) not in ours:
        for other, factor in quantity.others.items():
            if _folded(other) == _folded(unit):
                raise ValueError(
                    f"{quantity.title} is recorded in {quantity.unit}, not {other}: "
                    f"{_plain(value, 2)} {other} is {quantity.shown(round(value * factor, quantity.decimals))}."
                )
        raise ValueError(
            f"{quantity.title} is recorded in {quantity.unit or 'a plain number'}, not {unit!r}."
        )
    if not quantity.low <= value <= quantity.high:
        for other, factor in quantity.others.items():
            if quantity.low <= value * factor <= quantity.high:
                raise ValueError(
                    f"{quantity.title} of {quantity.shown(value)} cannot be; it looks like {other}, which is "
                    f"{quantity.shown(round(value * factor, quantity.decimals))}."
                )
        raise ValueError(
            f"{quantity.title} must lie between {quantity.shown(quantity.low)} and {quantity.shown(quantity.high)}; "
            f"{quantity.shown(value)} cannot be."
        )
    return value


def _lower(title: str) -> str:
    return title if title[:2].isupper() or title == "eGFR" else title[0].lower() + title[1:]


def _in_unit(quantity: Quantity) -> str:
    return f" in {quantity.unit}" if quantity.unit else ""


@dataclass(frozen=True)
class Measured:
    """One value of a quantity, and when it was taken (aware). Raises ValueError for what cannot be.

    note: what belongs to the value, such as the laboratory's number.
    """

    quantity: str
    value: float
    taken_at: datetime
    note: str = ""

    def __post_init__(self) -> None:
        if self.taken_at.tzinfo is None:
            raise ValueError("the time of a result needs a time zone")
        if self.quantity not in QUANTITIES:
            raise ValueError(f"there is no quantity {self.quantity!r}")
        known = QUANTITIES[self.quantity]
        if not known.low <= self.value <= known.high:
            raise ValueError(f"{known.title} of {known.shown(self.value)} cannot be")

    def age(self, now: datetime) -> timedelta:
        """How long ago it was taken; negative where that lies ahead."""
        return now - self.taken_at

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return QUANTITIES[self.quantity].shown(self.value)


def newest(results: tuple[Measured, ...], quantity: str, now: datetime) -> Measured | None:
    """The last result of a quantity that was taken by ``now``; None where there is none."""
    taken = [r for r in results if r.quantity == quantity and r.taken_at <= now]
    return max(taken, key=lambda r: r.taken_at, default=None)


def age_in_words(age: timedelta) -> str:
    """How old a value is: ``40 minutes``, ``5 hours``, ``9 days``; whole units, rounded down."""
    minutes = int(age.total_seconds() // 60)
    if minutes < 0:
        return "taken in the future"
    for size, name in ((60 * 48, "day"), (60 * 2, "hour")):
        if minutes >= size:
            count = minutes // (1440 if name == "day" else 60)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"

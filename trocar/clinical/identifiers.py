"""Numbers that stand for a person, checked by the digit made for it."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[\s\u2010-\u2015\u2212-]+")

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


def check_digit(first_nine: str) -> int | None:
    """The tenth digit of an NHS number; None where the first nine can have none.

    NHS Data Dictionary, "NHS number": the nine digits weigh 10 down to 2; 11 less the remainder by 11, where 11
    counts as 0 and 10 belongs to no number.
    """
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), first_nine, strict=True))
    digit = 11 - total % 11
    if digit == 11:
        return 0
    return None if digit == 10 else digit


def nhs_number(text: str) -> str:
    """The ten digits of an NHS number, typed with or without spaces and dashes.

    Raises ValueError with one sentence for the person who typed it.
    """
    typed = _SEPARATORS.sub("", _INVISIBLE.sub("", text))
    if not typed:
        raise ValueError("Enter the NHS number, 10 digits, such as 943 476 5919.")
    if not typed.isdecimal():
        raise ValueError("An NHS number has digits only; take out the letters and signs.")
    # Digits of other scripts are digits too, and are stored as ours.
    digits = "".join(str(int(character)) for character in typed)
    if len(digits) != 10:
        raise ValueError(f"An NHS number has 10 digits; this one has {len(digits)}.")
    if len(set(digits)) == 1:
        raise ValueError("This is one digit ten times over, which is nobody's NHS number.")
    if check_digit(digits[:9]) != int(digits[9]):
        raise ValueError("The last digit does not fit the others; check each digit of the NHS number.")
    return digits


def spaced(number: str) -> str:
    """An NHS number as it is printed: 943 476 5919."""
    return f"{number[:3]} {number[3:6]} {number[6:]}"

"""An NHS number is checked by its tenth digit before anything is stored under it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trocar.clinical.identifiers import check_digit, nhs_number, spaced


@pytest.mark.parametrize(
    "typed",
    [
        "9434765919",
        "943 476 5919",
        "943-476-5919",
        " 943\u00a0476\u20135919 ",
        "9434765919\n",
        "\u200e9434765919",
    ],
)
def test_spaces_and_dashes_may_be_typed(typed: str) -> None:
    assert nhs_number(typed) == "9434765919"


def test_it_is_printed_in_threes() -> None:
    assert spaced("9434765919") == "943 476 5919"


BAD = [
    ("", "Enter the NHS number"),
    ("   ", "Enter the NHS number"),
    ("943 476 591", "this one has 9"),
    ("943 476 59191", "this one has 11"),
    ("943 476 5918", "The last digit does not fit"),
    ("934 476 5919", "The last digit does not fit"),  # two digits changed places
    ("943 476 591O", "digits only"),  # the letter O
    ("H943 476 5919", "digits only"),
    ("943.476.5919", "digits only"),
    ("943476591\u00b2", "digits only"),
    ("0000000000", "nobody's"),
    ("1111111111", "nobody's"),
    ("9" * 10_000_000, "this one has 10000000"),
]


@pytest.mark.parametrize(("typed", "sentence"), BAD)
def test_each_mistake_gets_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        nhs_number(typed)


def test_digits_of_another_script_are_digits() -> None:
    assert nhs_number("٩٤٣٤٧٦٥٩١٩") == "9434765919"


def test_some_first_nine_digits_belong_to_no_number() -> None:
    """A remainder that would need the digit 10: such numbers are never given out."""
    assert check_digit("943476503") is None
    for last in "0123456789":
        with pytest.raises(ValueError, match="does not fit"):
            nhs_number("943476503" + last)


@given(st.text("0123456789", min_size=9, max_size=9), st.integers(0, 9), st.integers(0, 8))
def test_one_wrong_digit_never_passes(nine: str, digit: int, at: int) -> None:
    last = check_digit(nine)
    if last is None or len(set(f"{nine}{last}")) == 1 or int(nine[at]) == digit:
        return
    wrong = f"{nine[:at]}{digit}{nine[at + 1 :]}{last}"
    with pytest.raises(ValueError, match=r"fit|nobody"):
        nhs_number(wrong)

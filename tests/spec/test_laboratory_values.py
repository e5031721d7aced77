"""A laboratory value is taken in one unit only; another unit is recognised, named, and never converted in silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trocar.clinical.labs import QUANTITIES, Measured, age_in_words, newest, read_value

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("quantity", "typed", "value"),
    [
        ("haemoglobin", "125", 125),
        ("haemoglobin", " 125 g/L ", 125),
        ("haemoglobin", "125g/l", 125),
        ("inr", "1,2", 1.2),
        ("inr", "1.2", 1.2),
        ("platelets", "240", 240),
        ("platelets", "240 x10^9/L", 240),
        ("platelets", "240 ×10⁹/L", 240),
        ("platelets", "240 10e9/L", 240),
        ("creatinine", "145 µmol/L", 145),
        ("creatinine", "145 μmol/l", 145),
        ("creatinine", "145 umol/L", 145),
        ("pt_over_control", "-0,5 s", -0.5),
        ("weight", "72,5 kg", 72.5),
        ("egfr", "34 ml/min", 34),
    ],
)
def test_the_unit_and_a_decimal_comma_may_be_typed(quantity: str, typed: str, value: float) -> None:
    assert read_value(QUANTITIES[quantity], typed) == value


BAD = [
    # what was typed, for what, and what the sentence says
    ("haemoglobin", "12.5", "looks like g/dL, which is 125 g/L"),
    ("haemoglobin", "12,5", "looks like g/dL, which is 125 g/L"),
    ("haemoglobin", "12.5 g/dL", "not g/dL: 12.5 g/dL is 125 g/L"),
    ("haemoglobin", "7.8 mmol/L", "not mmol/L: 7.8 mmol/L is 126 g/L"),
    ("haemoglobin", "1250", "cannot be"),
    ("haemoglobin", "0", "cannot be"),
    ("haemoglobin", "", "Enter haemoglobin in g/L"),
    ("haemoglobin", "normal", "must be a number in g/L, not 'normal'"),
    ("haemoglobin", "-125", "below zero"),
    ("platelets", "0.24", "looks like 10^12/L, which is 240 10^9/L"),
    ("platelets", "0,24 x10^12/L", "not 10^12/L: 0.24 10^12/L is 240 10^9/L"),
    ("platelets", "0.24 ×10¹²/L", "not 10^12/L"),
    ("platelets", "240000", "looks like 10^6/L, which is 240 10^9/L"),
    ("platelets", "240000 /uL", "not /uL: 240000 /uL is 240 10^9/L"),
    ("platelets", "<20", "leaves open which"),
    ("platelets", "1.240,5", "thousands"),
    ("creatinine", "1.6", "looks like mg/dL, which is 141 umol/L"),
    ("creatinine", "1.6 mg/dL", "not mg/dL: 1.6 mg/dL is 141 umol/L"),
    ("creatinine", "0.141 mmol/L", "not mmol/L: 0.14 mmol/L is 141 umol/L"),
    ("creatinine", "145 g/L", "not 'g/L'"),
    ("inr", "12%", "recorded in a plain number, not '%'"),
    ("inr", "0", "must lie between 0.5 and 20"),
    ("inr", "1..2", "must be a number"),
    ("inr", "1\x002", "signs that cannot be seen"),
    ("inr", "1" * 10_000_000, "10000000 characters long"),
    ("inr", "nan", "must be a number"),
    ("inr", "1e3", "not 'e3'"),
    ("weight", "11 stone", "not stone: 11 stone is 69.9 kg"),
    ("weight", "400", "cannot be"),
    ("kidney_length", "9.5", "looks like cm, which is 95 mm"),
    ("systolic", "16 kPa", "not kPa: 16 kPa is 120 mmHg"),
    ("egfr", "-5", "below zero"),
]


@pytest.mark.parametrize(("quantity", "typed", "sentence"), BAD)
def test_each_mistake_gets_a_sentence(quantity: str, typed: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".*") as refusal:
        read_value(QUANTITIES[quantity], typed)
    assert sentence in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_haemoglobin_in_g_dl_never_passes_for_g_l() -> None:
    """g/dL ends where g/L begins: 25 g/dL does not exist, and 30 g/L is hardly survived."""
    hb = QUANTITIES["haemoglobin"]
    for tenths in range(10, 260):
        with pytest.raises(ValueError, match="cannot be"):
            read_value(hb, f"{tenths / 10}")


def test_a_value_that_cannot_be_is_no_result() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Measured("haemoglobin", 12.5, NOW)


def test_the_time_of_a_result_has_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Measured("haemoglobin", 125, datetime(2026, 11, 23, 9))


def test_the_newest_result_counts_and_one_from_the_future_does_not() -> None:
    old, new, ahead = (
        Measured("platelets", value, NOW + timedelta(hours=hours))
        for value, hours in ((200, -48), (90, -2), (300, 2))
    )
    assert newest((new, old, ahead), "platelets", NOW) is new
    assert newest((ahead,), "platelets", NOW) is None


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=5, minutes=59), "5 hours"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(days=9, hours=3), "9 days"),
        (timedelta(minutes=-1), "taken in the future"),
    ],
)
def test_the_age_of_a_value_is_said_in_whole_units(age: timedelta, words: str) -> None:
    assert age_in_words(age) == words

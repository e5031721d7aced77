"""Numbers and names as they are printed."""

from __future__ import annotations

import pytest

from trocar.documents.figures import clearance, count, degrees, limit, percent, whole_mm
from trocar.documents.naming import capital, listed, plain, spoken, spoken_text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("kidney_left", "left kidney"),
        ("kidney_right", "right kidney"),
        ("rib_left_12", "left rib 12"),
        ("rib_right_1", "right rib 1"),
        ("vertebrae_L3", "vertebra L3"),
        ("lung_upper_lobe_left", "left lung upper lobe"),
        ("hip_left", "left hip bone"),
        ("colon", "colon"),
        ("inferior_vena_cava", "inferior vena cava"),
        ("kidney_sinus", "renal sinus"),
        # people's own words stay to the letter
        ("Lesion #1 [left]", "Lesion #1 [left]"),
        ("GTV_1_left_right", "GTV_1_left_right"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("\u05db\u05d1\u05d3", "\u05db\u05d1\u05d3"),
        ("", ""),
    ],
)
def test_names_are_spoken(name, words):
    assert spoken(name) == words


def test_no_name_changes_its_side():
    for name in ("iliac_artery_left", "iliac_artery_right", "autochthon_left", "femur_right", "rib_right_12"):
        side = name.split("_")[2 if name.startswith("iliac") else 1]
        assert side in spoken(name).split()
        assert {"left": "right", "right": "left"}[side] not in spoken(name).split()


def test_names_within_sentences_are_spoken():
    assert spoken_text("nearer than 4 mm to vertebrae_L4, then rib_left_12.") == (
        "nearer than 4 mm to vertebra L4, then left rib 12."
    )
    assert spoken_text("lower pole cortex of kidney_left") == "lower pole cortex of left kidney"
    assert spoken_text("see plan.json and 1_2") == "see plan.json and 1_2"


def test_lists_say_how_many_more():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    assert capital("left") == "Left"


def test_a_clearance_is_cut_and_never_rounded_up():
    # 4.96 mm must not read as the 5 mm that the protocol asks for
    assert clearance(4.96) == "4.9 mm"
    assert clearance(9.999) == "9.9 mm"
    assert clearance(14.99) == "14 mm"
    assert clearance(5.0) == "5.0 mm"
    assert clearance(0.0) == "0 mm"
    assert clearance(None) == "not judged"
    assert limit(1.5) == "1.5 mm"
    assert limit(None) == "no limit"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (1e-9, "< 1 %"),
        (0.0099, "< 1 %"),
        (0.01, "1 %"),
        (0.125, "13 %"),
        (0.8349, "83 %"),
        (0.9999, "> 99 %"),
        (1.0, "100 %"),
        (None, "not judged"),
    ],
)
def test_probabilities_in_whole_per_cent(share, text):
    assert percent(share) == text


def test_lengths_and_angles_are_whole():
    assert whole_mm(91.5) == "92 mm"
    assert whole_mm(91.49) == "91 mm"
    assert degrees(-0.2) == "0°"
    assert degrees(18.5) == "19°"


def test_counts_in_reach():
    assert [count(n) for n in (312, 54_321, 1_234_567)] == ["312", "54 thousand", "1.2 million"]


def test_no_character_acts():
    assert plain("\u202eevil\u202c tab\there\x07bell\nline\u200f") == "evil tab herebell line"
    assert plain("\u05db\u05d1\u05d3 \u8098\u81d3 \u00fc") == "\u05db\u05d1\u05d3 \u8098\u81d3 \u00fc"

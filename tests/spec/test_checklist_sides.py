"""Wrong side: referral, consent, mark, plan and images are held against one another."""

from __future__ import annotations

import pytest

from trocar.clinical.checklist_rules import Place
from trocar.clinical.laterality import Agreement, SideFacts, Stated, cross_check

PLACES: tuple[Place, ...] = ("referral", "consent", "mark", "plan", "images")
LEFT_KIDNEY = Stated("left", "kidney, lower pole")
SAID: dict[Place, Stated | None] = dict.fromkeys(PLACES, LEFT_KIDNEY)
NAMES = {
    "referral": "referral",
    "consent": "consent",
    "mark": "mark on the skin",
    "plan": "plan",
    "images": "images",
}


def test_five_places_that_say_the_same_agree() -> None:
    """Clinical reference, section 5: wrong-side cross-check."""
    assert cross_check(SideFacts(True, SAID)) == Agreement("left", "kidney, lower pole")


@pytest.mark.parametrize("wrong", PLACES)
def test_the_other_side_in_any_one_place_is_found(wrong: Place) -> None:
    found = cross_check(SideFacts(True, {**SAID, wrong: Stated("right", "kidney, lower pole")}))
    assert isinstance(found, list)
    assert any(NAMES[wrong] in sentence.lower() and "right" in sentence for sentence in found)


@pytest.mark.parametrize("wrong", PLACES)
def test_another_site_in_any_one_place_is_found(wrong: Place) -> None:
    found = cross_check(SideFacts(True, {**SAID, wrong: Stated("left", "rib 11")}))
    assert isinstance(found, list)
    assert any("rib 11" in sentence for sentence in found)


@pytest.mark.parametrize("missing", PLACES)
def test_a_place_that_is_missing_fails_closed(missing: Place) -> None:
    for said in ({**SAID, missing: None}, {place: one for place, one in SAID.items() if place != missing}):
        found = cross_check(SideFacts(True, said))
        assert isinstance(found, list)
        assert any(NAMES[missing] in sentence.lower() and "does not say" in sentence for sentence in found)


@pytest.mark.parametrize("silent", PLACES)
def test_a_place_without_a_side_fails_where_the_site_has_two(silent: Place) -> None:
    found = cross_check(SideFacts(True, {**SAID, silent: Stated(None, "kidney, lower pole")}))
    assert isinstance(found, list)
    assert len(found) == 1


def test_a_site_without_side_needs_none() -> None:
    said = dict.fromkeys(PLACES, Stated(None, "sacrum"))
    assert cross_check(SideFacts(False, said)) == Agreement(None, "sacrum")


def test_even_there_two_different_sides_are_a_disagreement() -> None:
    said: dict[Place, Stated | None] = dict.fromkeys(PLACES, Stated(None, "vertebra L3"))
    said |= {"plan": Stated("left", "vertebra L3"), "consent": Stated("right", "vertebra L3")}
    assert isinstance(cross_check(SideFacts(False, said)), list)


def test_a_side_on_a_site_that_needs_none_is_kept() -> None:
    """The left pedicle of a vertebra: the plan may say it, the others need not."""
    said: dict[Place, Stated | None] = dict.fromkeys(PLACES, Stated(None, "vertebra L3"))
    said["plan"] = Stated("left", "vertebra L3")
    assert cross_check(SideFacts(False, said)) == Agreement("left", "vertebra L3")


def test_whether_a_side_is_needed_must_be_known() -> None:
    assert cross_check(SideFacts(None, SAID)) == ["It is not known whether this site needs a side."]


def test_spaces_and_capitals_are_no_disagreement() -> None:
    said: dict[Place, Stated | None] = {**SAID, "consent": Stated("left", " Kidney,  lower pole")}
    assert isinstance(cross_check(SideFacts(True, said)), Agreement)


def test_nothing_said_at_all_is_no_agreement() -> None:
    assert isinstance(cross_check(SideFacts(False, {})), list)

"""Accepting a path: what is checked against the case, what is confirmed one by one, and what is for rehearsal only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trocar.clinical.plan_acceptance import (
    BLOCKING,
    CaseFacts,
    OfferedPath,
    accept,
    check_scan_refusals,
    side_refusals,
    to_confirm,
)

PATH = OfferedPath("kidney_biopsy", "left", {}, None, False)
CASE = CaseFacts("kidney_biopsy", "left")


def test_a_path_of_the_cases_side_within_the_limits_is_accepted() -> None:
    """Clinical rules, "Planning and guidance"."""
    found = accept(PATH, CASE, ())
    assert found.refusals == ()
    assert not found.rehearsal_only


@pytest.mark.parametrize(
    ("case_side", "plan_side", "sentence"),
    [
        ("left", "right", "The plan is of the right, but the case is of the left."),
        ("right", "left", "The plan is of the left, but the case is of the right."),
        ("left", None, "The plan does not say its side, but the case is of the left."),
        ("none", "left", "The plan is of the left, but the case has no side."),
        ("", "left", "The case does not say its side; complete the referral first."),
        ("", None, "The case does not say its side; complete the referral first."),
    ],
)
def test_another_side_or_a_missing_one_is_refused(case_side, plan_side, sentence) -> None:
    """Clinical reference, section 5: wrong-side cross-check; a missing side fails closed."""
    assert side_refusals(case_side, plan_side) == (sentence,)
    assert sentence in accept(replace(PATH, side=plan_side), replace(CASE, side=case_side), ()).refusals


def test_a_site_without_side_needs_none() -> None:
    """A vertebral body has no side."""
    assert side_refusals("none", None) == ()


def test_a_path_that_breaks_a_limit_is_never_accepted() -> None:
    """The nearest paths are shown to say what stands in the way, not to be carried out."""
    found = accept(replace(PATH, relaxed="2 mm instead of 5 mm to the colon"), CASE, ())
    assert found.refusals == ("This path is not within the protocol's limits, so it cannot be accepted.",)


def test_a_plan_of_another_procedure_is_refused() -> None:
    found = accept(replace(PATH, protocol="bone_biopsy"), CASE, ())
    assert found.refusals == ("This plan is of another procedure than the case.",)


@pytest.mark.parametrize("code", sorted(BLOCKING))
def test_each_blocking_warning_is_confirmed_by_itself(code: str) -> None:
    """Clinical rules: one confirmation each for blocking warnings."""
    path = replace(PATH, warnings={code: "One.", "metal": "Metal.", "thick_slices": "Thick."})
    refused = accept(path, CASE, {c for c in BLOCKING if c != code}).refusals
    assert len(refused) == 1
    assert refused[0].startswith("Confirm this warning: ")
    assert accept(path, CASE, BLOCKING).refusals == ()


def test_the_other_warnings_are_listed_and_not_confirmed() -> None:
    """Clinical rules: the rest are listed once."""
    assert to_confirm({"thick_slices": "Thick.", "metal": "Metal."}) == {"metal": "Metal."}


def test_a_ct_in_another_position_serves_for_rehearsal_only() -> None:
    """Clinical rules: acceptance is for rehearsal until a scan in position."""
    assert accept(replace(PATH, needs_check_scan=True), CASE, ()).rehearsal_only


def test_the_scan_in_position_speaks_for_each_organ_that_was_not_judged() -> None:
    """A scan in position makes a rehearsed path one to carry out only where somebody looked at each organ."""
    organs = ("colon", "left kidney")
    assert check_scan_refusals(organs, {"colon": True, "left kidney": True}) == ()
    assert check_scan_refusals(organs, {"colon": True, "left kidney": None}) == (
        "Say whether the scan in position shows the path clear of: left kidney.",
    )
    assert len(check_scan_refusals(organs, {})) == 2
    assert check_scan_refusals(organs, {"colon": False, "left kidney": True}) == (
        "The scan in position shows colon in the way; choose another path or plan anew.",
    )


@pytest.mark.parametrize("agreed", [None, False])
def test_a_suspected_bone_tumour_needs_its_agreed_route_first(agreed: bool | None) -> None:
    """Clinical rules: a hard stop until the sarcoma team or surgeon and the agreed route are recorded."""
    case = replace(CASE, suspected_tumour=True, route_agreed=agreed)
    assert len(accept(PATH, case, ()).refusals) == 1
    assert accept(PATH, replace(case, route_agreed=True), ()).refusals == ()

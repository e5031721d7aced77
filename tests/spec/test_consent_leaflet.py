"""Leaflets have numbers, versions and an end."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from trocar.clinical.consent import leaflet_to_give
from trocar.clinical.leaflet import LeafletVersion, Month
from trocar.clinical.loading import load_protocol
from trocar.clinical.working_time import LONDON

KIDNEY = LeafletVersion("0573/VER6", "Kidney biopsy", Month(2024, 2), Month(2027, 2))


@pytest.mark.parametrize(
    ("protocol", "identifier", "reviewed", "due"),
    [
        ("bone_biopsy", "0245/VER5", "April 2024", "April 2027"),
        ("kidney_biopsy", "0573/VER6", "February 2024", "February 2027"),
    ],
)
def test_both_leaflets_stand_as_they_are_printed(
    protocol: str, identifier: str, reviewed: str, due: str
) -> None:
    """Clinical reference, section 1 rows 60 to 62."""
    leaflet = load_protocol(protocol).consent.current_leaflet
    assert (leaflet.identifier, str(leaflet.last_reviewed), str(leaflet.next_review)) == (
        identifier,
        reviewed,
        due,
    )


@pytest.mark.parametrize(
    "identifier", ["573/VER6", "0573/ver6", "0573/VER", "0573-VER6", "05731/VER6", "0573/VER6\n", "٠٥٧٣/VER6"]
)
def test_an_identifier_of_another_form_is_refused(identifier: str) -> None:
    with pytest.raises(ValueError, match="four digits"):
        LeafletVersion(identifier, "Kidney biopsy", Month(2024, 2), Month(2027, 2))


@pytest.mark.parametrize("due", [Month(2024, 2), Month(2024, 1), Month(2027, 3)])
def test_a_review_follows_within_three_years(due: Month) -> None:
    """P2: at least every three years."""
    with pytest.raises(ValueError, match="36 months"):
        LeafletVersion("0573/VER6", "Kidney biopsy", Month(2024, 2), due)


@pytest.mark.parametrize(
    ("day", "given"),
    [
        (date(2024, 1, 31), False),
        (date(2024, 2, 1), True),
        (date(2027, 2, 28), True),
        (date(2027, 3, 1), False),
    ],
)
def test_an_expired_leaflet_is_not_handed_out(day: date, given: bool) -> None:
    """W8. It runs out with the last day of the month of its review."""
    assert (KIDNEY.refusal(day) is None) is given
    rules = load_protocol("kidney_biopsy").consent
    leaflet, why = leaflet_to_give(rules, datetime(day.year, day.month, day.day, 12, tzinfo=LONDON))
    assert (leaflet is not None) is given
    assert bool(why) is not given


@pytest.mark.parametrize(
    ("day", "left", "within"),
    [
        (date(2026, 9, 1), 180, 180),
        (date(2026, 11, 23), 97, 180),
        (date(2026, 12, 1), 89, 90),
        (date(2027, 2, 1), 27, 30),
        (date(2027, 2, 28), 0, 30),
    ],
)
def test_a_coming_review_is_pointed_out_at_180_90_and_30_days(day: date, left: int, within: int) -> None:
    """W8."""
    notice = KIDNEY.notice(day)
    assert notice is not None
    assert f"{left} days are left" in notice
    assert f"notice at {within} days" in notice


def test_before_that_nothing_is_said() -> None:
    assert KIDNEY.notice(date(2026, 8, 31)) is None


def test_afterwards_it_says_how_long_it_has_been_over() -> None:
    assert KIDNEY.notice(date(2027, 3, 2)) == "Leaflet 0573/VER6 ran out 2 days ago."


@pytest.mark.parametrize("text", ["2027-13", "2027-2", "02-2027", "2027-02-01", ""])
def test_a_month_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="2027-02"):
        Month.parse(text)

"""A figure that nobody verified does nothing in a real department until that department approves it."""

from __future__ import annotations

import re
from datetime import date

import pytest

from trocar import RESEARCH_NOTICE
from trocar.clinical.department import (
    SAMPLE_STAMP,
    Department,
    effective,
    load_department,
    read_department,
)
from trocar.clinical.loading import builtin_protocols, load_protocol
from trocar.errors import NotConfigured

MARGIN = "keep_clear.bowel.margin_mm"


def real_department(*approvals: str) -> Department:
    text = """
format: 1
department: A real department
sample: false
uses_unapproved: false
allows: {archive_export: false, live_overlay: false}
"""
    if approvals:
        text += "approvals:\n  kidney_biopsy:\n" + "".join(f"    - {{{entry}}}\n" for entry in approvals)
    department, mistakes = read_department(text.encode(), "department.yaml")
    assert department is not None, mistakes
    return department


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_a_department_that_approved_nothing_cannot_plan(protocol: str) -> None:
    loaded = load_protocol(protocol)
    with pytest.raises(NotConfigured, match=r"A real department has not configured \d+ values") as refusal:
        effective(loaded, real_department()).for_planning(loaded.default_guidance, loaded.default_needle)
    assert re.search(rf"{re.escape(MARGIN)}: nobody approved it", str(refusal.value))
    assert refusal.value.exit_code == 4


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_the_sample_department_plans_with_every_figure_and_says_so(protocol: str) -> None:
    loaded = load_protocol(protocol)
    used = effective(loaded, load_department())
    assert used.for_planning(loaded.default_guidance, loaded.default_needle) == loaded
    assert MARGIN in used.unapproved
    assert used.stamps == (RESEARCH_NOTICE, SAMPLE_STAMP)


def test_the_stamps_read_as_they_must() -> None:
    assert RESEARCH_NOTICE == "Research software, not for clinical use"
    assert "Sample values" in SAMPLE_STAMP
    assert load_department().name == "Sample department"


def test_a_real_department_still_carries_the_research_stamp() -> None:
    assert real_department().stamps == (RESEARCH_NOTICE,)


def test_only_a_sample_department_may_use_figures_that_nobody_approved() -> None:
    text = b"""
format: 1
department: X
sample: false
uses_unapproved: true
allows: {archive_export: false, live_overlay: false}
"""
    department, mistakes = read_department(text, "x.yaml")
    assert department is None
    assert "only a sample department" in mistakes[0].text


def test_sending_to_an_archive_and_drawing_on_live_images_are_off() -> None:
    assert not load_department().archive_export
    assert not load_department().live_overlay


def test_an_approval_carries_a_name_a_day_and_a_review() -> None:
    approved = real_department(
        f"key: {MARGIN}, value: 10, approved_by: A. Radiologist, approved_on: 2026-05-01, review_due: 2027-05-01"
    )
    value = effective(load_protocol("kidney_biopsy"), approved, date(2026, 11, 23)).protocol.values()[MARGIN]
    assert (value.approved_by, value.approved_on, value.review_due) == (
        "A. Radiologist",
        date(2026, 5, 1),
        date(2027, 5, 1),
    )


def test_an_approval_ends_with_its_review() -> None:
    approved = real_department(
        f"key: {MARGIN}, value: 10, approved_by: A. Radiologist, approved_on: 2026-05-01, review_due: 2027-05-01"
    )
    used = effective(load_protocol("kidney_biopsy"), approved, date(2027, 5, 2))
    assert used.not_configured[MARGIN] == "its review was due on 2027-05-01"


def test_an_approval_of_ten_millimetres_is_not_one_of_twelve() -> None:
    approved = real_department(
        f"key: {MARGIN}, value: 12, approved_by: A. Radiologist, approved_on: 2026-05-01, review_due: 2027-05-01"
    )
    used = effective(load_protocol("kidney_biopsy"), approved, date(2026, 11, 23))
    assert "the protocol now says 10" in used.not_configured[MARGIN]
    assert used.protocol.values()[MARGIN].value == 10

"""Who is exposed and why, before; the dose as it was read, after."""

from __future__ import annotations

import dataclasses
import math
from datetime import date
from typing import Any

import pytest

from trocar.clinical.department import Department, load_department, read_department
from trocar.clinical.loading import load_protocol
from trocar.clinical.radiation import ExposureCheck, dose_alerts, dose_missing, dose_problem
from trocar.clinical.reference_levels import against_levels
from trocar.clinical.section import Mistake

COMPLETE = ExposureCheck(
    name_matches=True,
    birth_matches=True,
    third_matches=True,
    third_point="NHS number",
    referrer="Sample referrer",
    practitioner="Sample IR doctor",
    operator="Sample radiographer",
    justification="Guidance of the biopsy; no other way to this bone.",
    pregnancy="not applicable",
    position="prone",
    laterality="left",
    case_side="left",
    needs_side=True,
)


def test_a_complete_page_authorises_the_exposure() -> None:
    """Clinical rules, "Before": the radiographer's page."""
    assert COMPLETE.missing() == ()
    assert COMPLETE.authorised


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name_matches", None),
        ("name_matches", False),
        ("birth_matches", None),
        ("birth_matches", False),
        ("third_matches", None),
        ("third_matches", False),
        ("third_point", " "),
        ("referrer", ""),
        ("practitioner", ""),
        ("operator", ""),
        ("justification", "  "),
        ("pregnancy", None),
        ("pregnancy", "not asked"),
        ("pregnancy", "possible"),
        ("pregnancy", "pregnant"),
        ("position", ""),
        ("laterality", None),
        ("laterality", "right"),
        ("laterality", "no side"),
        ("needs_side", None),
        ("case_side", None),
    ],
)
def test_nothing_is_authorised_until_every_line_is_complete(field: str, value: Any) -> None:
    page = dataclasses.replace(COMPLETE, **{field: value})
    assert not page.authorised
    assert len(page.missing()) == 1


def test_a_site_without_side_needs_none() -> None:
    assert dataclasses.replace(COMPLETE, laterality="no side", case_side=None, needs_side=False).authorised


@pytest.mark.parametrize(
    ("quantity", "value"),
    [("ctdi_vol_mgy", 9.7), ("dlp_mgy_cm", 1954), ("kap_gy_cm2", 12.5), ("fluoroscopy_s", 94)],
)
def test_a_dose_as_departments_publish_it_is_taken(quantity: Any, value: float) -> None:
    """Clinical reference, section 6: D2 and D3 for CT."""
    assert dose_problem(quantity, value) is None
    assert dose_problem(quantity, None) is None


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("kap_gy_cm2", 125_000),  # mGy·cm² read as Gy·cm²
        ("kap_gy_cm2", 0.0001),  # Gy·m² of a short screening
        ("fluoroscopy_s", 0.5),  # minutes
        ("ctdi_vol_mgy", 1954),  # the DLP in the wrong box
        ("dlp_mgy_cm", -3),
        ("dlp_mgy_cm", math.nan),
    ],
)
def test_a_dose_that_cannot_be_is_named_with_its_unit(quantity: Any, value: float) -> None:
    problem = dose_problem(quantity, value)
    assert problem is not None
    assert "check the unit" in problem


def test_guidance_by_x_rays_without_a_dose_is_missing_one() -> None:
    assert dose_missing(["ct"], {}) == ("No dose is entered for CT.",)
    assert dose_missing(["ct"], {"dlp_mgy_cm": 800}) == ()
    assert dose_missing(["fluoroscopy"], {"dlp_mgy_cm": 800}) == ("No dose is entered for fluoroscopy.",)


def test_ultrasound_gives_none() -> None:
    assert dose_missing(["ultrasound"], {}) == ()


def test_a_substantial_dose_is_said() -> None:
    """Clinical reference, section 6 (SIR/NCRP, unverified): 5 Gy, 500 Gy·cm², 60 min."""
    alerts = load_protocol("bone_biopsy").procedure_record.dose_alerts
    assert {(a.quantity, a.level.value, a.level.status) for a in alerts} == {
        ("air_kerma_mgy", 5000, "U"),
        ("kap_gy_cm2", 500, "U"),
        ("fluoroscopy_s", 3600, "U"),
    }
    assert len(dose_alerts(alerts, {"kap_gy_cm2": 500, "fluoroscopy_s": 90})) == 1
    assert dose_alerts(alerts, {}) == ()


LEVEL = (
    "reference_levels:\n  - {protocol: bone_biopsy, quantity: dlp_mgy_cm, level: 900, set_by: medical physics, "
    "set_on: 2026-01-01, review_due: 2026-12-31}\n"
)
TODAY = date(2026, 11, 23)


def department(levels: str) -> tuple[Department | None, list[Mistake]]:
    head = "format: 1\ndepartment: North site\nsample: false\nuses_unapproved: false\n"
    return read_department(
        f"{head}allows: {{archive_export: false, live_overlay: false}}\n{levels}".encode(), "north.yaml"
    )


@pytest.mark.parametrize(("dose", "words"), [(901, ", above the"), (900, "not above the")])
def test_a_dose_is_held_against_the_departments_own_level(dose: float, words: str) -> None:
    north, mistakes = department(LEVEL)
    assert north is not None, mistakes
    (sentence,) = against_levels(north.reference_levels, "bone_biopsy", {"dlp_mgy_cm": dose}, TODAY)
    assert words in sentence


def test_without_a_level_of_its_own_no_other_one_is_shown() -> None:
    """Clinical reference, W12."""
    levels = load_department().reference_levels
    (sentence,) = against_levels(levels, "bone_biopsy", {"dlp_mgy_cm": 900}, TODAY)
    assert "has no level of its own" in sentence


def test_a_level_whose_review_is_overdue_does_not_count() -> None:
    north, _ = department(LEVEL)
    assert north is not None
    (sentence,) = against_levels(north.reference_levels, "bone_biopsy", {"dlp_mgy_cm": 100}, date(2027, 1, 1))
    assert "overdue" in sentence


@pytest.mark.parametrize(
    ("old", "new"),
    [("level: 900", "level: 90000000"), ("dlp_mgy_cm", "dose"), ("2026-12-31", "2025-12-31")],
)
def test_a_wrong_level_is_a_mistake_in_the_file(old: str, new: str) -> None:
    north, mistakes = department(LEVEL.replace(old, new))
    assert north is None
    assert mistakes

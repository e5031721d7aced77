"""When the patient has come, the nurse asks again, takes the blood pressure, and writes down the last doses taken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.web.vetting.conftest import Book, SignIn, accept, fill, says, url
from trocar.clinical.loading import load_protocol
from trocar.clinical.medicine_plan import LONDON
from trocar.web.accounts.models import Person
from trocar.web.cases import clock, registry
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.vetting.models import DayAnswers, Medicine, Result

SLOT = datetime(2026, 11, 27, 9, 30, tzinfo=LONDON)


@pytest.fixture
def arrived(as_role: SignIn, known: Case, book: Book, people: dict[str, Person]) -> Iterator[Case]:
    """On the day of the slot, the patient has come; apixaban was planned to stop."""
    fill(as_role("ir_nurse"), url(known, "medicines/add/"), name="apixaban")
    accept(as_role("ir_doctor"), known)
    book(known, SLOT)
    with clock.at(SLOT.replace(hour=8, minute=0)):
        with change(people["ir_nurse"], known, "Patient has arrived") as ch:
            ch.move("arrive")
        yield Case.objects.get(pk=known.pk)


def good(**changed: str) -> dict[str, str]:
    asked = load_protocol("kidney_biopsy").vetting.questions_at("day")
    given = {f"question_{q.name.replace(' ', '_')}": "no" if q.counts_when else "yes" for q in asked}
    return {**given, "systolic": "128", "diastolic": "74", **changed}


def last_dose(client: object, case: Case, typed: str) -> object:
    medicine = Medicine.objects.get(case=case)
    return fill(client, url(case, f"medicines/{medicine.pk}/last-dose/"), last_dose_at=typed)  # type: ignore[arg-type]


def ready(case: Case) -> object:
    return registry.facts(Case.objects.get(pk=case.pk))["vetting.ready"]


def test_it_works(as_role: SignIn, arrived: Case) -> None:
    nurse = as_role("ir_nurse")
    assert ready(arrived) is None, "what was ready for booking is not ready on the day"
    page = says(nurse.get(url(arrived)))
    assert "On the day: not assessed." in page
    assert "Systolic blood pressure must be taken again today" in page
    assert "apixaban : not asked yet Planned: apixaban: last dose on Tuesday 24" in says(
        nurse.get(url(arrived, "day/"))
    )
    assert fill(nurse, url(arrived, "day/"), **good()).status_code == 302
    page = says(nurse.get(url(arrived)))
    assert "the last dose of apixaban actually taken is not recorded" in page
    assert ready(arrived) is None
    assert last_dose(nurse, arrived, "24/11/2026 20:00").status_code == 302
    assert ready(arrived) is True
    assert DayAnswers.objects.get(case=arrived).changed_by.role == "ir_nurse"
    assert Result.objects.filter(case=arrived, quantity="systolic").count() == 2


def test_a_last_dose_too_late_blocks(as_role: SignIn, arrived: Case) -> None:
    nurse = as_role("ir_nurse")
    fill(nurse, url(arrived, "day/"), **good())
    last_dose(nurse, arrived, "25/11/2026 08:00")
    page = says(as_role("ir_doctor").get(url(arrived)))
    assert (
        "Last dose of apixaban on Wednesday 25 November 2026 at 08:00, not by Tuesday 24 November 2026."
        in page
    )
    assert ready(arrived) is False


def test_high_pressure_on_the_day_blocks(as_role: SignIn, arrived: Case) -> None:
    nurse = as_role("ir_nurse")
    last_dose(nurse, arrived, "24/11/2026 20:00")
    fill(nurse, url(arrived, "day/"), **good(systolic="172"))
    assert ready(arrived) is False
    fill(nurse, url(arrived, "day/"), **good(systolic="150"))
    assert ready(arrived) is True, "the newest reading counts"


def test_group_and_save_is_asked_on_the_day(as_role: SignIn, arrived: Case) -> None:
    nurse = as_role("ir_nurse")
    last_dose(nurse, arrived, "24/11/2026 20:00")
    fill(nurse, url(arrived, "day/"), **good(question_group_and_save="no"))
    assert ready(arrived) is False


def test_answers_of_another_day_do_not_count(as_role: SignIn, arrived: Case) -> None:
    nurse = as_role("ir_nurse")
    last_dose(nurse, arrived, "24/11/2026 20:00")
    fill(nurse, url(arrived, "day/"), **good())
    assert ready(arrived) is True
    with clock.at(SLOT.replace(day=28, hour=8)):
        assert ready(arrived) is None


def test_paper_is_entered_afterwards_with_its_own_time(as_role: SignIn, arrived: Case) -> None:
    fill(as_role("ir_nurse"), url(arrived, "day/"), **good(happened_at="27/11/2026 07:15"))
    assert DayAnswers.objects.get(case=arrived).asked_at == datetime(2026, 11, 27, 7, 15, tzinfo=LONDON)
    newest = Result.objects.filter(case=arrived, quantity="systolic").latest("taken_at")
    assert newest.taken_at == datetime(2026, 11, 27, 7, 15, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("28/11/2026 08:00", "not come yet"),
        ("", "Fill in: last dose"),
        ("last night", "time"),
        ("25/11/2026 25:00", "25"),
    ],
)
def test_bad_times_of_a_last_dose(as_role: SignIn, arrived: Case, typed: str, sentence: str) -> None:
    answer = last_dose(as_role("ir_nurse"), arrived, typed)
    assert answer.status_code == 422
    assert sentence in says(answer)
    assert Medicine.objects.get(case=arrived).last_dose_at is None


def test_pressure_the_wrong_way_round(as_role: SignIn, arrived: Case) -> None:
    answer = fill(as_role("ir_nurse"), url(arrived, "day/"), **good(systolic="74", diastolic="128"))
    assert answer.status_code == 422
    assert not DayAnswers.objects.exists()


@pytest.mark.parametrize("role", ["coordinator", "referrer", "pharmacist", "manager", "laboratory"])
def test_who_may_not(as_role: SignIn, arrived: Case, role: str) -> None:
    assert as_role(role).get(url(arrived, "day/")).status_code == 403
    assert as_role(role).post(url(arrived, "day/"), good()).status_code == 403
    assert not DayAnswers.objects.exists()


def test_a_stale_page_overwrites_nothing(as_role: SignIn, arrived: Case) -> None:
    fill(as_role("ir_nurse"), url(arrived, "day/"), **good())
    answer = fill(
        as_role("radiographer"), url(arrived, "day/"), **good(question_pregnant="yes", seen_version="0")
    )
    assert answer.status_code == 409
    assert DayAnswers.objects.get(case=arrived).answers["pregnant"] is False

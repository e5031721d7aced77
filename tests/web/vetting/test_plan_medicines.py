"""Medicines are written down, planned for the slot and signed; a moved slot withdraws the plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from tests.web.vetting.conftest import Book, SignIn, accept, fill, says, tell_everything, url
from trocar.clinical.medicine_plan import LONDON, WITHDRAWN
from trocar.web.accounts.models import Person
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.vetting.models import Medicine, MedicinePlan

SLOT = datetime(2026, 11, 30, 9, 30, tzinfo=LONDON)
LATER = datetime(2026, 12, 2, 9, 30, tzinfo=LONDON)

Planned = Callable[..., Case]


def add(client: Client, case: Case, name: str, dose: str = "") -> object:
    return fill(client, url(case, "medicines/add/"), name=name, dose=dose)


@pytest.fixture
def booked(as_role: SignIn, known: Case, book: Book) -> Planned:
    """Accepted and booked, with these medicines."""

    def make(*names: str) -> Case:
        for name in names:
            assert add(as_role("ir_nurse"), known, name).status_code == 302
        assert accept(as_role("ir_doctor"), known).status_code == 302
        book(known, SLOT)
        return Case.objects.get(pk=known.pk)

    return make


def sign(client: Client, case: Case, **typed: str) -> object:
    return fill(client, url(case, "medicines/sign/"), **{"confirmed": "on", **typed})


def test_it_works(as_role: SignIn, booked: Planned) -> None:
    case = booked("apixaban", "paracetamol")
    page = says(as_role("pharmacist").get(url(case, "medicines/")))
    assert "No prescriber has signed the medicine plan." in page
    assert "last dose on Friday 27 November 2026. None from Saturday 28 November 2026 to Monday 30" in page
    assert "paracetamol: go on as usual" in page
    facts = registry.facts(case)
    assert facts["vetting.plan_signed"] is False
    assert facts["vetting.patient_plan"] == (), "patients see nothing that is not signed"
    assert facts["vetting.holds"] == (("apixaban", 72.0),)
    assert sign(as_role("pharmacist"), case).status_code == 302
    signed = MedicinePlan.objects.get(case=case)
    assert signed.for_start == SLOT
    case = Case.objects.get(pk=case.pk)
    facts = registry.facts(case)
    assert facts["vetting.plan_signed"] is True
    assert "last dose on Friday 27 November 2026" in facts["vetting.patient_plan"][0]
    assert case.summary["sections"]["medicines"]["status"] == "done"


def test_a_moved_slot_withdraws_it_and_lists_whom_to_phone(
    as_role: SignIn, booked: Planned, book: Book
) -> None:
    case = booked("apixaban")
    sign(as_role("ir_doctor"), case)
    book(case, LATER)
    case = Case.objects.get(pk=case.pk)
    facts = registry.facts(case)
    assert facts["vetting.plan_signed"] is False
    assert facts["vetting.patient_plan"] == (WITHDRAWN,)
    assert facts["vetting.phone"] == (f"SAMPLE, Patient 943, no telephone number recorded: {WITHDRAWN}",)
    page = says(as_role("ir_nurse").get(url(case, "medicines/")))
    assert (
        "Ring now The slot moved from Monday 30 November 2026 at 09:30 to Wednesday 2 December 2026" in page
    )
    assert "Withdrawn plan" in page
    assert "last dose on Sunday 29 November 2026" in page, "the dates are worked out anew"
    scheduling = says(as_role("coordinator").get(f"/cases/{case.number}/scheduling/"))
    assert "The signed medicine plan is withdrawn" in scheduling
    assert sign(as_role("pharmacist"), case).status_code == 302
    assert registry.facts(Case.objects.get(pk=case.pk))["vetting.plan_signed"] is True
    assert MedicinePlan.objects.filter(case=case).count() == 2


def test_a_medicine_that_comes_later_withdraws_it_too(as_role: SignIn, booked: Planned) -> None:
    case = booked("apixaban")
    sign(as_role("pharmacist"), case)
    add(as_role("ir_nurse"), case, "aspirin")
    case = Case.objects.get(pk=case.pk)
    facts = registry.facts(case)
    assert facts["vetting.plan_signed"] is False
    assert facts["vetting.phone"]


def test_a_result_that_only_grows_old_withdraws_nothing(as_role: SignIn, booked: Planned, at: object) -> None:
    case = booked("apixaban")
    sign(as_role("pharmacist"), case)
    with at(SLOT + timedelta(hours=-1)):  # type: ignore[operator]
        assert registry.facts(Case.objects.get(pk=case.pk))["vetting.plan_signed"] is True


@pytest.mark.parametrize("role", ["ir_nurse", "radiographer", "coordinator", "referrer", "manager"])
def test_who_may_not_sign(as_role: SignIn, booked: Planned, role: str) -> None:
    case = booked("apixaban")
    assert as_role(role).get(url(case, "medicines/sign/")).status_code == 403
    assert as_role(role).post(url(case, "medicines/sign/"), {"confirmed": "on"}).status_code == 403
    assert not MedicinePlan.objects.exists()


def test_a_plan_without_a_tick_is_not_signed(as_role: SignIn, booked: Planned) -> None:
    answer = sign(as_role("pharmacist"), booked("apixaban"), confirmed="")
    assert answer.status_code == 422
    assert not MedicinePlan.objects.exists()


def test_nobody_signs_what_they_did_not_read(as_role: SignIn, booked: Planned, book: Book) -> None:
    case = booked("apixaban")
    answer = sign(as_role("pharmacist"), case, start=LATER.isoformat())
    assert answer.status_code == 409
    assert "changed after you opened the page" in says(answer)
    assert sign(as_role("pharmacist"), case, shown="0" * 64).status_code == 409
    assert not MedicinePlan.objects.exists()


def test_without_a_slot_there_are_no_dates(as_role: SignIn, known: Case) -> None:
    add(as_role("ir_nurse"), known, "apixaban")
    answer = sign(as_role("pharmacist"), known)
    assert answer.status_code == 409
    assert "No slot is booked" in says(answer)


def test_an_unknown_medicine_asks_a_pharmacist_whose_advice_settles_it(as_role: SignIn, known: Case) -> None:
    add(as_role("ir_nurse"), known, "ginkgo")
    page = says(as_role("ir_doctor").get(url(known)))
    assert "ginkgo is not in the protocol: ask a pharmacist." in page
    assert registry.facts(Case.objects.get(pk=known.pk))["vetting.holds"] is None
    medicine = Medicine.objects.get(case=known)
    sent = {"adviser": "Test pharmacist", "advice": "Stop 7 days before.", "advised_hold_days": "7"}
    assert as_role("ir_nurse").get(url(known, f"medicines/{medicine.pk}/advice/")).status_code == 403
    answer = fill(as_role("pharmacist"), url(known, f"medicines/{medicine.pk}/advice/"), **sent)
    assert answer.status_code == 302, says(answer)
    facts = registry.facts(Case.objects.get(pk=known.pk))
    assert facts["vetting.ready"] is True
    assert facts["vetting.holds"] == (("ginkgo", 192.0),)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"adviser": "", "advice": "Stop"}, "Fill in: who advised"),
        ({"adviser": "A", "advice": ""}, "Fill in: what was advised"),
        ({"adviser": "A", "advice": "Stop", "advised_hold_days": "300"}, "300"),
        ({"adviser": "A", "advice": "Stop", "advised_hold_days": "2,5"}, "2"),
        ({"adviser": "A", "advice": "Go on", "advised_restart_days": "1"}, "Only a medicine that is held"),
    ],
)
def test_bad_advice(as_role: SignIn, known: Case, typed: dict[str, str], sentence: str) -> None:
    add(as_role("ir_nurse"), known, "ginkgo")
    medicine = Medicine.objects.get(case=known)
    answer = fill(as_role("pharmacist"), url(known, f"medicines/{medicine.pk}/advice/"), **typed)
    assert answer.status_code == 422
    assert sentence in says(answer)
    medicine.refresh_from_db()
    assert medicine.adviser == ""


def test_high_thrombotic_risk_asks_a_specialist(
    as_role: SignIn, kidney_case: Case, people: dict[str, Person]
) -> None:
    case = tell_everything(kidney_case, people["ir_doctor"])
    from trocar.web.cases.change import change
    from trocar.web.vetting.models import VettingAnswers

    stored = VettingAnswers.objects.get(case=case)
    with change(people["ir_doctor"], case, "Vetted") as ch:
        ch.save(stored, {"answers": {**stored.answers, "mechanical mitral valve": True}})
    add(as_role("ir_nurse"), case, "warfarin", "5 mg")
    page = says(as_role("ir_doctor").get(url(case)))
    assert "No automatic plan: ask haematology or the MDT" in page
    assert accept(as_role("ir_doctor"), case).status_code == 409


def test_a_medicine_is_stopped_and_stays_on_the_record(as_role: SignIn, known: Case) -> None:
    add(as_role("ir_nurse"), known, "ginkgo")
    medicine = Medicine.objects.get(case=known)
    sent = {"name": "ginkgo", "dose": "", "stopped": "on"}
    assert fill(as_role("ir_nurse"), url(known, f"medicines/{medicine.pk}/"), **sent).status_code == 302
    page = says(as_role("ir_nurse").get(url(known, "medicines/")))
    assert "Not taken any more ginkgo" in page
    assert registry.facts(Case.objects.get(pk=known.pk))["vetting.ready"] is True


BAD = [
    ("", "Fill in: medicine"),
    ("x" * 200, "write at most 120"),
    ("a\x00b", "U+0000"),
    ("two\nlines", "one line"),
]


@pytest.mark.parametrize(("name", "sentence"), BAD)
def test_bad_names(as_role: SignIn, known: Case, name: str, sentence: str) -> None:
    answer = add(as_role("ir_nurse"), known, name)
    assert answer.status_code == 422
    assert sentence in says(answer)
    assert not Medicine.objects.exists()


@pytest.mark.parametrize("role", ["referrer", "coordinator", "laboratory", "manager"])
def test_who_may_not_write_medicines(as_role: SignIn, known: Case, role: str) -> None:
    assert as_role(role).get(url(known, "medicines/add/")).status_code == 403
    assert as_role(role).post(url(known, "medicines/add/"), {"name": "aspirin"}).status_code == 403


def test_names_in_any_script_are_kept(as_role: SignIn, known: Case) -> None:
    add(as_role("ir_nurse"), known, "Теноксикам")
    assert Medicine.objects.get(case=known).name == "Теноксикам"

"""What is on the way, overdue, unread: for each role its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from tests.web.conftest import MONDAY
from tests.web.laboratory.conftest import IF, LM, at_stage
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.cases import clock
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.laboratory import reporting, taking
from trocar.web.laboratory.models import NamedReader, Order, Pot


def words(as_role, role: str) -> str:
    answer = as_role(role).get(reverse("laboratory:worklist"))
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_works_for_the_laboratory_which_sees_pots_and_no_cases(as_role, sent: Case) -> None:
    page = words(as_role, "laboratory")
    assert "On the way (2)" in page
    assert f"Pot {sent.number}-A" in page
    assert reverse("cases:case", args=[sent.number]) not in page
    assert reverse("laboratory:result", args=[sent.number]) not in page


def test_the_department_sees_cases(as_role, sent: Case) -> None:
    assert reverse("laboratory:result", args=[sent.number]) in words(as_role, "ir_nurse")


def test_what_is_late_comes_first_with_who_acts(as_role, sent: Case) -> None:
    with clock.at(MONDAY + timedelta(hours=5)):
        page = words(as_role, "ir_nurse")
    assert "Overdue (2)" in page
    assert "The laboratory confirms receipt: was due 23 Nov 2026" in page


def test_an_unread_report_is_on_its_readers_list_and_not_on_the_laboratorys(as_role, reported: Case) -> None:
    assert "Yours (2)" in words(as_role, "referrer")
    assert "Yours" not in words(as_role, "ir_doctor")
    assert reported.patient.name not in words(as_role, "laboratory")


def test_a_referrer_sees_only_the_own_referrals(as_role, sent: Case) -> None:
    other = Person.objects.create_user("other-referrer", full_name="Test other referrer", role="referrer")
    Case.objects.filter(pk=sent.pk).update(referrer=other)
    assert sent.patient.name not in words(as_role, "referrer")


def test_a_discrepancy_stands_on_top_until_it_is_settled(as_role, people, sent: Case) -> None:
    pot = Pot.objects.filter(case=sent).first()
    with change(people["laboratory"], sent, "Broken") as ch:
        found = reporting.discrepancy(ch, pot, "broken", "Leaking")
    assert "Wrong with a pot" in words(as_role, "ir_nurse")
    with change(people["ir_nurse"], sent, "Settled") as ch:
        reporting.settle(ch, found, "Enough left", 1)
    assert "Wrong with a pot" not in words(as_role, "ir_nurse")


@pytest.mark.parametrize("role", ["manager", "auditor", "pharmacist"])
def test_who_has_no_business_here_sees_nothing(as_role, sent: Case, role: str) -> None:
    answer = as_role(role).get(reverse("laboratory:worklist"))
    assert answer.status_code == (200 if role == "pharmacist" else 403)


def test_who_is_not_signed_in_is_sent_to_sign_in(client) -> None:
    assert client.get(reverse("laboratory:worklist")).status_code == 302


def test_a_long_list_costs_no_more_queries_than_a_short_one(
    as_role, people: dict[str, Person], sent: Case, bone_case: Case, django_assert_max_num_queries
) -> None:
    browser = as_role("ir_doctor")
    address = reverse("laboratory:worklist")
    browser.get(address)
    with django_assert_max_num_queries(30) as before:
        browser.get(address)
    at_stage(bone_case, Stage.TIMED_OUT)
    with change(people["ir_nurse"], bone_case, "Another case") as ch:
        for test, medium in (("histology", "formalin"), ("culture", "sterile"), ("mycobacteria", "saline")):
            order = taking.add_order(ch, test, "Metastasis?")
            taking.add_core(ch, taking.add_pot(ch, order, medium), "iliac crest", "left", 20)
    with django_assert_max_num_queries(len(before.captured_queries)):
        page = browser.get(address).content.decode()
    assert "Culture for mycobacteria" in page


def test_the_bone_case_needs_no_other_code(people: dict[str, Person], bone_case: Case) -> None:
    """Tests, media and result fields come from the protocol's file."""
    at_stage(bone_case, Stage.TIMED_OUT)
    with change(people["ir_nurse"], bone_case, "Sample") as ch:
        order = taking.add_order(ch, "culture", "Osteomyelitis?")
        pot = taking.add_pot(ch, order, "sterile")
        taking.add_core(ch, pot, "iliac crest", "left", 20)
        taking.count(ch, 1, {pot.number: 1}, 0)
        taking.send(ch, [order], "Van", "Microbiology")
    at_stage(bone_case, Stage.DISCHARGED)
    values = {
        "report_number": "M1", "reporter": "Sample microbiologist", "outcome": "no growth", "diagnosis": "No growth",
        "adequate_said": True,
    }  # fmt: skip
    with change(people["laboratory"], bone_case, "Result") as ch:
        reporting.receive(ch, pot)
        result = reporting.report(ch, [order], values, {"culture set up": True, "organism": "none"})
    assert result.verdict == "adequate"
    bone_case.refresh_from_db()
    assert bone_case.stage == "reported"


def test_orders_wait_for_their_next_step(sent: Case) -> None:
    assert dict(Order.objects.filter(case=sent).values_list("test", "awaits")) == {
        LM: "receipt",
        IF: "receipt",
    }
    assert NamedReader.objects.get(case=sent).person.role == "referrer"

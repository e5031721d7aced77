"""The bench: find a pot, receive it once, say what is wrong with it."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from tests.web.laboratory.conftest import IF, LM, post
from trocar.web.accounts.models import Person
from trocar.web.cases import registry
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.laboratory import taking
from trocar.web.laboratory.models import Discrepancy, Order, Pot, Receipt, RepeatDecision


def pots(case: Case) -> tuple[Pot, Pot]:
    a, b = Pot.objects.filter(case=case).order_by("number")
    return a, b


@pytest.mark.parametrize("typed", ["{0}-A", "  {0}-a ", "{1}A"])
def test_a_pot_is_found_by_scanning_or_typing(as_role, sent: Case, typed: str) -> None:
    number = typed.format(sent.number, sent.number.replace("-", ""))
    answer = as_role("laboratory").post(reverse("laboratory:find"), {"number": number})
    assert answer.status_code == 302
    assert answer["Location"] == reverse("laboratory:pot-page", args=[f"{sent.number}-A"])


@pytest.mark.parametrize("typed", ["", "T-26-999999-A", "💉", "x" * 500])
def test_a_number_that_is_none_is_said_at_the_field(as_role, sent: Case, typed: str) -> None:
    answer = as_role("laboratory").post(reverse("laboratory:find"), {"number": typed})
    assert answer.status_code == 422
    assert "There is a problem" in answer.content.decode()


def test_the_laboratory_sees_the_specimen_and_not_the_case(as_role, sent: Case) -> None:
    bench = as_role("laboratory")
    words = bench.get(reverse("laboratory:pot-page", args=[f"{sent.number}-A"])).content.decode()
    for wanted in ("SAMPLE, Patient 943", "04/05/1961", "943 476 5919", "Light microscopy", "Which glomerular disease?",
                   "lower pole, left, 16.0 mm", "Test Referrer"):  # fmt: skip
        assert wanted in words
    assert "Urine and blood tests" not in words, "the rest of the referral stays where it is"
    for name in ("laboratory:sample", "laboratory:result"):
        assert bench.get(reverse(name, args=[sent.number])).status_code == 403


def test_it_works(as_role, sent: Case) -> None:
    bench = as_role("laboratory")
    a, b = pots(sent)
    assert post(bench, "receive", [a.number]).status_code == 302
    assert Receipt.objects.get(pot=a).changed_by.role == "laboratory"
    assert Order.objects.get(pk=a.order_id).awaits == "result"
    assert Order.objects.get(pk=b.order_id).awaits == "receipt"


def test_the_same_pot_is_received_once(as_role, sent: Case) -> None:
    bench = as_role("laboratory")
    a, _ = pots(sent)
    post(bench, "receive", [a.number])
    answer = post(bench, "receive", [a.number])
    assert answer.status_code == 409
    assert "was received already, by Test Laboratory" in answer.content.decode()
    assert Receipt.objects.filter(pot=a).count() == 1


def test_the_same_form_twice_acts_once(as_role, sent: Case) -> None:
    bench = as_role("laboratory")
    a, _ = pots(sent)
    token = str(uuid.uuid4())
    assert [post(bench, "receive", [a.number], form_token=token).status_code for _ in range(2)] == [302, 302]
    assert Receipt.objects.filter(pot=a).count() == 1


@pytest.mark.parametrize(
    "role", ["ir_doctor", "ir_nurse", "radiographer", "coordinator", "referrer", "manager"]
)
def test_others_may_not_receive(as_role, sent: Case, role: str) -> None:
    a, _ = pots(sent)
    assert post(as_role(role), "receive", [a.number]).status_code == 403
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("role", ["manager", "auditor"])
def test_others_may_not_see_a_pot(as_role, sent: Case, role: str) -> None:
    assert as_role(role).get(reverse("laboratory:pot-page", args=[f"{sent.number}-A"])).status_code == 403


def test_a_pot_that_is_none_is_not_found(as_role, sent: Case) -> None:
    assert (
        as_role("laboratory").get(reverse("laboratory:pot-page", args=["T-26-000999-A"])).status_code == 404
    )


def test_a_receipt_in_the_future_is_refused(as_role, sent: Case) -> None:
    a, _ = pots(sent)
    answer = post(as_role("laboratory"), "receive", [a.number], happened_at="24/11/2026 10:00")
    assert answer.status_code == 422
    assert not Receipt.objects.exists()


def test_a_pot_cannot_come_before_it_left(as_role, sent: Case) -> None:
    a, _ = pots(sent)
    answer = post(as_role("laboratory"), "receive", [a.number], happened_at="22/11/2026 10:00")
    assert answer.status_code == 409
    assert "cannot come before it left (23/11/2026 09:00)" in answer.content.decode()
    assert not Receipt.objects.exists()


def test_a_pot_that_was_withdrawn_is_not_received(as_role, people: dict[str, Person], potted: Case) -> None:
    with change(people["ir_nurse"], potted, "A pot too many") as ch:
        spare = taking.add_pot(ch, Order.objects.get(case=potted, test=LM), "formalin")
        taking.take_back(ch, "pot", spare.pk, spare.version)
    answer = post(as_role("laboratory"), "receive", [spare.number])
    assert answer.status_code == 409
    assert "withdrawn" in answer.content.decode()


def test_a_second_pot_has_an_order_of_its_own_and_waits_for_itself(
    as_role, people: dict[str, Person], potted: Case
) -> None:
    first = Pot.objects.get(case=potted, order__test=LM)
    with change(people["ir_nurse"], potted, "A second pot") as ch:
        second = taking.add_pot(ch, first.order, "formalin")
        taking.add_core(ch, second, "lower pole", "left", 9)
    assert second.order_id != first.order_id
    assert (second.order.test, second.order.question) == (LM, first.order.question)
    post(as_role("laboratory"), "receive", [first.number])
    assert Order.objects.get(pk=first.order_id).awaits == "result"
    assert Order.objects.get(pk=second.order_id).awaits == "dispatch"


@pytest.mark.parametrize("kind", ["missing", "broken", "wrong medium", "label", "count"])
def test_a_discrepancy_stays_open_until_it_is_settled(as_role, sent: Case, kind: str) -> None:
    a, _ = pots(sent)
    assert (
        post(
            as_role("laboratory"), "discrepancy", [a.number], {"kind": kind, "words": "Rang the room"}
        ).status_code
        == 302
    )
    state = next(s for s in registry.sections() if s.key == "laboratory").state(sent)
    assert state.status == "blocked"
    assert "Rang the room" in " ".join(state.problems)
    found = Discrepancy.objects.get(pot=a)
    answer = post(
        as_role("ir_nurse"), "settle", [a.number, found.pk], {"settled": "Found", "seen_version": 1}
    )
    assert answer.status_code == 302
    assert next(s for s in registry.sections() if s.key == "laboratory").state(sent).status != "blocked"


def test_a_discrepancy_is_settled_once(as_role, sent: Case) -> None:
    a, _ = pots(sent)
    nurse = as_role("ir_nurse")
    post(nurse, "discrepancy", [a.number], {"kind": "broken"})
    found = Discrepancy.objects.get(pot=a)
    for expected in (302, 409):
        answer = post(nurse, "settle", [a.number, found.pk], {"settled": "Usable", "seen_version": 1})
        assert answer.status_code == expected


@pytest.mark.parametrize("role", ["radiographer", "coordinator", "referrer", "manager"])
def test_others_may_not_report_a_discrepancy(as_role, sent: Case, role: str) -> None:
    a, _ = pots(sent)
    assert post(as_role(role), "discrepancy", [a.number], {"kind": "broken"}).status_code == 403


@pytest.mark.parametrize("kind", ["", "stolen"])
def test_what_is_wrong_has_to_be_chosen(as_role, sent: Case, kind: str) -> None:
    a, _ = pots(sent)
    assert post(as_role("laboratory"), "discrepancy", [a.number], {"kind": kind}).status_code == 422
    assert not Discrepancy.objects.exists()


def test_a_pot_that_was_received_cannot_be_missing(as_role, received: Case) -> None:
    a, _ = pots(received)
    assert post(as_role("laboratory"), "discrepancy", [a.number], {"kind": "missing"}).status_code == 409


def test_a_lost_pot_ends_its_order_and_opens_the_repeat_decision(as_role, sent: Case) -> None:
    _, b = pots(sent)
    order = Order.objects.get(case=sent, test=IF)
    values = {"reason": "Lost on the way", "seen_version": order.version}
    assert post(as_role("ir_nurse"), "end", [b.number], values).status_code == 302
    order.refresh_from_db()
    assert (order.ended_without_result, order.awaits) == ("Lost on the way", "done")
    assert (
        "Immunofluorescence ended without a result: Lost on the way"
        in RepeatDecision.objects.get(case=sent).opened_why
    )


def test_an_order_does_not_end_without_a_reason(as_role, sent: Case) -> None:
    a, _ = pots(sent)
    assert post(as_role("ir_nurse"), "end", [a.number], {"reason": "", "seen_version": 1}).status_code == 422

"""The laboratory's report: judged by the protocol, chased, amended, and never lost."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from tests.web.laboratory.conftest import ENOUGH, IF, LM, WORDS, post
from trocar.web.accounts.models import Person
from trocar.web.cases import registry
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.laboratory import reporting
from trocar.web.laboratory.models import Acknowledgement, Order, RepeatDecision, Result


def filled(case: Case, **more: object) -> dict[str, object]:
    orders = [str(order.pk) for order in Order.objects.filter(case=case)]
    findings = {f"finding {name}": str(value) for name, value in ENOUGH.items()}
    return {**WORDS, "adequate_said": "yes", "orders": orders, **findings, **more}


def address(case: Case) -> list[str]:
    return [f"{case.number}-1"]


def test_it_works_and_the_case_moves_on(as_role, received: Case) -> None:
    bench = as_role("laboratory")
    page = bench.get(reverse("laboratory:report", args=address(received)))
    assert page.status_code == 200
    assert "Glomeruli in light microscopy" in page.content.decode()
    assert post(bench, "report", address(received), filled(received)).status_code == 302
    result = Result.objects.get(case=received)
    assert (result.verdict, result.findings) == ("adequate", ENOUGH)
    assert set(Order.objects.filter(case=received).values_list("awaits", flat=True)) == {"acknowledgement"}
    received.refresh_from_db()
    assert received.stage == "reported"
    facts = registry.facts(received)
    assert (facts["laboratory.reported"], facts["laboratory.acknowledged"]) == (True, False)
    assert not RepeatDecision.objects.exists()


def test_a_report_on_one_order_leaves_the_other_waiting(as_role, received: Case) -> None:
    light = Order.objects.get(case=received, test=LM)
    values = filled(received, orders=[str(light.pk)], **{"finding glomeruli in immunofluorescence": ""})
    assert post(as_role("laboratory"), "report", address(received), values).status_code == 302
    assert registry.facts(received)["laboratory.reported"] is False
    assert Order.objects.get(case=received, test=IF).awaits == "result"
    received.refresh_from_db()
    assert received.stage == "discharged"


def test_too_few_glomeruli_open_the_repeat_decision(as_role, received: Case) -> None:
    post(as_role("laboratory"), "report", address(received), filled(received, **{"finding glomeruli": "4"}))
    result = Result.objects.get(case=received)
    assert result.verdict == "not adequate"
    assert "4, adequate from 10 (source N1, R)" in result.verdict_reasons[0]
    assert "falls short" in RepeatDecision.objects.get(case=received).opened_why


@pytest.mark.parametrize("outcome", ["indeterminate", "insufficient"])
def test_a_report_that_is_not_diagnostic_opens_it(as_role, received: Case, outcome: str) -> None:
    post(as_role("laboratory"), "report", address(received), filled(received, outcome=outcome))
    assert "not diagnostic" in RepeatDecision.objects.get(case=received).opened_why


def test_the_laboratorys_own_word_opens_it(as_role, received: Case) -> None:
    post(as_role("laboratory"), "report", address(received), filled(received, adequate_said="no"))
    assert "The laboratory says" in RepeatDecision.objects.get(case=received).opened_why


@pytest.mark.parametrize("role", ["ir_doctor", "ir_nurse", "coordinator", "referrer", "manager"])
def test_others_may_not_report(as_role, received: Case, role: str) -> None:
    assert as_role(role).get(reverse("laboratory:report", args=address(received))).status_code == 403
    assert post(as_role(role), "report", address(received), filled(received)).status_code == 403
    assert not Result.objects.exists()


def test_a_report_sent_twice_is_one_report(as_role, received: Case) -> None:
    values = filled(received, form_token=str(uuid.uuid4()))
    bench = as_role("laboratory")
    assert [post(bench, "report", address(received), values).status_code for _ in range(2)] == [302, 302]
    assert Result.objects.filter(case=received).count() == 1


def test_nothing_is_reported_before_every_pot_is_received(as_role, sent: Case) -> None:
    answer = post(as_role("laboratory"), "report", address(sent), filled(sent))
    assert answer.status_code == 422, "no order can be chosen"
    assert not Result.objects.exists()


def test_a_report_is_not_older_than_the_receipt(as_role, received: Case) -> None:
    answer = post(
        as_role("laboratory"), "report", address(received), filled(received, reported_at="22/11/2026 10:00")
    )
    assert answer.status_code == 409
    assert "cannot be older" in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("report_number", "", "Fill in"),
        ("reporter", "", "Fill in"),
        ("diagnosis", "", "Fill in"),
        ("diagnosis", "x" * 10_000_000, "8000"),
        ("outcome", "", "Choose one"),
        ("outcome", "cured", "Choose one of those"),
        ("adequate_said", "", "Answer yes or no"),
        ("orders", "999", "Choose only"),
        ("finding glomeruli", "", "is missing"),
        ("finding glomeruli", "-3", "must lie between"),
        ("finding glomeruli", "12,5", "comma"),
        ("finding sclerosed glomeruli", "40", "cannot be more than"),
        ("reported_at", "24/11/2026 09:00", ""),
    ],
)
def test_bad_input_writes_nothing(as_role, received: Case, field: str, typed: str, sentence: str) -> None:
    answer = post(as_role("laboratory"), "report", address(received), filled(received, **{field: typed}))
    assert answer.status_code in (400, 413, 422)
    if answer.status_code == 422:
        words = answer.content.decode()
        assert "There is a problem" in words
        assert f"{sentence[:1]}{sentence[1:]}".replace("8000", "8") in words.replace("8,000", "8")
    assert not Result.objects.exists()


def test_an_amended_report_replaces_and_is_read_again(as_role, read: Case) -> None:
    bench = as_role("laboratory")
    page = bench.get(reverse("laboratory:report", args=address(read))).content.decode()
    assert "Amend report H26-1001" in page
    assert "IgA nephropathy" in page
    values = filled(read, report_number="H26-1001/2", diagnosis="Membranous nephropathy")
    assert post(bench, "report", address(read), values).status_code == 302
    old, new = Result.objects.filter(case=read).order_by("pk")
    assert new.amends == old
    assert Acknowledgement.objects.filter(result=old).exists(), "what was read stays on the record"
    assert registry.facts(read)["laboratory.acknowledged"] is False
    words = as_role("referrer").get(reverse("laboratory:result", args=[read.number])).content.decode()
    assert "Membranous nephropathy" in words
    assert "was replaced by a later one" in words


def test_an_amended_report_needs_a_number_of_its_own(as_role, reported: Case) -> None:
    answer = post(as_role("laboratory"), "report", address(reported), filled(reported))
    assert answer.status_code == 409
    assert "is on this case already" in answer.content.decode()
    assert Result.objects.filter(case=reported).count() == 1


def test_an_amended_report_covers_all_that_the_old_one_did(as_role, reported: Case) -> None:
    light = Order.objects.get(case=reported, test=LM)
    values = filled(
        reported, report_number="2", orders=[str(light.pk)], **{"finding glomeruli in immunofluorescence": ""}
    )
    answer = post(as_role("laboratory"), "report", address(reported), values)
    assert answer.status_code == 409
    assert "covers further orders" in answer.content.decode()


def test_a_later_report_opens_a_decision_again_that_was_taken_without_it(
    people: dict[str, Person], received: Case
) -> None:
    light, immune = Order.objects.filter(case=received).order_by("number")
    with change(people["laboratory"], received, "First") as ch:
        reporting.report(ch, [light], {**WORDS, "outcome": "indeterminate"}, {"glomeruli": 12})
    with change(people["ir_doctor"], received, "Decided") as ch:
        reporting.decide_repeat(ch, "no repeat", "Wait for the other part", 1)
    with change(people["laboratory"], received, "Second") as ch:
        values = {**WORDS, "report_number": "H2", "outcome": "insufficient"}
        reporting.report(ch, [immune], values, {"glomeruli in immunofluorescence": 0})
    decision = RepeatDecision.objects.get(case=received)
    assert (decision.decision, decision.reason) == ("", "")

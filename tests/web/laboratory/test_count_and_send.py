"""The count at sign out, dispatch, and who reads the result."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from tests.web.laboratory.conftest import post
from trocar.clinical.stages import MOVES
from trocar.web.accounts.models import Person
from trocar.web.cases import registry
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.laboratory import taking
from trocar.web.laboratory.models import Core, Dispatch, NamedReader, Order, Pot, SampleCount


def counted(case: Case, a: int = 2, b: int = 1, pots: int = 2, version: int = 0) -> dict[str, object]:
    return {
        "pots": pots, f"cores_{case.number}-A": a, f"cores_{case.number}-B": b, "seen_version": version,
    }  # fmt: skip


def leaving(case: Case) -> dict[str, object]:
    orders = [str(order.pk) for order in Order.objects.filter(case=case, withdrawn=False)]
    return {"orders": orders, "laboratory": "Renal pathology", "taken_by": "Porter"}


def test_it_works_and_opens_sign_out(as_role, potted: Case) -> None:
    assert registry.facts(potted)["specimen.counted"] is False
    assert post(as_role("ir_nurse"), "count", [potted.number], counted(potted)).status_code == 302
    facts = registry.facts(potted)
    assert facts["specimen.counted"] is True
    need = next(need for need in MOVES["sign_out"].needs if need.fact == "specimen.counted")
    assert need.met(facts)


def test_before_anything_is_recorded_the_count_is_not_assessed(table: Case) -> None:
    assert registry.facts(table)["specimen.counted"] is None


@pytest.mark.parametrize(("a", "b", "pots"), [(3, 1, 2), (2, 0, 2), (2, 1, 3), (2, 1, 0)])
def test_a_count_that_does_not_match_is_kept_and_does_not_hold(as_role, potted: Case, a, b, pots) -> None:
    nurse = as_role("ir_nurse")
    assert post(nurse, "count", [potted.number], counted(potted, a, b, pots)).status_code == 302
    assert registry.facts(potted)["specimen.counted"] is False
    assert "counted" in nurse.get(reverse("laboratory:sample", args=[potted.number])).content.decode()


def test_a_core_after_the_count_undoes_it(as_role, people: dict[str, Person], potted: Case) -> None:
    post(as_role("ir_nurse"), "count", [potted.number], counted(potted))
    with change(people["ir_doctor"], potted, "One more") as ch:
        taking.add_core(ch, Pot.objects.filter(case=potted).first(), "lower pole", "left", 9)
    assert registry.facts(potted)["specimen.counted"] is False


@pytest.mark.parametrize("role", ["radiographer", "coordinator", "referrer", "laboratory"])
def test_others_may_not_count(as_role, potted: Case, role: str) -> None:
    assert post(as_role(role), "count", [potted.number], counted(potted)).status_code == 403
    assert not SampleCount.objects.exists()


def test_two_who_count_do_not_write_over_each_other(as_role, potted: Case) -> None:
    post(as_role("ir_nurse"), "count", [potted.number], counted(potted))
    answer = post(as_role("ir_doctor"), "count", [potted.number], counted(potted, a=5))
    assert answer.status_code == 409
    assert "Test IR nurse changed this" in answer.content.decode()
    assert SampleCount.objects.get(case=potted).cores_in[f"{potted.number}-A"] == 2


@pytest.mark.parametrize("typed", ["", "two", "2.5", "-1", "900"])
def test_a_bad_count_writes_nothing(as_role, potted: Case, typed: str) -> None:
    values = {**counted(potted), f"cores_{potted.number}-A": typed}
    assert post(as_role("ir_nurse"), "count", [potted.number], values).status_code == 422
    assert not SampleCount.objects.exists()


def test_pots_leave_once_counted(as_role, potted: Case) -> None:
    nurse = as_role("ir_nurse")
    post(nurse, "count", [potted.number], counted(potted))
    assert post(nurse, "send", [potted.number], leaving(potted)).status_code == 302
    assert Dispatch.objects.filter(case=potted).count() == 2
    assert set(Order.objects.filter(case=potted).values_list("awaits", flat=True)) == {"receipt"}
    assert registry.facts(potted)["specimen.dispatched"] is True


def test_nothing_leaves_uncounted(as_role, potted: Case) -> None:
    answer = post(as_role("ir_nurse"), "send", [potted.number], leaving(potted))
    assert answer.status_code == 409
    assert "have not been counted" in answer.content.decode()
    assert not Dispatch.objects.exists()


def test_nothing_leaves_without_a_reader(as_role, potted: Case) -> None:
    NamedReader.objects.filter(case=potted).delete()
    nurse = as_role("ir_nurse")
    post(nurse, "count", [potted.number], counted(potted))
    answer = post(nurse, "send", [potted.number], leaving(potted))
    assert answer.status_code == 409
    assert "Nobody is named to read the result" in answer.content.decode()


@pytest.mark.parametrize("role", ["radiographer", "coordinator", "referrer", "laboratory"])
def test_others_may_not_send(as_role, potted: Case, role: str) -> None:
    assert post(as_role(role), "send", [potted.number], leaving(potted)).status_code == 403


def test_sending_twice_acts_once_and_a_second_form_is_told_who_sent_it(as_role, potted: Case) -> None:
    nurse = as_role("ir_nurse")
    post(nurse, "count", [potted.number], counted(potted))
    values = {**leaving(potted), "form_token": str(uuid.uuid4())}
    assert [post(nurse, "send", [potted.number], values).status_code for _ in range(2)] == [302, 302]
    answer = post(as_role("ir_doctor"), "send", [potted.number], leaving(potted))
    assert answer.status_code in (409, 422), "the order is not offered any more"
    assert Dispatch.objects.filter(case=potted).count() == 2


def test_pots_cannot_leave_before_the_last_core(as_role, potted: Case) -> None:
    nurse = as_role("ir_nurse")
    post(nurse, "count", [potted.number], counted(potted))
    values = {**leaving(potted), "happened_at": "23/11/2026 08:00"}
    answer = post(nurse, "send", [potted.number], values)
    assert answer.status_code == 409
    assert "before the last core was taken (23/11/2026 09:00)" in answer.content.decode()


def test_what_was_sent_cannot_be_changed(as_role, sent: Case) -> None:
    core = Core.objects.filter(case=sent).first()
    values = {"what": "core", "pk": core.pk, "seen_version": core.version}
    answer = post(as_role("ir_nurse"), "take-back", [sent.number], values)
    assert answer.status_code == 409
    core.refresh_from_db()
    assert not core.withdrawn


@pytest.mark.parametrize("field", ["laboratory", "taken_by", "orders"])
def test_sending_needs_to_say_where_and_with_whom(as_role, potted: Case, field: str) -> None:
    nurse = as_role("ir_nurse")
    post(nurse, "count", [potted.number], counted(potted))
    values = {name: value for name, value in leaving(potted).items() if name != field}
    assert post(nurse, "send", [potted.number], values).status_code == 422
    assert not Dispatch.objects.exists()


def test_the_result_is_handed_to_another_reader_with_a_reason(as_role, people, potted: Case) -> None:
    version = NamedReader.objects.get(case=potted).version
    values = {
        "person": str(people["ir_doctor"].pk),
        "reason": "Referrer is on leave",
        "seen_version": version,
    }
    assert post(as_role("ir_nurse"), "reader", [potted.number], values).status_code == 302
    assert NamedReader.objects.get(case=potted).person == people["ir_doctor"]


def test_handing_over_needs_a_reason(as_role, people, potted: Case) -> None:
    values = {"person": str(people["ir_doctor"].pk), "reason": "", "seen_version": 1}
    answer = post(as_role("ir_nurse"), "reader", [potted.number], values)
    assert answer.status_code == 409
    assert "why the result is handed over" in answer.content.decode()


def test_a_nurse_cannot_be_the_reader(as_role, people, potted: Case) -> None:
    values = {"person": str(people["ir_nurse"].pk), "reason": "x", "seen_version": 1}
    assert post(as_role("ir_nurse"), "reader", [potted.number], values).status_code == 422
    assert NamedReader.objects.get(case=potted).person == people["referrer"]


def test_a_stale_hand_over_is_refused(as_role, people, potted: Case) -> None:
    values = {"person": str(people["ir_doctor"].pk), "reason": "x", "seen_version": 0}
    assert post(as_role("ir_nurse"), "reader", [potted.number], values).status_code == 409
    assert NamedReader.objects.get(case=potted).person == people["referrer"]


def test_the_same_page_costs_the_same_queries_however_many_cores(
    as_role, people, potted, django_assert_max_num_queries
) -> None:
    nurse = as_role("ir_nurse")
    address = reverse("laboratory:sample", args=[potted.number])
    nurse.get(address)
    with django_assert_max_num_queries(30) as before:
        nurse.get(address)
    with change(people["ir_doctor"], potted, "More") as ch:
        for _ in range(6):
            taking.add_core(ch, Pot.objects.filter(case=potted).first(), "lower pole", "left", 9)
    with django_assert_max_num_queries(len(before.captured_queries)):
        nurse.get(address)

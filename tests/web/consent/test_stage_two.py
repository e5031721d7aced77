"""Somebody confirms consent for the accepted plan, before sedation."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from tests.web.conftest import MONDAY
from tests.web.consent.consenting import (
    address,
    hidden,
    plan_at_table,
    post,
    stage_one_answers,
    stage_two_answers,
    take_stage_one,
)
from trocar.web.accounts.models import Person
from trocar.web.cases import clock, registry
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.consent.models import ConsentStageTwo
from trocar.web.procedure.models import RoomEvent

SignIn = Callable[[str], Client]
People = dict[str, Person]


@pytest.mark.parametrize("role", ["ir_doctor", "ir_nurse"])
def test_it_works(as_role: SignIn, people: People, explained_case: Case, role: str) -> None:
    client = as_role(role)
    answer = post(
        client, address(explained_case, "stage-2/"), **stage_two_answers(people[role], explained_case)
    )
    assert answer.status_code == 302, answer.content.decode()
    two = ConsentStageTwo.objects.get(case=explained_case)
    facts = registry.facts(explained_case)
    assert two.plan == facts["plan.accepted"]
    assert two.confirmed_by == people[role]
    assert facts["consent.confirmed"] is True
    explained_case.refresh_from_db()
    assert explained_case.summary["sections"]["consent"]["status"] == "done"


def test_nothing_is_chosen_beforehand(as_role: SignIn, explained_case: Case) -> None:
    page = as_role("ir_nurse").get(address(explained_case, "stage-2/")).content.decode()
    assert page.count('type="radio"') >= 12
    assert not re.search(r"<input[^>]* checked", page)


def test_nothing_is_chosen_beforehand_the_second_time(
    as_role: SignIn, people: People, explained_case: Case
) -> None:
    client = as_role("ir_doctor")
    post(
        client, address(explained_case, "stage-2/"), **stage_two_answers(people["ir_doctor"], explained_case)
    )
    page = client.get(address(explained_case, "stage-2/")).content.decode()
    assert not re.search(r"<input[^>]* checked", page)


def test_a_changed_plan_opens_it_again(as_role: SignIn, people: People, explained_case: Case) -> None:
    client = as_role("ir_doctor")
    answers = stage_two_answers(people["ir_doctor"], explained_case)
    post(client, address(explained_case, "stage-2/"), **answers)
    plan_at_table(people["ir_doctor"], explained_case, position="left_lateral")
    assert registry.facts(explained_case)["consent.confirmed"] is False
    assert "The plan has changed" in client.get(address(explained_case)).content.decode()
    assert post(client, address(explained_case, "stage-2/"), **answers).status_code == 302
    assert registry.facts(explained_case)["consent.confirmed"] is True


def test_a_changed_stage_one_opens_it_again(as_role: SignIn, people: People, explained_case: Case) -> None:
    client = as_role("ir_doctor")
    post(
        client, address(explained_case, "stage-2/"), **stage_two_answers(people["ir_doctor"], explained_case)
    )
    answers = stage_one_answers(
        explained_case, people["ir_doctor"], x_rays="no", radiation_explained=None, matters="Walking the dog",
        happened_at="20/11/2026 09:00",
    )  # fmt: skip
    assert post(client, address(explained_case, "stage-1/"), **answers).status_code == 302
    assert registry.facts(explained_case)["consent.confirmed"] is False
    assert "Stage 1 was changed after stage 2" in client.get(address(explained_case)).content.decode()


def test_a_form_shown_for_another_plan_confirms_nothing_and_forgets_the_answers(
    as_role: SignIn, people: People, explained_case: Case
) -> None:
    client = as_role("ir_doctor")
    page = address(explained_case, "stage-2/")
    seen = hidden(client.get(page))
    plan_at_table(people["ir_doctor"], explained_case, position="left_lateral")
    answer = client.post(page, {**seen, **stage_two_answers(people["ir_doctor"], explained_case)})
    assert answer.status_code == 409
    said = answer.content.decode()
    assert "changed after you opened this page" in said
    assert not re.search(r"<input[^>]* checked", said)
    assert not ConsentStageTwo.objects.exists()


def test_two_people_never_write_over_each_other(
    as_role: SignIn, people: People, explained_case: Case
) -> None:
    client = as_role("ir_doctor")
    page = address(explained_case, "stage-2/")
    mine, theirs = hidden(client.get(page)), hidden(client.get(page))
    answers = stage_two_answers(people["ir_doctor"], explained_case)
    assert client.post(page, {**theirs, **answers, "still_agrees": "no"}).status_code == 302
    assert client.post(page, {**mine, **answers}).status_code == 409
    assert ConsentStageTwo.objects.get(case=explained_case).still_agrees is False
    assert registry.facts(explained_case)["consent.confirmed"] is False


def test_sent_twice_it_is_recorded_once(as_role: SignIn, people: People, explained_case: Case) -> None:
    client = as_role("ir_nurse")
    page = address(explained_case, "stage-2/")
    answers = {**hidden(client.get(page)), **stage_two_answers(people["ir_nurse"], explained_case)}
    assert [client.post(page, answers).status_code for _ in range(2)] == [302, 302]
    assert ConsentStageTwo.objects.get(case=explained_case).version == 1


@pytest.mark.parametrize(
    "role", ["radiographer", "coordinator", "referrer", "laboratory", "pharmacist", "manager", "auditor"]
)
def test_who_may_not(as_role: SignIn, people: People, explained_case: Case, role: str) -> None:
    client = as_role(role)
    answers = stage_two_answers(people["ir_doctor"], explained_case)
    assert client.get(address(explained_case, "stage-2/")).status_code == 403
    assert client.post(address(explained_case, "stage-2/"), answers).status_code == 403
    assert not ConsentStageTwo.objects.exists()


def test_it_waits_for_stage_one_and_for_a_plan(as_role: SignIn, people: People, kidney_case: Case) -> None:
    client = as_role("ir_doctor")
    page = address(kidney_case, "stage-2/")
    assert "Nothing has been explained yet" in client.get(page).content.decode()
    take_stage_one(client, kidney_case, people["ir_doctor"])
    assert "No plan is accepted" in client.get(page).content.decode()
    assert client.post(page, stage_two_answers(people["ir_doctor"], kidney_case)).status_code == 409
    assert not ConsentStageTwo.objects.exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"side": "right"}, "Stage 2 says right, the referral left"),
        ({"site_said": "another", "other_site": "upper pole"}, "Stage 2 says “upper pole”"),
        ({"before_sedation": "no"}, "it was confirmed before sedation"),
        ({"nearby_explained": "no"}, "what lies near the needle"),
        ({"nothing_changed": "no"}, "nothing has changed since stage 1"),
        ({"still_agrees": "no"}, "the patient still agrees"),
    ],
)
def test_any_answer_that_speaks_against_it_is_recorded_and_confirms_nothing(
    as_role: SignIn, people: People, explained_case: Case, changes: dict[str, str], says: str
) -> None:
    client = as_role("ir_doctor")
    answers = stage_two_answers(people["ir_doctor"], explained_case, **changes)
    assert post(client, address(explained_case, "stage-2/"), **answers).status_code == 302
    assert registry.facts(explained_case)["consent.confirmed"] is False
    assert says in client.get(address(explained_case)).content.decode()


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("side", None, "Choose one"),
        ("still_agrees", None, "Answer yes or no"),
        ("before_sedation", "perhaps", "Answer yes or no"),
        ("confirmed_by", "", "Choose one"),
        ("happened_at", "24/11/2026 10:00", "has not come yet"),
        ("site_said", "another", "Say which other site"),
        ("other_site", "x" * 200, "write at most 120"),
        ("form_token", "", "open the page again"),
    ],
)
def test_bad_input_writes_nothing(
    as_role: SignIn, people: People, explained_case: Case, field: str, typed: str | None, says: str
) -> None:
    client = as_role("ir_doctor")
    answers = stage_two_answers(people["ir_doctor"], explained_case, **{field: typed})
    answer = post(client, address(explained_case, "stage-2/"), **answers)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not ConsentStageTwo.objects.exists()


def test_a_plan_under_ct_asks_for_radiation_to_be_explained(
    as_role: SignIn, people: People, explained_case: Case
) -> None:
    plan_at_table(people["ir_doctor"], explained_case, guidance="ct")
    client = as_role("ir_doctor")
    assert "explain radiation" in client.get(address(explained_case)).content.decode()


def test_a_plan_on_the_other_side_is_never_confirmed(
    as_role: SignIn, people: People, explained_case: Case
) -> None:
    plan_at_table(people["ir_doctor"], explained_case, side="right")
    client = as_role("ir_doctor")
    answer = client.post(
        address(explained_case, "stage-2/"), stage_two_answers(people["ir_doctor"], explained_case)
    )
    assert answer.status_code == 409
    assert registry.facts(explained_case)["consent.confirmed"] is False


def give_midazolam(by: Person, case: Case, at: datetime) -> None:
    """A sedative on the procedure record."""
    with clock.at(at), change(by, case, "Gave a drug") as ch:
        ch.save(
            RoomEvent(),
            {
                "kind": "drug", "at": at, "entered_by": by, "drug": "midazolam", "amount": 1, "unit": "mg",
                "route": "intravenous", "checked": True,
            },
        )  # fmt: skip


def test_a_confirmation_after_sedation_began_does_not_count(
    as_role: SignIn, people: People, explained_case: Case
) -> None:
    give_midazolam(people["ir_nurse"], explained_case, MONDAY - timedelta(minutes=5))
    client = as_role("ir_doctor")
    page = address(explained_case, "stage-2/")
    assert "Sedation began at 08:55" in client.get(page).content.decode()
    assert post(client, page, **stage_two_answers(people["ir_doctor"], explained_case)).status_code == 302
    assert registry.facts(explained_case)["consent.confirmed"] is False
    assert "after sedation had begun" in client.get(address(explained_case)).content.decode()
    on_paper = stage_two_answers(people["ir_doctor"], explained_case, happened_at="23/11/2026 08:40")
    assert post(client, page, **on_paper).status_code == 302
    assert registry.facts(explained_case)["consent.confirmed"] is True


def test_what_was_confirmed_before_sedation_is_not_confirmed_anew(
    as_role: SignIn, people: People, explained_case: Case
) -> None:
    client = as_role("ir_doctor")
    page, answers = (
        address(explained_case, "stage-2/"),
        stage_two_answers(people["ir_doctor"], explained_case),
    )
    post(client, page, **answers)
    seen = hidden(client.get(page))
    later = MONDAY + timedelta(minutes=5)
    give_midazolam(people["ir_nurse"], explained_case, later)
    with clock.at(later):
        assert "cannot be confirmed anew" in client.get(page).content.decode()
        assert client.post(page, {**seen, **answers}).status_code == 409
        assert registry.facts(explained_case)["consent.confirmed"] is True

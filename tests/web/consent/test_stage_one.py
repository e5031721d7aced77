"""A doctor talks the biopsy through and records stage 1."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from tests.web.consent.consenting import (
    address,
    give_leaflet,
    hidden,
    post,
    stage_one_answers,
    take_stage_one,
)
from trocar.web.accounts.models import Person
from trocar.web.audit.models import AuditEvent
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.consent.models import ConsentStageOne

SignIn = Callable[[str], Client]
People = dict[str, Person]


def test_it_works(as_role: SignIn, people: People, kidney_case: Case) -> None:
    client = as_role("ir_doctor")
    answer = take_stage_one(client, kidney_case, people["ir_doctor"])
    assert answer.status_code == 302, answer.content.decode()
    one = ConsentStageOne.objects.get(case=kidney_case)
    assert set(one.risks) == {risk.name for risk in kidney_case.protocol.consent.risks}
    assert one.explained_by == people["ir_doctor"]
    facts = registry.facts(kidney_case)
    assert facts["consent.stage1"] is True
    assert facts["consent.confirmed"] is False
    assert (facts["consent.side"], facts["consent.site"]) == ("left", "lower pole")
    page = client.get(address(kidney_case)).content.decode()
    assert "Stage 1 complete, waits for an accepted plan" in page
    assert "Driving to work" in page
    rows = AuditEvent.objects.filter(case_number=kidney_case.number, action="Recorded consent, stage 1")
    assert rows.get().changes["matters"] == [None, "Driving to work"]


def test_a_bone_biopsy_has_its_own_risks(as_role: SignIn, people: People, bone_case: Case) -> None:
    client = as_role("ir_doctor")
    page = client.get(address(bone_case, "stage-1/")).content.decode()
    assert "A break of the bone" in page
    assert "remove the kidney" not in page
    answer = take_stage_one(
        client, bone_case, people["ir_doctor"],
        risk_passing_nerve_weakness="not here", why_passing_nerve_weakness="The biopsy is of the hip.",
    )  # fmt: skip
    assert answer.status_code == 302, answer.content.decode()
    assert ConsentStageOne.objects.get(case=bone_case).not_here == {
        "passing nerve weakness": "The biopsy is of the hip."
    }
    assert registry.facts(bone_case)["consent.stage1"] is True


def test_nothing_is_chosen_beforehand(as_role: SignIn, kidney_case: Case) -> None:
    page = as_role("ir_doctor").get(address(kidney_case, "stage-1/")).content.decode()
    assert page.count('type="radio"') > 20
    assert page.count('type="checkbox"') > 10
    assert not re.search(r"<input[^>]* checked", page)


def test_leaflet_and_evidence_stand_side_by_side(as_role: SignIn, kidney_case: Case) -> None:
    page = as_role("ir_doctor").get(address(kidney_case, "stage-1/")).content.decode()
    for words in (
        "In less than 5 out of 100 cases (3 to 5%)",
        "22 to 51 in every 1,000 people (2.2% to 5.1%), common",
        "949 to 978 in every 1,000 people do not have it",
        "no figure of our own yet",
        "no figure with a source was found",
        "The leaflet does not mention this.",
    ):
        assert words in page, words


def test_it_may_be_saved_before_it_is_complete_and_says_what_is_missing(
    as_role: SignIn, people: People, kidney_case: Case
) -> None:
    client = as_role("ir_doctor")
    answer = take_stage_one(client, kidney_case, people["ir_doctor"], risk_death=None, agrees=None)
    assert answer.status_code == 302
    assert registry.facts(kidney_case)["consent.stage1"] is False
    page = client.get(address(kidney_case)).content.decode()
    assert "Risk not explained: Death." in page
    assert "agreement is not recorded" in page


def test_it_shows_again_what_was_saved(as_role: SignIn, people: People, kidney_case: Case) -> None:
    client = as_role("ir_doctor")
    take_stage_one(client, kidney_case, people["ir_doctor"], risk_death=None)
    page = client.get(address(kidney_case, "stage-1/")).content.decode()
    ticked = re.findall(
        r'<input class="nhsuk-checkboxes__input"[^>]*name="(risk_[a-z_]+)"[^>]* checked', page
    )
    assert "risk_death" not in ticked
    assert "risk_pain" in ticked
    assert 'value="20/11/2026' not in page
    assert 'value="23/11/2026 09:00"' in page


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"side": "right"}, "Stage 1 says right, the referral left"),
        (
            {"site_said": "another", "other_site": "upper pole"},
            "Stage 1 says “upper pole”, the referral “lower pole”",
        ),
    ],
)
def test_another_side_or_site_than_the_referral_s_stops_consent(
    as_role: SignIn, people: People, kidney_case: Case, changes: dict[str, str], says: str
) -> None:
    client = as_role("ir_doctor")
    assert take_stage_one(client, kidney_case, people["ir_doctor"], **changes).status_code == 302
    assert registry.facts(kidney_case)["consent.stage1"] is False
    assert says in client.get(address(kidney_case)).content.decode()


def test_paper_is_entered_afterwards_with_its_own_time(
    as_role: SignIn, people: People, kidney_case: Case
) -> None:
    client = as_role("ir_doctor")
    take_stage_one(client, kidney_case, people["ir_doctor"], happened_at="20/11/2026 16:30")
    one = ConsentStageOne.objects.get(case=kidney_case)
    assert one.explained_at == datetime.fromisoformat("2026-11-20T16:30:00+00:00")
    assert one.changed_at == datetime.fromisoformat("2026-11-23T09:00:00+00:00")
    row = AuditEvent.objects.get(case_number=kidney_case.number, action="Recorded consent, stage 1")
    assert row.happened_at == one.explained_at
    assert row.at == one.changed_at


def test_who_explained_stays_even_after_leaving(as_role: SignIn, people: People, kidney_case: Case) -> None:
    gone = Person.objects.create_user(username="gone", full_name="Sample locum", role="ir_doctor")
    client = as_role("ir_doctor")
    take_stage_one(client, kidney_case, gone)
    Person.objects.filter(pk=gone.pk).update(is_active=False)
    answers = stage_one_answers(kidney_case, gone, matters="Walking the dog")
    assert post(client, address(kidney_case, "stage-1/"), **answers).status_code == 302
    assert ConsentStageOne.objects.get(case=kidney_case).explained_by == gone


@pytest.mark.parametrize(
    "role",
    ["ir_nurse", "radiographer", "coordinator", "referrer", "laboratory", "pharmacist", "manager", "auditor"],
)
def test_only_a_doctor_takes_it(as_role: SignIn, people: People, kidney_case: Case, role: str) -> None:
    answers = stage_one_answers(kidney_case, people["ir_doctor"])
    client = as_role(role)
    assert client.get(address(kidney_case, "stage-1/")).status_code == 403
    assert client.post(address(kidney_case, "stage-1/"), answers).status_code == 403
    assert not ConsentStageOne.objects.exists()


def test_nobody_without_signing_in(client: Client, kidney_case: Case) -> None:
    answer = client.get(address(kidney_case, "stage-1/"))
    assert answer.status_code == 302
    assert "/accounts/login/" in answer["Location"]


def test_two_people_never_write_over_each_other(as_role: SignIn, people: People, kidney_case: Case) -> None:
    client = as_role("ir_doctor")
    give_leaflet(client, kidney_case)
    page = address(kidney_case, "stage-1/")
    mine, theirs = hidden(client.get(page)), hidden(client.get(page))
    answers = stage_one_answers(kidney_case, people["ir_doctor"])
    assert client.post(page, {**theirs, **answers, "matters": "Walking the dog"}).status_code == 302
    refused = client.post(page, {**mine, **answers, "matters": "Driving to work"})
    assert refused.status_code == 409
    said = refused.content.decode()
    assert "after you opened the page" in said
    assert "Walking the dog" in said
    assert "Driving to work" in said
    assert ConsentStageOne.objects.get(case=kidney_case).matters == "Walking the dog"


def test_sent_twice_it_is_recorded_once(as_role: SignIn, people: People, kidney_case: Case) -> None:
    client = as_role("ir_doctor")
    give_leaflet(client, kidney_case)
    page = address(kidney_case, "stage-1/")
    answers = {**hidden(client.get(page)), **stage_one_answers(kidney_case, people["ir_doctor"])}
    assert [client.post(page, answers).status_code for _ in range(2)] == [302, 302]
    assert ConsentStageOne.objects.get(case=kidney_case).version == 1


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("matters", "x" * 4001, "write at most 4,000"),
        ("matters", "Work\x07", "U+0007"),
        ("happened_at", "31/02/2026 10:00", "There is no day"),
        ("happened_at", "25/11/2026 10:00", "has not come yet"),
        ("happened_at", "29/03/2026 01:30", "There is no 01:30"),
        ("explained_by", "999999", "Choose one of those"),
        ("side", "both", "Choose one of those"),
        ("capacity", "perhaps", "Choose one of those"),
        ("benefits_explained", "maybe", "Answer yes or no"),
        ("leaflet", "0573/VER5", "Choose one of those"),
        ("site_said", "another", "Say which other site"),
        ("other_site", "upper pole", "and yet “as referred” is chosen"),
        ("instead_of_blood", "Cell salvage", "and yet blood is accepted"),
        ("interpreter_who", "y" * 300, "write at most 200"),
        ("form_token", "", "open the page again"),
        ("form_token", "yesterday", "open the page again"),
    ],
)
def test_bad_input_gets_a_sentence_keeps_what_was_typed_and_writes_nothing(
    as_role: SignIn, people: People, kidney_case: Case, field: str, typed: str, says: str
) -> None:
    client = as_role("ir_doctor")
    give_leaflet(client, kidney_case)
    answer = post(
        client,
        address(kidney_case, "stage-1/"),
        **stage_one_answers(kidney_case, people["ir_doctor"], **{field: typed}),
    )
    assert answer.status_code == 422
    page = answer.content.decode()
    assert says in page
    assert "No cause found otherwise" in page
    assert not ConsentStageOne.objects.exists()


def test_a_risk_set_aside_without_a_reason_is_refused(
    as_role: SignIn, people: People, bone_case: Case
) -> None:
    answer = take_stage_one(
        as_role("ir_doctor"), bone_case, people["ir_doctor"], risk_passing_nerve_weakness="not here"
    )
    assert answer.status_code == 422
    assert "Say why this risk does not apply" in answer.content.decode()


def test_only_a_leaflet_that_was_given_can_have_been_read(
    as_role: SignIn, people: People, kidney_case: Case
) -> None:
    client = as_role("ir_doctor")
    answer = post(
        client, address(kidney_case, "stage-1/"), **stage_one_answers(kidney_case, people["ir_doctor"])
    )
    assert answer.status_code == 422
    assert "Choose one of those that are offered" in answer.content.decode()


def test_without_capacity_it_asks_who_decided_and_who_was_consulted(
    as_role: SignIn, people: People, kidney_case: Case
) -> None:
    client = as_role("ir_doctor")
    take_stage_one(
        client, kidney_case, people["ir_doctor"], capacity="lacks capacity", consulted="The daughter"
    )
    page = client.get(address(kidney_case)).content.decode()
    assert "it is not recorded who decided" in page
    assert "it is not recorded who was consulted" not in page
    assert registry.facts(kidney_case)["consent.stage1"] is False
    answer = post(
        client, address(kidney_case, "stage-1/"),
        **stage_one_answers(
            kidney_case, people["ir_doctor"], capacity="lacks capacity", consulted="The daughter",
            capacity_assessed="Cannot keep in mind what was said", decided_by="Sample IR doctor, Sample nephrologist",
            best_interests_reasons="Treatment depends on it", no_refusal_known="yes",
        ),
    )  # fmt: skip
    assert answer.status_code == 302
    assert registry.facts(kidney_case)["consent.stage1"] is True

"""The assessment says what is missing, what blocks and what warns; a doctor overrides with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from tests.web.conftest import MONDAY
from tests.web.vetting.conftest import SignIn, fill, says, tell_everything, url
from trocar.web.accounts.models import Person
from trocar.web.cases import clock, registry
from trocar.web.cases.models import Case
from trocar.web.vetting.models import Override

BLOCK = "override/?gate=gate%20platelets"


@pytest.fixture
def low(kidney_case: Case, people: dict[str, Person]) -> Case:
    """Platelets of 90: below the limit of the sample department."""
    return tell_everything(kidney_case, people["ir_doctor"], platelets=90.0)


def test_it_works(as_role: SignIn, known: Case) -> None:
    page = says(as_role("ir_nurse").get(url(known)))
    assert "Before a slot is booked: within the protocol's limits." in page
    assert "High bleeding risk at native kidney" in page
    assert "Platelets 240 10^9/L: at least 100 10^9/L. 240 10^9/L 2 hours K10 (R)" in page
    assert "edren.org unit handbook" in page
    assert "Sample values" in page
    assert registry.facts(known)["vetting.ready"] is True


def test_nothing_recorded_is_not_assessed(as_role: SignIn, kidney_case: Case) -> None:
    page = says(as_role("ir_doctor").get(url(kidney_case)))
    assert "Before a slot is booked: not assessed." in page
    assert "ready" not in page.lower().replace("already", "")
    assert registry.facts(kidney_case)["vetting.ready"] is None


def test_results_grow_too_old(as_role: SignIn, known: Case) -> None:
    with clock.at(MONDAY + timedelta(days=8)):
        page = says(as_role("ir_doctor").get(url(known)))
        assert "Not assessed: Platelets is too old: 8 days old, at most 7 days (S2 (U))" in page
        assert registry.facts(known)["vetting.ready"] is None


def test_a_block_is_overridden_with_a_reason(as_role: SignIn, low: Case) -> None:
    doctor = as_role("ir_doctor")
    assert "Override gate platelets" in says(doctor.get(url(low)))
    assert registry.facts(low)["vetting.ready"] is False
    assert fill(doctor, url(low, BLOCK), reason="").status_code == 422
    assert fill(doctor, url(low, BLOCK), reason="One pool of platelets given").status_code == 302
    page = says(doctor.get(url(low)))
    assert "within the protocol's limits, with overrides" in page
    assert "Overridden by Test IR doctor: One pool of platelets given" in page
    low = Case.objects.get(pk=low.pk)
    assert registry.facts(low)["vetting.ready"] is True


def test_an_override_is_withdrawn(as_role: SignIn, low: Case) -> None:
    doctor = as_role("ir_doctor")
    fill(doctor, url(low, BLOCK), reason="One pool of platelets given")
    kept = Override.objects.get(case=low)
    assert fill(doctor, url(low, f"override/{kept.pk}/"), reason="").status_code == 422
    assert fill(doctor, url(low, f"override/{kept.pk}/"), reason="Pool was not given").status_code == 302
    assert registry.facts(Case.objects.get(pk=low.pk))["vetting.ready"] is False
    assert as_role("ir_nurse").get(url(low, f"override/{kept.pk}/")).status_code == 403


@pytest.mark.parametrize(
    "role", ["ir_nurse", "radiographer", "coordinator", "pharmacist", "referrer", "manager"]
)
def test_who_may_not_override(as_role: SignIn, low: Case, role: str) -> None:
    client = as_role(role)
    assert client.get(url(low, BLOCK)).status_code == 403
    sent = {"gate": "gate platelets", "value": "90 10^9/L", "reason": "Because"}
    assert client.post(url(low, "override/"), sent).status_code == 403
    assert not Override.objects.exists()


def test_what_nobody_may_override_is_not_offered_and_not_taken(as_role: SignIn, known: Case) -> None:
    given = known.__class__.objects.get(pk=known.pk)
    answers = {**_answers(given), "skin infection": True}
    _save_answers(given, answers)
    doctor = as_role("ir_doctor")
    assert "Override question skin infection" not in says(doctor.get(url(known)))
    answer = fill(doctor, url(known, "override/?gate=question%20skin%20infection"), reason="Go on")
    assert answer.status_code == 409
    assert "Your role may not override this" in says(answer)
    assert not Override.objects.exists()


def test_a_value_that_changed_meanwhile_is_not_overridden(as_role: SignIn, low: Case) -> None:
    answer = fill(as_role("ir_doctor"), url(low, BLOCK), reason="Go on", value="95 10^9/L")
    assert answer.status_code == 409
    assert "has changed since" in says(answer)
    assert not Override.objects.exists()


def test_what_does_not_block_cannot_be_overridden(as_role: SignIn, known: Case) -> None:
    assert as_role("ir_doctor").get(url(known, BLOCK)).status_code == 404


@pytest.mark.parametrize("role", ["referrer", "laboratory", "manager", "auditor"])
def test_who_may_not_see_it(as_role: SignIn, known: Case, role: str) -> None:
    for page in ("", "results/", "medicines/"):
        assert as_role(role).get(url(known, page)).status_code == 403


def test_the_case_page_says_what_is_next_and_whose_it_is(
    as_role: SignIn, known: Case, low_bone: Case
) -> None:
    page = says(as_role("ir_doctor").get(f"/cases/{known.number}/"))
    assert "Next: Assess and decide on the referral (IR doctor: you)" in page
    other = says(as_role("ir_nurse").get(f"/cases/{low_bone.number}/"))
    assert "Platelets 15 10^9/L, not at least 20 10^9/L" in other
    assert "Blocked" in other


@pytest.fixture
def low_bone(bone_case: Case, people: dict[str, Person]) -> Case:
    return tell_everything(bone_case, people["ir_doctor"], platelets=15.0)


def test_a_page_has_a_fixed_number_of_queries(
    as_role: SignIn, known: Case, django_assert_max_num_queries: object
) -> None:
    client = as_role("ir_doctor")
    client.get(url(known))
    with django_assert_max_num_queries(13):  # type: ignore[operator]
        client.get(url(known))


def _answers(case: Case) -> dict[str, bool]:
    from trocar.web.vetting.models import VettingAnswers

    return dict(VettingAnswers.objects.get(case=case).answers)


def _save_answers(case: Case, answers: dict[str, bool]) -> None:
    from trocar.web.cases.change import change
    from trocar.web.vetting.models import VettingAnswers

    doctor = Person.objects.get(role="ir_doctor")
    with change(doctor, case, "Vetted") as ch:
        ch.save(VettingAnswers.objects.get(case=case), {"answers": answers})


def test_post_is_refused_where_a_page_only_shows(as_role: SignIn, known: Case) -> None:
    client: Client = as_role("ir_doctor")
    assert client.post(url(known), {}).status_code == 405

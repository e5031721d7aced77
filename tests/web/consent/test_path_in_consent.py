"""Once a path of a real plan is accepted, its own risks stand in the consent beside the general ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from tests.web.consent.consenting import address, post, stage_two_answers, take_stage_one
from tests.web.plans.conftest import data, in_position, plan_of
from tests.web.plans.test_accept_a_path import accept
from trocar.web.accounts.models import Person
from trocar.web.cases import clock, registry
from trocar.web.cases.models import Case
from trocar.web.consent.models import ConsentStageTwo

__all__ = ["data", "plan_of"]
pytestmark = [pytest.mark.samples, pytest.mark.django_db]
SignIn = Callable[[str], Client]
People = dict[str, Person]


@pytest.fixture
def path_accepted(
    kidney_case: Case,
    people: People,
    as_role: SignIn,
    plan_of: Callable[..., str],
    data: Path,
    friday: object,
) -> Case:
    """Stage 1 with X-rays explained; path 1 of a plan on the sample CT accepted."""
    client = as_role("ir_doctor")
    with clock.at(friday):  # type: ignore[arg-type]
        assert take_stage_one(client, kidney_case, people["ir_doctor"]).status_code == 302
    plan_id = plan_of(kidney_case)
    in_position(plan_id, data)
    accept(client, kidney_case, plan_id, 1)
    return kidney_case


def test_structures_stand_in_words_with_distances(as_role: SignIn, path_accepted: Case) -> None:
    page = as_role("ir_doctor").get(address(path_accepted)).content.decode()
    near = registry.facts(path_accepted)["plan.structures_near"]
    assert near
    for name, mm in near:
        whole = int(mm)
        assert (f"{whole} mm from the needle: {name}." if whole else f"closer than 1 mm to: {name}.") in page


def test_modelled_probabilities_are_shown_to_staff_of_the_department_only(
    as_role: SignIn, path_accepted: Case
) -> None:
    assert registry.facts(path_accepted)["plan.risks"]
    staff = as_role("ir_nurse").get(address(path_accepted)).content.decode()
    assert re.search(r"\d% \(model, not outcome\)", staff)
    referrer = as_role("referrer").get(address(path_accepted))
    assert referrer.status_code == 200
    assert "model" not in referrer.content.decode().lower()
    assert "mm from the needle" in referrer.content.decode()


def test_the_paper_for_the_patient_has_the_words_and_not_the_model(
    as_role: SignIn, path_accepted: Case
) -> None:
    printed = as_role("ir_nurse").get(address(path_accepted, "print/")).content.decode()
    assert "mm from the needle" in printed
    assert "model" not in printed.lower()


def test_what_was_told_about_the_path_is_kept_with_the_confirmation(
    as_role: SignIn, people: People, path_accepted: Case
) -> None:
    client = as_role("ir_doctor")
    answers = stage_two_answers(people["ir_doctor"], path_accepted)
    assert post(client, address(path_accepted, "stage-2/"), **answers).status_code == 302
    assert registry.facts(path_accepted)["consent.confirmed"] is True
    kept = ConsentStageTwo.objects.get(case=path_accepted)
    assert any("mm from the needle" in sentence for sentence in kept.nearby)
    assert not any("%" in sentence for sentence in kept.nearby)


def test_another_path_of_the_same_plan_opens_stage_two_again(
    as_role: SignIn, people: People, path_accepted: Case, plan_of: Callable[..., str], data: Path
) -> None:
    client = as_role("ir_doctor")
    post(client, address(path_accepted, "stage-2/"), **stage_two_answers(people["ir_doctor"], path_accepted))
    plan_id = ConsentStageTwo.objects.get(case=path_accepted).plan.split()[0]
    accept(client, path_accepted, plan_id, 2)
    assert registry.facts(path_accepted)["consent.confirmed"] is False
    assert "The plan has changed" in client.get(address(path_accepted)).content.decode()

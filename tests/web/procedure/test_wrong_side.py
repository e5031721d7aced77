"""A wrong side is found wherever it stands: in the referral, the consent, the plan, the images, and the mark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.web.procedure.conftest import Send, Told, answers, at_stage, fresh
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.procedure.models import Baseline, ProcedureDetails


def refused(case: Case, send: Send, **others: str) -> str:
    sent = {**answers(case, "time_out", **others), "complete": "yes"}
    answer = send("ir_nurse", f"/cases/{case.number}/checklist/time-out/", sent)
    assert answer.status_code == 409
    assert fresh(case).at_stage == Stage.SIGNED_IN
    return str(answer.content.decode())


def test_in_the_referral(signed_in: Case, send: Send) -> None:
    Case.objects.filter(pk=signed_in.pk).update(side="right")
    page = refused(signed_in, send)
    assert "Side and site are not shown to agree in every place." in page
    assert "The referral says right, but the consent says left." in page


@pytest.mark.parametrize("place", ["consent", "plan"])
def test_in_consent_and_plan(signed_in: Case, send: Send, told: Told, place: str) -> None:
    told[f"{place}.side"] = "right"
    assert f"The referral says left, but the {place} says right." in refused(signed_in, send)


def test_in_the_images(signed_in: Case, send: Send) -> None:
    assert "the images says right" in refused(signed_in, send, side_on_the_images="right")


def test_on_the_skin(ready: Case, send: Send) -> None:
    sent = {**answers(ready, "sign_in", marked_side="right"), "complete": "yes"}
    assert send("ir_nurse", f"/cases/{ready.number}/checklist/sign-in/", sent).status_code == 302
    assert "the mark on the skin says right" in refused(fresh(ready), send)


@pytest.mark.parametrize("fact", ["consent.side", "plan.side", "consent.site", "plan.site"])
def test_a_place_that_says_nothing_fails_closed(signed_in: Case, send: Send, told: Told, fact: str) -> None:
    told[fact] = None
    assert "does not say the si" in refused(signed_in, send)


@pytest.mark.parametrize("place", ["consent", "plan"])
def test_another_site(signed_in: Case, send: Send, told: Told, place: str) -> None:
    told[f"{place}.site"] = "upper pole"
    assert "upper pole" in refused(signed_in, send)


def test_no_word_of_a_doctor_makes_them_one(
    signed_in: Case, send: Send, told: Told, as_role: Callable[[str], Client]
) -> None:
    told["plan.side"] = "right"
    page = refused(signed_in, send, side_and_site="no")
    assert "Put right what disagrees" in page
    assert "Stopped: side and site" not in page


def test_put_right_it_goes_on(signed_in: Case, send: Send, told: Told) -> None:
    told["plan.side"] = "right"
    refused(signed_in, send)
    told["plan.side"] = "left"
    answer = send("ir_nurse", f"/cases/{signed_in.number}/checklist/time-out/", {"complete": "yes"})
    assert answer.status_code == 302
    assert fresh(signed_in).at_stage == Stage.TIMED_OUT


def test_a_site_without_side_needs_none(
    bone_case: Case, people: dict[str, Person], told: Told, send: Send
) -> None:
    Case.objects.filter(pk=bone_case.pk).update(side="none", site="L3")
    case = at_stage(bone_case, Stage.ARRIVED)
    told.update({"consent.side": "none", "plan.side": "none", "consent.site": "L3", "plan.site": "L3"})
    well = {
        "systolic_mmhg": 120, "diastolic_mmhg": 70, "heart_rate_per_min": 70, "spo2_percent": 97,
        "respiratory_rate_per_min": 12, "temperature_c": "36.5", "consciousness": "alert", "pain_0_to_10": 2,
        "legs": "as before",
    }  # fmt: skip
    with change(people["ir_nurse"], case, "Recorded") as ch:
        team = {"operator": people["ir_doctor"], "monitor": people["ir_nurse"]}
        ch.save(ProcedureDetails(), {**team, "radiographer": people["radiographer"], "guidance": "ct"})
        ch.save(Baseline(), {**well, "taken_at": ch.now, "taken_by": people["ir_nurse"]})
    for stage, address, item in (
        ("sign_in", "sign-in", "marked_side"),
        ("time_out", "time-out", "side_on_the_images"),
    ):
        sent = {**answers(case, stage, **{item: "no side"}), "complete": "yes"}
        answer = send("ir_nurse", f"/cases/{case.number}/checklist/{address}/", sent)
        assert answer.status_code == 302, answer.content.decode()
    assert fresh(case).at_stage == Stage.TIMED_OUT

"""The doctor answers the protocol's questions."""

from __future__ import annotations

import pytest

from tests.web.vetting.conftest import SignIn, fill, good_answers, says, url
from trocar.web.accounts.models import Person
from trocar.web.cases.change import change
from trocar.web.cases.models import Case, Referral
from trocar.web.vetting.known import assessment_of
from trocar.web.vetting.models import VettingAnswers


def typed(protocol: str, **changed: str) -> dict[str, str]:
    """Every question answered in the form, some otherwise; "" leaves one out."""
    given = {
        f"question_{name.replace(' ', '_')}": "yes" if yes else "no"
        for name, yes in good_answers(protocol).items()
    }
    return {**given, "medicines_complete": "yes", "stent": "none", **changed}


def test_it_works(as_role: SignIn, kidney_case: Case) -> None:
    client = as_role("ir_doctor")
    page = says(client.get(url(kidney_case, "questions/")))
    assert "Is it a horseshoe kidney?" in page
    assert "primary bone tumour" not in page, "the questions are the protocol's"
    answer = fill(client, url(kidney_case, "questions/"), **typed("kidney_biopsy"))
    assert answer.status_code == 302, says(answer)
    stored = VettingAnswers.objects.get(case=kidney_case)
    assert stored.answers == good_answers("kidney_biopsy")
    assert stored.medicines_complete is True


def test_what_is_not_answered_is_not_no(as_role: SignIn, kidney_case: Case) -> None:
    sent = typed("kidney_biopsy", question_hydronephrosis="")
    fill(as_role("ir_doctor"), url(kidney_case, "questions/"), **sent)
    assert "hydronephrosis" not in VettingAnswers.objects.get(case=kidney_case).answers
    page = says(as_role("ir_doctor").get(url(kidney_case)))
    assert "Not assessed: Is there hydronephrosis on the side of the biopsy?" in page


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"question_pregnant": "perhaps"}, "Answer yes or no"),
        ({"stent_on": "24/11/2026", "stent": "bare metal"}, "not come yet"),
        ({"stent_on": "24/11/2020"}, "the answer to the stent is no"),
        ({"chosen_class": "low"}, "Say why this class was chosen"),
        ({"chosen_class": "middle"}, "Choose one"),
        ({"chosen_class": "high", "chosen_class_reason": "x" * 2000}, "write at most 1,000"),
    ],
)
def test_bad_input(as_role: SignIn, kidney_case: Case, changed: dict[str, str], sentence: str) -> None:
    answer = fill(as_role("ir_doctor"), url(kidney_case, "questions/"), **typed("kidney_biopsy", **changed))
    assert answer.status_code == 422
    assert sentence in says(answer)
    assert not VettingAnswers.objects.exists()


@pytest.mark.parametrize(
    "role", ["ir_nurse", "radiographer", "coordinator", "referrer", "pharmacist", "manager"]
)
def test_who_may_not(as_role: SignIn, kidney_case: Case, role: str) -> None:
    assert as_role(role).get(url(kidney_case, "questions/")).status_code == 403
    assert as_role(role).post(url(kidney_case, "questions/"), typed("kidney_biopsy")).status_code == 403
    assert not VettingAnswers.objects.exists()


def test_a_stale_page_overwrites_nothing(as_role: SignIn, known: Case) -> None:
    sent = typed("kidney_biopsy", question_single_kidney="yes", seen_version="0")
    assert fill(as_role("ir_doctor"), url(known, "questions/"), **sent).status_code == 409
    assert VettingAnswers.objects.get(case=known).answers["single kidney"] is False


def test_a_tumour_that_the_referrer_suspects_stays_suspected(
    as_role: SignIn, known_bone: Case, people: dict[str, Person]
) -> None:
    referral = Referral.objects.get(case=known_bone)
    with change(people["referrer"], known_bone, "Wrote the referral") as ch:
        ch.save(referral, {"suspected_primary_bone_tumour": True})
    page = says(as_role("ir_doctor").get(url(known_bone)))
    assert (
        "Could this be a primary bone tumour? Yes: the way of the needle is removed with the tumour" in page
    )
    assert "Still to be recorded: Which sarcoma MDT or surgeon decided, and when; The route agreed" in page
    assert assessment_of(known_bone).ready is False
    records = {
        "record_suspected_primary_bone_tumour_decided_by": "Sarcoma MDT, 20/11/2026",
        "record_suspected_primary_bone_tumour_agreed_route": "From behind, through the crest",
    }
    answer = fill(as_role("ir_doctor"), url(known_bone, "questions/"), **typed("bone_biopsy"), **records)
    assert answer.status_code == 302, says(answer)
    case = Case.objects.get(pk=known_bone.pk)
    assert assessment_of(case).ready is True


def test_a_chosen_class_keeps_the_name_of_who_chose_it(as_role: SignIn, known_bone: Case) -> None:
    sent = typed("bone_biopsy", chosen_class="high", chosen_class_reason="Vascular metastasis")
    assert fill(as_role("ir_doctor"), url(known_bone, "questions/"), **sent).status_code == 302
    page = says(as_role("ir_doctor").get(url(known_bone)))
    assert "High bleeding risk, chosen by Test IR doctor: Vascular metastasis" in page
    back = typed("bone_biopsy", chosen_class="protocol", chosen_class_reason="")
    assert fill(as_role("ir_doctor"), url(known_bone, "questions/"), **back).status_code == 302
    assert "Low bleeding risk at iliac crest" in says(as_role("ir_doctor").get(url(known_bone)))

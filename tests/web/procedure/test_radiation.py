"""The radiographer's page and the dose."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from tests.web.conftest import MONDAY
from tests.web.procedure.conftest import Send, Told, at_stage, fresh
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.cases import registry
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.procedure.models import DoseEvent, Exposure, ProcedureDetails

People = dict[str, Person]


@pytest.fixture
def under_ct(bone_case: Case, told: Told, people: People) -> Case:
    """Left iliac crest under CT, arrived."""
    case = at_stage(bone_case, Stage.ARRIVED)
    team = {
        "operator": people["ir_doctor"], "monitor": people["ir_nurse"], "radiographer": people["radiographer"],
        "guidance": "ct",
    }  # fmt: skip
    with change(people["ir_nurse"], case, "Recorded team") as ch:
        ch.save(ProcedureDetails(), team)
    return fresh(case)


def page_of(case: Case) -> str:
    return f"/cases/{case.number}/radiation/"


def complete(people: People, **others: object) -> dict[str, object]:
    return {
        "name_matches": "yes", "birth_matches": "yes", "third_point": "Address", "third_matches": "yes",
        "exposure_referrer": "Test Referrer", "practitioner": people["ir_doctor"].pk,
        "operator": people["radiographer"].pk, "justification": "Guidance of the biopsy.",
        "pregnancy": "not applicable", "position": "prone", "laterality": "left", "authorise": "on", **others,
    }  # fmt: skip


def test_it_works(under_ct: Case, send: Send, people: People) -> None:
    assert send("radiographer", page_of(under_ct), complete(people)).status_code == 302
    stored = Exposure.objects.get()
    assert (stored.authorised_at, stored.authorised_by) == (MONDAY, people["radiographer"])
    assert registry.facts(fresh(under_ct))["radiation.authorised"] is True


def test_the_doses_of_all_events_are_added(
    under_ct: Case, send: Send, as_role: Callable[[str], Client]
) -> None:
    for what, ctdi, dlp in (("Grid scan", "9.7", "310.5"), ("Guidance", "7.3", "89.5")):
        sent = {"what": what, "ctdi_vol_mgy": ctdi, "dlp_mgy_cm": dlp}
        assert send("radiographer", page_of(under_ct) + "dose/", sent).status_code == 302
    page = as_role("radiographer").get(page_of(under_ct)).content.decode()
    assert "DLP, all scans together: 400 mGy·cm; the department has no level of its own." in page
    assert "CTDIvol, largest of all scans: 9.7 mGy" in page


@pytest.mark.parametrize("typed", ["310.5", "310.5 mGy·cm", "310.5 mGy cm", "310.5 mGy.cm"])
def test_the_unit_may_stand_behind_the_dose(under_ct: Case, send: Send, typed: str) -> None:
    assert (
        send("radiographer", page_of(under_ct) + "dose/", {"what": "Scan", "dlp_mgy_cm": typed}).status_code
        == 302
    )
    assert float(DoseEvent.objects.get().dlp_mgy_cm or 0) == 310.5


def test_who_may_only_read_sees_names_and_words(
    under_ct: Case, send: Send, people: People, as_role: Callable[[str], Client]
) -> None:
    send("radiographer", page_of(under_ct), complete(people))
    page = as_role("ir_nurse").get(page_of(under_ct)).content.decode()
    assert "Test Radiographer, 09:00 on 23/11/2026" in page
    assert 'name="authorise"' not in page


def test_a_dose_entered_by_mistake_is_taken_back_and_stays_on_the_record(
    under_ct: Case, send: Send, as_role: Callable[[str], Client]
) -> None:
    send("radiographer", page_of(under_ct) + "dose/", {"what": "Grid scan", "dlp_mgy_cm": "310"})
    address = page_of(under_ct) + f"dose/{DoseEvent.objects.get().pk}/take-back/"
    sent = {"form_token": str(uuid.uuid4())}
    assert as_role("ir_nurse").post(address, sent).status_code == 403
    for _ in range(2):
        assert as_role("radiographer").post(address, sent).status_code == 302
    assert DoseEvent.objects.get().undone
    assert registry.facts(fresh(under_ct))["radiation.dose"] is None
    section = next(s for s in registry.sections() if s.key == "radiation")
    assert section.entries(fresh(under_ct))[-1].heading == "Dose: Grid scan (taken back)"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"name_matches": ""}, "name was not asked"),
        ({"birth_matches": "no"}, "date of birth does not match"),
        ({"third_point": ""}, "third point of identity"),
        ({"third_matches": ""}, "Address was not asked"),
        ({"exposure_referrer": ""}, "The referrer is missing"),
        ({"practitioner": ""}, "The practitioner who justified"),
        ({"operator": ""}, "The operator of the exposure is missing"),
        ({"justification": ""}, "The justification is missing"),
        ({"pregnancy": ""}, "The pregnancy enquiry is missing"),
        ({"pregnancy": "possible"}, "Pregnancy is possible"),
        ({"position": ""}, "The position on the table is missing"),
        ({"laterality": ""}, "The side is missing"),
        ({"laterality": "right"}, "The side here is right, but the case says left"),
    ],
)
def test_nothing_is_authorised_until_the_page_is_complete(
    under_ct: Case, send: Send, people: People, values: dict[str, str], says: str
) -> None:
    answer = send("radiographer", page_of(under_ct), complete(people, **values))
    assert answer.status_code == 409
    assert says in answer.content.decode()
    assert not Exposure.objects.exists()
    draft = {name: value for name, value in complete(people, **values).items() if name != "authorise"}
    assert send("radiographer", page_of(under_ct), draft).status_code == 302
    assert Exposure.objects.get().authorised_at is None
    assert registry.facts(fresh(under_ct))["radiation.authorised"] is False


def test_taking_the_tick_away_takes_the_authorisation_back(
    under_ct: Case, send: Send, people: People
) -> None:
    send("radiographer", page_of(under_ct), complete(people))
    draft = {name: value for name, value in complete(people).items() if name != "authorise"}
    assert send("radiographer", page_of(under_ct), draft).status_code == 302
    assert Exposure.objects.get().authorised_at is None


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"kap_gy_cm2": "12500 mGy·cm²"}, "divide by 1000"),
        ({"kap_gy_cm2": "12500 mGy.cm2"}, "divide by 1000"),
        ({"kap_gy_cm2": "0.002 Gy m2"}, "multiply by 10000"),
        ({"kap_gy_cm2": "125000"}, "must lie between"),
        ({"fluoroscopy_s": "2 min"}, "multiply by 60"),
        ({"dlp_mgy_cm": "1,5"}, "comma"),
        ({"ctdi_vol_mgy": "1954"}, "must lie between"),
        ({}, "Enter one dose value at least."),
        ({"dlp_mgy_cm": "300", "what": ""}, "Fill in"),
    ],
)
def test_a_dose_that_cannot_be(under_ct: Case, send: Send, values: dict[str, str], says: str) -> None:
    answer = send("radiographer", page_of(under_ct) + "dose/", {"what": "Scan", **values})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not DoseEvent.objects.exists()


def test_a_stale_form(under_ct: Case, send: Send, people: People, as_role: Callable[[str], Client]) -> None:
    send("radiographer", page_of(under_ct), complete(people))
    stale = {**complete(people, justification="Mine"), "form_token": str(uuid.uuid4()), "seen_version": "0"}
    assert as_role("ir_doctor").post(page_of(under_ct), stale).status_code == 409
    assert Exposure.objects.get().justification == "Guidance of the biopsy."


def test_sent_twice_it_is_one_dose(under_ct: Case, as_role: Callable[[str], Client]) -> None:
    sent = {"what": "Scan", "dlp_mgy_cm": "300", "form_token": str(uuid.uuid4())}
    for _ in range(2):
        assert as_role("radiographer").post(page_of(under_ct) + "dose/", sent).status_code == 302
    assert DoseEvent.objects.count() == 1


@pytest.mark.parametrize("role", ["ir_nurse", "coordinator"])
def test_who_may_look_and_not_write(
    under_ct: Case, people: People, as_role: Callable[[str], Client], role: str
) -> None:
    client = as_role(role)
    assert client.get(page_of(under_ct)).status_code == 200
    sent = {**complete(people), "form_token": str(uuid.uuid4())}
    assert client.post(page_of(under_ct), sent).status_code == 403
    assert client.post(page_of(under_ct) + "dose/", sent).status_code == 403
    assert not Exposure.objects.exists()


def test_not_before_the_patient_is_here(bone_case: Case, told: Told, send: Send, people: People) -> None:
    assert send("radiographer", page_of(bone_case), complete(people)).status_code == 409
    sent = {"what": "Scan", "dlp_mgy_cm": "300"}
    assert send("radiographer", page_of(bone_case) + "dose/", sent).status_code == 409


def test_sign_out_under_x_rays_waits_for_authorisation_and_dose(
    under_ct: Case, send: Send, people: People
) -> None:
    at_stage(under_ct, Stage.NEEDLE_OUT)
    section = next(s for s in registry.sections() if s.key == "radiation")
    assert section.state(fresh(under_ct)).status == "to do"
    send("radiographer", page_of(under_ct), complete(people))
    state = section.state(fresh(under_ct))
    assert state.problems == ("No dose is entered for CT.",)
    assert state.next_action is not None
    assert state.next_action.role == "radiographer"
    send("radiographer", page_of(under_ct) + "dose/", {"what": "All", "dlp_mgy_cm": "300"})
    assert section.state(fresh(under_ct)).status == "done"
    assert registry.facts(fresh(under_ct))["radiation.complete"] is True


def test_ultrasound_needs_none_of_it(ready: Case) -> None:
    section = next(s for s in registry.sections() if s.key == "radiation")
    assert section.state(ready).status == "not needed"
    assert registry.facts(ready)["radiation.complete"] is True

"""Team and needle, observations before sedation, planned against achieved."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client

from tests.web.procedure.conftest import WELL, Send, Told, at_stage, fresh
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.procedure.models import Baseline, ProcedureDetails

People = dict[str, Person]


@pytest.fixture
def arrived(kidney_case: Case, told: Told) -> Case:
    return at_stage(kidney_case, Stage.ARRIVED)


def team(people: People, **others: object) -> dict[str, object]:
    return {
        "operator": people["ir_doctor"].pk, "monitor": people["ir_nurse"].pk, "guidance": "ultrasound",
        "needle": "16G gun 150 mm", "needle_lot": "A7", "sedation": "none", "iv_access": "20G, left hand", **others,
    }  # fmt: skip


def test_team_and_needle(arrived: Case, send: Send, people: People, as_role: Callable[[str], Client]) -> None:
    address = f"/cases/{arrived.number}/procedure/team/"
    page = as_role("ir_nurse").get(address).content.decode()
    assert "16G gun 150 mm: 16G, length 150 mm, throw 22 mm" in page
    assert 'value="ultrasound" checked' in page  # as planned at the table
    assert send("ir_nurse", address, team(people)).status_code == 302
    stored = ProcedureDetails.objects.get()
    assert (stored.operator, stored.monitor, stored.needle_lot) == (
        people["ir_doctor"],
        people["ir_nurse"],
        "A7",
    )
    assert registry.facts(fresh(arrived))["procedure.operator"] == "Test IR doctor"


@pytest.mark.parametrize("role", ["ir_nurse", "radiographer", "coordinator"])
def test_only_an_ir_doctor_is_the_operator(arrived: Case, send: Send, people: People, role: str) -> None:
    sent = team(people, operator=people[role].pk)
    answer = send("ir_nurse", f"/cases/{arrived.number}/procedure/team/", sent)
    assert answer.status_code == 422
    assert "Choose one of those that are offered." in answer.content.decode()
    assert not ProcedureDetails.objects.exists()


def test_the_operator_never_watches_the_patient(arrived: Case, send: Send, people: People) -> None:
    sent = team(people, monitor=people["ir_doctor"].pk)
    answer = send("ir_nurse", f"/cases/{arrived.number}/procedure/team/", sent)
    assert answer.status_code == 422
    assert "cannot watch the patient at the same time" in answer.content.decode()


@pytest.mark.parametrize(
    "values",
    [{"guidance": "fluoroscopy"}, {"needle": "11G trephine 100 mm"}, {"sedation": "deep"}, {"operator": "x"}],
)
def test_only_what_the_protocol_offers(
    arrived: Case, send: Send, people: People, values: dict[str, str]
) -> None:
    answer = send("ir_nurse", f"/cases/{arrived.number}/procedure/team/", team(people, **values))
    assert answer.status_code == 422


def test_a_stale_form_overwrites_no_team(
    ready: Case, send: Send, people: People, as_role: Callable[[str], Client]
) -> None:
    stale = {**team(people), "form_token": str(uuid.uuid4()), "seen_version": "0"}
    answer = as_role("ir_doctor").post(f"/cases/{ready.number}/procedure/team/", stale)
    assert answer.status_code == 409
    assert "Test IR nurse changed this" in answer.content.decode()
    assert ProcedureDetails.objects.get().needle_lot == "L1"


def test_observations_before_sedation(arrived: Case, send: Send, people: People) -> None:
    address = f"/cases/{arrived.number}/procedure/baseline/"
    assert send("ir_nurse", address, {k: str(v) for k, v in WELL.items()}).status_code == 302
    facts = registry.facts(fresh(arrived))
    assert facts["procedure.baseline"]["systolic_mmhg"] == 128
    assert facts["procedure.baseline"]["temperature_c"] == 36.7
    assert facts["procedure.baseline"]["pain_0_to_10"] == 0
    assert Baseline.objects.get().taken_by == people["ir_nurse"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"systolic_mmhg": ""}, "Fill in"),
        ({"systolic_mmhg": "12.8"}, "must lie between 30 and 300"),
        ({"systolic_mmhg": "17 kPa"}, "not the unit here"),
        ({"temperature_c": "98.6"}, "must lie between 25 and 45"),
        ({"temperature_c": "36,7"}, "comma"),
        ({"spo2_percent": "0.98"}, "must lie between 40 and 100"),
        ({"diastolic_mmhg": "130"}, "must be lower than the systolic one"),
        ({"consciousness": "fine"}, "Choose one"),
        ({"urine": ""}, "Choose one"),
        ({"happened_at": "23/11/2026 09:30"}, "has not come yet"),
    ],
)
def test_observations_that_cannot_be(arrived: Case, send: Send, values: dict[str, str], says: str) -> None:
    sent = {k: str(v) for k, v in WELL.items()} | values
    answer = send("ir_nurse", f"/cases/{arrived.number}/procedure/baseline/", sent)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Baseline.objects.exists()


def test_planned_against_achieved_is_computed_from_points(needle_out: Case, send: Send) -> None:
    sent = {"planned_entry": "0, 0, 0", "planned_tip": "0, 0, 100", "entry": "0, 0, 0", "tip": "0, 5, 100"}
    address = f"/cases/{needle_out.number}/procedure/achieved/"
    assert send("ir_doctor", address, {**sent, "tip_mm": "40"}).status_code == 302
    stored = ProcedureDetails.objects.get()
    assert (stored.tip_mm, stored.angle_deg) == (Decimal("5.0"), Decimal("2.9"))
    assert stored.operator is not None


def test_the_accepted_paths_ends_are_filled_in(
    needle_out: Case, told: Told, as_role: Callable[[str], Client]
) -> None:
    told.update({"plan.entry_lps_mm": [-42.0, 80.25, 410.0], "plan.tip_lps_mm": [-40.0, 20.0, 405.0]})
    page = as_role("ir_doctor").get(f"/cases/{needle_out.number}/procedure/achieved/").content.decode()
    assert 'value="-42.0, 80.2, 410.0"' in page
    assert 'value="-40.0, 20.0, 405.0"' in page


def test_or_as_it_was_measured(needle_out: Case, send: Send) -> None:
    address = f"/cases/{needle_out.number}/procedure/achieved/"
    assert send("ir_doctor", address, {"tip_mm": "3.5", "achieved_words": "Cortex."}).status_code == 302
    stored = ProcedureDetails.objects.get()
    assert (stored.tip_mm, stored.angle_deg, stored.achieved_words) == (Decimal("3.5"), None, "Cortex.")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"tip": "1, 2"}, "three numbers"),
        ({"tip": "1, 2, 99999", "planned_tip": "1, 2, 3"}, "three numbers"),
        ({"tip": "1, 2, 3"}, "Give both tips"),
        (
            {"tip": "1, 2, 3", "planned_tip": "1, 2, 3", "entry": "1, 2, 3", "planned_entry": "0, 0, 0"},
            "same point",
        ),
        ({"tip_mm": "-1"}, "must lie between"),
        ({"angle_deg": "200"}, "must lie between"),
    ],
)
def test_points_that_cannot_be(needle_out: Case, send: Send, values: dict[str, str], says: str) -> None:
    answer = send("ir_doctor", f"/cases/{needle_out.number}/procedure/achieved/", values)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert ProcedureDetails.objects.get().tip_mm is None


@pytest.mark.parametrize("page", ["team", "baseline", "achieved"])
@pytest.mark.parametrize("role", ["coordinator", "radiographer"])
def test_who_may_not(ready: Case, as_role: Callable[[str], Client], page: str, role: str) -> None:
    assert as_role(role).get(f"/cases/{ready.number}/procedure/{page}/").status_code == 403


@pytest.mark.parametrize("page", ["team", "baseline", "achieved"])
def test_not_before_the_patient_is_here(
    kidney_case: Case, told: Told, send: Send, people: People, page: str
) -> None:
    sent = {**team(people), **{k: str(v) for k, v in WELL.items()}}
    answer = send("ir_nurse", f"/cases/{kidney_case.number}/procedure/{page}/", sent)
    assert answer.status_code == 409
    assert not ProcedureDetails.objects.exists()
    assert not Baseline.objects.exists()

"""Orders, pots and cores in the room, and undo."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from tests.web.laboratory.conftest import IF, LM, at_stage, post
from trocar.clinical.stages import Stage
from trocar.web.audit.models import AuditEvent
from trocar.web.cases import registry
from trocar.web.cases.models import Case
from trocar.web.laboratory.models import Core, NamedReader, Order, Pot


def test_it_works_from_order_to_core(as_role, table: Case) -> None:
    nurse = as_role("ir_nurse")
    page = nurse.get(reverse("laboratory:sample", args=[table.number]))
    assert page.status_code == 200
    assert "Which glomerular disease?" in page.content.decode(), "the referral's question is offered"
    answer = post(nurse, "order", [table.number], {"tests": [LM, IF], "question": "Which disease?"})
    assert answer.status_code == 302
    light, immune = Order.objects.filter(case=table)
    assert (light.number, light.test, immune.test) == (f"{table.number}-1", LM, IF)
    assert post(nurse, "pot", [table.number], {"order": light.pk, "medium": "formalin"}).status_code == 302
    pot = Pot.objects.get(case=table)
    assert pot.number == f"{table.number}-A"
    values = {"pot": pot.pk, "length_mm": "16.5 mm", "site": "lower pole", "side": "left"}
    assert post(nurse, "core", [table.number], values).status_code == 302
    core = Core.objects.get(case=table)
    assert (core.number, core.side, float(core.length_mm), core.pot) == (1, "left", 16.5, pot)
    assert (
        "No side: the midline"
        not in nurse.get(reverse("laboratory:sample", args=[table.number])).content.decode()
    )
    page = nurse.get(reverse("laboratory:sample", args=[table.number])).content.decode()
    assert "Core 1: lower pole, left, 16.5 mm" in page
    actions = list(AuditEvent.objects.filter(case_number=table.number).values_list("action", flat=True))
    assert actions[-1] == "Recorded a core"


def test_the_referrer_is_the_reader_until_somebody_else_is_named(as_role, people, table: Case) -> None:
    post(as_role("ir_nurse"), "order", [table.number], {"tests": [LM], "question": "Which disease?"})
    assert NamedReader.objects.get(case=table).person == people["referrer"]


@pytest.mark.parametrize(
    "role", ["radiographer", "coordinator", "pharmacist", "referrer", "laboratory", "manager", "auditor"]
)
def test_others_may_not_write(as_role, table: Case, role: str) -> None:
    answer = post(as_role(role), "order", [table.number], {"tests": [LM], "question": "Which disease?"})
    assert answer.status_code == 403
    assert not Order.objects.exists()


@pytest.mark.parametrize("role", ["laboratory", "manager", "auditor"])
def test_who_may_not_see_the_case_does_not_see_its_sample_page(as_role, table: Case, role: str) -> None:
    assert as_role(role).get(reverse("laboratory:sample", args=[table.number])).status_code == 403


def test_a_radiographer_reads_and_finds_no_buttons(as_role, potted: Case) -> None:
    page = as_role("radiographer").get(reverse("laboratory:sample", args=[potted.number])).content.decode()
    assert "Core 3" in page
    assert "Add a core" not in page
    assert "Take back" not in page


def test_a_core_sent_twice_is_recorded_once(as_role, potted: Case) -> None:
    pot = Pot.objects.filter(case=potted).first()
    values = {
        "pot": pot.pk, "length_mm": "9", "site": "lower pole", "side": "left", "form_token": str(uuid.uuid4()),
    }  # fmt: skip
    nurse = as_role("ir_nurse")
    assert [post(nurse, "core", [potted.number], values).status_code for _ in range(2)] == [302, 302]
    assert Core.objects.filter(case=potted).count() == 4


def test_formalin_is_blocked_for_immunofluorescence_and_not_offered(as_role, potted: Case) -> None:
    nurse = as_role("ir_nurse")
    immune = Order.objects.get(case=potted, test=IF)
    answer = post(nurse, "pot", [potted.number], {"order": immune.pk, "medium": "formalin"})
    assert answer.status_code == 409
    assert "Formalin is blocked for immunofluorescence" in answer.content.decode()
    assert Pot.objects.filter(case=potted).count() == 2
    page = nurse.get(reverse("laboratory:sample", args=[potted.number])).content.decode()
    card = page[page.index(f'id="order-{immune.pk}"') :]
    assert 'value="formalin"' not in card
    assert 'value="michel"' in card


def test_a_core_from_the_other_side_is_refused(as_role, potted: Case) -> None:
    pot = Pot.objects.filter(case=potted).first()
    values = {"pot": pot.pk, "length_mm": "9", "site": "lower pole", "side": "right"}
    answer = post(as_role("ir_nurse"), "core", [potted.number], values)
    assert answer.status_code == 409
    assert "stop and check the side" in answer.content.decode()
    assert Core.objects.filter(case=potted).count() == 3


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("length_mm", "16,5", "has a comma"),
        ("length_mm", "1.6 cm", "multiply by 10"),
        ("length_mm", "160", "must lie between"),
        ("length_mm", "", "Fill in"),
        ("length_mm", "sixteen", "not a number"),
        ("side", "", "Choose one"),
        ("side", "upper", "Choose one of those"),
        ("site", "  ", "Fill in"),
        ("site", "x" * 200, "120"),
        ("happened_at", "31/02/2026 10:00", ""),
        ("happened_at", "24/11/2026 10:00", ""),
    ],
)
def test_bad_input_keeps_what_was_typed_and_writes_nothing(
    as_role, potted: Case, field, typed, sentence
) -> None:
    pot = Pot.objects.filter(case=potted).first()
    values = {"pot": pot.pk, "length_mm": "9.5", "site": "upper pole", "side": "left", field: typed}
    answer = post(as_role("ir_nurse"), "core", [potted.number], values)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "There is a problem" in page
    assert sentence in page
    if field != "site":
        assert 'value="upper pole"' in page, "what was typed is kept"
    assert Core.objects.filter(case=potted).count() == 3


def test_a_form_of_yesterday_without_a_token_is_refused(as_role, potted: Case) -> None:
    answer = post(
        as_role("ir_nurse"), "order", [potted.number], {"tests": [LM], "question": "?", "form_token": ""}
    )
    assert answer.status_code == 422
    assert "open the page again" in answer.content.decode()


def test_an_order_of_another_case_is_not_found(as_role, potted: Case, bone_case: Case) -> None:
    at_stage(bone_case, Stage.TIMED_OUT)
    foreign = Order.objects.filter(case=potted).first()
    answer = post(as_role("ir_nurse"), "pot", [bone_case.number], {"order": foreign.pk, "medium": "formalin"})
    assert answer.status_code == 404
    assert not Pot.objects.filter(case=bone_case).exists()


@pytest.mark.parametrize(
    "stage", [Stage.REFERRED, Stage.ACCEPTED, Stage.BOOKED, Stage.DISCHARGED, Stage.CLOSED]
)
def test_nothing_is_prepared_before_arrival_or_after_the_patient_left(
    as_role, table: Case, stage: Stage
) -> None:
    at_stage(table, stage)
    answer = post(as_role("ir_nurse"), "order", [table.number], {"tests": [LM], "question": "?"})
    assert answer.status_code == 409
    assert not Order.objects.exists()


def test_no_core_before_the_time_out(as_role, potted: Case) -> None:
    at_stage(potted, Stage.SIGNED_IN)
    pot = Pot.objects.filter(case=potted).first()
    values = {"pot": pot.pk, "length_mm": "9", "site": "lower pole", "side": "left"}
    assert post(as_role("ir_nurse"), "core", [potted.number], values).status_code == 409


def test_a_core_is_taken_back_and_stays_on_the_record(as_role, potted: Case) -> None:
    core = Core.objects.filter(case=potted).last()
    values = {"what": "core", "pk": core.pk, "seen_version": core.version}
    assert post(as_role("ir_nurse"), "take-back", [potted.number], values).status_code == 302
    core.refresh_from_db()
    assert core.withdrawn
    row = AuditEvent.objects.filter(case_number=potted.number).order_by("sequence").last()
    assert row.changes == {"withdrawn": [False, True]}


def test_what_was_taken_back_on_another_screen_is_not_taken_back_twice(as_role, potted: Case) -> None:
    core = Core.objects.filter(case=potted).last()
    values = {"what": "core", "pk": core.pk, "seen_version": core.version}
    nurse = as_role("ir_nurse")
    post(nurse, "take-back", [potted.number], values)
    answer = post(nurse, "take-back", [potted.number], values)
    assert answer.status_code == 409
    assert "taken back already" in answer.content.decode()


def test_a_stale_version_is_refused(as_role, potted: Case) -> None:
    core = Core.objects.filter(case=potted).last()
    values = {"what": "core", "pk": core.pk, "seen_version": core.version + 1}
    answer = post(as_role("ir_nurse"), "take-back", [potted.number], values)
    assert answer.status_code == 409
    core.refresh_from_db()
    assert not core.withdrawn


def test_a_pot_with_cores_and_an_order_with_pots_stay(as_role, potted: Case) -> None:
    pot, order = Pot.objects.filter(case=potted).first(), Order.objects.filter(case=potted).first()
    for what, found in (("pot", pot), ("order", order)):
        values = {"what": what, "pk": found.pk, "seen_version": found.version}
        assert post(as_role("ir_nurse"), "take-back", [potted.number], values).status_code == 409
        found.refresh_from_db()
        assert not found.withdrawn


def test_a_number_once_given_is_not_given_again(as_role, potted: Case) -> None:
    nurse = as_role("ir_nurse")
    light = Order.objects.get(case=potted, test=LM)
    post(nurse, "pot", [potted.number], {"order": light.pk, "medium": "formalin"})
    third = Pot.objects.get(number=f"{potted.number}-C")
    assert (third.order.test, third.order_id == light.pk) == (LM, False), (
        "a second pot has an order of its own"
    )
    post(nurse, "take-back", [potted.number], {"what": "pot", "pk": third.pk, "seen_version": third.version})
    post(nurse, "pot", [potted.number], {"order": light.pk, "medium": "formalin"})
    assert Pot.objects.filter(number=f"{potted.number}-D", withdrawn=False).exists()


def test_what_was_written_on_paper_keeps_its_own_time(as_role, potted: Case) -> None:
    pot = Pot.objects.filter(case=potted).first()
    values = {
        "pot": pot.pk, "length_mm": "9", "site": "lower pole", "side": "left", "happened_at": "23/11/2026 08:15",
    }  # fmt: skip
    assert post(as_role("ir_nurse"), "core", [potted.number], values).status_code == 302
    core = Core.objects.filter(case=potted).order_by("number").last()
    assert f"{core.happened_at:%H:%M}" == "08:15"
    assert f"{core.changed_at:%H:%M}" == "09:00"


def test_no_sample_is_recorded_with_its_reason_and_opens_the_repeat_decision(as_role, table: Case) -> None:
    answer = post(as_role("ir_doctor"), "none-taken", [table.number], {"reason": "Pain", "seen_version": 0})
    assert answer.status_code == 302
    facts = registry.facts(table)
    assert (facts["specimen.counted"], facts["specimen.no_sample"]) == (True, True)
    assert facts["laboratory.acknowledged"] is False, "somebody has to decide on a repeat"
    page = as_role("ir_doctor").get(reverse("laboratory:result", args=[table.number])).content.decode()
    assert "No sample was taken: Pain" in page
    assert "Record the decision" in page


def test_no_sample_can_be_taken_back(as_role, table: Case) -> None:
    doctor = as_role("ir_doctor")
    post(doctor, "none-taken", [table.number], {"reason": "Pain", "seen_version": 0})
    assert post(doctor, "taken-after-all", [table.number], {"seen_version": 1}).status_code == 302
    assert registry.facts(table)["specimen.no_sample"] is False
    assert post(doctor, "order", [table.number], {"tests": [LM], "question": "?"}).status_code == 302


def test_no_sample_contradicts_a_core(as_role, potted: Case) -> None:
    answer = post(as_role("ir_doctor"), "none-taken", [potted.number], {"reason": "Pain", "seen_version": 0})
    assert answer.status_code == 409

"""A result belongs to its named reader until it is read, told and decided."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse

from tests.web.conftest import MONDAY
from tests.web.laboratory.conftest import ENOUGH, WORDS, at_stage, post
from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.audit.models import AuditEvent
from trocar.web.cases import clock, registry
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.laboratory import reporting, taking
from trocar.web.laboratory.models import (
    Acknowledgement,
    FollowUp,
    Order,
    RepeatDecision,
    Result,
    Telling,
)

PATIENT = {"audience": "patient", "how": "in person", "words": "Told the diagnosis and the plan"}


def result_of(case: Case) -> Result:
    return Result.objects.get(case=case)


@pytest.fixture
def open_decision(received: Case, people: dict[str, Person]) -> Case:
    """A report that is not diagnostic."""
    with change(people["laboratory"], received, "Reported") as ch:
        reporting.report(
            ch, list(Order.objects.filter(case=received)), {**WORDS, "outcome": "insufficient"}, dict(ENOUGH)
        )
    received.refresh_from_db()
    return received


def test_the_named_reader_acknowledges(as_role, reported: Case) -> None:
    referrer = as_role("referrer")
    page = referrer.get(reverse("laboratory:result", args=[reported.number]))
    assert page.status_code == 200
    assert "IgA nephropathy" in page.content.decode()
    values = {"result": result_of(reported).pk, "plan": "Steroids, clinic next week"}
    assert post(referrer, "acknowledge", [reported.number], values).status_code == 302
    assert Acknowledgement.objects.get(result=result_of(reported)).plan == "Steroids, clinic next week"
    facts = registry.facts(reported)
    assert (facts["laboratory.acknowledged"], facts["laboratory.told"]) == (True, False)


def test_a_referrer_who_reads_it_needs_not_be_told_as_well(
    as_role, read: Case, people: dict[str, Person]
) -> None:
    told = Telling.objects.get(result=result_of(read))
    assert (told.audience, told.changed_by) == ("referrer", people["referrer"])


@pytest.mark.parametrize(
    "role", ["ir_doctor", "ir_nurse", "radiographer", "coordinator", "laboratory", "manager"]
)
def test_nobody_else_acknowledges(as_role, reported: Case, role: str) -> None:
    answer = post(
        as_role(role), "acknowledge", [reported.number], {"result": result_of(reported).pk, "plan": "x"}
    )
    assert answer.status_code in (403, 409)
    assert not Acknowledgement.objects.exists()


def test_another_referrer_does_not_even_see_it(reported: Case) -> None:
    from django.test import Client

    other = Person.objects.create_user("other-referrer", full_name="Test other referrer", role="referrer")
    browser = Client()
    browser.force_login(other, backend="trocar.web.accounts.backends.PasswordBackend")
    assert browser.get(reverse("laboratory:result", args=[reported.number])).status_code == 403
    values = {"result": result_of(reported).pk, "plan": "x"}
    assert post(browser, "acknowledge", [reported.number], values).status_code == 403


def test_acknowledging_twice_acts_once(as_role, reported: Case) -> None:
    referrer = as_role("referrer")
    values = {"result": result_of(reported).pk, "plan": "Clinic", "form_token": str(uuid.uuid4())}
    assert [post(referrer, "acknowledge", [reported.number], values).status_code for _ in range(2)] == [
        302,
        302,
    ]
    answer = post(
        referrer, "acknowledge", [reported.number], {"result": result_of(reported).pk, "plan": "Again"}
    )
    assert answer.status_code == 409
    assert Acknowledgement.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "typed", "status"),
    [("plan", "", 422), ("plan", " ", 422), ("result", "0", 404), ("result", "x", 422)],
)
def test_a_bad_acknowledgement_writes_nothing(as_role, reported: Case, field, typed, status) -> None:
    values = {"result": result_of(reported).pk, "plan": "Clinic", field: typed}
    assert post(as_role("referrer"), "acknowledge", [reported.number], values).status_code == status
    assert not Acknowledgement.objects.exists()


def test_a_report_that_was_amended_meanwhile_is_not_acknowledged(as_role, people, reported: Case) -> None:
    old = result_of(reported)
    with change(people["laboratory"], reported, "Amended") as ch:
        reporting.report(
            ch, list(Order.objects.filter(case=reported)), {**WORDS, "report_number": "2"}, dict(ENOUGH)
        )
    answer = post(as_role("referrer"), "acknowledge", [reported.number], {"result": old.pk, "plan": "Clinic"})
    assert answer.status_code == 409
    assert "A later report replaces this one" in answer.content.decode()


def test_after_handing_over_only_the_new_reader_acknowledges(as_role, people, reported: Case) -> None:
    values = {
        "person": str(people["ir_doctor"].pk),
        "reason": "On leave",
        "seen_version": 1,
        "back": "result",
    }
    answer = post(as_role("referrer"), "reader", [reported.number], values)
    assert answer.status_code == 302
    assert answer["Location"] == reverse("laboratory:result", args=[reported.number])
    read = {"result": result_of(reported).pk, "plan": "Clinic"}
    assert post(as_role("referrer"), "acknowledge", [reported.number], read).status_code == 409
    assert post(as_role("ir_doctor"), "acknowledge", [reported.number], read).status_code == 302
    row = AuditEvent.objects.filter(
        case_number=reported.number, action="Named the reader of the result"
    ).last()
    assert row is not None
    assert row.reason == "On leave"


def test_nothing_reaches_the_patient_until_the_named_reader_has_discussed_it(as_role, read: Case) -> None:
    assert registry.facts(read)["laboratory.patient_may_know"] is False
    values = {"result": result_of(read).pk, **PATIENT}
    assert post(as_role("ir_doctor"), "tell", [read.number], values).status_code == 409
    assert registry.facts(read)["laboratory.patient_may_know"] is False
    assert post(as_role("referrer"), "tell", [read.number], values).status_code == 302
    facts = registry.facts(read)
    assert (facts["laboratory.patient_may_know"], facts["laboratory.told"]) == (True, True)
    assert set(Order.objects.filter(case=read).values_list("awaits", flat=True)) == {"done"}


def test_an_amended_report_closes_the_patients_page_again(as_role, people, read: Case) -> None:
    post(as_role("referrer"), "tell", [read.number], {"result": result_of(read).pk, **PATIENT})
    with change(people["laboratory"], read, "Amended") as ch:
        reporting.report(
            ch, list(Order.objects.filter(case=read)), {**WORDS, "report_number": "2"}, dict(ENOUGH)
        )
    assert registry.facts(read)["laboratory.patient_may_know"] is False


def test_a_patient_who_could_not_be_told_is_on_the_record_and_sees_nothing(as_role, read: Case) -> None:
    values = {"result": result_of(read).pk, "audience": "patient", "not_told": "Died on 22 November"}
    assert post(as_role("referrer"), "tell", [read.number], values).status_code == 302
    facts = registry.facts(read)
    assert (facts["laboratory.told"], facts["laboratory.patient_may_know"]) == (True, False)


def test_nobody_is_told_before_it_is_acknowledged(as_role, reported: Case) -> None:
    values = {"result": result_of(reported).pk, **PATIENT}
    answer = post(as_role("referrer"), "tell", [reported.number], values)
    assert answer.status_code == 409
    assert not Telling.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"audience": "patient", "how": "", "words": ""},
        {"audience": "patient", "how": "in person", "words": ""},
        {"audience": "patient", "how": "in person", "words": "x", "not_told": "Died"},
        {"audience": "patient", "how": "pigeon", "words": "x"},
        {"audience": "referrer", "not_told": "Not in"},
        {"audience": "neighbour", "how": "in person", "words": "x"},
    ],
)
def test_a_bad_telling_writes_nothing(as_role, read: Case, values: dict[str, str]) -> None:
    before = Telling.objects.count()
    answer = post(as_role("referrer"), "tell", [read.number], {"result": result_of(read).pk, **values})
    assert answer.status_code == 422
    assert Telling.objects.count() == before


def test_telling_twice_is_recorded_once(as_role, read: Case) -> None:
    values = {"result": result_of(read).pk, **PATIENT}
    statuses = [post(as_role("referrer"), "tell", [read.number], values).status_code for _ in range(2)]
    assert statuses == [302, 409]
    assert Telling.objects.filter(audience="patient").count() == 1


def test_a_repeat_begins_a_new_case_of_the_same_patient(as_role, open_decision: Case, people) -> None:
    values = {"decision": "repeat", "reason": "Two cores more", "seen_version": 1}
    assert post(as_role("ir_doctor"), "repeat", [open_decision.number], values).status_code == 302
    again = RepeatDecision.objects.get(case=open_decision).new_case
    assert again is not None
    assert (again.patient, again.repeat_of, again.side) == (open_decision.patient, open_decision, "left")
    assert (again.referrer, again.stage) == (people["referrer"], "referred")
    words = (
        as_role("referrer").get(reverse("laboratory:result", args=[open_decision.number])).content.decode()
    )
    assert again.number in words


def test_no_repeat_needs_a_reason_too(as_role, open_decision: Case) -> None:
    doctor = as_role("ir_doctor")
    values = {"decision": "no repeat", "reason": "", "seen_version": 1}
    assert post(doctor, "repeat", [open_decision.number], values).status_code == 422
    assert post(doctor, "repeat", [open_decision.number], {**values, "reason": "Treat"}).status_code == 302
    assert Case.objects.count() == 1


def test_the_decision_is_taken_once(as_role, open_decision: Case) -> None:
    values = {"decision": "repeat", "reason": "More", "seen_version": 1}
    statuses = [
        post(as_role("ir_doctor"), "repeat", [open_decision.number], values).status_code for _ in range(2)
    ]
    assert statuses == [302, 409]
    assert Case.objects.count() == 2


@pytest.mark.parametrize("role", ["ir_nurse", "coordinator", "laboratory", "manager"])
def test_others_may_not_decide(as_role, open_decision: Case, role: str) -> None:
    values = {"decision": "repeat", "reason": "More", "seen_version": 1}
    assert post(as_role(role), "repeat", [open_decision.number], values).status_code == 403
    assert Case.objects.count() == 1


def test_nothing_is_decided_where_nothing_is_open(as_role, reported: Case) -> None:
    values = {"decision": "repeat", "reason": "More", "seen_version": 0}
    assert post(as_role("ir_doctor"), "repeat", [reported.number], values).status_code == 409


def test_a_follow_up_is_agreed_and_finished(as_role, read: Case) -> None:
    referrer = as_role("referrer")
    values = {"what": "Clinic", "due": "30/11/2026", "who": "Renal clinic"}
    assert post(referrer, "follow-up", [read.number], values).status_code == 302
    found = FollowUp.objects.get(case=read)
    done = {"done": "Seen, started treatment", "seen_version": 1}
    assert post(referrer, "finish-follow-up", [read.number, found.pk], done).status_code == 302
    assert post(referrer, "finish-follow-up", [read.number, found.pk], done).status_code == 409


@pytest.mark.parametrize(
    ("field", "typed"),
    [("due", "22/11/2026"), ("due", "31/02/2027"), ("due", "soon"), ("due", ""), ("what", ""), ("who", "")],
)
def test_a_bad_follow_up_writes_nothing(as_role, read: Case, field: str, typed: str) -> None:
    values = {"what": "Clinic", "due": "30/11/2026", "who": "Renal clinic", field: typed}
    assert post(as_role("referrer"), "follow-up", [read.number], values).status_code == 422
    assert not FollowUp.objects.exists()


def test_a_case_closes_when_everything_is_read_told_and_decided(as_role, read: Case) -> None:
    referrer = as_role("referrer")
    assert read.stage == "reported"
    assert post(referrer, "close", [read.number]).status_code == 409
    post(referrer, "tell", [read.number], {"result": result_of(read).pk, **PATIENT})
    assert post(referrer, "close", [read.number]).status_code == 302
    read.refresh_from_db()
    assert read.stage == "closed"


def test_an_open_decision_or_follow_up_keeps_it_open(as_role, people, open_decision: Case) -> None:
    referrer = as_role("referrer")
    result = result_of(open_decision)
    post(referrer, "acknowledge", [open_decision.number], {"result": result.pk, "plan": "Repeat?"})
    post(referrer, "tell", [open_decision.number], {"result": result.pk, **PATIENT})
    answer = post(referrer, "close", [open_decision.number])
    assert answer.status_code == 409
    assert "is not decided" in answer.content.decode()
    post(
        referrer,
        "repeat",
        [open_decision.number],
        {"decision": "no repeat", "reason": "Treat", "seen_version": 1},
    )
    post(
        referrer, "follow-up", [open_decision.number], {"what": "Clinic", "due": "30/11/2026", "who": "Ward"}
    )
    assert "A follow-up is still to come" in post(referrer, "close", [open_decision.number]).content.decode()


def test_a_report_during_recovery_does_not_take_the_patient_out_of_it(people, received: Case) -> None:
    at_stage(received, Stage.SIGNED_OUT)
    with change(people["laboratory"], received, "Reported") as ch:
        reporting.report(ch, list(Order.objects.filter(case=received)), dict(WORDS), dict(ENOUGH))
    received.refresh_from_db()
    assert received.stage == "signed_out"


def test_a_case_reported_during_recovery_moves_on_when_its_reader_reads_after_discharge(
    people, received: Case
) -> None:
    at_stage(received, Stage.SIGNED_OUT)
    with change(people["laboratory"], received, "Reported") as ch:
        reporting.report(ch, list(Order.objects.filter(case=received)), dict(WORDS), dict(ENOUGH))
    at_stage(received, Stage.DISCHARGED)
    with change(people["referrer"], received, "Read") as ch:
        reporting.acknowledge(ch, result_of(received), "Clinic")
    received.refresh_from_db()
    assert received.stage == "reported"


def test_a_case_without_a_sample_is_closed_once_somebody_has_decided(as_role, table: Case) -> None:
    doctor = as_role("ir_doctor")
    post(doctor, "none-taken", [table.number], {"reason": "Pain", "seen_version": 0})
    at_stage(table, Stage.DISCHARGED)
    answer = post(doctor, "close", [table.number])
    assert answer.status_code == 409
    assert "is not decided" in answer.content.decode()
    post(doctor, "repeat", [table.number], {"decision": "no repeat", "reason": "Treat", "seen_version": 1})
    assert post(doctor, "close", [table.number]).status_code == 302
    table.refresh_from_db()
    assert table.stage == "closed"


def test_nobody_is_told_before_the_report_was_there(as_role, read: Case) -> None:
    values = {"result": result_of(read).pk, **PATIENT, "happened_at": "22/11/2026 10:00"}
    answer = post(as_role("referrer"), "tell", [read.number], values)
    assert answer.status_code == 409
    assert "Nobody can be told before the report" in answer.content.decode()


def test_the_unread_report_is_overdue_after_two_working_days(as_role, reported: Case) -> None:
    state = next(s for s in registry.sections() if s.key == "laboratory").state
    assert not any("late" in problem for problem in state(reported).problems)
    with clock.at(MONDAY + timedelta(days=3)):
        problems = state(reported).problems
        assert any("Test Referrer acts" in problem and "late" in problem for problem in problems)
        words = as_role("referrer").get(reverse("laboratory:result", args=[reported.number])).content.decode()
    assert "Overdue" in words


def test_the_record_tells_the_whole_way(read: Case) -> None:
    entries = {
        e.heading: dict(e.rows)
        for s in registry.sections()
        if s.key in ("specimen", "laboratory")
        for e in s.entries(read)
    }
    assert entries[f"Order {read.number}-1"]["Test"] == "Light microscopy"
    assert "16.0 mm" in entries[f"Order {read.number}-1"][f"Pot {read.number}-A"]
    assert "Porter" in entries[f"Order {read.number}-1"]["Sent"]
    assert entries["Count"]["Pots"] == "2"
    assert f"Pot {read.number}-B received" in entries
    report = entries["Report H26-1001"]
    assert report["Outcome"] == "Diagnosis made"
    assert report["Glomeruli in light microscopy"] == "14"
    assert "Clinic next week" in report["Acknowledged"]


def test_both_sections_read_the_record_once(read: Case, django_assert_max_num_queries) -> None:
    """Thirteen tables, whoever asks: states, facts and entries of both sections."""
    own = [s for s in registry.sections() if s.key in ("specimen", "laboratory")]
    with django_assert_max_num_queries(13), registry.looking(read):
        for section in own:
            section.state(read)
            section.facts(read)
            section.entries(read)


def test_an_order_keeps_who_ordered_it_though_others_moved_it_on(people, read: Case) -> None:
    entry = next(e for s in registry.sections() if s.key == "specimen" for e in s.entries(read))
    assert entry.by == people["ir_nurse"].full_name


def test_a_reader_must_be_somebody_who_may_read(people, potted: Case) -> None:
    from trocar.web.cases.change import MoveRefused

    with pytest.raises(MoveRefused, match="may not read"), change(people["ir_nurse"], potted, "x") as ch:
        taking.name_reader(ch, people["laboratory"], "why not", None)

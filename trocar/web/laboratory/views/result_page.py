"""The result of a case: its reports, who reads them, who was told, whether to repeat, and what follows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from trocar.clinical.stages import MOVES
from trocar.web.accounts.access import person_of
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.access import case_for
from trocar.web.cases.change import Change
from trocar.web.cases.models import Case
from trocar.web.laboratory import reporting
from trocar.web.laboratory.entries import finding_words, findings_in_words
from trocar.web.laboratory.forms import (
    AcknowledgeForm,
    FinishForm,
    FollowUpForm,
    ReaderForm,
    RepeatForm,
    SlotForm,
    TellForm,
)
from trocar.web.laboratory.models import FollowUp, Result
from trocar.web.laboratory.sample_record import SampleRecord
from trocar.web.laboratory.views.acting import act


@require_safe
def result(request: HttpRequest, number: str) -> HttpResponse:
    """Every report on the case and what is still to be done with it."""
    return result_page(request, case_for(request, number))


def result_page(
    request: HttpRequest, case: Case, sent: SlotForm | None = None, status: int = 200
) -> HttpResponse:
    """The page, with the form that came back with a mistake in its place."""
    record = SampleRecord.of(case)
    person = person_of(request)
    reads = person.may(Permission.ACKNOWLEDGE_RESULT)
    is_reader = record.reader is not None and record.reader.person_id == person.pk

    def form(cls: type[SlotForm], slot: str, **initial: Any) -> SlotForm:
        return (
            sent if sent is not None and sent.slot == slot else cls(slot=slot, record=record, initial=initial)
        )

    repeat = record.repeat
    facts = registry.facts(case) if reads else {}
    ends_here = case.at_stage in (*MOVES["close"].origins, *MOVES["results_in"].origins)
    close_refusals = tuple(need.sentence for need in MOVES["close"].needs if not need.met(facts))
    context = {
        "case": case,
        "record": record,
        "form": sent,
        "orders": [(order, record.test_title(order), record.result_of(order)) for order in record.orders],
        "reports": [
            {
                "result": r,
                "tests": ", ".join(record.test_title(order) for order in record.orders_of(r)),
                "outcome": record.rules.outcome(r.outcome),
                "findings": findings_in_words(record, r),
                "adequate_said": finding_words(r.adequate_said),
                "read": record.acknowledgements.get(r.pk),
                "told": [(a, record.told(r, a)) for a in ("referrer", "patient")],
                "acknowledge_form": form(AcknowledgeForm, f"read-{r.pk}", result=r.pk),
                "referrer_form": form(TellForm, f"referrer-{r.pk}", result=r.pk, audience="referrer"),
                "patient_form": form(TellForm, f"patient-{r.pk}", result=r.pk, audience="patient"),
            }
            for r in record.current_results
        ],
        "replaced": [r for r in record.results if r not in record.current_results],
        "reads": reads,
        "is_reader": is_reader,
        "chases": [chase for chase in record.chases() if chase.state != "in time" and chase.step != "dispatch"],
        "reader_form": form(
            ReaderForm, "reader", seen_version=record.reader.version if record.reader else 0,
            person=str(record.reader.person_id) if record.reader else "",
        ),
        "repeat_form": form(RepeatForm, "repeat", seen_version=repeat.version if repeat else 0),
        "follow_form": form(FollowUpForm, "follow-up", who=person.full_name),
        "follow_ups": [
            (f, form(FinishForm, f"finish-{f.pk}", seen_version=f.version) if reads and not f.done else None)
            for f in record.follow_ups
        ],
        "close_form": form(SlotForm, "close"),
        "may_close": reads and ends_here and not close_refusals,
        "close_refusals": close_refusals if ends_here else (),
    }  # fmt: skip
    return render(request, "laboratory/result.html", context, status=status)


def _act(request: HttpRequest, number: str, make: Any, action: str, do: Any) -> HttpResponse:
    case = case_for(request, number, Permission.ACKNOWLEDGE_RESULT)
    return act(
        request, case, make(SampleRecord.of(case)), action, do, reverse("laboratory:result", args=[number]),
        lambda sent, status: result_page(request, case, sent, status),
    )  # fmt: skip


def _key(request: HttpRequest, name: str) -> str:
    """A number from a form as it can stand in an id; anything else finds nothing."""
    value = request.POST.get(name, "")
    return value if value.isascii() and value.isdecimal() and len(value) <= 18 else "0"


@require_POST
def acknowledge(request: HttpRequest, number: str) -> HttpResponse:
    """The named reader has read the report."""

    def do(ch: Change, form: SlotForm) -> None:
        found = get_object_or_404(Result, pk=form.cleaned_data["result"], case=ch.case)
        reporting.acknowledge(ch, found, form.cleaned_data["plan"])

    slot = f"read-{_key(request, 'result')}"
    return _act(
        request, number, lambda record: AcknowledgeForm(request.POST, slot=slot, record=record),
        "Acknowledged a report", do,
    )  # fmt: skip


@require_POST
def tell(request: HttpRequest, number: str) -> HttpResponse:
    """The referrer or the patient was told."""

    def do(ch: Change, form: SlotForm) -> None:
        values = form.cleaned_data
        found = get_object_or_404(Result, pk=values["result"], case=ch.case)
        reporting.tell(ch, found, values["audience"], values["how"], values["words"], values["not_told"])

    audience = request.POST.get("audience", "")
    slot = f"{audience if audience in ('referrer', 'patient') else 'patient'}-{_key(request, 'result')}"
    return _act(
        request, number, lambda record: TellForm(request.POST, slot=slot, record=record), "Told a result", do
    )


@require_POST
def decide_repeat(request: HttpRequest, number: str) -> HttpResponse:
    """Repeat the biopsy or not."""

    def do(ch: Change, form: SlotForm) -> None:
        values = form.cleaned_data
        reporting.decide_repeat(ch, values["decision"], values["reason"], values["seen_version"])

    return _act(
        request, number, lambda record: RepeatForm(request.POST, slot="repeat", record=record),
        "Decided on a repeat biopsy", do,
    )  # fmt: skip


@require_POST
def follow_up(request: HttpRequest, number: str) -> HttpResponse:
    """Agree a follow-up."""

    def do(ch: Change, form: SlotForm) -> None:
        values = form.cleaned_data
        reporting.add_follow_up(ch, values["what"], values["due"], values["who"])

    return _act(
        request, number, lambda record: FollowUpForm(request.POST, slot="follow-up", record=record),
        "Agreed a follow-up", do,
    )  # fmt: skip


@require_POST
def finish_follow_up(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Say what came of a follow-up."""

    def do(ch: Change, form: SlotForm) -> None:
        found = get_object_or_404(FollowUp, pk=pk, case=ch.case)
        reporting.finish_follow_up(ch, found, form.cleaned_data["done"], form.cleaned_data["seen_version"])

    return _act(
        request, number, lambda record: FinishForm(request.POST, slot=f"finish-{pk}", record=record),
        "Finished a follow-up", do,
    )  # fmt: skip


@require_POST
def close(request: HttpRequest, number: str) -> HttpResponse:
    """Close the case."""
    return _act(
        request, number, lambda record: SlotForm(request.POST, slot="close", record=record), "Closed the case",
        lambda ch, _: reporting.close(ch),
    )  # fmt: skip

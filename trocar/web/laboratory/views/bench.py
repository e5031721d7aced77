"""The laboratory's bench: find a pot by its number, receive it, say what is wrong with it, report on it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from trocar.clinical import specimen as pure
from trocar.web.accounts.access import person_of, require
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.change import Change
from trocar.web.laboratory import reporting
from trocar.web.laboratory.access import find_pot, may_see_specimens, order_for, pot_for
from trocar.web.laboratory.forms import (
    DiscrepancyForm,
    PotNumberForm,
    ReasonForm,
    ReceiveForm,
    ReportForm,
    SettleForm,
    SlotForm,
    report_start,
)
from trocar.web.laboratory.models import Order, Pot
from trocar.web.laboratory.sample_record import SampleRecord
from trocar.web.laboratory.views.acting import act

HANDLES = (Permission.RECEIVE_SPECIMEN, Permission.DISPATCH_SPECIMEN)


@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Scan or type a pot's number."""
    person = require(request, *HANDLES)
    form = PotNumberForm(request.POST) if request.method == "POST" else PotNumberForm()
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            pot = find_pot(form.cleaned_data["number"])
            if pot is not None and may_see_specimens(person, pot.case):
                return HttpResponseRedirect(reverse("laboratory:pot-page", args=[pot.number]))
            form.add_error(
                "number",
                "There is no pot with this number; check it, and ring the department if it is right.",
            )
    return render(request, "laboratory/find.html", {"form": form}, status=status)


@require_safe
def pot_page(request: HttpRequest, number: str) -> HttpResponse:
    """What came with one pot, and what the laboratory says of it."""
    return _pot(request, pot_for(request, number))


def _pot(request: HttpRequest, pot: Pot, sent: SlotForm | None = None, status: int = 200) -> HttpResponse:
    person = person_of(request)
    record = SampleRecord.of(pot.case)
    order = pot.order
    handles = any(person.may(p) for p in HANDLES)

    def form(cls: type[SlotForm], slot: str, **initial: Any) -> SlotForm:
        return (
            sent if sent is not None and sent.slot == slot else cls(slot=slot, record=record, initial=initial)
        )

    context = {
        "case": pot.case,
        "pot": pot,
        "order": order,
        "record": record,
        "form": sent,
        "test": record.test_title(order),
        "medium": record.rules.medium(pot.medium),
        "wrong": pure.wrong_medium(pot.medium, order.test, record.rules),
        "cores": record.cores_of(pot),
        "receipt": record.receipts.get(pot.pk),
        "dispatch": record.dispatches.get(order.pk),
        "result": record.result_of(order),
        "received_all": record.received_at(order),
        "may_receive": person.may(Permission.RECEIVE_SPECIMEN),
        "may_report": person.may(Permission.REPORT_RESULT),
        "sees_case": person.may(Permission.SEE_CASES),
        "handles": handles,
        "receive_form": form(ReceiveForm, "receive"),
        "discrepancy_form": form(DiscrepancyForm, "discrepancy"),
        "end_form": form(ReasonForm, "end", seen_version=order.version),
        "discrepancies": [
            (d, form(SettleForm, f"settle-{d.pk}", seen_version=d.version) if handles and not d.settled else None)
            for d in record.discrepancies
            if d.pot_id == pot.pk
        ],
        "question": order.question,
    }  # fmt: skip
    return render(request, "laboratory/pot.html", context, status=status)


def _on_pot(request: HttpRequest, pot: Pot, form: SlotForm, action: str, do: Any) -> HttpResponse:
    return act(
        request, pot.case, form, action, do, reverse("laboratory:pot-page", args=[pot.number]),
        lambda sent, status: _pot(request, pot, sent, status),
    )  # fmt: skip


@require_POST
def receive(request: HttpRequest, number: str) -> HttpResponse:
    """The pot is here."""
    pot = pot_for(request, number, Permission.RECEIVE_SPECIMEN)
    form = ReceiveForm(request.POST, slot="receive", record=SampleRecord.of(pot.case))
    return _on_pot(request, pot, form, "Received a pot", lambda ch, _: reporting.receive(ch, pot))


@require_POST
def discrepancy(request: HttpRequest, number: str) -> HttpResponse:
    """Something is wrong with the pot."""
    require(request, *HANDLES)
    pot = pot_for(request, number)
    form = DiscrepancyForm(request.POST, slot="discrepancy", record=SampleRecord.of(pot.case))

    def do(ch: Change, sent: SlotForm) -> None:
        reporting.discrepancy(ch, pot, sent.cleaned_data["kind"], sent.cleaned_data["words"])

    return _on_pot(request, pot, form, "Reported a discrepancy", do)


@require_POST
def settle(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Say what was done about a discrepancy."""
    require(request, *HANDLES)
    pot = pot_for(request, number)
    found = get_object_or_404(pot.discrepancies.select_related("pot"), pk=pk)
    form = SettleForm(request.POST, slot=f"settle-{pk}", record=SampleRecord.of(pot.case))

    def do(ch: Change, sent: SlotForm) -> None:
        reporting.settle(ch, found, sent.cleaned_data["settled"], sent.cleaned_data["seen_version"])

    return _on_pot(request, pot, form, "Settled a discrepancy", do)


@require_POST
def end(request: HttpRequest, number: str) -> HttpResponse:
    """No result will come for this pot's order."""
    require(request, Permission.REPORT_RESULT, Permission.DISPATCH_SPECIMEN)
    pot = pot_for(request, number)
    form = ReasonForm(request.POST, slot="end", record=SampleRecord.of(pot.case))

    def do(ch: Change, sent: SlotForm) -> None:
        order = Order.objects.get(pk=pot.order_id)
        reporting.end_without_result(
            ch, order, sent.cleaned_data["reason"], sent.cleaned_data["seen_version"]
        )

    return _on_pot(request, pot, form, "Ended an order without a result", do)


@require_http_methods(["GET", "POST"])
def report(request: HttpRequest, number: str) -> HttpResponse:
    """Enter the laboratory's report on an order, or amend it."""
    order = order_for(request, number, Permission.REPORT_RESULT)
    record = SampleRecord.of(order.case)
    if request.method == "POST":
        form = ReportForm(request.POST, slot="report", record=record)
        back = reverse("laboratory:worklist")

        def do(ch: Change, sent: SlotForm) -> None:
            assert isinstance(sent, ReportForm)
            names = ("report_number", "reporter", "outcome", "diagnosis", "adequate_said")
            values = {name: sent.cleaned_data[name] for name in names}
            if sent.cleaned_data["reported_at"] is not None:
                ch.happened_at = sent.cleaned_data["reported_at"]
            reporting.report(ch, sent.chosen(), values, sent.findings())

        return act(
            request, order.case, form, "Reported on a sample", do, back,
            lambda sent, status: _report(request, order, record, sent, status),
        )  # fmt: skip
    form = ReportForm(slot="report", record=record, initial=report_start(record, order))
    return _report(request, order, record, form, 200)


def _report(
    request: HttpRequest, order: Order, record: SampleRecord, form: SlotForm, status: int
) -> HttpResponse:
    facts = registry.facts(order.case)
    context = {
        "case": order.case, "order": order, "record": record, "form": form, "test": record.test_title(order),
        "amends": record.result_of(order), "indication": facts.get("referral.indication") or "not given",
    }  # fmt: skip
    return render(request, "laboratory/report.html", context, status=status)

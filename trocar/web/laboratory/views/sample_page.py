"""The sample of a case: orders, pots, cores, count, dispatch and reader, on one page for the room."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from trocar.clinical import specimen as pure
from trocar.web.accounts.access import person_of
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.access import case_for
from trocar.web.cases.change import Change
from trocar.web.cases.models import Case
from trocar.web.laboratory import reporting, taking
from trocar.web.laboratory.forms import (
    CoreForm,
    CountForm,
    OrderForm,
    PotForm,
    ReaderForm,
    ReasonForm,
    SendForm,
    SlotForm,
    TakeBackForm,
)
from trocar.web.laboratory.models import Order, Pot
from trocar.web.laboratory.sample_record import SampleRecord
from trocar.web.laboratory.views.acting import act


@require_safe
def sample(request: HttpRequest, number: str) -> HttpResponse:
    """What was taken, in which pots, on which orders, and what is missing before it can leave."""
    return _page(request, case_for(request, number))


def _page(request: HttpRequest, case: Case, sent: SlotForm | None = None, status: int = 200) -> HttpResponse:
    record = SampleRecord.of(case)
    person = person_of(request)
    writes = person.may(Permission.RECORD_PROCEDURE)
    sends = person.may(Permission.DISPATCH_SPECIMEN)
    question = registry.facts(case).get("referral.question") or "" if writes and not record.orders else ""
    if record.orders:
        question = record.orders[-1].question
    context = {
        "case": case,
        "record": record,
        "cards": [_card(record, order, writes, sent) for order in record.orders],
        "writes": writes,
        "sends": sends,
        "sent_form": sent,
        "form": sent,
        "order_form": _form(OrderForm, "order", record, sent, {"question": question}),
        "count_form": _form(
            CountForm, "count", record, sent, {"seen_version": record.count.version if record.count else 0}
        ),
        "none_form": _form(
            ReasonForm, "none", record, sent, {"seen_version": record.count.version if record.count else 0}
        ),
        "send_form": _form(SendForm, "send", record, sent, _last_laboratory(record)),
        "reader_form": _form(
            ReaderForm, "reader", record, sent,
            {
                "seen_version": record.reader.version if record.reader else 0,
                "person": str(record.reader.person_id) if record.reader else "",
            },
        ),
        "count_problems": pure.count_problems(record.specimen, record.rules),
        "dispatch_problems": pure.missing_before_dispatch(record.specimen, record.rules),
        "unsent": [order for order in record.orders if order.pk not in record.dispatches],
    }  # fmt: skip
    return render(request, "laboratory/sample.html", context, status=status)


def _form(
    cls: type[SlotForm], slot: str, record: SampleRecord, sent: SlotForm | None, initial: dict[str, Any]
) -> SlotForm:
    """The form in its place: the one that came back with a mistake, or an empty one."""
    if sent is not None and sent.slot == slot:
        return sent
    return cls(slot=slot, record=record, initial=initial)


def _card(record: SampleRecord, order: Order, writes: bool, sent: SlotForm | None) -> dict[str, Any]:
    """One order with its pots and their cores."""
    locked = order.pk in record.dispatches
    last = record.cores[-1] if record.cores else None
    start = {
        "site": last.site if last else record.case.site,
        "side": last.side if last else "",
    }
    return {
        "order": order,
        "title": record.test_title(order),
        "sent": record.dispatches.get(order.pk),
        "locked": locked or not writes,
        "media": pure.media_for(order.test, record.rules),
        "pot_form": _form(PotForm, f"pot-{order.pk}", record, sent, {"order": order.pk}),
        "back_form": _form(TakeBackForm, f"back-order-{order.pk}", record, sent, _back("order", order)),
        "pots": [
            {
                "pot": pot,
                "medium": record.rules.medium(pot.medium),
                "wrong": pure.wrong_medium(pot.medium, order.test, record.rules),
                "cores": [
                    (core, _form(TakeBackForm, f"back-core-{core.pk}", record, sent, _back("core", core)))
                    for core in record.cores_of(pot)
                ],
                "core_form": _form(CoreForm, f"core-{pot.pk}", record, sent, {"pot": pot.pk, **start}),
                "back_form": _form(TakeBackForm, f"back-pot-{pot.pk}", record, sent, _back("pot", pot)),
            }
            for pot in record.pots_of(order)
        ],
    }


def _back(what: str, found: Any) -> dict[str, Any]:
    return {"what": what, "pk": found.pk, "seen_version": found.version}


def _last_laboratory(record: SampleRecord) -> dict[str, str]:
    sent = list(record.dispatches.values())
    return {"laboratory": sent[-1].laboratory, "taken_by": sent[-1].taken_by} if sent else {}


def _act(
    request: HttpRequest,
    number: str,
    permission: Permission,
    make: Any,
    action: str,
    do: Any,
    place: str = "",
) -> HttpResponse:
    """Act on a form of the page and come back to it, at ``place`` (an id there)."""
    case = case_for(request, number, permission)
    record = SampleRecord.of(case)
    return act(
        request, case, make(record), action, do, reverse("laboratory:sample", args=[number]) + place,
        lambda form, status: _page(request, case, form, status),
    )  # fmt: skip


@require_POST
def order(request: HttpRequest, number: str) -> HttpResponse:
    """Order tests."""

    def do(ch: Change, form: SlotForm) -> None:
        for test in form.cleaned_data["tests"]:
            taking.add_order(ch, test, form.cleaned_data["question"])

    return _act(
        request, number, Permission.RECORD_PROCEDURE,
        lambda record: OrderForm(request.POST, slot="order", record=record), "Ordered tests of the sample", do,
    )  # fmt: skip


@require_POST
def pot(request: HttpRequest, number: str) -> HttpResponse:
    """A pot on an order."""
    slot = f"pot-{_digits(request, 'order')}"

    def do(ch: Change, form: SlotForm) -> None:
        found = get_object_or_404(Order, pk=form.cleaned_data["order"], case=ch.case)
        taking.add_pot(ch, found, form.cleaned_data["medium"])

    return _act(
        request, number, Permission.RECORD_PROCEDURE,
        lambda record: PotForm(request.POST, slot=slot, record=record), "Made a pot ready", do,
        f"#order-{slot.removeprefix('pot-')}",
    )  # fmt: skip


@require_POST
def core(request: HttpRequest, number: str) -> HttpResponse:
    """A core in a pot."""
    slot = f"core-{_digits(request, 'pot')}"

    def do(ch: Change, form: SlotForm) -> None:
        values = form.cleaned_data
        found = get_object_or_404(Pot.objects.select_related("order"), pk=values["pot"], case=ch.case)
        taking.add_core(ch, found, values["site"], values["side"], values["length_mm"])

    return _act(
        request, number, Permission.RECORD_PROCEDURE,
        lambda record: CoreForm(request.POST, slot=slot, record=record), "Recorded a core", do,
        f"#pot-{slot.removeprefix('core-')}",
    )  # fmt: skip


@require_POST
def take_back(request: HttpRequest, number: str) -> HttpResponse:
    """Undo an order, a pot or a core."""
    slot = f"back-{request.POST.get('what', '')}-{_digits(request, 'pk')}"

    def do(ch: Change, form: SlotForm) -> None:
        values = form.cleaned_data
        taking.take_back(ch, values["what"], values["pk"], values["seen_version"])

    return _act(
        request, number, Permission.RECORD_PROCEDURE,
        lambda record: TakeBackForm(request.POST, slot=slot, record=record), "Took back a mistaken entry", do,
    )  # fmt: skip


@require_POST
def count(request: HttpRequest, number: str) -> HttpResponse:
    """Count pots and cores in the hand."""

    def do(ch: Change, form: SlotForm) -> None:
        assert isinstance(form, CountForm)
        taking.count(ch, form.cleaned_data["pots"], form.cores_in(), form.cleaned_data["seen_version"])

    return _act(
        request, number, Permission.RECORD_PROCEDURE,
        lambda record: CountForm(request.POST, slot="count", record=record), "Counted pots and cores", do, "#count",
    )  # fmt: skip


@require_POST
def none_taken(request: HttpRequest, number: str) -> HttpResponse:
    """No sample was taken."""

    def do(ch: Change, form: SlotForm) -> None:
        reason = form.cleaned_data["reason"]
        taking.no_sample(ch, reason, form.cleaned_data["seen_version"])
        reporting.open_repeat_without_sample(ch, reason)

    return _act(
        request, number, Permission.RECORD_PROCEDURE,
        lambda record: ReasonForm(request.POST, slot="none", record=record), "Recorded that no sample was taken", do,
    )  # fmt: skip


@require_POST
def taken_after_all(request: HttpRequest, number: str) -> HttpResponse:
    """Take back that no sample was taken."""

    def do(ch: Change, form: SlotForm) -> None:
        taking.sample_after_all(ch, form.cleaned_data["seen_version"])
        reporting.close_repeat_without_sample(ch)

    return _act(
        request, number, Permission.RECORD_PROCEDURE,
        lambda record: SlotForm(request.POST, slot="none", record=record), "Took back that no sample was taken", do,
    )  # fmt: skip


@require_POST
def send(request: HttpRequest, number: str) -> HttpResponse:
    """The pots leave."""

    def do(ch: Change, form: SlotForm) -> None:
        values = form.cleaned_data
        orders = list(
            Order.objects.filter(case=ch.case, pk__in=[int(pk) for pk in values["orders"]]).order_by("number")
        )
        taking.send(ch, orders, values["taken_by"], values["laboratory"])

    return _act(
        request, number, Permission.DISPATCH_SPECIMEN,
        lambda record: SendForm(request.POST, slot="send", record=record), "Sent pots to the laboratory", do,
    )  # fmt: skip


@require_POST
def reader(request: HttpRequest, number: str) -> HttpResponse:
    """Name who reads the result."""
    permission = Permission.DISPATCH_SPECIMEN
    if not person_of(request).may(permission):
        permission = Permission.ACKNOWLEDGE_RESULT
    back = request.POST.get("back")

    def do(ch: Change, form: SlotForm) -> None:
        assert isinstance(form, ReaderForm)
        person = form.people[form.cleaned_data["person"]]
        taking.name_reader(ch, person, form.cleaned_data["reason"], form.cleaned_data["seen_version"])

    case = case_for(request, number, permission)
    form = ReaderForm(request.POST, slot="reader", record=SampleRecord.of(case))
    if back == "result":
        from trocar.web.laboratory.views.result_page import result_page

        return act(
            request, case, form, "Named the reader of the result", do, reverse("laboratory:result", args=[number]),
            lambda sent, status: result_page(request, case, sent, status),
        )  # fmt: skip
    return act(
        request, case, form, "Named the reader of the result", do, reverse("laboratory:sample", args=[number]),
        lambda sent, status: _page(request, case, sent, status),
    )  # fmt: skip


def _digits(request: HttpRequest, name: str) -> str:
    """A number from a form as it can stand in an id. Http404 for anything else, which no page of ours sends."""
    value = request.POST.get(name, "")
    if not value.isascii() or not value.isdecimal() or len(value) > 18:
        raise Http404("There is no such entry.")
    return value

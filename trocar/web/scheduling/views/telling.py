"""Whom to tell of a change, and who told them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from trocar.web.accounts.access import require
from trocar.web.accounts.roles import Permission
from trocar.web.audit import log as audit
from trocar.web.cases.access import case_for
from trocar.web.cases.change import Change
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.scheduling import day as days
from trocar.web.scheduling.actions import record_told
from trocar.web.scheduling.forms import ToldForm
from trocar.web.scheduling.models import ToTell

MOST_SHOWN = 200


@require_safe
def to_tell_page(request: HttpRequest) -> HttpResponse:
    """Everybody who must still be told of a change, the longest waiting first."""
    person = require(request, Permission.SCHEDULE)
    tasks = list(days.to_tell()[: MOST_SHOWN + 1])
    audit.seen(None, person, "list of people to tell")
    context = {"tasks": tasks[:MOST_SHOWN], "more": len(tasks) > MOST_SHOWN, "most": MOST_SHOWN}
    return render(request, "scheduling/to_tell.html", context)


@require_http_methods(["GET", "POST"])
def told(request: HttpRequest, number: str, task: int) -> HttpResponse:
    """Write down that somebody was told, or could not be reached."""
    case = case_for(request, number, Permission.SCHEDULE)
    stored = get_object_or_404(ToTell.objects.select_related("told_by"), pk=task, case=case)
    back = reverse("scheduling:to_tell")
    if stored.outcome != ToTell.Outcome.OPEN and request.method == "GET":
        return HttpResponseRedirect(reverse("scheduling:case", args=[number]))

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        values = form.cleaned_data
        record_told(ch, stored, values["reached"] == "yes", values["remark"], values["seen_version"] or 0)

    return record_view(
        request,
        case,
        form_class=ToldForm,
        title=f"Tell: {stored.get_whom_display()}",
        action=f"Told of the change: {stored.get_whom_display()}",
        save=save,
        record=stored,
        initial={"remark": ""},
        done_url=back,
        template="scheduling/told.html",
        context={"task": stored},
    )

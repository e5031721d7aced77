"""Show a form, check it, write it, go on: the cycle that every page with a form shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.utils import ErrorList
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from trocar.web.accounts.models import Person
from trocar.web.cases.change import AlreadyDone, Change, EditedMeanwhile, MoveRefused, change, plain
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import Case, VersionedRecord


def record_view(
    request: HttpRequest,
    case: Case,
    *,
    form_class: type[CaseForm],
    title: str,
    action: str,
    save: Callable[[Change, VersionedRecord | None, CaseForm], Any],
    record: VersionedRecord | None = None,
    initial: Mapping[str, Any] | None = None,
    done_url: str | None = None,
    template: str = "cases/record.html",
    button: str = "Save and continue",
    context: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """One page with one form about a case.

    GET shows ``form_class`` with the values of ``record`` (None where there is none yet) or ``initial``. POST
    checks it; then
    ``save(change, record, form)`` writes within one transaction under ``action``, and the browser goes on to
    ``done_url`` (by
    default the case's page). Mistakes, a record changed by somebody else and refused moves come back as the same page
    with sentences, what was typed, and status 422 or 409. A form sent twice goes on as if it had been sent once.
    """
    assert isinstance(request.user, Person)
    done = done_url or reverse("cases:case", args=[case.number])
    start = dict(record.values()) if record is not None else {}
    start.update(initial or {})
    start["seen_version"] = record.version if record is not None else 0
    status = 200
    theirs: list[tuple[str, Any, Any]] = []
    if request.method == "POST":
        form = form_class(request.POST, case=case)
        if form.is_valid():
            try:
                with change(
                    request.user, case, action, token=form.cleaned_data["form_token"],
                    reason=str(form.cleaned_data.get("reason") or ""), happened_at=form.cleaned_data.get("happened_at"),
                ) as ch:  # fmt: skip
                    save(ch, record, form)
                return HttpResponseRedirect(done)
            except AlreadyDone:
                return HttpResponseRedirect(done)
            except EditedMeanwhile as error:
                form.add_error(None, str(error))
                theirs = _differences(form, error.record)
                form.data = form.data.copy()
                form.data["seen_version"] = str(error.record.version)
                status = 409
            except MoveRefused as error:
                form.add_error(None, ErrorList(error.reasons))
                status = 409
        else:
            status = 422
    else:
        form = form_class(initial=start, case=case)
    page = {
        "case": case, "form": form, "title": title, "button": button, "back": done, "theirs": theirs, **(context or {}),
    }  # fmt: skip
    return render(request, template, page, status=status)


def _differences(form: CaseForm, record: VersionedRecord | Case) -> list[tuple[str, Any, Any]]:
    """(label, theirs, yours) for every field in which the stored record and the sent form differ."""
    if not isinstance(record, VersionedRecord):
        return []
    stored = record.values()
    found = []
    for name, value in form.cleaned_data.items():
        if name in stored and plain(stored[name]) != plain(value):
            label = str(form.fields[name].label or name)
            found.append((label, _shown(stored[name]), _shown(value)))
    return found


def _shown(value: Any) -> Any:
    return {None: "not filled in", "": "not filled in", True: "Yes", False: "No"}.get(value, value)

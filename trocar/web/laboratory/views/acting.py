"""One of several forms on a page: check it, write it, go back to the page; or show the page again with its sentence."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.forms.utils import ErrorList
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from trocar.web.accounts.access import person_of
from trocar.web.cases.change import AlreadyDone, Change, EditedMeanwhile, MoveRefused, change
from trocar.web.cases.models import Case, FormToken
from trocar.web.laboratory.forms import SlotForm

Shown = Callable[[SlotForm, int], HttpResponse]


def act(
    request: HttpRequest,
    case: Case,
    form: SlotForm,
    action: str,
    do: Callable[[Change, SlotForm], object],
    back: str,
    show: Shown,
) -> HttpResponse:
    """Run ``do`` under ``action`` in one transaction and go ``back``; mistakes come through ``show`` (422 or 409).

    A form sent twice goes on as if it had been sent once.
    """
    if _acted_before(request, case):
        # First of all: what the form did may have taken away the choices that it was sent with.
        return HttpResponseRedirect(back)
    if not form.is_valid():
        return show(form, 422)
    try:
        with change(
            person_of(request), case, action, token=form.cleaned_data["form_token"],
            reason=str(form.cleaned_data.get("reason") or ""), happened_at=form.cleaned_data.get("happened_at"),
        ) as ch:  # fmt: skip
            do(ch, form)
    except AlreadyDone:
        pass
    except MoveRefused as error:
        form.add_error(None, ErrorList(error.reasons))
        return show(form, 409)
    except EditedMeanwhile as error:
        form.add_error(None, str(error))
        form.data = form.data.copy()
        form.data["seen_version"] = str(error.record.version)
        return show(form, 409)
    return HttpResponseRedirect(back)


def _acted_before(request: HttpRequest, case: Case) -> bool:
    """Whether this very form was sent before and acted upon."""
    try:
        token = uuid.UUID(request.POST.get("form_token", ""))
    except ValueError:
        return False
    return FormToken.objects.filter(token=token, case_number=case.number).exists()

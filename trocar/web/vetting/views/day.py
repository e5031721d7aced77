"""What is asked and measured again when the patient has come."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from trocar.web.accounts.access import require
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.change import Change
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import Case, VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.vetting.access import case_to_read
from trocar.web.vetting.forms import DayForm, answer_field
from trocar.web.vetting.known import facts_of, plan_of, records_of, rules_of
from trocar.web.vetting.models import DayAnswers, Result


@require_http_methods(["GET", "POST"])
def day(request: HttpRequest, number: str) -> HttpResponse:
    """Ask again, and take the blood pressure again; last doses are asked medicine by medicine."""
    case = case_to_read(request, number)
    require(request, Permission.CHECKLIST, Permission.VET)

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        assert isinstance(form, DayForm)
        values = {"answers": form.answers(), "asked_at": ch.happened_at}
        ch.save(record or DayAnswers(), values, form.cleaned_data["seen_version"] or 0)
        for quantity in form.quantities():
            if form.cleaned_data.get(quantity) is not None:
                taken = {
                    "quantity": quantity,
                    "value": form.cleaned_data[quantity],
                    "taken_at": ch.happened_at,
                }
                ch.save(Result(), taken)

    with registry.looking(case):
        stored, initial, plan = records_of(case), _initial(case), plan_of(case)
    planned = {one.medicine: one.words for one in plan.lines}
    return record_view(
        request, case, form_class=DayForm, title="On the day", action="Asked and measured again on the day", save=save,
        record=stored.day, initial=initial, done_url=reverse("vetting:case", args=[number]),
        template="vetting/day.html",
        context={"medicines": [(medicine, planned.get(medicine.name)) for medicine in stored.taken]},
    )  # fmt: skip


def _initial(case: Case) -> dict[str, Any]:
    """Answers of this very day; those of another day are asked anew."""
    answers = facts_of(case, "day", None).answers
    asked = rules_of(case).protocol.vetting.questions_at("day")
    return {answer_field(question): answers.get(question.name) for question in asked}

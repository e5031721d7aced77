"""The protocol's questions before a slot is booked."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from trocar.web.accounts.access import person_of, require
from trocar.web.accounts.roles import Permission
from trocar.web.cases import registry
from trocar.web.cases.change import Change
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import Case, VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.vetting.access import case_to_read
from trocar.web.vetting.forms import AS_THE_PROTOCOL, QuestionsForm, answer_field, record_field
from trocar.web.vetting.known import facts_of, records_of, rules_of
from trocar.web.vetting.models import VettingAnswers


@require_http_methods(["GET", "POST"])
def questions(request: HttpRequest, number: str) -> HttpResponse:
    """Answer the protocol's questions; what was answered before, also by the referrer, is filled in."""
    case = case_to_read(request, number)
    require(request, Permission.VET)
    with registry.looking(case):
        stored = records_of(case).answers
        initial = _initial(case, stored)
    by = person_of(request).full_name

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        assert isinstance(form, QuestionsForm)
        cleaned = form.cleaned_data
        values = {
            "answers": form.answers(),
            "records": form.records(),
            "chosen_class_by": _chosen_by(stored, cleaned, by),
            **{
                n: cleaned[n]
                for n in ("medicines_complete", "stent", "stent_on", "chosen_class", "chosen_class_reason")
            },
        }
        ch.save(record or VettingAnswers(), values, cleaned["seen_version"] or 0)

    return record_view(
        request, case, form_class=QuestionsForm, title="Questions before the biopsy",
        action="Answered the questions before the biopsy", save=save, record=stored, initial=initial,
        done_url=reverse("vetting:case", args=[number]),
    )  # fmt: skip


def _chosen_by(stored: VettingAnswers | None, cleaned: dict[str, Any], by: str) -> str:
    """Who set the class: whoever set it as it stands, not who saved the page last."""
    if not cleaned["chosen_class"]:
        return ""
    same = stored is not None and (stored.chosen_class, stored.chosen_class_reason) == (
        cleaned["chosen_class"],
        cleaned["chosen_class_reason"],
    )
    return stored.chosen_class_by if same and stored is not None else by


def _initial(case: Case, stored: VettingAnswers | None) -> dict[str, Any]:
    answers = facts_of(case, "vetting", None).answers
    records = stored.records if stored else {}
    found: dict[str, Any] = {"chosen_class": (stored.chosen_class if stored else "") or AS_THE_PROTOCOL}
    for question in rules_of(case).protocol.vetting.questions_at("vetting"):
        found[answer_field(question)] = answers.get(question.name)
        for record in question.lifted_by:
            found[record_field(question, record)] = records.get(f"{question.name}/{record.name}", "")
    return found

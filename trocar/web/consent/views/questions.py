"""Questions of the patient, and their answers."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from trocar.web.accounts.access import person_of, require
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.cases.access import case_for
from trocar.web.cases.change import Change
from trocar.web.cases.forms import CaseForm
from trocar.web.cases.models import VersionedRecord
from trocar.web.cases.views.record import record_view
from trocar.web.consent.forms import AnswerForm, QuestionForm
from trocar.web.consent.models import PatientQuestion


class HeardForm(QuestionForm):
    """A question alone, from somebody who passes it on."""

    answer = None  # type: ignore[assignment]


def may_answer(person: Person) -> bool:
    """Whether a person's role answers questions about the procedure."""
    return person.may(Permission.TAKE_CONSENT) or person.may(Permission.CONFIRM_CONSENT)


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, number: str) -> HttpResponse:
    """Write down a question; stage 1 stays open until it is answered."""
    case = case_for(request, number, Permission.SEE_CASES)
    form_class = QuestionForm if may_answer(person_of(request)) else HeardForm

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        answer = form.cleaned_data.get("answer", "")
        given = {"answered_by": ch.by, "answered_at": ch.happened_at} if answer else {}
        ch.save(
            PatientQuestion(),
            {
                "asked": form.cleaned_data["asked"], "asked_at": ch.happened_at, "heard_by": ch.by, "answer": answer,
                **given,
            },
        )  # fmt: skip

    return record_view(
        request, case, form_class=form_class, title="Question of the patient", action="Wrote down a question",
        save=save, done_url=reverse("consent:consent", args=[number]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Answer a question, or correct an answer."""
    require(request, Permission.TAKE_CONSENT, Permission.CONFIRM_CONSENT)
    case = case_for(request, number)
    question = PatientQuestion.objects.filter(case=case, pk=pk).first()
    if question is None:
        raise Http404("There is no such question.")

    def save(ch: Change, record: VersionedRecord | None, form: CaseForm) -> None:
        values = {"answer": form.cleaned_data["answer"], "answered_by": ch.by, "answered_at": ch.happened_at}
        ch.save(cast("PatientQuestion", record), values, form.cleaned_data["seen_version"] or 0)

    return record_view(
        request, case, form_class=AnswerForm, title="Answer a question", action="Answered a question", save=save,
        record=question, done_url=reverse("consent:consent", args=[number]), template="consent/answer.html",
        context={"question": question},
    )  # fmt: skip

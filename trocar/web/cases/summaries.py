"""Keeping the summaries of cases as old as the day at most."""

from __future__ import annotations

from django.db import transaction

from trocar.web.cases import registry
from trocar.web.cases.models import Case


def refresh(case: Case) -> None:
    """Assess a case again and keep the answer. Nothing of the record changes, so its version stays."""
    with transaction.atomic():
        locked = Case.objects.select_for_update(of=("self",)).select_related("patient").get(pk=case.pk)
        locked.summary = registry.summarise(locked)
        locked.save(update_fields=["summary"])
    case.summary = locked.summary

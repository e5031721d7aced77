from __future__ import annotations

from django.db import models

from trocar.web.cases.models import VersionedRecord


class ConsentEnded(VersionedRecord):
    """The patient declined, or withdrew. ``happened_at`` is when; a new stage 1 later than that begins anew.

    words: the patient's, as far as they gave any. explained: what was said of ways without a biopsy. follow_up: who
    goes on caring for the patient, and what was agreed.
    """

    kind = models.CharField(max_length=10, choices=[("declined", "Declined"), ("withdrawn", "Withdrawn")])
    words = models.TextField(blank=True)
    explained = models.TextField(blank=True)
    follow_up = models.TextField(blank=True)
    heard_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "end of consent"
        ordering = ("happened_at", "id")

    def __str__(self) -> str:
        return self.kind

from __future__ import annotations

from django.db import models

from trocar.clinical.moved_slot import TOLD_IN_WORDS
from trocar.web.cases.models import VersionedRecord


class ToTell(VersionedRecord):
    """Somebody who must hear of a change, until a person says who told them and how it went."""

    class Outcome(models.TextChoices):
        OPEN = "open", "To be told"
        TOLD = "told", "Told"
        OVERTAKEN = "overtaken", "Overtaken by a later change"

    whom = models.CharField(max_length=20, choices=list(TOLD_IN_WORDS.items()))
    sentence = models.TextField()
    since = models.DateTimeField()
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.OPEN)
    told_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")
    told_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="how often nobody was reached")
    remark = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(told_by__isnull=True, told_at__isnull=True)
                | models.Q(told_by__isnull=False, told_at__isnull=False, outcome="told"),
                name="told_by_somebody_at_a_time",
            ),
        )
        indexes = (
            models.Index(fields=["since"], condition=models.Q(outcome="open"), name="still_to_tell"),
            models.Index(fields=["case", "outcome"], name="to_tell_of_case"),
        )

    def __str__(self) -> str:
        return f"to tell {self.pk}"

from __future__ import annotations

from django.db import models

from trocar.web.cases.models import VersionedRecord


class PatientQuestion(VersionedRecord):
    """A question of the patient about the procedure, and the answer once somebody gave one."""

    asked = models.TextField()
    asked_at = models.DateTimeField()
    heard_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        verbose_name = "question of the patient"
        ordering = ("asked_at", "id")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(answer="", answered_at=None, answered_by=None)
                | (~models.Q(answer="") & models.Q(answered_at__isnull=False, answered_by__isnull=False)),
                name="an_answer_has_who_and_when",
            ),
        )

    def __str__(self) -> str:
        return f"question {self.pk}"

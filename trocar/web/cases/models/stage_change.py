from __future__ import annotations

from django.db import models

from trocar.clinical.stages import TITLES, Stage
from trocar.web.cases.models.case import Case


class StageChange(models.Model):
    """A move that a case made."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="stage_changes")
    move = models.CharField(max_length=30)
    origin = models.CharField(max_length=20)
    to = models.CharField(max_length=20)
    reason = models.TextField(blank=True)
    at = models.DateTimeField()
    happened_at = models.DateTimeField()
    by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.origin} to {self.to}"

    @property
    def title(self) -> str:
        """The stage that was reached, in words."""
        return TITLES[Stage(self.to)]

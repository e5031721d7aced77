from __future__ import annotations

from django.db import models


class FormToken(models.Model):
    """A form that was sent and acted upon: sent again, it acts no second time."""

    token = models.UUIDField(primary_key=True)
    case_number = models.CharField(max_length=16, blank=True)
    used_at = models.DateTimeField(db_index=True)
    used_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return str(self.token)

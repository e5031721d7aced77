"""What the slow work leaves in the database: one row each time that it is recorded."""

from __future__ import annotations

from django.db import models


class Effect(models.Model):
    job = models.CharField(max_length=40)
    pid = models.IntegerField()

    def __str__(self) -> str:
        return self.job

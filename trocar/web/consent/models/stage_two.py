from __future__ import annotations

from django.db import models

from trocar.web.cases.models import VersionedRecord


class ConsentStageTwo(VersionedRecord):
    """The confirmation for one plan and one version of stage 1. nearby: what was told about this path, as shown."""

    plan = models.CharField(max_length=200, blank=True)
    stage_one_version = models.PositiveIntegerField(default=0)
    confirmed_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    confirmed_at = models.DateTimeField(null=True)
    site = models.CharField(max_length=120, blank=True)
    side = models.CharField(max_length=8, blank=True)
    nearby = models.JSONField(default=list)
    nearby_explained = models.BooleanField(null=True)
    nothing_changed = models.BooleanField(null=True)
    before_sedation = models.BooleanField(null=True)
    still_agrees = models.BooleanField(null=True)

    class Meta:
        verbose_name = "consent stage 2"
        constraints = (models.UniqueConstraint(fields=["case"], name="one_consent_stage_two_per_case"),)

    def __str__(self) -> str:
        return f"consent stage 2 of {self.case_id}"

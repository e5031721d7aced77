from __future__ import annotations

from django.db import models

from trocar.web.cases.models import VersionedRecord


class Override(VersionedRecord):
    """A block that was overridden. gate, value: what it was about, as the assessment said; role: whose it was then."""

    gate = models.CharField(max_length=200)
    value = models.CharField(max_length=200)
    role = models.CharField(max_length=20)
    reason = models.TextField()
    withdrawn = models.BooleanField(default=False)

    class Meta:
        verbose_name = "override"
        indexes = (models.Index(fields=["case"], name="override_of_case"),)

    def __str__(self) -> str:
        return f"override of {self.case_id}"


class VettingDecision(VersionedRecord):
    """What was decided on a referral. words: questions to the referrer, or a remark; assessment: what stood then."""

    outcome = models.CharField(
        max_length=10, choices=[("accepted", "Accepted"), ("returned", "Returned to the referrer")]
    )
    words = models.TextField(blank=True)
    assessment = models.JSONField(default=list)

    class Meta:
        verbose_name = "decision on the referral"
        indexes = (models.Index(fields=["case"], name="decision_of_case"),)

    def __str__(self) -> str:
        return f"decision on {self.case_id}"

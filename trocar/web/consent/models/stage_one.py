from __future__ import annotations

from django.db import models

from trocar.web.cases.models import VersionedRecord


class ConsentStageOne(VersionedRecord):
    """What was talked through before the CT. Empty and None: nobody said anything yet.

    risks, alternatives: names of the protocol's that were explained. not_here: risk -> why it does not apply.
    """

    explained_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    explained_at = models.DateTimeField(null=True)
    indication = models.TextField(blank=True)
    site = models.CharField(max_length=120, blank=True)
    side = models.CharField(max_length=8, blank=True)
    matters = models.TextField(blank=True)
    benefits_explained = models.BooleanField(null=True)
    without_explained = models.BooleanField(null=True)
    risks = models.JSONField(default=list)
    not_here = models.JSONField(default=dict)
    alternatives = models.JSONField(default=list)
    blood_products = models.CharField(max_length=10, blank=True)
    instead_of_blood = models.TextField(blank=True)
    sedation = models.CharField(max_length=20, blank=True)
    sample_use = models.CharField(max_length=30, blank=True)
    x_rays = models.BooleanField(null=True)
    radiation_explained = models.BooleanField(null=True)
    capacity = models.CharField(max_length=20, blank=True)
    capacity_assessed = models.TextField(blank=True)
    decided_by = models.CharField(max_length=300, blank=True)
    consulted = models.TextField(blank=True)
    best_interests_reasons = models.TextField(blank=True)
    no_refusal_known = models.BooleanField(null=True)
    interpreter = models.CharField(max_length=20, blank=True)
    interpreter_who = models.CharField(max_length=200, blank=True)
    information_needs = models.TextField(blank=True)
    information_needs_met = models.BooleanField(null=True)
    leaflet = models.CharField(max_length=20, blank=True)
    leaflet_read = models.BooleanField(null=True)
    agrees = models.BooleanField(null=True)

    class Meta:
        verbose_name = "consent stage 1"
        constraints = (models.UniqueConstraint(fields=["case"], name="one_consent_stage_one_per_case"),)

    def __str__(self) -> str:
        return f"consent stage 1 of {self.case_id}"

from __future__ import annotations

from typing import ClassVar

from django.db import models

from trocar.web.cases.models import VersionedRecord


class Exposure(VersionedRecord):
    """The radiographer's page: who it is, who answers for it, and why. Once per case.

    authorised_at is set only while the page is complete, and taken back with a change that makes it incomplete.
    """

    name_matches = models.BooleanField(null=True)
    birth_matches = models.BooleanField(null=True)
    third_matches = models.BooleanField(null=True)
    third_point = models.CharField(max_length=60, blank=True)
    exposure_referrer = models.CharField(max_length=120, blank=True)
    practitioner = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")
    operator = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")
    justification = models.TextField(blank=True)
    pregnancy = models.CharField(max_length=16, blank=True)
    position = models.CharField(max_length=16, blank=True)
    laterality = models.CharField(max_length=8, blank=True)
    authorised_at = models.DateTimeField(null=True)
    authorised_by = models.ForeignKey(
        "accounts.Person", on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name = "exposure"
        constraints = (models.UniqueConstraint(fields=["case"], name="one_exposure_per_case"),)

    def __str__(self) -> str:
        return f"exposure of {self.case_id}"


class DoseEvent(VersionedRecord):
    """The dose of one scan or one stretch of fluoroscopy, as somebody read it off the machine."""

    given_at = models.DateTimeField()
    what = models.CharField(max_length=120)
    ctdi_vol_mgy = models.DecimalField(max_digits=8, decimal_places=3, null=True)
    dlp_mgy_cm = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    kap_gy_cm2 = models.DecimalField(max_digits=9, decimal_places=4, null=True)
    air_kerma_mgy = models.DecimalField(max_digits=9, decimal_places=3, null=True)
    fluoroscopy_s = models.PositiveIntegerField(null=True)
    undone = models.BooleanField(default=False)

    class Meta:
        verbose_name = "dose"
        ordering: ClassVar[list[str]] = ["given_at", "id"]

    def __str__(self) -> str:
        return f"dose of {self.case_id}"

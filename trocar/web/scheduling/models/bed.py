from __future__ import annotations

from django.db import models

from trocar.web.cases.models import VersionedRecord


class BedBooking(VersionedRecord):
    """A bed that a ward keeps for the patient after the biopsy. Given up: ``holds`` is false."""

    ward = models.CharField(max_length=120)
    accepted_by = models.CharField(max_length=120, help_text="who on the ward said yes")
    first_night = models.DateField()
    holds = models.BooleanField(default=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["case"], name="one_bed_per_case"),)

    def __str__(self) -> str:
        return f"bed of {self.case_id}"

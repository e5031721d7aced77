from __future__ import annotations

from django.db import models

from trocar.clinical.medicines import OwnAdvice, Taken
from trocar.web.cases.models import VersionedRecord


class Medicine(VersionedRecord):
    """A medicine that the patient takes.

    stopped: not taken any more for other reasons, or entered by mistake; it stays on the record.
    adviser, advice, advised_hold_days, advised_restart_days: what a named specialist or pharmacist said instead of the
    automatic plan. last_dose_at: the last dose actually taken, as asked on the day.
    """

    name = models.CharField(max_length=120)
    dose = models.CharField(max_length=120, blank=True)
    stopped = models.BooleanField(default=False)
    adviser = models.CharField(max_length=120, blank=True)
    advice = models.TextField(blank=True)
    advised_hold_days = models.PositiveSmallIntegerField(null=True, blank=True)
    advised_restart_days = models.PositiveSmallIntegerField(null=True, blank=True)
    last_dose_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "medicine"
        indexes = (models.Index(fields=["case"], name="medicine_of_case"),)

    def __str__(self) -> str:
        return f"medicine of {self.case_id}"

    @property
    def taken(self) -> Taken:
        """The same as a plain value."""
        own = None
        if self.adviser:
            own = OwnAdvice(self.adviser, self.advice, self.advised_hold_days, self.advised_restart_days)
        return Taken(self.name, own, self.last_dose_at)


class MedicinePlan(VersionedRecord):
    """A plan that a prescriber signed for one appointment; never changed afterwards, only followed by another.

    for_start: the appointment. lines: medicine, words for the patient and source, as they were signed.
    """

    for_start = models.DateTimeField()
    lines = models.JSONField(default=list)

    class Meta:
        verbose_name = "medicine plan"
        indexes = (models.Index(fields=["case"], name="medicine_plan_of_case"),)

    def __str__(self) -> str:
        return f"medicine plan of {self.case_id}"

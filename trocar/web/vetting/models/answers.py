from __future__ import annotations

from django.db import models

from trocar.web.cases.models import VersionedRecord


class VettingAnswers(VersionedRecord):
    """Answers to the protocol's questions before a slot is booked.

    answers: question -> true or false. records: "question/record" -> words. medicines_complete: whether somebody said
    that the list of medicines is complete, also where it is empty. chosen_class: a bleeding class that a doctor set.
    """

    answers = models.JSONField(default=dict)
    records = models.JSONField(default=dict)
    medicines_complete = models.BooleanField(null=True)
    stent = models.CharField(
        max_length=20,
        blank=True,
        choices=[
            ("none", "No stent"),
            ("bare metal", "Bare metal"),
            ("drug eluting", "Drug eluting"),
            ("unknown kind", "A stent of unknown kind"),
        ],
    )
    stent_on = models.DateField(null=True, blank=True)
    chosen_class = models.CharField(max_length=10, blank=True, choices=[("low", "Low"), ("high", "High")])
    chosen_class_by = models.CharField(max_length=120, blank=True)
    chosen_class_reason = models.TextField(blank=True)

    class Meta:
        verbose_name = "answers before the biopsy"
        constraints = (models.UniqueConstraint(fields=["case"], name="one_vetting_per_case"),)

    def __str__(self) -> str:
        return f"answers of {self.case_id}"


class DayAnswers(VersionedRecord):
    """Answers to what is asked again when the patient has come; they count for that day only."""

    answers = models.JSONField(default=dict)
    asked_at = models.DateTimeField()

    class Meta:
        verbose_name = "answers on the day"
        constraints = (models.UniqueConstraint(fields=["case"], name="one_set_of_day_answers_per_case"),)

    def __str__(self) -> str:
        return f"answers on the day of {self.case_id}"

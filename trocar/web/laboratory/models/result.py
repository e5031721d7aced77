"""What the laboratory found, who read it, who was told, and what follows."""

from __future__ import annotations

from django.db import models

from trocar.web.cases.models import VersionedRecord


class Result(VersionedRecord):
    """A laboratory's report on one or more orders of a case.

    findings: field of the protocol -> answer. adequate_said: the laboratory's own word. verdict: by the protocol's
    figures, as they were on the day. amends: the report that this one replaces; it is to be read and told again.
    """

    report_number = models.CharField(max_length=40)
    reporter = models.CharField(max_length=120)
    outcome = models.CharField(max_length=60)
    adequate_said = models.BooleanField(null=True)
    diagnosis = models.TextField()
    findings = models.JSONField(default=dict)
    verdict = models.CharField(max_length=16)
    verdict_reasons = models.JSONField(default=list)
    amends = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="amended_by"
    )

    class Meta:
        verbose_name = "result"
        constraints = (
            models.UniqueConstraint(fields=["case", "report_number"], name="report_number_once_a_case"),
        )

    def __str__(self) -> str:
        return f"result {self.pk}"


class Acknowledgement(VersionedRecord):
    """The named reader has read a report. plan: what the reader will do."""

    result = models.OneToOneField(Result, on_delete=models.PROTECT, related_name="acknowledgement")
    plan = models.TextField()

    class Meta:
        verbose_name = "acknowledgement"

    def __str__(self) -> str:
        return f"acknowledgement of {self.result_id}"


class Telling(VersionedRecord):
    """Somebody was told a result. named_reader: whose the result was at that time.

    how: telephone, letter, in person. not_told: why the patient could not be told.
    """

    result = models.ForeignKey(Result, on_delete=models.PROTECT, related_name="tellings")
    audience = models.CharField(max_length=10, choices=[("referrer", "Referrer"), ("patient", "Patient")])
    named_reader = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    how = models.CharField(max_length=40, blank=True)
    words = models.TextField(blank=True)
    not_told = models.TextField(blank=True)

    class Meta:
        verbose_name = "telling"
        constraints = (models.UniqueConstraint(fields=["result", "audience"], name="told_once"),)

    def __str__(self) -> str:
        return f"{self.audience} told of {self.result_id}"


class RepeatDecision(VersionedRecord):
    """Whether to repeat the biopsy. opened_why: why it has to be decided. decision: "", "repeat" or "no repeat"."""

    opened_why = models.TextField()
    opened_at = models.DateTimeField()
    decision = models.CharField(
        max_length=10,
        blank=True,
        choices=[("repeat", "Repeat the biopsy"), ("no repeat", "Do not repeat it")],
    )
    reason = models.TextField(blank=True)
    new_case = models.ForeignKey(
        "cases.Case", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "decision on a repeat biopsy"
        constraints = (models.UniqueConstraint(fields=["case"], name="one_repeat_decision_per_case"),)
        indexes = (models.Index(fields=["case"], condition=models.Q(decision=""), name="repeat_open"),)

    def __str__(self) -> str:
        return f"repeat decision of {self.case_id}"


class FollowUp(VersionedRecord):
    """What was agreed to happen after the result. done: what came of it, "" while it is awaited."""

    what = models.CharField(max_length=200)
    due = models.DateField()
    who = models.CharField(max_length=120)
    done = models.TextField(blank=True)

    class Meta:
        verbose_name = "follow-up"
        indexes = (models.Index(fields=["case"], condition=models.Q(done=""), name="follow_up_open"),)

    def __str__(self) -> str:
        return f"follow-up {self.pk}"

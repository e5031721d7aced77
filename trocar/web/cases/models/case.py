from __future__ import annotations

from typing import Any, cast

from django.db import models

from trocar.clinical.protocol import Protocol
from trocar.clinical.stages import ENDED, TITLES, Stage
from trocar.web.cases.models.patient import Patient
from trocar.web.cases.protocols import protocol_named


class Case(models.Model):
    """One biopsy, from referral to result.

    summary: what the sections last said of themselves (key -> status, summary, problems, next action), kept by
    ``change``, so that a list of cases needs no second look at each.
    """

    number = models.CharField(max_length=16, unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="cases")
    protocol_name = models.CharField(max_length=60)
    stage = models.CharField(
        max_length=20, default=Stage.REFERRED, choices=[(s.value, TITLES[s]) for s in Stage]
    )
    stage_since = models.DateTimeField()
    site = models.CharField(max_length=120, blank=True)
    side = models.CharField(
        max_length=8, blank=True, choices=[("left", "Left"), ("right", "Right"), ("none", "No side: midline")]
    )
    urgency = models.CharField(
        max_length=12,
        default="routine",
        choices=[("routine", "Routine"), ("urgent", "Urgent"), ("emergency", "Emergency")],
    )
    referrer = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="referred_cases")
    repeat_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="repeats"
    )
    created = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)
    summary = models.JSONField(default=dict)
    is_sample = models.BooleanField(default=False)

    class Meta:
        indexes = (
            models.Index(fields=["stage", "created"], name="case_stage"),
            models.Index(fields=["referrer", "created"], name="case_referrer"),
        )

    def __str__(self) -> str:
        return self.number

    @property
    def protocol(self) -> Protocol:
        """The procedure, as its file describes it."""
        return protocol_named(self.protocol_name)

    @property
    def at_stage(self) -> Stage:
        """The stage as a value of the table."""
        return Stage(self.stage)

    @property
    def stage_title(self) -> str:
        """The stage in words."""
        return TITLES[self.at_stage]

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be done."""
        return self.at_stage in ENDED

    @property
    def side_words(self) -> str:
        """``left``, ``right``, ``no side`` or, loudly, that it is missing."""
        return {"left": "left", "right": "right", "none": "no side"}.get(self.side, "side not given")

    @property
    def allergies_words(self) -> str:
        """What the referral says of allergies."""
        from trocar.web.cases.models.referral import NOT_ASKED, Referral

        referral = Referral.objects.filter(case=self).first()
        return referral.allergies_words if referral else NOT_ASKED

    @property
    def what(self) -> str:
        """The procedure with side and site, as one line."""
        parts = [self.protocol.title, self.side if self.side in ("left", "right") else "", self.site]
        return ", ".join(part for part in parts if part)

    @property
    def next_action(self) -> dict[str, Any]:
        """What is to be done next and whose it is, as the summary has it: text, role, section."""
        return cast("dict[str, Any]", self.summary.get("next") or {})

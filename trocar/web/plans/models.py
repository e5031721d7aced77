"""Which plan folders belong to a case, and how the case's needle path was decided."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from trocar.web.cases.models import Case, VersionedRecord
from trocar.web.jobs.models import Job

POSITION_CHOICES = (
    ("prone", "Prone (face down)"),
    ("supine", "Supine (face up)"),
    ("left_lateral", "On the left side (right side up)"),
    ("right_lateral", "On the right side (left side up)"),
)
GUIDANCE_CHOICES = (("ultrasound", "Ultrasound"), ("ct", "CT"), ("fluoroscopy", "X-ray (fluoroscopy)"))


class PlanOfCase(models.Model):
    """A plan folder that was made, or is being made, for a case. A row is never changed.

    plan_id: name of the folder below DATA/plans. asked: what was asked of the planner, in words, as label and value.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+")
    plan_id = models.CharField(max_length=64, unique=True)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="+", null=True)
    asked = models.JSONField(default=list)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar[list[str]] = ["asked_at", "id"]

    def __str__(self) -> str:
        return self.plan_id


class PlanDecision(VersionedRecord):
    """How the needle is to go: a path of a plan, or planned at the table without one. One per case.

    way: "" is nothing decided (or withdrawn). plan_version: the content of plan.json that was accepted. path_number
    counts from 1. confirmed: the warnings that were confirmed one by one, as code and sentence. rehearsal_only: the
    CT was not in the needle's position; ``check_scan`` is then, once made, what the scan in position showed:
    structure in words -> whether the path is clear of it. site: as the referral names it, held against the target by
    who accepted.
    """

    class Way(models.TextChoices):
        NONE = "", "Not decided"
        PATH = "path", "A path of a plan"
        TABLE = "table", "Planned at the table"

    way = models.CharField(max_length=8, choices=Way.choices, blank=True, default="", verbose_name="way")
    plan_id = models.CharField(max_length=64, blank=True, default="")
    plan_version = models.CharField(max_length=64, blank=True, default="")
    path_number = models.PositiveSmallIntegerField(null=True)
    confirmed = models.JSONField(default=list)
    rehearsal_only = models.BooleanField(default=False)
    check_scan = models.JSONField(default=dict)
    side = models.CharField(
        max_length=8,
        blank=True,
        default="",
        choices=[("left", "Left"), ("right", "Right"), ("none", "No side: midline")],
    )
    site = models.CharField(max_length=120, blank=True, default="")
    position = models.CharField(max_length=16, blank=True, default="", choices=POSITION_CHOICES)
    guidance = models.CharField(max_length=16, blank=True, default="", choices=GUIDANCE_CHOICES)
    needle = models.CharField(max_length=80, blank=True, default="")
    images_saved = models.BooleanField(null=True)
    notes = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "decision on the needle path"
        constraints = (
            models.UniqueConstraint(fields=["case"], name="one_plan_decision_per_case"),
            models.CheckConstraint(
                condition=~Q(way="path")
                | Q(path_number__gte=1) & ~Q(plan_id="") & ~Q(plan_version="") & ~Q(side=""),
                name="an_accepted_path_is_named",
            ),
            models.CheckConstraint(
                condition=~Q(way="table") | ~Q(side="") & ~Q(position="") & ~Q(needle="") & ~Q(site=""),
                name="planned_at_the_table_in_full",
            ),
        )

    def __str__(self) -> str:
        return f"needle path of {self.case_id}"

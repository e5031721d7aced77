from __future__ import annotations

from typing import ClassVar

from django.db import models

from trocar.clinical.checklist import STAGE_TITLES
from trocar.web.cases.models import VersionedRecord


class ChecklistRound(VersionedRecord):
    """One time through a stage of the checklist; a time out that expired is done again as a further round.

    answered: how many answers it holds, so that its version changes with each. completed_at: when the people in the
    room completed it, which may be before it was written down.
    """

    stage = models.CharField(max_length=10, choices=list(STAGE_TITLES.items()))
    number = models.PositiveSmallIntegerField()
    answered = models.PositiveIntegerField(default=0)
    completed_at = models.DateTimeField(null=True)
    completed_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "round of the checklist"
        ordering: ClassVar[list[str]] = ["id"]
        constraints = (
            models.UniqueConstraint(fields=["case", "stage", "number"], name="one_round_per_number"),
            models.CheckConstraint(
                condition=models.Q(completed_at=None, completed_by=None)
                | models.Q(completed_at__isnull=False, completed_by__isnull=False),
                name="a_completed_round_has_time_and_person",
            ),
        )

    def __str__(self) -> str:
        return f"{self.stage} {self.number} of {self.case_id}"


class ChecklistAnswer(VersionedRecord):
    """One answer as it was given. A later answer to the same item counts instead; none is changed or deleted.

    A resolution is added to the answer that it resolves.
    """

    round = models.ForeignKey(ChecklistRound, on_delete=models.PROTECT, related_name="answers")
    item = models.CharField(max_length=60)
    given = models.CharField(max_length=60)
    answered_at = models.DateTimeField()
    answered_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    resolution = models.TextField(blank=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")
    resolved_as = models.CharField(max_length=20, blank=True)

    class Meta:
        verbose_name = "answer of the checklist"
        ordering: ClassVar[list[str]] = ["id"]

    def __str__(self) -> str:
        return f"{self.item} in round {self.round_id}"

"""Jobs and workers as rows. The job's row is the truth; a task of django-tasks only carries it to a worker."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Job(models.Model):
    """One piece of long work.

    title: what is done, in words without a patient's name. case_number: empty where it is for no case.
    key: two open jobs never have the same; None for work that may be asked for twice.
    share: 0 to 1. words: what is being done now. sentence: why it failed, for the person who asked.
    attempt: counts every time that the work was handed out; what an older attempt writes is refused.
    lost: how many workers died under it. lease_until: until then its worker is taken to be alive, by the
    database's clock, so that clocks of several machines need not agree.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for its turn"
        WORKING = "working", "Being done"
        DONE = "done", "Done"
        FAILED = "failed", "Not done"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    case_number = models.CharField(max_length=20, blank=True, default="", db_index=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name="asked by",
    )
    arguments = models.JSONField(default=dict)
    key = models.CharField(max_length=120, null=True)  # null is no key
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    share = models.FloatField(default=0.0)
    words = models.CharField(max_length=200, blank=True, default="")
    sentence = models.TextField(blank=True, default="")
    result = models.JSONField(null=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    lost = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=100, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    task_id = models.CharField(max_length=64, blank=True, default="")
    asked_at = models.DateTimeField(db_default=Now())
    queued_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-asked_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("key",),
                condition=Q(state__in=("waiting", "working")),
                name="jobs_one_open_job_per_key",
            ),
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=1), name="jobs_share_from_0_to_1"),
            # who works on it and until when are both there while it is worked on, and neither otherwise
            models.CheckConstraint(
                condition=Q(state="working", lease_until__isnull=False) & ~Q(worker="")
                | ~Q(state="working") & Q(lease_until__isnull=True, worker=""),
                name="jobs_worker_while_working",
            ),
        )
        indexes = (
            models.Index(fields=("state",), condition=Q(state__in=("waiting", "working")), name="jobs_open"),
        )

    def __str__(self) -> str:
        return f"{self.title} ({self.state})"

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.WAITING, self.State.WORKING)

    @property
    def percent(self) -> int:
        return round(self.share * 100)


class Worker(models.Model):
    """A process that does jobs; a row whose ``seen_at`` is old is of a dead one."""

    name = models.CharField(max_length=100, primary_key=True)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name

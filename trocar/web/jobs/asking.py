"""Ask for long work: the job's row and the task that carries it to a worker, in the caller's transaction."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models.functions import Now
from django_tasks import task_backends
from django_tasks_db.backend import DatabaseBackend

from trocar.web.jobs.kinds import kind_named
from trocar.web.jobs.models import Job


def ask(
    kind: str,
    title: str,
    by: models.Model | None,
    arguments: dict[str, Any],
    case_number: str = "",
    key: str | None = None,
) -> Job:
    """Put work into the queue. Where an open job has the same ``key``, that one is returned: asked twice, done once.

    Raises KeyError for an unknown kind.
    """
    kind_named(kind)
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind, title=title, by=by, arguments=arguments, case_number=case_number, key=key
            )
            hand_out(job)
    except IntegrityError:
        open_one = Job.objects.filter(key=key, state__in=(Job.State.WAITING, Job.State.WORKING)).first()
        if key is None or open_one is None:
            raise
        return open_one
    return job


def ask_again(job: Job) -> bool:
    """Put a failed job into the queue once more. False where it has not failed, or somebody else was first."""
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, state=Job.State.FAILED).update(
            state=Job.State.WAITING,
            share=0.0,
            words="",
            sentence="",
            lost=0,
            attempt=models.F("attempt") + 1,
            queued_at=Now(),
            finished_at=None,
        )
        if changed:
            job.refresh_from_db()
            hand_out(job)
    return bool(changed)


def hand_out(job: Job) -> None:
    """Give the job's current attempt to django-tasks.

    With the database as queue, task and job are one transaction. Any other queue gets it after the commit; should
    the process die in between, ``lease.reap`` finds the job waiting without a task.
    """
    from trocar.web.jobs.running import run_job

    def enqueue() -> None:
        result = run_job.enqueue(str(job.pk), job.attempt)
        job.task_id = str(result.id)
        Job.objects.filter(pk=job.pk).update(task_id=job.task_id)

    if queue_is_the_database():
        enqueue()
    else:
        transaction.on_commit(enqueue)


def queue_is_the_database() -> bool:
    return isinstance(task_backends["default"], DatabaseBackend)

"""Who is alive, and what the dead have left: leases are renewed, and jobs whose lease has run out wait again.

django-tasks' own database worker leaves the task of a killed worker RUNNING for ever. Here a job is done at least
once: its worker renews a lease; when that has run out, whichever worker looks first hands the job out anew.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from datetime import timedelta

from django.db import Error, close_old_connections, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from trocar.web.jobs.asking import hand_out, queue_is_the_database
from trocar.web.jobs.kinds import kind_named
from trocar.web.jobs.models import Job, Worker
from trocar.web.jobs.running import NAME, holding, lease

log = logging.getLogger("trocar.web.jobs")

MOST_LOST = 3
"""A job under which so many workers died is likely what kills them (it needs more memory than there is)."""

PARENT_EVERY_S = 1.0

TASKS_KEPT = timedelta(days=7)
"""A task only carries a job to a worker; the job's row stays."""

KILLER = (
    "The worker that did this ended unexpectedly {times} times, perhaps for want of memory; "
    "ask for it again, or ask who runs this server."
)


def beat() -> None:
    """Say that this worker lives, and renew the lease of the job that it holds."""
    Worker.objects.update_or_create(name=NAME, defaults={"seen_at": Now()})
    held = holding()
    if held is not None and not held.rows().update(lease_until=Now() + lease()) and holding() is held:
        held.lost.set()


def reap() -> int:
    """Hand out anew what dead workers have left, and return how many jobs that were."""
    lapsed = Job.objects.filter(state=Job.State.WORKING, lease_until__lt=Now())
    count = sum(_hand_out_anew(job) for job in lapsed)
    silent = Job.objects.filter(state=Job.State.WAITING, queued_at__lt=Now() - lease())
    count += sum(_queue_anew(job) for job in silent if _has_no_task(job))
    if count:
        log.warning("jobs of dead workers that wait again: %s", count)
    return count


def sweep() -> None:
    """Take away rows that say nothing any more: dead workers, and tasks that ended long ago."""
    Worker.objects.filter(seen_at__lt=Now() - timedelta(days=1)).delete()
    if queue_is_the_database():
        DBTaskResult.objects.finished().filter(finished_at__lt=Now() - TASKS_KEPT).delete()


def _hand_out_anew(job: Job) -> bool:
    mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, state=Job.State.WORKING, lease_until__lt=Now())
    if job.lost + 1 >= MOST_LOST:
        return _give_up(job, mine)
    with transaction.atomic():
        changed = mine.update(
            state=Job.State.WAITING,
            worker="",
            lease_until=None,
            attempt=F("attempt") + 1,
            lost=F("lost") + 1,
            share=0.0,
            words="",
            queued_at=Now(),
        )
        if changed:
            _give_up_task(job)
            job.refresh_from_db()
            hand_out(job)
    return bool(changed)


def _give_up(job: Job, mine: QuerySet[Job]) -> bool:
    sentence = KILLER.format(times=job.lost + 1)
    with transaction.atomic():
        changed = mine.update(
            state=Job.State.FAILED,
            worker="",
            lease_until=None,
            lost=F("lost") + 1,
            finished_at=Now(),
            sentence=sentence,
        )
        if changed:
            _give_up_task(job)
            with suppress(KeyError):
                kind_named(job.kind).record_failure(job, sentence)
    return bool(changed)


def _queue_anew(job: Job) -> bool:
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, attempt=job.attempt, state=Job.State.WAITING).update(
            attempt=F("attempt") + 1, queued_at=Now()
        )
        if changed:
            _give_up_task(job)
            job.refresh_from_db()
            hand_out(job)
    return bool(changed)


def _has_no_task(job: Job) -> bool:
    """Whether nothing will bring this waiting job to a worker: its worker died between taking the task and the job.

    Only the database as queue can be asked; in another queue a second task does no harm, since its attempt is old.
    """
    if not queue_is_the_database():
        return True
    task = DBTaskResult.objects.filter(pk=job.task_id or None).first()
    return task is None or task.status != TaskResultStatus.READY


def _give_up_task(job: Job) -> None:
    """Mark the dead worker's task, so that it does not stand as running for ever."""
    if job.task_id and queue_is_the_database():
        DBTaskResult.objects.filter(pk=job.task_id, status=TaskResultStatus.RUNNING).update(
            status=TaskResultStatus.FAILED, finished_at=Now()
        )


def state() -> dict[str, object]:
    """For whatever watches the server: how many workers live, and how much waits how long."""
    open_jobs = Job.objects.filter(Q(state=Job.State.WAITING) | Q(state=Job.State.WORKING))
    states = list(open_jobs.values_list("state", flat=True))
    return {
        "workers": Worker.objects.filter(seen_at__gte=Now() - lease()).count(),
        "waiting": states.count(Job.State.WAITING),
        "working": states.count(Job.State.WORKING),
    }


class Pulse(threading.Thread):
    """Beats and reaps beside the work."""

    def __init__(self) -> None:
        super().__init__(name="pulse", daemon=True)
        self.ended = threading.Event()

    def run(self) -> None:
        pause_s = lease().total_seconds() / 6
        while not self.ended.wait(pause_s):
            try:
                close_old_connections()
                beat()
                reap()
            except Error:
                log.exception("renewing leases")
                connection.close()
        connection.close()


class ParentWatch(threading.Thread):
    """Ends this process when the one that started it is gone, with or without a database."""

    def __init__(self, parent: int) -> None:
        super().__init__(name="parent watch", daemon=True)
        self.parent = parent

    def run(self) -> None:
        while os.getppid() == self.parent:
            time.sleep(PARENT_EVERY_S)
        # to the main thread, which may be asleep
        os.kill(os.getpid(), signal.SIGTERM)

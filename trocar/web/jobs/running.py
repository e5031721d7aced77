"""Do one job: claim it, work, tell of the progress, and mark its end, each only while the job is still ours."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

from django import db
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django_tasks import task

from trocar.errors import TrocarError
from trocar.web.jobs.asking import hand_out
from trocar.web.jobs.kinds import Kind, Tell, kind_named
from trocar.web.jobs.models import Job

log = logging.getLogger("trocar.web.jobs")

FAULT = "Trocar has a fault and could not finish this; the terminal in which its worker runs says more."
UNKNOWN_KIND = "This version of Trocar does not know this kind of work."
WRITING_PAUSE_S = 0.3
"""Work tells of its progress many times a second; the row is written at most so often."""

NAME = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
"""Of this process as a worker; never the same twice, so a lease can't be taken for another's."""


def lease() -> timedelta:
    """How long a worker may say nothing before its job is given to another one."""
    return timedelta(seconds=float(getattr(settings, "TROCAR_JOB_LEASE_S", 30.0)))


class Stopped(BaseException):
    """The worker has to end. Not an Exception, so that no work takes it for a failure of its own."""


class LeaseLost(BaseException):
    """Another worker has this job by now, as this process was silent for too long."""


@dataclass
class Hold:
    """The job that this process works on. ``lost`` is set by the pulse, ``stop`` by a signal."""

    job: Job
    lost: threading.Event = field(default_factory=threading.Event)

    def rows(self) -> db.models.QuerySet[Job]:
        """The job's row, as long as it is this attempt's."""
        return Job.objects.filter(
            pk=self.job.pk, attempt=self.job.attempt, worker=NAME, state=Job.State.WORKING
        )


stop = threading.Event()
"""Set when this process has to end: work ends at its next sign of progress and is put back."""

_holding: Hold | None = None


def holding() -> Hold | None:
    """The job that this process works on now."""
    return _holding


@task()
def run_job(job_id: str, attempt: int) -> None:
    """What django-tasks runs. An attempt that is not the job's current one, or is already held, does nothing."""
    global _holding
    hold = _claim(job_id, attempt)
    if hold is None:
        return
    _holding = hold
    try:
        _work(hold)
    finally:
        _holding = None


def _claim(job_id: str, attempt: int) -> Hold | None:
    claimed = Job.objects.filter(pk=job_id, attempt=attempt, state=Job.State.WAITING).update(
        state=Job.State.WORKING, worker=NAME, lease_until=Now() + lease(), started_at=Now()
    )
    return Hold(Job.objects.get(pk=job_id)) if claimed else None


def _work(hold: Hold) -> None:
    try:
        kind = kind_named(hold.job.kind)
    except KeyError:
        _end(hold, Job.State.FAILED, sentence=UNKNOWN_KIND)
        return
    try:
        result = kind.run(hold.job, _teller(hold))
        with transaction.atomic():
            # the fence first: it locks the row, so what is recorded is recorded by one attempt only
            if _end(hold, Job.State.DONE, share=1.0, words="", result=result):
                kind.record(hold.job, result)
    except Stopped:
        _put_back(hold)
    except LeaseLost:
        log.warning("a job was taken over by another worker: %s", hold.job.pk)
    except TrocarError as error:
        _fail(hold, kind, str(error))
    except (db.OperationalError, db.InterfaceError):
        # The database went away: nothing can be written now. The lease runs out, and the job is done again.
        log.exception("doing a job of kind %s", hold.job.kind)
        raise
    except Exception:
        log.exception("doing a job of kind %s", hold.job.kind)
        _fail(hold, kind, FAULT)


def _fail(hold: Hold, kind: Kind, sentence: str) -> None:
    with transaction.atomic():
        if _end(hold, Job.State.FAILED, sentence=sentence):
            kind.record_failure(hold.job, sentence)


def _end(hold: Hold, state: Job.State, **values: object) -> bool:
    return bool(hold.rows().update(state=state, worker="", lease_until=None, finished_at=Now(), **values))


def _put_back(hold: Hold) -> None:
    """The worker ends of its own will: the job waits for the next one, and none is counted as lost."""
    with transaction.atomic():
        if hold.rows().update(
            state=Job.State.WAITING,
            worker="",
            lease_until=None,
            attempt=F("attempt") + 1,
            share=0.0,
            words="",
            queued_at=Now(),
        ):
            hold.job.refresh_from_db()
            hand_out(hold.job)


def _teller(hold: Hold) -> Tell:
    last_s = 0.0

    def tell(words: str, share: float) -> None:
        nonlocal last_s
        if stop.is_set():
            raise Stopped
        if hold.lost.is_set():
            raise LeaseLost
        now_s = time.monotonic()
        if now_s - last_s >= WRITING_PAUSE_S:
            last_s = now_s
            if not hold.rows().update(words=words[:200], share=min(1.0, max(0.0, float(share)))):
                raise LeaseLost

    return tell


def run_waiting() -> int:
    """Do every job that waits, here and now, and return how many: for tests and for commands without a worker."""
    done = 0
    while (job := Job.objects.filter(state=Job.State.WAITING).order_by("asked_at").first()) is not None:
        run_job.call(str(job.pk), job.attempt)
        done += 1
    return done

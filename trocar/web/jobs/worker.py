"""The embedded worker: django-tasks' database worker with a pulse beside it."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

from django.db import Error, close_old_connections, connection
from django_tasks_db.management.commands.db_worker import Worker as DatabaseWorker

from trocar.web.jobs import lease, models, running

log = logging.getLogger("trocar.web.jobs")

ASKS_EVERY_S = 0.5
"""How soon a job that was asked for is begun, where the worker has nothing else to do."""
TRIES_AGAIN_S = 2.0


class EmbeddedWorker(DatabaseWorker):
    """Ends at the work's next sign of progress; what it was doing is put back for the next worker."""

    def __init__(self) -> None:
        super().__init__(
            queue_names=["*"],
            interval=ASKS_EVERY_S,
            batch=False,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=running.NAME[:64],
            excluded_queue_names=[],
        )

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        running.stop.set()
        self.running = False
        if not self.running_task:
            sys.exit(0)

    def configure_signals(self) -> None:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, self.shutdown)


def work(parent: int | None = None) -> None:
    """Do jobs until told to end (SIGTERM, Ctrl-C, or the end of ``parent``)."""
    worker = EmbeddedWorker()
    worker.configure_signals()
    if parent is not None:
        lease.ParentWatch(parent).start()
    pulse = lease.Pulse()
    try:
        _try_until_done(lease.beat)
        _try_until_done(lease.sweep)
        pulse.start()
        while worker.running and not running.stop.is_set():
            try:
                worker.run()
            except Error:
                # the database is away or locked; it comes back, and what was in hand is done again
                log.exception("taking a job")
                close_old_connections()
                time.sleep(TRIES_AGAIN_S)
    finally:
        pulse.ended.set()
        try:
            models.Worker.objects.filter(pk=running.NAME).delete()
        except Error:
            log.warning("this worker's row could not be removed; it is taken for dead by its age")
        connection.close()


def _try_until_done(what: Callable[[], None]) -> None:
    while not running.stop.is_set():
        try:
            what()
        except Error:
            log.exception("the database cannot be reached yet")
            close_old_connections()
            time.sleep(TRIES_AGAIN_S)
        else:
            return

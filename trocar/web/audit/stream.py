"""Reads on their way into the record: kept for up to a second, then written together with a seal over them."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from datetime import UTC, datetime

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from trocar.web.audit.canonical import ReadsHash, seal_hash
from trocar.web.audit.heads import lock_head
from trocar.web.audit.models import SEALS, Seal, SeenEvent

log = logging.getLogger("trocar.web.audit")

AT_MOST = 100_000
"""Reads that wait while the database does not answer; beyond it nobody may read on, as it would not be recorded."""


class TooManyUnwritten(DatabaseError):
    """Reads cannot be recorded, so nothing is shown."""


class Stream:
    """The reads of this process that are not written yet. One thread writes them; it starts with the first."""

    def __init__(self) -> None:
        self._waiting: list[SeenEvent] = []
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process = 0

    def add(self, read: SeenEvent) -> None:
        """Take a read. Raises TooManyUnwritten where none could be written for long."""
        with self._lock:
            if self._process != os.getpid():
                # a forked process has its parent's list, but not its thread
                self._waiting, self._thread, self._process = [], None, os.getpid()
            if len(self._waiting) >= AT_MOST:
                raise TooManyUnwritten("Reads cannot be recorded.")
            self._waiting.append(read)
            if self._thread is None and settings.TROCAR_AUDIT_SEAL_S is not None:
                self._thread = threading.Thread(target=self._run, name="audit seals", daemon=True)
                self._thread.start()
                atexit.register(self._last)

    def flush(self) -> int:
        """Write and seal what waits; returns how many. On an error they wait on, and the error is raised."""
        with self._flushing:
            with self._lock:
                reads = self._waiting[:]
            if reads:
                seal(reads)
                with self._lock:
                    del self._waiting[: len(reads)]
            return len(reads)

    def forget(self) -> None:
        """Drop what waits; for tests that undo their database."""
        with self._lock:
            self._waiting.clear()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(settings.TROCAR_AUDIT_SEAL_S)
            try:
                self.flush()
            except DatabaseError as error:
                # the kind only: the text of a database's error may hold a row
                log.warning("reads could not be written (%s); trying again", type(error).__name__)
            finally:
                connection.close()

    def _last(self) -> None:
        try:
            self.flush()
        except DatabaseError as error:
            log.warning("the last reads could not be written (%s)", type(error).__name__)


@transaction.atomic
def seal(reads: list[SeenEvent]) -> Seal:
    """Write ``reads`` and the seal over them, chained to the last seal."""
    head = lock_head(SEALS)
    over = ReadsHash()
    for position, read in enumerate(reads, 1):
        read.seal, read.position = head.count + 1, position
        over.add(read)
    made = Seal(
        sequence=head.count + 1,
        at=datetime.now(UTC),
        count=len(reads),
        rows_hash=over.hexdigest(),
        previous_hash=head.hash,
    )
    made.hash = seal_hash(made)
    SeenEvent.objects.bulk_create(reads, batch_size=500)
    made.save(force_insert=True)
    head.count, head.hash = made.sequence, made.hash
    head.save(update_fields=["count", "hash"])
    return made


stream = Stream()
"""This process's."""

"""Many writers at once: no chain forks, nothing is lost, and a check meanwhile raises no false alarm."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from trocar.web.audit.log import seen, write
from trocar.web.audit.models import AuditEvent, SeenEvent
from trocar.web.audit.stream import seal
from trocar.web.audit.verify import verify

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 4
EACH = 25


def test_two_writers_of_one_case_make_one_chain() -> None:
    begin = threading.Barrier(WRITERS)

    def work(writer: int) -> None:
        begin.wait()
        try:
            for number in range(EACH):
                with transaction.atomic():
                    write("T-26-000001", f"Writer {writer}, {number}", None, "Case", {})
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(WRITERS)))
    rows = AuditEvent.objects.filter(case_number="T-26-000001").order_by("sequence")
    assert [row.sequence for row in rows] == list(range(1, WRITERS * EACH + 1))
    assert len({row.previous_hash for row in rows}) == WRITERS * EACH
    for writer in range(WRITERS):
        of_one = [row.action for row in rows if row.action.startswith(f"Writer {writer},")]
        assert of_one == [f"Writer {writer}, {number}" for number in range(EACH)]
    assert verify().broken is None


def test_two_processes_seal_their_reads_one_after_the_other() -> None:
    begin = threading.Barrier(WRITERS)

    def work(writer: int) -> None:
        begin.wait()
        try:
            for number in range(5):
                seal([_read(f"Writer {writer}, {number}")])
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(WRITERS)))
    assert SeenEvent.objects.count() == WRITERS * 5
    assert verify().broken is None


def test_a_check_beside_writers_finds_nothing_wrong() -> None:
    ended = threading.Event()

    def work(writer: int) -> None:
        try:
            for number in range(40):
                with transaction.atomic():
                    write(f"T-26-00000{number % 3}", f"Writer {writer}", None, "Case", {})
                seal([_read("Case page")])
        finally:
            connection.close()

    def check() -> list[str]:
        found = []
        try:
            while not ended.is_set():
                broken = verify().broken
                if broken:
                    found.append(broken)
        finally:
            connection.close()
        return found

    with ThreadPoolExecutor(3) as pool:
        checking = pool.submit(check)
        list(pool.map(work, range(2)))
        ended.set()
        assert checking.result() == []
    assert verify().rows == AuditEvent.objects.count() + 2 * 40 * 2


def _read(what: str) -> SeenEvent:
    from trocar.web.audit.stream import stream

    stream.forget()
    seen("T-26-000001", None, what)
    with stream._lock:
        return stream._waiting.pop()

"""Reads: kept for a second, then written with a seal."""

from __future__ import annotations

import time

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from trocar.web.accounts.models import Person
from trocar.web.audit import stream as streams
from trocar.web.audit.log import seen
from trocar.web.audit.models import SEALS, ChainHead, Seal, SeenEvent
from trocar.web.audit.stream import Stream, TooManyUnwritten, stream
from trocar.web.audit.verify import verify


@pytest.fixture
def doctor(db: None) -> Person:
    return Person.objects.create_user("sample.doctor", full_name="Sample IR doctor", role="ir_doctor")


def test_it_works(doctor: Person) -> None:
    for number in range(3):
        seen(f"T-26-00000{number}", doctor, "Case page")
    assert stream.flush() == 3
    seen(None, doctor, "Day list")
    assert stream.flush() == 1
    assert [(one.seal, one.position) for one in SeenEvent.objects.order_by("pk")] == [
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 1),
    ]
    first, second = Seal.objects.order_by("sequence")
    assert (first.count, second.count) == (3, 1)
    assert second.previous_hash == first.hash
    assert ChainHead.objects.get(chain=SEALS).hash == second.hash
    assert verify().broken is None


def test_a_read_costs_the_page_no_query(doctor: Person) -> None:
    with CaptureQueriesContext(connection) as queries:
        seen("T-26-000001", doctor, "Case page")
    assert not queries.captured_queries


def test_nothing_to_seal_makes_no_seal(doctor: Person) -> None:
    assert stream.flush() == 0
    assert not Seal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_they_are_written_within_a_second_or_so_by_themselves(settings: object) -> None:
    settings.TROCAR_AUDIT_SEAL_S = 0.05  # type: ignore[attr-defined]
    own = Stream()
    own.add(_read())
    until = time.monotonic() + 10
    while not Seal.objects.exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert SeenEvent.objects.count() == 1
    assert verify().broken is None


@pytest.mark.django_db
def test_what_could_not_be_written_waits_and_is_written_later(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Stream()
    own.add(_read())
    with monkeypatch.context() as patched:
        patched.setattr(streams, "seal", _no_database)
        with pytest.raises(OperationalError):
            own.flush()
    own.add(_read())
    assert own.flush() == 2
    assert SeenEvent.objects.count() == 2


@pytest.mark.django_db
def test_when_too_many_wait_nobody_may_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "AT_MOST", 2)
    own = Stream()
    own.add(_read())
    own.add(_read())
    with pytest.raises(TooManyUnwritten):
        own.add(_read())


def _read() -> SeenEvent:
    stream.forget()
    seen("T-26-000001", None, "Case page")
    (read,) = stream._waiting
    stream.forget()
    return read


def _no_database(reads: list[SeenEvent]) -> None:
    raise OperationalError("no database")

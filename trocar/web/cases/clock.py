"""The one clock of the web application, so that a test can set it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime

from django.utils import timezone

_SET: ContextVar[datetime | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """This moment, with its time zone."""
    return _SET.get() or timezone.now()


def today() -> date:
    """This day in the department."""
    return timezone.localtime(now()).date()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be ``moment`` inside the block. ValueError for a moment without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    before = _SET.set(moment)
    try:
        yield
    finally:
        _SET.reset(before)

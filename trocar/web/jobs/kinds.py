"""The kinds of work that there are. Each app registers its own in its AppConfig.ready()."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

if TYPE_CHECKING:
    from trocar.web.jobs.models import Job

Tell = Callable[[str, float], None]
"""Told what is being done, and the fraction (0 to 1) of it that is done. It may raise to end the work."""


def _nothing(job: Job, result: dict[str, Any]) -> None:
    """For work that leaves files only."""


def _not_told(job: Job, sentence: str) -> None:
    """For work whose failure only its own page shows."""


@dataclass(frozen=True)
class Kind:
    """One kind of long work.

    run: does the work and returns what came of it, as JSON values. A worker may die at any point of it and another
    begins it again, so what it writes must be the same when it is written twice (a file of a name that follows from
    the job, put in place in one step). It raises TrocarError, with one sentence, for what a person can put right.
    record: writes what came of it to the database, in the one transaction that marks the job done: it happens once.
    check: raises PermissionDenied, or Http404, where who asks may not see the job.
    record_failure: writes to the database that it failed, and why, in the transaction that marks the job failed.
    leads_to: address of the page that shows what came of it.
    """

    key: str
    run: Callable[[Job, Tell], dict[str, Any]]
    check: Callable[[HttpRequest, Job], None]
    leads_to: Callable[[Job], str]
    record: Callable[[Job, dict[str, Any]], None] = _nothing
    record_failure: Callable[[Job, str], None] = _not_told


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Make a kind known. Registering the same key again replaces it, as when an app is loaded twice in tests."""
    _kinds[kind.key] = kind


def kind_named(key: str) -> Kind:
    """Raises KeyError for a kind that no app of this version has registered."""
    return _kinds[key]

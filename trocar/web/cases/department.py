"""The department whose file this server uses, and protocols as that department may use them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from django.conf import settings

from trocar.clinical.department import Department, Effective, effective, load_department
from trocar.web.cases import clock
from trocar.web.cases.protocols import protocol_named


def department() -> Department:
    """The department of the file that settings.TROCAR_DEPARTMENT names; without one, the "Sample department"."""
    return _loaded(_path())


def effective_protocol(name: str) -> Effective:
    """The protocol of that name with the values that the department may use today."""
    return _effective(name, _path(), clock.today())


def _path() -> str | None:
    return getattr(settings, "TROCAR_DEPARTMENT", None) or None


@lru_cache(maxsize=4)
def _loaded(path: str | None) -> Department:
    return load_department(path)


@lru_cache(maxsize=16)
def _effective(name: str, path: str | None, on: date) -> Effective:
    return effective(protocol_named(name), _loaded(path), on)

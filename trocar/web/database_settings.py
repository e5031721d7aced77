"""Which database: an SQLite file in the data folder, or PostgreSQL by one address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

DATABASE_FILE = "trocar.sqlite3"


def databases(data: Path, url: str | None) -> dict[str, dict[str, Any]]:
    """Django's DATABASES: ``url`` (postgresql://...) where it is given, else the file in ``data``.

    Raises ImproperlyConfigured for an address of another kind.
    """
    return {"default": _postgresql(url) if url else sqlite(data / DATABASE_FILE)}


def sqlite(file: Path) -> dict[str, Any]:
    """One file. A write that was confirmed is on the disk: synchronous=FULL waits for it."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "OPTIONS": {
            # a transaction takes its place in the queue of writers at once; otherwise two that read first
            # and then write fail with "database is locked" without waiting
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
    }


def _postgresql(url: str) -> dict[str, Any]:
    if not url.startswith(("postgresql://", "postgres://")):
        raise ImproperlyConfigured("TROCAR_DATABASE_URL has to begin with postgresql://.")
    # one connection a request: under ASGI a kept one would belong to a thread that is gone
    return dict(dj_database_url.parse(url, conn_max_age=0))

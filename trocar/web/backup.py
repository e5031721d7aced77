"""Write everything that a department has into one file.

The file is a zip: ``manifest.json``; ``rows/<app>.<model>.jsonl`` with every row of every table, as the database had
them at one moment; ``files/`` with what lies in the data folder beside the database (plans). It does not depend on the
kind of database, so a department on SQLite can be restored into PostgreSQL. docs/backup.md describes it.

Not in it: the signing key, sessions, the demo's passwords.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import BinaryField, Model
from django.utils.duration import duration_iso_string

from trocar import __version__
from trocar.errors import InputRefused, UsageError

FORMAT = 1
MANIFEST = "manifest.json"
ROWS, FILES = "rows/", "files/"

LEFT_OUT = frozenset(
    {
        "sessions.session",
        "contenttypes.contenttype",
        "auth.permission",
        "auth.group",
        "auth.group_permissions",
    }
)
"""Tables that belong to a running server, or that Django fills by itself."""

FILES_LEFT_OUT = ("trocar.sqlite3", "secret-key", "demo-users.json")
"""Names in the data folder, by their beginning (the database has files beside it)."""

AT_ONCE = 2000

Tell = Callable[[str], None]


def back_up(file: Path, data: Path, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Write ``file`` (readable by its owner only) while the department may be in use; returns the manifest.

    Raises UsageError where the file exists or cannot be written, InputRefused where the database is not of this
    version.
    """
    if file.exists():
        raise UsageError(f"{file.name} exists already; a backup never writes over another file.")
    part = file.with_name(file.name + ".part")
    try:
        with open(part, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            manifest = _write(out, data, tell)
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, file)
    except FileExistsError as error:
        raise UsageError(f"{part.name} is left of an interrupted backup; delete it and try again.") from error
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"{file.name} cannot be written ({error.strerror}).") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return manifest


def _write(out: IO[bytes], data: Path, tell: Tell) -> dict[str, Any]:
    hashes: dict[str, str] = {}
    counts: dict[str, int] = {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with one_moment():
            applied = _applied()
            for model in tables():
                tell(f"Table {model._meta.label_lower}")
                name = f"{ROWS}{model._meta.label_lower}.jsonl"
                with _Entry(archive, name, hashes) as entry:
                    counts[model._meta.label_lower] = _write_rows(model, entry)
        for path in _files(data):
            inner = FILES + path.relative_to(data).as_posix()
            tell(f"File {inner}")
            with _Entry(archive, inner, hashes) as entry, open(path, "rb") as content:
                while block := content.read(1 << 20):
                    entry.write(block)
        manifest = {
            "format": FORMAT,
            "trocar": __version__,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "database": connection.vendor,
            "data_folder": str(data),
            "migrations": applied,
            "rows": counts,
            "sha256": hashes,
        }
        archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
    return manifest


def tables() -> list[type[Model]]:
    """Every table that a backup holds."""
    every = apps.get_models(include_auto_created=True)
    kept = (m for m in every if m._meta.managed and not m._meta.proxy and m._meta.label_lower not in LEFT_OUT)
    return sorted(kept, key=lambda model: model._meta.label_lower)


@contextmanager
def one_moment() -> Iterator[None]:
    """Read the database as it is at one moment, while others write on."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        # not ``atomic``: that would take the place of the one writer for as long as it lasts
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield


def _applied() -> list[list[str]]:
    """The migrations of this version, all of which the database has. Raises InputRefused where it has not."""
    try:
        executor = MigrationExecutor(connection)
    except DatabaseError as error:
        raise InputRefused("The database cannot be read, so there is nothing to back up.") from error
    wanted = set(executor.loader.graph.nodes)
    if wanted - set(executor.loader.applied_migrations):
        raise InputRefused(
            "The database is of another version of Trocar, or empty; start this version once, then back up."
        )
    return sorted([app, name] for app, name in wanted)


def _write_rows(model: type[Model], entry: _Entry) -> int:
    """The names of the columns, then a row a line; returns how many."""
    fields = model._meta.concrete_fields
    entry.write(_line([field.attname for field in fields]))
    count = 0
    names = [field.attname for field in fields]
    binary = [isinstance(field, BinaryField) for field in fields]
    for row in model._base_manager.order_by("pk").values_list(*names).iterator(AT_ONCE):
        entry.write(
            _line(
                [
                    value.hex() if blob and value is not None else value
                    for value, blob in zip(row, binary, strict=True)
                ]
            )
            if any(binary)
            else _line(row)
        )
        count += 1
    return count


def _line(values: Any) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), default=_text).encode() + b"\n"


def _text(value: Any) -> str:
    """What JSON has no form for. Moments keep their microseconds: the audit log's hashes are over them."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"A backup cannot hold a {type(value).__name__}.")


def _files(data: Path) -> Iterator[Path]:
    """Every file of the data folder that a backup holds, in order."""
    for path in sorted(data.rglob("*")):
        first = path.relative_to(data).parts[0]
        if path.is_file() and not path.is_symlink() and not first.startswith(FILES_LEFT_OUT):
            yield path


class _Entry:
    """A file inside the zip, hashed on its way in."""

    def __init__(self, archive: zipfile.ZipFile, name: str, hashes: dict[str, str]) -> None:
        self._into = archive.open(name, "w", force_zip64=True)
        self._name, self._hashes, self._hash = name, hashes, hashlib.sha256()

    def __enter__(self) -> _Entry:
        return self

    def write(self, content: bytes) -> None:
        self._hash.update(content)
        self._into.write(content)

    def __exit__(self, *_: object) -> None:
        self._into.close()
        self._hashes[self._name] = self._hash.hexdigest()

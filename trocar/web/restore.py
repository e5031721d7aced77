"""Bring a backup back, into an empty place."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import BinaryField, Field, Model

from trocar.errors import InputRefused, UsageError
from trocar.web.audit import triggers
from trocar.web.audit.verify import Verdict, verify
from trocar.web.backup import FILES, FORMAT, LEFT_OUT, MANIFEST, ROWS, Tell

AT_ONCE = 1000


def check_empty(data: Path) -> None:
    """Raises UsageError unless the database has no table and the data folder no plan."""
    if connection.introspection.table_names():
        raise UsageError("The database is not empty; a backup is restored only into an empty one.")
    plans = data / "plans"
    if plans.is_dir() and any(plans.iterdir()):
        raise UsageError("The data folder has plans already; a backup is restored only into an empty one.")


def restore(file: Path, data: Path, tell: Tell = lambda _: None) -> Verdict:
    """Make the department of the backup; returns what the check of its audit log found.

    Rows are loaded into the tables as they were when the backup was made and then brought to this version.
    Raises UsageError for a place that is not empty, InputRefused for a file that is no backup, is damaged, or is of a
    newer version.
    """
    try:
        archive = zipfile.ZipFile(file)
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {file.name}.") from error
    except (zipfile.BadZipFile, OSError) as error:
        raise InputRefused(f"{file.name} is no backup of Trocar, or is damaged.") from error
    with archive:
        manifest = _manifest(archive, file)
        tell("Checking the file")
        _check_hashes(archive, manifest, file)
        check_empty(data)
        list(_file_names(manifest))
        try:
            _bring_back(archive, manifest, data, tell)
        except BaseException:
            _empty_again()
            raise
    tell("Checking the audit log")
    return verify()


def _bring_back(archive: zipfile.ZipFile, manifest: dict[str, Any], data: Path, tell: Tell) -> None:
    tell("Making the tables")
    executor = MigrationExecutor(connection)
    targets = _targets(executor, manifest)
    # not by the command: it would let apps fill their tables
    executor.migrate(targets)
    models = MigrationExecutor(connection).loader.project_state(targets).apps
    _load(archive, models, manifest, tell)
    tell("Bringing the tables to this version")
    call_command("migrate", verbosity=0, interactive=False)
    _put_files(archive, manifest, data)


def _empty_again() -> None:
    """After a failure, leave nothing half restored; on PostgreSQL the database's owner empties it."""
    if connection.vendor == "sqlite":
        name = Path(connection.settings_dict["NAME"])
        connection.close()
        for file in name.parent.glob(name.name + "*"):
            file.unlink()


def _manifest(archive: zipfile.ZipFile, file: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(archive.read(MANIFEST))
        known = manifest["format"]
        assert isinstance(manifest["sha256"], dict)
        assert isinstance(manifest["migrations"], list)
    except (KeyError, ValueError, TypeError, AssertionError, zipfile.BadZipFile) as error:
        raise InputRefused(f"{file.name} is no backup of Trocar, or is damaged.") from error
    if known != FORMAT:
        raise InputRefused(f"{file.name} was written by a newer version of Trocar; restore it with that one.")
    return dict(manifest)


def _check_hashes(archive: zipfile.ZipFile, manifest: dict[str, Any], file: Path) -> None:
    """Every entry is there, is what was written, and nothing else is; before anything is touched."""
    inside = {info.filename for info in archive.infolist()} - {MANIFEST}
    if inside != set(manifest["sha256"]):
        raise InputRefused(f"{file.name} is damaged: it does not hold the files that its list names.")
    for name, expected in manifest["sha256"].items():
        over = hashlib.sha256()
        try:
            with archive.open(name) as content:
                while block := content.read(1 << 20):
                    over.update(block)
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise InputRefused(f"{file.name} is damaged at {name}.") from error
        if over.hexdigest() != expected:
            raise InputRefused(f"{file.name} is damaged at {name}.")


def _targets(executor: MigrationExecutor, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """The last migrations that the backup's tables had. Raises InputRefused where this version lacks one."""
    had = {(app, name) for app, name in manifest["migrations"]}
    graph = executor.loader.graph
    if had - set(graph.nodes):
        raise InputRefused("The backup was written by a newer version of Trocar; restore it with that one.")
    return [
        node
        for node in sorted(had)
        if not any(child in had for child in map(_key, graph.node_map[node].children))
    ]


def _key(node: Any) -> tuple[str, str]:
    return (node.key[0], node.key[1])


@transaction.atomic
def _load(archive: zipfile.ZipFile, models: Any, manifest: dict[str, Any], tell: Tell) -> None:
    triggers.remove(connection)
    known = {model._meta.label_lower: model for model in models.get_models(include_auto_created=True)}
    loaded: list[type[Model]] = []
    for name in sorted(manifest["sha256"]):
        if not name.startswith(ROWS):
            continue
        label = name.removeprefix(ROWS).removesuffix(".jsonl")
        if label in LEFT_OUT:
            continue
        if label not in known:
            raise InputRefused(f"The backup has a table {label} that this version does not know.")
        tell(f"Table {label}")
        count = _load_rows(archive, name, known[label])
        if count != manifest["rows"].get(label):
            raise InputRefused(f"The backup is damaged: {label} has {count} rows.")
        loaded.append(known[label])
    statements = connection.ops.sequence_reset_sql(no_style(), loaded)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    triggers.install(connection)


def _load_rows(archive: zipfile.ZipFile, name: str, model: type[Model]) -> int:
    """Put the rows of one table back, every column as it was."""
    # what a migration has put into the table is in the backup too
    model._base_manager.all()._raw_delete(connection.alias)  # type: ignore[attr-defined]
    fields = {field.attname: field for field in model._meta.concrete_fields}
    for field in fields.values():
        # these models are copies of the migrations' own: columns are not to be filled with this moment
        for switch in ("auto_now", "auto_now_add"):
            if getattr(field, switch, False):
                setattr(field, switch, False)
    count = 0
    with archive.open(name) as content:
        names = json.loads(content.readline())
        if set(names) != set(fields):
            raise InputRefused(f"The backup is damaged: {name} has other columns than its version.")
        columns = [fields[one] for one in names]
        rows = (json.loads(line) for line in content)
        while batch := list(islice(rows, AT_ONCE)):
            model._base_manager.bulk_create([_made(model, columns, row) for row in batch])
            count += len(batch)
    return count


def _made(model: type[Model], columns: list[Field[Any, Any]], row: list[Any]) -> Model:
    made = model()
    for field, value in zip(columns, row, strict=True):
        if value is not None and isinstance(field, BinaryField):
            value = bytes.fromhex(value)
        elif value is not None:
            value = field.target_field.to_python(value) if field.is_relation else field.to_python(value)
        setattr(made, field.attname, value)
    return made


def _put_files(archive: zipfile.ZipFile, manifest: dict[str, Any], data: Path) -> None:
    """The plans; where their cards name the old data folder, they name this one."""
    before = str(manifest.get("data_folder", ""))
    for name in _file_names(manifest):
        path = data / PurePosixPath(name).relative_to(FILES.rstrip("/"))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = archive.read(name)
        if path.name == "card.json" and before:
            content = json.dumps(_moved(json.loads(content), before, str(data)), indent=1).encode()
        path.write_bytes(content)


def _file_names(manifest: dict[str, Any]) -> Iterator[str]:
    for name in sorted(manifest["sha256"]):
        if name.startswith(FILES):
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
                raise InputRefused(
                    "The backup names a file outside of the data folder; it was not made by Trocar."
                )
            yield name


def _moved(value: Any, before: str, now: str) -> Any:
    """Paths below the old folder, below the new one."""
    if isinstance(value, str):
        inside = value.startswith(before + "/")
        return now + value[len(before) :] if inside else value
    if isinstance(value, list):
        return [_moved(inner, before, now) for inner in value]
    if isinstance(value, dict):
        return {key: _moved(inner, before, now) for key, inner in value.items()}
    return value

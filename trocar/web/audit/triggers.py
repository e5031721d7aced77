"""The database itself refuses to change or delete the record, whoever asks.

An owner of the database can take the triggers away; then the chain of hashes shows what was done.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

RECORD = ("audit_auditevent", "audit_seenevent", "audit_seal")
"""Tables to which rows are only added."""

HEADS = "audit_chainhead"
"""Rows of it change, but stay."""

REFUSAL = "the audit log is append-only"

# On SQLite, INSERT OR REPLACE deletes without asking the trigger for deletes: no row may take another's place.
_PLACES = {
    "audit_auditevent": "case_number = NEW.case_number AND sequence = NEW.sequence",
    "audit_seenevent": "seal = NEW.seal AND position = NEW.position",
    "audit_seal": "sequence = NEW.sequence",
}


def _sqlite() -> dict[str, str]:
    made = {}
    for table in RECORD:
        for verb in ("UPDATE", "DELETE"):
            name = f"{table}_no_{verb.lower()}"
            made[name] = (
                f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        name = f"{table}_no_replace"
        made[name] = (
            f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE INSERT ON {table} "  # noqa: S608 - names of ours
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id OR ({_PLACES[table]})) "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
    name = f"{HEADS}_no_delete"
    made[name] = (
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE DELETE ON {HEADS} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )
    return made


_POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def _postgresql() -> dict[str, str]:
    made = {}
    for table in (*RECORD, HEADS):
        row = "DELETE" if table == HEADS else "UPDATE OR DELETE"
        for name, event, each in (
            (f"{table}_no_change", row, "FOR EACH ROW"),
            (f"{table}_no_truncate", "TRUNCATE", "FOR EACH STATEMENT"),
        ):
            made[name] = (
                f"CREATE OR REPLACE TRIGGER {name} BEFORE {event} ON {table} {each} "
                "EXECUTE FUNCTION audit_refuse()"
            )
    return made


def _wanted(vendor: str) -> dict[str, str]:
    if vendor == "sqlite":
        return _sqlite()
    if vendor == "postgresql":
        return _postgresql()
    raise NotImplementedError(f"The audit log has no triggers for {vendor}.")


def install(database: BaseDatabaseWrapper) -> None:
    """Make the triggers that are not there."""
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute(_POSTGRESQL_FUNCTION)
        for statement in _wanted(database.vendor).values():
            cursor.execute(statement)


def remove(database: BaseDatabaseWrapper) -> None:
    """Take them away: for restoring a backup into an empty database, and for tests that forge."""
    with database.cursor() as cursor:
        for name in _wanted(database.vendor):
            table = name.split("_no_")[0]
            place = f" ON {table}" if database.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{place}")


def missing(database: BaseDatabaseWrapper) -> list[str]:
    """Names of triggers that are not there, or are switched off."""
    wanted = set(_wanted(database.vendor))
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if database.vendor == "sqlite"
        # O and A: on for ordinary sessions
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
    )
    with database.cursor() as cursor:
        cursor.execute(query)
        return sorted(wanted - {row[0] for row in cursor.fetchall()})


def install_after_migrate(using: str, **_: Any) -> None:
    """Called by Django after each migrate."""
    database = connections[using]
    if set(RECORD) <= set(database.introspection.table_names()):
        install(database)

"""The one way in which a row is written down before it is hashed; docs/audit.md describes it for other programs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from trocar.web.audit.models import AuditEvent, Seal, SeenEvent


def moment(at: datetime | None) -> str | None:
    """In UTC with six digits of the second, as both databases keep it. Raises ValueError without a time zone."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError("A moment in the audit log needs its time zone.")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def plain(value: Any) -> Any:
    """A value as the log keeps it: nothing, yes or no, a whole number, text, or lists and tables of these.

    Everything else is its text: a JSON column of another database may spell a fraction another way.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        # what no database takes: NUL, and halves of characters
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, datetime):
        return moment(value) if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(plain(str(key))): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(inner) for inner in value), key=str)
    return plain(str(value))


def text_of(content: Mapping[str, Any]) -> bytes:
    """JSON, keys in order, no spaces, UTF-8, nothing escaped that need not be."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8")


def hash_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of the text, as 64 hexadecimal digits."""
    return hashlib.sha256(text_of(content)).hexdigest()


def event_hash(event: AuditEvent) -> str:
    """Over every column but the row's key in the table and the hash itself."""
    return hash_of(
        {
            "case_number": event.case_number,
            "sequence": event.sequence,
            "at": moment(event.at),
            "happened_at": moment(event.happened_at),
            "actor_username": event.actor_username,
            "actor_name": event.actor_name,
            "actor_role": event.actor_role,
            "action": event.action,
            "subject": event.subject,
            "changes": event.changes,
            "reason": event.reason,
            "previous_hash": event.previous_hash,
        }
    )


def seen_content(read: SeenEvent) -> dict[str, Any]:
    """Every column but the row's key in the table."""
    return {
        "seal": read.seal,
        "position": read.position,
        "case_number": read.case_number,
        "at": moment(read.at),
        "actor_username": read.actor_username,
        "actor_name": read.actor_name,
        "actor_role": read.actor_role,
        "what": read.what,
    }


class ReadsHash:
    """The hash over reads, one after the other, each with a line feed behind it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, read: SeenEvent) -> None:
        self._hash.update(text_of(seen_content(read)) + b"\n")

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def seal_hash(seal: Seal) -> str:
    """Over every column but the row's key in the table and the hash itself."""
    return hash_of(
        {
            "sequence": seal.sequence,
            "at": moment(seal.at),
            "count": seal.count,
            "rows_hash": seal.rows_hash,
            "previous_hash": seal.previous_hash,
        }
    )

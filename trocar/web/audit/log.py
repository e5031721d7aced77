"""Adding to the record: changes with ``write``, reads with ``seen``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from django.db import connection
from django.db.transaction import TransactionManagementError

from trocar.web.audit.canonical import event_hash, plain
from trocar.web.audit.heads import lock_head
from trocar.web.audit.models import DEPARTMENT, AuditEvent, ChainHead, SeenEvent
from trocar.web.audit.stream import stream


class Who(Protocol):
    """What the record keeps of a person."""

    username: str
    full_name: str
    role: str


SYSTEM = {"actor_username": "", "actor_name": "Trocar", "actor_role": "system"}
"""Who it was where nobody asked for it: a job, a command at the server's own terminal."""


def write(
    case_number: str | None,
    action: str,
    by: Who | None,
    subject: str,
    changes: Mapping[str, tuple[Any, Any]],
    reason: str = "",
    at: datetime | None = None,
    happened_at: datetime | None = None,
) -> AuditEvent:
    """Add a change to the case's chain (the department's for None), inside the caller's transaction.

    by: None for Trocar itself. changes: what changed, from what to what. at: now, where it is not given.
    happened_at: when it happened, where it was entered later.
    The chain stays locked until the transaction ends; who writes to several chains writes to the department's last.
    Raises TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("An audit row belongs to the transaction of what it describes.")
    head = lock_head(case_number or DEPARTMENT)
    event = AuditEvent(
        case_number=head.chain,
        sequence=head.count + 1,
        at=at or datetime.now(UTC),
        happened_at=happened_at,
        **_actor(by),
        action=plain(action)[:200],
        subject=plain(subject)[:300],
        changes={str(plain(str(name))): [plain(old), plain(new)] for name, (old, new) in changes.items()},
        reason=plain(reason),
        previous_hash=head.hash,
    )
    event.hash = event_hash(event)
    event.save(force_insert=True)
    ChainHead.objects.filter(chain=head.chain).update(count=event.sequence, hash=event.hash)
    return event


def seen(case_number: str | None, by: Who | None, what: str, at: datetime | None = None) -> None:
    """Note a read. It is written with the next seal, within a second; a server that is killed may lose that second.

    Tests, where nothing runs beside them, call ``stream.flush()`` (trocar.web.audit.stream) before they look.
    """
    stream.add(
        SeenEvent(
            case_number=case_number or DEPARTMENT,
            at=at or datetime.now(UTC),
            **_actor(by),
            what=plain(what)[:300],
        )
    )


def _actor(by: Who | None) -> dict[str, str]:
    if by is None:
        return SYSTEM
    return {"actor_username": by.username, "actor_name": by.full_name, "actor_role": by.role}

"""The one way to write anything about a case: locked, checked against what the writer saw, and on the record."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from trocar.clinical.stages import MOVES
from trocar.errors import TrocarError
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.audit import log as audit
from trocar.web.cases import clock, registry
from trocar.web.cases.models import Case, FormToken, StageChange, VersionedRecord

R = TypeVar("R", bound=VersionedRecord)


class AlreadyDone(Exception):
    """The form was sent before and acted upon then; nothing was written now."""


class EditedMeanwhile(TrocarError):
    """Somebody else wrote the record after the writer had read it; nothing was written."""

    http_status = 409

    def __init__(self, record: VersionedRecord | Case, by: Person | None, at: datetime | None) -> None:
        self.record, self.by, self.at = record, by, at
        who = f"{by.full_name} changed this" if by else "This was changed"
        when = f" on {timezone.localtime(at):%d/%m/%Y at %H:%M}" if at else ""
        super().__init__(
            f"{who}{when}, after you opened the page. Look at what it says now, then save again."
        )


class MoveRefused(TrocarError):
    """A stage move is not allowed; ``reasons`` says why, a sentence each."""

    http_status = 409

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__(" ".join(reasons))


class Change:
    """One person's change of one case, inside one transaction. Made by ``change``."""

    def __init__(
        self, by: Person, case: Case, action: str, reason: str, happened_at: datetime | None
    ) -> None:
        self.by, self.case, self.action, self.reason = by, case, action, reason
        self.now = clock.now()
        self.happened_at = happened_at or self.now
        self.wrote = False

    def save(self, record: R, values: Mapping[str, Any], seen_version: int | None = None) -> R:
        """Write ``values`` (by the names of ``record.values()``) to a new or known record of this case.

        seen_version: the version that the writer saw, 0 for a record that was not there; None where it does not matter
        (something is only added). Raises EditedMeanwhile where the stored one is another. Unchanged values
        write nothing.
        """
        model = type(record)
        if record.pk is None and seen_version is not None and _single(model):
            record = model._default_manager.filter(case=self.case).first() or record
        if record.pk is not None:
            record = model._default_manager.select_for_update().get(pk=record.pk, case=self.case)
        if seen_version is not None and record.version != seen_version:
            raise EditedMeanwhile(record, record.changed_by if record.pk else None, record.changed_at)
        new = record.pk is None
        before = {} if new else record.values()
        record.case = self.case
        for name, value in values.items():
            setattr(record, _attribute(model, name), value.pk if isinstance(value, models.Model) else value)
        after = record.values()
        differences = {
            name: (plain(before.get(name)), plain(after[name]))
            for name in after
            if name != "case_id" and plain(before.get(name)) != plain(after[name])
        }
        if not new and not differences:
            return record
        record.version += 1
        record.changed_at, record.changed_by, record.happened_at = self.now, self.by, self.happened_at
        record.save()
        self._audit(f"{model._meta.verbose_name} {record.pk}", differences, self.reason)
        return record

    def set_case(self, values: Mapping[str, Any], seen_version: int | None = None) -> Case:
        """Change columns of the case itself: site, side, urgency and the like; the stage only by ``move``."""
        if "stage" in values:
            raise ValueError("the stage changes by a move")
        if seen_version is not None and self.case.version != seen_version:
            raise EditedMeanwhile(self.case, None, None)
        differences = {n: (plain(getattr(self.case, n)), plain(v)) for n, v in values.items()}
        differences = {n: pair for n, pair in differences.items() if pair[0] != pair[1]}
        for name, value in values.items():
            setattr(self.case, name, value)
        if differences:
            self._audit("case", differences, self.reason)
        return self.case

    def move(self, name: str, reason: str = "") -> None:
        """Take a move of the table. Raises MoveRefused where the table, a fact or the person's role does not
        allow it.
        """
        move = MOVES[name]
        refusals = move.refusals(self.case.at_stage, registry.facts(self.case), reason or self.reason)
        if not self.by.may(Permission(move.permission)):
            refusals = (f"Your role may not do this: {move.title.lower()}.", *refusals)
        if refusals:
            raise MoveRefused(refusals)
        origin = self.case.stage
        self.case.stage, self.case.stage_since = move.to.value, self.now
        StageChange.objects.create(
            case=self.case, move=name, origin=origin, to=move.to.value, reason=reason or self.reason, at=self.now,
            happened_at=self.happened_at, by=self.by,
        )  # fmt: skip
        self._audit("stage", {"stage": (origin, move.to.value)}, reason or self.reason)
        registry.tell_of_move(self, move)

    def note(self, subject: str, changes: Mapping[str, tuple[Any, Any]], reason: str = "") -> None:
        """Put on the record what no versioned record holds."""
        self._audit(
            subject, {k: (plain(a), plain(b)) for k, (a, b) in changes.items()}, reason or self.reason
        )

    def _audit(self, subject: str, changes: Mapping[str, tuple[Any, Any]], reason: str) -> None:
        happened = self.happened_at if self.happened_at != self.now else None
        audit.write(
            self.case.number,
            self.action,
            self.by,
            subject,
            changes,
            reason,
            at=self.now,
            happened_at=happened,
        )
        self.wrote = True


@contextmanager
def change(
    by: Person,
    case: Case,
    action: str,
    token: str | uuid.UUID | None = None,
    reason: str = "",
    happened_at: datetime | None = None,
) -> Iterator[Change]:
    """Change a case: everything in the block is written together, or nothing is.

    action: what was done, in words for the record ("Recorded blood result"). token: of the form; one that was used
    before raises AlreadyDone. happened_at: when it happened, where that was not now. The case's row is locked for the
    length of the block, so two people's changes come one after the other.
    """
    with transaction.atomic():
        locked = Case.objects.select_for_update(of=("self",)).select_related("patient").get(pk=case.pk)
        if token:
            use_token(token, by, case.number)
        ch = Change(by, locked, action, reason, happened_at)
        yield ch
        if ch.wrote:
            locked.version += 1
            locked.summary = registry.summarise(locked)
            locked.save()
    for name in ("stage", "stage_since", "version", "summary", "site", "side", "urgency"):
        setattr(case, name, getattr(locked, name))


def use_token(token: str | uuid.UUID, by: Person, case_number: str = "") -> None:
    """Take a form's token, inside a transaction. Raises AlreadyDone where it was used before."""
    try:
        with transaction.atomic():
            FormToken.objects.create(
                token=uuid.UUID(str(token)), case_number=case_number, used_at=clock.now(), used_by=by
            )
    except IntegrityError:
        raise AlreadyDone from None


def plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date | Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    return value


def _single(model: type[VersionedRecord]) -> bool:
    """Whether a case can have only one such record."""
    return any(
        isinstance(c, models.UniqueConstraint) and tuple(c.fields) == ("case",) and c.condition is None
        for c in model._meta.constraints
    )


def _attribute(model: type[VersionedRecord], name: str) -> str:
    return model._meta.get_field(name).attname

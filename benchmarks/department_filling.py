"""A department of many years in PostgreSQL: a few cases taken through the pages, then copied row by row.

What is copied: every row that belongs to a case, in every app, with its keys, references and times moved. The audit log
gets chains of its own, hashed as the application hashes them; ``manage.py verify_audit`` finds them intact.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.utils import timezone

from trocar.clinical.opening_hours import at_wall_clock
from trocar.clinical.slots import GRAIN_MINUTES
from trocar.web.accounts.models import Person
from trocar.web.audit.canonical import event_hash, moment, text_of
from trocar.web.audit.models import FIRST, AuditEvent, ChainHead
from trocar.web.cases.models import Case, Patient
from trocar.web.scheduling.models import Booking, Room, TakenTime

SLOTS_A_DAY = 8
MINUTES = 60
NOT_COPIED = (Case, Patient, Booking, TakenTime)
"""Written one by one, as two of them may not be alike."""


@dataclass
class Family:
    """The rows of one case, by model, and where the copies' keys begin."""

    case: Case
    rows: dict[type[models.Model], list[models.Model]] = field(default_factory=dict)
    first_key: dict[type[models.Model], int] = field(default_factory=dict)


def family_of(case: Case) -> Family:
    """Every row that belongs to a case, directly or through a row that does."""
    found = Family(case, {Case: [case]})
    grew = True
    while grew:
        grew = False
        for model in apps.get_models():
            if model in found.rows or model in NOT_COPIED or not model._meta.managed:
                continue
            for reference in _references(model):
                parents = found.rows.get(reference.related_model)
                if parents is None:
                    continue
                rows = list(
                    model._default_manager.filter(**{f"{reference.name}__in": parents}).order_by("pk")
                )
                if rows:
                    found.rows[model] = rows
                    grew = True
                    break
    del found.rows[Case]
    return found


def _references(model: type[models.Model]) -> list[models.ForeignKey[Any, Any]]:
    return [f for f in model._meta.concrete_fields if isinstance(f, models.ForeignKey)]


def copy_family(family: Family, first_case: int, days: list[date]) -> int:
    """Copy every row for each of the cases from ``first_case`` on, moved to its day; returns how many were made."""
    template_day = timezone.localtime(Booking.objects.get(case=family.case, status="holds").start).date()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS copies (n integer, days integer)")
        cursor.execute("TRUNCATE copies")
        with cursor.cursor.copy("COPY copies FROM STDIN") as copying:
            for n, day in enumerate(days):
                copying.write_row((n, (day - template_day).days))
    for model in family.rows:
        top = model._default_manager.aggregate(top=models.Max("pk"))["top"] if _counted(model) else None
        family.first_key[model] = (top or 0) + 1
    for model, rows in family.rows.items():
        for place, row in enumerate(rows):
            _copy_row(family, model, row, place, first_case)
    return sum(len(rows) for rows in family.rows.values()) * len(days)


def _counted(model: type[models.Model]) -> bool:
    return isinstance(model._meta.pk, models.AutoField | models.IntegerField)


def _copy_row(
    family: Family, model: type[models.Model], row: models.Model, place: int, first_case: int
) -> None:
    copied = {
        f.column: _copied(family, model, row, f, place, first_case) for f in model._meta.concrete_fields
    }
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(map(quote, copied))}) "
            f"SELECT {', '.join(copied.values())} FROM {quote(model._meta.db_table)} t, copies c "
            f"WHERE t.{quote(model._meta.pk.column)} = %s",
            [row.pk],
        )


def _copied(
    family: Family, model: type[models.Model], row: models.Model, one: Any, place: int, first_case: int
) -> str:
    """SQL for one column of a copy. ``t`` is the row that is copied, ``c`` says for which case and day."""
    column = f"t.{connection.ops.quote_name(one.column)}"
    if isinstance(one, models.ForeignKey):
        target, value = one.related_model, getattr(row, one.attname)
        if target is Case:
            return f"{first_case} + c.n"
        if target is Booking and value is not None:
            return f"{first_case} + c.n"
        if value is not None and target in family.rows:
            there = [other.pk for other in family.rows[target]]
            return f"{family.first_key[target]} + c.n * {len(there)} + {there.index(value)}"
        return column
    if isinstance(one, models.UUIDField) and one.unique:
        return "gen_random_uuid()"
    if one.primary_key:
        return f"{family.first_key[model]} + c.n * {len(family.rows[model])} + {place}"
    if one.unique:
        return f"left({column}, 20) || '-' || ({first_case} + c.n)"
    if isinstance(one, models.DateTimeField):
        return f"{column} + make_interval(days => c.days)"
    if isinstance(one, models.DateField):
        return f"{column} + c.days"
    return column


def write_cases(template: Case, first: int, count: int, days: list[date], referrers: list[Person]) -> None:
    """Cases from key ``first`` on, each with a patient of its own; ``days``: of the biopsy."""
    chance = random.Random(first)
    patients, cases = [], []
    for n in range(count):
        key = first + n
        patients.append(
            Patient(
                pk=key, nhs_number=nhs_number(key), hospital_number=f"S{key:07d}", family_name=f"Sample{key % 997}",
                given_name=f"Patient {key}", birth_date=date(1935, 1, 1) + timedelta(days=key * 37 % 25000),
                sex=chance.choice(["female", "male"]), is_sample=True,
            )
        )  # fmt: skip
        created = at_wall_clock(days[n] - timedelta(days=14), 10 * 60)
        cases.append(
            Case(
                pk=key, number=f"T-{days[n]:%y}-{key:06d}", patient_id=key, protocol_name=template.protocol_name,
                stage=template.stage, stage_since=created, site=template.site, side=chance.choice(["left", "right"]),
                urgency="routine", referrer=chance.choice(referrers), created=created, version=template.version,
                summary=template.summary, is_sample=True,
            )
        )  # fmt: skip
    Patient.objects.bulk_create(patients, batch_size=5000)
    Case.objects.bulk_create(cases, batch_size=5000)


def nhs_number(key: int) -> str:
    """A number of the range kept for tests whose check digit is right."""
    while True:
        nine = f"999{key % 1_000_000:06d}"
        check = (
            11 - sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True)) % 11
        )
        if check != 10:
            return f"{nine}{check % 11}"
        key += 500_000


def write_bookings(first: int, days: list[date], by: Person) -> None:
    """A slot for each case; a day has room for SLOTS_A_DAY in each room."""
    TakenTime.objects.filter(booking__pk__lt=1000).delete()  # those who are copied make room
    rooms = list(Room.objects.filter(in_use=True))
    used: dict[date, int] = {}
    bookings = []
    for n, day in enumerate(days):
        place = used.get(day, 0)
        used[day] = place + 1
        start = at_wall_clock(day, 8 * 60 + 30 + MINUTES * (place // len(rooms)))
        booking = Booking(
            pk=first + n, case_id=first + n, room=rooms[place % len(rooms)], start=start,
            end=start + timedelta(minutes=MINUTES), guidance="ct", version=1, happened_at=start, changed_at=start,
            changed_by=by,
        )  # fmt: skip
        bookings.append(booking)
    Booking.objects.bulk_create(bookings, batch_size=5000)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TakenTime._meta.db_table} (room_id, tick, booking_id) "
            f"SELECT room_id, floor(extract(epoch FROM start) / {GRAIN_MINUTES * 60})::integer + n, id "
            f"FROM {Booking._meta.db_table}, generate_series(0, {MINUTES // GRAIN_MINUTES - 1}) n "
            "WHERE id >= %s AND id < %s",
            [first, first + len(days)],
        )


def busy_days(count: int, first: date, step: int) -> list[date]:
    """The days of ``count`` cases, from ``first`` on (step 1) or back (-1) over weekdays, each as full as can be."""
    a_day = SLOTS_A_DAY * Room.objects.filter(in_use=True).count()
    found: list[date] = []
    day = first
    while len(found) < count:
        if day.weekday() < 5:
            found += [day] * min(a_day, count - len(found))
        day += timedelta(days=step)
    return found


def write_audit(cases: Iterable[tuple[str, datetime]], rows_each: int, template: list[AuditEvent]) -> int:
    """A chain of ``rows_each`` rows for each case, like those of ``template``; returns how many rows.

    The text that is hashed is put together from parts, as two million rows would take minutes; the rows of the first
    case are compared with what the application itself would have hashed.
    """
    moulds = [_mould(template[n % len(template)], n + 1) for n in range(rows_each)]
    heads: list[ChainHead] = []
    columns = "case_number, sequence, at, actor_username, actor_name, actor_role, action, subject, changes, reason, "
    statement = f"COPY {AuditEvent._meta.db_table} ({columns}previous_hash, hash) FROM STDIN"
    with transaction.atomic(), connection.cursor() as cursor:
        with cursor.cursor.copy(statement) as copying:
            for number, begun in cases:
                previous, lines = FIRST, []
                for n, (before_at, before_changes, before_reason, row) in enumerate(moulds, start=1):
                    at = moment(begun + timedelta(hours=n))
                    text = (
                        f'{before_at}{at}","case_number":"{number}{before_changes}{previous}{before_reason}'
                    )
                    made = hashlib.sha256(text.encode()).hexdigest()
                    lines.append(f"{number}\t{n}\t{at}\t{row}\t{previous}\t{made}\n")
                    previous = made
                copying.write("".join(lines))
                heads.append(ChainHead(chain=number, count=rows_each, hash=previous))
        ChainHead.objects.bulk_create(heads, batch_size=5000)
    for event in AuditEvent.objects.filter(case_number=heads[0].chain):
        assert event.hash == event_hash(event), "the text that is hashed is not the application's"
    return len(heads) * rows_each


def _mould(like: AuditEvent, sequence: int) -> tuple[str, str, str, str]:
    """The text that is hashed, cut where chains differ (moment and case, previous hash), and the row for COPY."""
    text = text_of(
        {
            "action": like.action, "actor_name": like.actor_name, "actor_role": like.actor_role,
            "actor_username": like.actor_username, "at": "@", "case_number": "@", "changes": like.changes,
            "happened_at": None, "previous_hash": "@", "reason": like.reason, "sequence": sequence,
            "subject": like.subject,
        }
    ).decode()  # fmt: skip
    before_at, rest = text.split('@","case_number":"', 1)
    before_changes, rest = rest.removeprefix("@").split('"previous_hash":"@', 1)
    columns = (like.actor_username, like.actor_name, like.actor_role, like.action, like.subject)
    words = [*columns, json.dumps(like.changes, ensure_ascii=False), like.reason]
    row = "\t".join(w.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n") for w in words)
    return before_at, f'{before_changes}"previous_hash":"', rest, row


def in_a_hurry() -> None:
    """References are right by construction, and what is lost in a crash is filled again: both checks are left out."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")


def tidy_up() -> None:
    """Check again from here on, let every sequence go on behind the copied keys, and let PostgreSQL count."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("SET synchronous_commit = on")
    statements = connection.ops.sequence_reset_sql(no_style(), list(apps.get_models()))
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE")

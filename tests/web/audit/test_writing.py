"""Adding to the record."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from trocar.web.accounts.models import Person
from trocar.web.audit.canonical import event_hash, text_of
from trocar.web.audit.log import seen, write
from trocar.web.audit.models import FIRST, AuditEvent, ChainHead, Seal, SeenEvent
from trocar.web.audit.stream import stream
from trocar.web.audit.verify import verify

AT = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def nurse(db: None) -> Person:
    return Person.objects.create_user("sample.nurse", full_name="Sample IR nurse", role="ir_nurse")


def test_it_works(nurse: Person) -> None:
    first = write(
        "T-26-000001", "Recorded blood result", nurse, "Haemoglobin", {"value": (None, "98 g/L")}, at=AT
    )
    second = write(
        "T-26-000001", "Corrected blood result", nurse, "Haemoglobin", {"value": ("98 g/L", "99 g/L")}
    )
    other = write("T-26-000002", "Opened", None, "Case", {})
    assert [first.sequence, second.sequence, other.sequence] == [1, 2, 1]
    assert first.previous_hash == FIRST
    assert second.previous_hash == first.hash
    stored = AuditEvent.objects.get(pk=first.pk)
    assert (stored.actor_username, stored.actor_name, stored.actor_role) == (
        "sample.nurse",
        "Sample IR nurse",
        "ir_nurse",
    )
    assert stored.changes == {"value": [None, "98 g/L"]}
    assert stored.at == AT
    assert (other.actor_name, other.actor_role) == ("Trocar", "system")
    verdict = verify()
    assert verdict.broken is None
    assert verdict.rows >= 3


def test_what_belongs_to_no_case_is_the_department_s_chain(nurse: Person) -> None:
    row = write(None, "Changed opening hours", nurse, "Department", {"monday": ("8-17", "8-18")})
    assert row.case_number == ""
    assert ChainHead.objects.get(chain="").hash == row.hash


def test_a_later_entry_keeps_both_times(nurse: Person) -> None:
    then = AT - timedelta(hours=2)
    row = write("T-26-000001", "Recorded pulse", nurse, "Observations", {}, at=AT, happened_at=then)
    row.refresh_from_db()
    assert (row.at, row.happened_at) == (AT, then)


def test_the_row_outlives_the_name_it_was_written_under(nurse: Person) -> None:
    write("T-26-000001", "Recorded pulse", nurse, "Observations", {})
    nurse.full_name = "Sample other name"
    nurse.save()
    assert AuditEvent.objects.get(case_number="T-26-000001").actor_name == "Sample IR nurse"


def test_a_change_that_is_undone_takes_its_row_along(nurse: Person) -> None:
    write("T-26-000001", "First", nurse, "Case", {})

    def undone() -> None:
        with transaction.atomic():
            write("T-26-000001", "Second", nurse, "Case", {})
            write("T-26-000001", "No time zone", nurse, "Case", {}, at=datetime(2026, 1, 1))

    with pytest.raises(ValueError, match="time zone"):
        undone()
    third = write("T-26-000001", "Third", nurse, "Case", {})
    assert third.sequence == 2
    assert verify().broken is None


@pytest.mark.django_db(transaction=True)
def test_refuses_to_write_outside_the_transaction_of_the_change() -> None:
    with pytest.raises(TransactionManagementError):
        write("T-26-000001", "Recorded", None, "Case", {})
    assert not AuditEvent.objects.filter(case_number="T-26-000001").exists()


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Decimal("1.50"), "1.50"),
        (0.1, "0.1"),
        (date(2026, 3, 29), "2026-03-29"),
        (AT, "2026-11-23T09:30:00.123456+00:00"),
        ([1, (Decimal(2), None)], [1, ["2", None]]),
        ({"b": 1, "a": {"c": True}}, {"a": {"c": True}, "b": 1}),
        (frozenset({"b", "a"}), ["a", "b"]),
        ("Łucja O’Néill 李\u202e", "Łucja O’Néill 李\u202e"),
        ("nul\0", "nul\ufffd"),
        ("half \ud800", "half ?"),
        (10**30, 10**30),
        ("1e400", "1e400"),
    ],
)
def test_every_value_is_kept_so_that_its_hash_is_found_again(
    nurse: Person, value: object, kept: object
) -> None:
    row = write("T-26-000001", "Changed", nurse, "Value", {"value": (None, value)})
    read = AuditEvent.objects.get(pk=row.pk)
    assert read.changes == {"value": [None, kept]}
    assert event_hash(read) == row.hash
    assert verify().broken is None


def test_the_text_that_is_hashed_is_plain_json(nurse: Person) -> None:
    assert text_of({"b": "é", "a": [None, 1]}) == '{"a":[null,1],"b":"é"}'.encode()
    assert json.loads(text_of({"b": "é"})) == {"b": "é"}


@pytest.mark.parametrize("model", [AuditEvent, SeenEvent, Seal])
@pytest.mark.parametrize("how", ["update", "delete", "raw update", "raw delete", "truncate", "replace"])
def test_the_database_refuses_to_change_the_record(nurse: Person, model: type, how: str) -> None:
    write("T-26-000001", "Recorded", nurse, "Case", {})
    seen("T-26-000001", nurse, "Case page")
    stream.flush()
    table = model._meta.db_table  # type: ignore[attr-defined]
    rows = model.objects.all()  # type: ignore[attr-defined]
    before = list(rows.values())
    column = {AuditEvent: "reason", SeenEvent: "what", Seal: "rows_hash"}[model]
    acts = {
        "update": lambda: rows.update(**{column: "x"}),
        "delete": lambda: rows._raw_delete(rows.db),
        "raw update": lambda: _execute(f"UPDATE {table} SET {column} = 'x'"),
        "raw delete": lambda: _execute(f"DELETE FROM {table}"),
        "truncate": lambda: _execute(f"TRUNCATE {table}"),
        "replace": lambda: _execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"),
    }
    if how == {"sqlite": "truncate", "postgresql": "replace"}[connection.vendor]:
        return  # not in this database's language
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        acts[how]()
    assert list(rows.values()) == before


def test_a_chain_s_end_cannot_be_deleted(nurse: Person) -> None:
    write("T-26-000001", "Recorded", nurse, "Case", {})
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        _execute("DELETE FROM audit_chainhead")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)

"""Whatever is done to the record behind the database's back is found, and named."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from trocar.web.audit import triggers
from trocar.web.audit.canonical import event_hash
from trocar.web.audit.log import seen, write
from trocar.web.audit.models import AuditEvent, ChainHead, Seal, SeenEvent
from trocar.web.audit.stream import stream
from trocar.web.audit.verify import Verdict, verify

pytestmark = pytest.mark.django_db

CASES = ("T-26-000001", "T-26-000002", "T-26-000003")


@pytest.fixture
def record() -> None:
    """Three chains of three changes, and three seals over two reads each: 18 rows."""
    for number in range(3):
        for case in CASES:
            write(case, f"Step {number + 1}", None, "Case", {"step": (number, number + 1)})
        for case in CASES[:2]:
            seen(case, None, "Case page")
        stream.flush()


def behind(act: Callable[[], object]) -> None:
    """Do something that the triggers would refuse, and put them back."""
    triggers.remove(connection)
    act()
    triggers.install(connection)


def event(case: str, sequence: int) -> AuditEvent:
    return AuditEvent.objects.get(case_number=case, sequence=sequence)


def test_it_works(record: None) -> None:
    begun_with = AuditEvent.objects.exclude(case_number__in=CASES).count()
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert out.getvalue() == f"{18 + begun_with} rows checked\n"


def test_a_new_department_s_record_is_whole() -> None:
    assert verify() == Verdict(AuditEvent.objects.count())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "2026-01-01 00:00:00+00:00"),
        ("happened_at", "2026-01-01 00:00:00+00:00"),
        ("actor_username", "x"),
        ("actor_name", "x"),
        ("actor_role", "x"),
        ("action", "x"),
        ("subject", "x"),
        ("changes", {"step": [1, 3]}),
        ("reason", "x"),
        ("hash", "f" * 64),
    ],
)
def test_an_altered_row_is_found(record: None, column: str, value: object) -> None:
    behind(lambda: AuditEvent.objects.filter(case_number=CASES[1], sequence=2).update(**{column: value}))
    assert verify().broken == "Case T-26-000002, row 2: its content is not what was written"


def test_the_command_exits_1_and_names_the_row(record: None) -> None:
    behind(lambda: AuditEvent.objects.filter(case_number=CASES[1], sequence=2).update(reason="x"))
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", stdout=out)
    assert ended.value.code == 1
    assert "Case T-26-000002, row 2" in out.getvalue()


def test_a_row_altered_with_a_hash_made_anew_is_found_at_the_next(record: None) -> None:
    def forge() -> None:
        row = event(CASES[0], 2)
        row.reason = "x"
        row.hash = event_hash(row)
        row.save()

    behind(forge)
    assert verify().broken == "Case T-26-000001, row 3: it does not follow from the row before it"


def test_a_last_row_altered_with_a_hash_made_anew_is_found_at_the_end(record: None) -> None:
    def forge() -> None:
        row = event(CASES[0], 3)
        row.reason = "x"
        row.hash = event_hash(row)
        row.save()

    behind(forge)
    assert verify().broken == "Case T-26-000001, row 3: it is not the row that the chain ends with"


@pytest.mark.parametrize("sequence", [1, 2, 3])
def test_a_missing_row_is_found_wherever_it_stood(record: None, sequence: int) -> None:
    behind(lambda: AuditEvent.objects.filter(case_number=CASES[2], sequence=sequence).delete())
    assert verify().broken == f"Case T-26-000003, row {sequence}: it is missing"


def test_a_whole_chain_that_is_gone_is_found(record: None) -> None:
    behind(lambda: AuditEvent.objects.filter(case_number=CASES[2]).delete())
    assert verify().broken == "Case T-26-000003, row 1: it is missing"


def test_a_chain_whose_end_is_gone_is_found(record: None) -> None:
    behind(lambda: ChainHead.objects.filter(chain=CASES[2]).delete())
    assert verify().broken == "Case T-26-000003, row 1: the chain has no end any more"


def test_rows_that_changed_places_are_found(record: None) -> None:
    def swap() -> None:
        rows = AuditEvent.objects.filter(case_number=CASES[0])
        for old, new in ((2, 99), (3, 2), (99, 3)):
            rows.filter(sequence=old).update(sequence=new)

    behind(swap)
    assert verify().broken == "Case T-26-000001, row 2: it does not follow from the row before it"


def test_a_row_moved_to_another_case_is_found(record: None) -> None:
    behind(
        lambda: AuditEvent.objects.filter(case_number=CASES[0], sequence=3).update(
            case_number=CASES[1], sequence=4
        )
    )
    assert verify().broken is not None


def test_a_row_added_past_the_end_is_found(record: None) -> None:
    last = event(CASES[0], 3)
    forged = AuditEvent(
        case_number=CASES[0], sequence=4, at=last.at, actor_username="x", actor_name="x", actor_role="x",
        action="x", subject="x", changes={}, previous_hash=last.hash,
    )  # fmt: skip
    forged.hash = event_hash(forged)
    forged.save()  # adding rows is not refused, and needs no trick
    assert verify().broken == "Case T-26-000001, row 4: it was added by something other than Trocar"


def test_an_altered_read_is_found(record: None) -> None:
    behind(lambda: SeenEvent.objects.filter(seal=2, position=1).update(actor_name="x"))
    assert verify().broken == "Reads under seal 2: their content is not what was written"


@pytest.mark.parametrize("seal", [1, 2, 3])
def test_a_missing_read_is_found(record: None, seal: int) -> None:
    behind(lambda: SeenEvent.objects.filter(seal=seal, position=2).delete())
    assert verify().broken == f"Reads under seal {seal}: there are 1, and 2 were written"


def test_a_read_without_a_seal_is_found(record: None) -> None:
    read = SeenEvent.objects.filter(seal=1).first()
    assert read is not None
    read.pk, read.seal = None, 4
    read.save(force_insert=True)
    assert verify().broken == "Reads: one has no seal"


@pytest.mark.parametrize("sequence", [1, 2, 3])
def test_a_missing_seal_is_found(record: None, sequence: int) -> None:
    def cut() -> None:
        SeenEvent.objects.filter(seal=sequence).delete()
        Seal.objects.filter(sequence=sequence).delete()

    behind(cut)
    assert verify().broken == f"Seals of reads, row {sequence}: it is missing"


def test_an_altered_seal_is_found(record: None) -> None:
    behind(lambda: Seal.objects.filter(sequence=3).update(count=1))
    assert verify().broken == "Seals of reads, row 3: its content is not what was written"


def test_a_database_that_no_longer_refuses_is_told_of(record: None) -> None:
    triggers.remove(connection)
    try:
        broken = verify().broken
    finally:
        triggers.install(connection)
    assert broken is not None
    assert "does not refuse changes" in broken

"""Backup and restore, as a department does them: the commands, into a place of its own."""

from __future__ import annotations

import json
import os
import secrets
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client

from tests.integration.web.served import environment
from trocar.errors import InputRefused, UsageError
from trocar.web.accounts.models import Person
from trocar.web.audit import triggers
from trocar.web.audit.log import seen, write
from trocar.web.audit.models import AuditEvent
from trocar.web.audit.stream import stream
from trocar.web.backup import MANIFEST, back_up
from trocar.web.restore import restore

pytestmark = pytest.mark.django_db


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a plan and what must stay out."""
    folder = tmp_path / "data"
    plan = folder / "plans" / "kidney-left"
    plan.mkdir(parents=True)
    (plan / "plan.json").write_text('{"paths": []}')
    (plan / "card.json").write_text(
        json.dumps({"ct": str(plan / "ct.nii.gz"), "structures": ["/elsewhere/labels"]})
    )
    (folder / "secret-key").write_text("secret")
    (folder / "demo-users.json").write_text("passwords")
    return folder


@pytest.fixture
def department(data: Path, people: dict[str, Person], request: pytest.FixtureRequest) -> Path:
    """Two cases with their record, reads and open sessions."""
    with transaction.atomic():
        kidney_case = request.getfixturevalue("kidney_case")
        request.getfixturevalue("bone_case")
    client = Client()
    client.force_login(people["ir_doctor"], "trocar.web.accounts.backends.PasswordBackend")
    with transaction.atomic():
        write(kidney_case.number, "Recorded", people["ir_nurse"], "Łucja", {"value": (None, 0.1)}, "why\nnot")
    seen(kidney_case.number, people["ir_doctor"], "Case page")
    stream.flush()
    return data


class Elsewhere:
    """An empty place: a data folder and a database."""

    def __init__(self, folder: Path, address: str | None) -> None:
        self.folder, self.address = folder, address

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        own = environment(self.folder) | ({"TROCAR_DATABASE_URL": self.address} if self.address else {})
        return subprocess.run(
            [sys.executable, "-m", "trocar", *words, "--data", str(self.folder)],
            env=own, capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        own = environment(self.folder) | ({"TROCAR_DATABASE_URL": self.address} if self.address else {})
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            env=own, capture_output=True, text=True, timeout=300, cwd=Path(__file__).parents[3],
        )  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Elsewhere]:
    """On PostgreSQL also as a way to move there from SQLite, and back."""
    if request.param == "sqlite":
        yield Elsewhere(tmp_path / "restored", None)
        return
    if connection.vendor != "postgresql":
        pytest.skip("there is a server in the run with TROCAR_TEST_POSTGRESQL=1")
    name = f"restored_{secrets.token_hex(4)}"
    address = os.environ["TROCAR_TEST_DATABASE_URL"]
    before, _, query = address.partition("?")
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield Elsewhere(tmp_path / "restored", f"{before.rpartition('/')[0]}/{name}?{query}")
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def rows_of(file: Path) -> dict[str, str]:
    """Table -> hash of its rows in a backup."""
    with zipfile.ZipFile(file) as archive:
        hashes = json.loads(archive.read(MANIFEST))["sha256"]
    return {name: value for name, value in hashes.items() if name.startswith("rows/")}


def test_it_works(department: Path, tmp_path: Path, elsewhere: Elsewhere) -> None:
    file = tmp_path / "backup.zip"
    manifest = back_up(file, department)
    assert manifest["rows"]["audit.auditevent"] == AuditEvent.objects.count() >= 3
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    done = elsewhere.run("restore", str(file))
    assert done.returncode == 0, done.stderr
    assert "rows of the audit log checked" in done.stdout
    assert elsewhere.manage("verify_audit").returncode == 0

    again = tmp_path / "again.zip"
    assert elsewhere.run("backup", str(again), "--quiet").returncode == 0
    assert rows_of(again) == rows_of(file), "every row of every table is as it was"
    plan = elsewhere.folder / "plans" / "kidney-left"
    assert (plan / "plan.json").read_text() == '{"paths": []}'
    card = json.loads((plan / "card.json").read_text())
    assert card == {"ct": str(plan / "ct.nii.gz"), "structures": ["/elsewhere/labels"]}
    refused = elsewhere.manage(
        "shell", "-c", "from trocar.web.audit.models import *; AuditEvent.objects.update(reason='x')"
    )
    assert "append-only" in refused.stderr


def test_secrets_stay_out(department: Path, tmp_path: Path) -> None:
    back_up(tmp_path / "backup.zip", department)
    with zipfile.ZipFile(tmp_path / "backup.zip") as archive:
        names = set(archive.namelist())
    assert "files/plans/kidney-left/plan.json" in names
    assert not [
        name
        for name in names
        if "secret" in name or "demo-users" in name or "sqlite3" in name or "session" in name
    ]


def test_a_place_that_is_not_empty_is_left_alone(department: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    back_up(file, department)
    used = Elsewhere(tmp_path / "used", None)
    assert (
        used.run("person", "add", "first.manager", "--name", "First manager", "--role", "manager").returncode
        == 0
    )
    done = used.run("restore", str(file))
    assert done.returncode == 2
    assert "The database is not empty" in done.stderr
    assert "first.manager: " in used.run("person", "password", "first.manager").stdout


def test_no_file_is_written_over(department: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    file.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        back_up(file, department)
    assert file.read_text() == "mine"


def damaged(file: Path, change: dict[str, bytes | None]) -> Path:
    """A copy with entries changed, or left out."""
    copy = file.with_name("damaged.zip")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(copy, "w") as new:
        for name in {*old.namelist(), *change}:
            content = change[name] if name in change else old.read(name)
            if content is not None:
                new.writestr(name, content)
    return copy


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rows/audit.auditevent.jsonl": b"[]"}, "damaged at rows/audit.auditevent.jsonl"),
        ({"rows/audit.auditevent.jsonl": None}, "does not hold the files"),
        ({"files/../../evil": b"x"}, "does not hold the files"),
        ({MANIFEST: b"{}"}, "is no backup"),
        ({MANIFEST: b'{"format": 2, "sha256": {}, "migrations": []}'}, "newer version"),
        (
            {MANIFEST: b'{"format": 1, "sha256": {}, "migrations": [["cases", "9999_x"]]}'},
            "does not hold the files",
        ),
    ],
)
def test_a_damaged_file_is_refused_and_nothing_is_made(
    department: Path, tmp_path: Path, change: dict, sentence: str
) -> None:
    file = tmp_path / "backup.zip"
    back_up(file, department)
    with pytest.raises(InputRefused, match=sentence):
        restore(damaged(file, change), tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        restore(tmp_path / "nothing.zip", tmp_path)
    (tmp_path / "text.zip").write_text("text")
    with pytest.raises(InputRefused, match="is no backup"):
        restore(tmp_path / "text.zip", tmp_path)


def test_a_record_that_was_forged_before_the_backup_is_found_at_the_restore(
    department: Path, tmp_path: Path
) -> None:
    triggers.remove(connection)
    AuditEvent.objects.filter(action="Recorded").update(reason="forged")
    triggers.install(connection)
    back_up(tmp_path / "backup.zip", department)
    done = Elsewhere(tmp_path / "restored", None).run("restore", str(tmp_path / "backup.zip"))
    assert done.returncode == 1
    assert "BROKEN" in done.stderr


def test_a_database_of_another_version_is_not_backed_up(department: Path, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'audit' AND name LIKE '0002%'")
    with pytest.raises(InputRefused, match="another version"):
        back_up(tmp_path / "backup.zip", department)
    assert not list(tmp_path.glob("backup*"))

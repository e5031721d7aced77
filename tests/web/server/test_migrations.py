"""Forward on a department that is in use."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import post_migrate

from tests.web.server.test_backup import Elsewhere
from trocar.web.accounts.models import Person
from trocar.web.audit import triggers
from trocar.web.backup import MANIFEST, back_up

pytestmark = pytest.mark.django_db


def test_every_change_of_a_model_has_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_after_each_migrate_the_record_is_protected_again() -> None:
    """A migration that remakes a table on SQLite drops its triggers."""
    triggers.remove(connection)
    assert triggers.missing(connection)
    call_command("migrate", verbosity=0)
    assert triggers.missing(connection) == []
    assert post_migrate.has_listeners()


def test_a_department_of_an_older_version_is_brought_to_this_one(
    people: dict[str, Person], kidney_case, tmp_path: Path
) -> None:
    """Before emergency access there was no table for it; the rest of the department is kept."""
    now = tmp_path / "now.zip"
    back_up(now, tmp_path / "data")
    older = tmp_path / "older.zip"
    with zipfile.ZipFile(now) as archive, zipfile.ZipFile(older, "w") as without:
        manifest = json.loads(archive.read(MANIFEST))
        manifest["migrations"].remove(["accounts", "0002_emergency_access"])
        del manifest["sha256"]["rows/accounts.emergencyaccess.jsonl"]
        for name in manifest["sha256"]:
            without.writestr(name, archive.read(name))
        without.writestr(MANIFEST, json.dumps(manifest))
    place = Elsewhere(tmp_path / "restored", None)
    done = place.run("restore", str(older))
    assert done.returncode == 0, done.stderr
    count = (
        "from trocar.web.accounts.models import *; from trocar.web.cases.models import Case\n"
        "print(Person.objects.count(), EmergencyAccess.objects.count(), Case.objects.get().number)"
    )
    said = place.manage("shell", "--no-imports", "-c", count).stdout
    assert said.split() == [str(len(people)), "0", kidney_case.number]

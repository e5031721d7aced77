"""Make the database refuse to change or delete the record."""

from __future__ import annotations

from django.db import migrations

from trocar.web.audit import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection)


def remove(apps, schema_editor):
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_record")]

    operations = [migrations.RunPython(install, remove)]

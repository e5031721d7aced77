"""Django's flush, with the audit log's refusal lifted for as long as it takes."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush
from django.db import connections

from trocar.web.audit import triggers


class Command(flush.Command):
    """Tests that commit are followed by a flush, which the database would refuse, as it should outside of tests."""

    def handle(self, **options: Any) -> None:
        database = connections[options["database"]]
        triggers.remove(database)
        try:
            super().handle(**options)
        finally:
            triggers.install(database)

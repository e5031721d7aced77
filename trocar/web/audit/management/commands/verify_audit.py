"""manage.py verify_audit"""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from trocar.web.audit.verify import verify


class Command(BaseCommand):
    """Exits 0 and prints the number of rows checked; 1 and the first broken row otherwise."""

    help = "Check that the audit log is as it was written."

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = verify()
        if verdict.broken:
            self.stdout.write(f"BROKEN after {verdict.rows} rows: {verdict.broken}")
            sys.exit(1)
        self.stdout.write(f"{verdict.rows} rows checked")

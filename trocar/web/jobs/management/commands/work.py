"""``manage.py work``: do the jobs that people ask for, until Ctrl-C."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from trocar.web.jobs.worker import work


class Command(BaseCommand):
    help = "Do long work (planning, papers) until Ctrl-C. Several may run at once on PostgreSQL."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--parent", type=int, default=None, help="End when the process of this id has ended."
        )

    def handle(self, *args: Any, parent: int | None, **options: Any) -> None:
        work(parent)

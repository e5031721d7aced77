"""Ask for slow work and print the job's id, as a person's request would."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from trocar.web.jobs.asking import ask


class Command(BaseCommand):
    def add_arguments(self, parser) -> None:
        parser.add_argument("kind")
        parser.add_argument("folder")

    def handle(self, *args, kind: str, folder: str, **options) -> None:
        job = ask(kind, "Slow work", None, {"folder": folder}, key=f"{kind}-{folder}")
        self.stdout.write(str(job.pk))

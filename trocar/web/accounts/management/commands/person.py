"""manage.py person add USERNAME --name NAME --role ROLE"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from trocar.web.accounts.actions import add_person, set_one_time_password
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES


class Command(BaseCommand):
    """The first manager of a department comes in this way; the others are added in the browser."""

    help = "Add a person, or set a one-time password; it is printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="A new person.")
        add.add_argument("username")
        add.add_argument("--name", required=True, help="The full name.")
        add.add_argument("--role", required=True, choices=list(ROLES))
        reset = verbs.add_parser("password", help="A new one-time password.")
        reset.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["username"].strip().lower()
        if options["verb"] == "add":
            try:
                _, once = add_person(by=None, username=name, full_name=options["name"], role=options["role"])
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
        else:
            person = Person.objects.filter(username=name).first()
            if person is None:
                raise CommandError(f"There is nobody called {name}.")
            once = set_one_time_password(person, by=None)
        self.stdout.write(f"{name}: {once} (serves once; an own password is chosen at the first sign-in)")

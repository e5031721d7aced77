"""Sample people of a data folder, each signed in; run as a program of its own beside the server.

A browser test runs inside an event loop, where Django's models refuse to work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def sessions(data: Path) -> dict[str, str]:
    """Role -> key of a session, for one sample person of each role of the department in ``data``."""
    return json.loads(_run(data, "sessions"))


def department(data: Path) -> dict[str, str]:
    """The same, with sample cases."""
    return json.loads(_run(data, "department"))


def _run(data: Path, what: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TROCAR_", "DJANGO"))}
    environment |= {"TROCAR_DATA": str(data), "DJANGO_SETTINGS_MODULE": "trocar.web.settings"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.browser.signed_in", str(data), what],
        env=environment, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _sign_everybody_in(data: Path) -> dict[str, str]:
    from django.test import Client

    from trocar.web.accounts.demo_people import make_demo_people
    from trocar.web.accounts.models import Person

    make_demo_people(data)
    keys = {}
    for person in Person.objects.filter(is_sample=True):
        client = Client(SERVER_NAME="127.0.0.1")
        client.force_login(person, "trocar.web.accounts.backends.PasswordBackend")
        keys[person.role] = client.session.session_key
    return keys


WITHOUT_CT = ("05", "06", "08", "11", "13")
"""Sample cases of different stages; those with a CT would keep the machine busy with planning."""


def _make_cases(data: Path) -> None:
    from trocar.web.accounts.demo_people import make_demo_people
    from trocar.web.accounts.models import Person
    from trocar.web.demo import sample_cases

    make_demo_people(data)
    people = {person.role: person for person in Person.objects.filter(is_sample=True)}
    sample_cases.SAMPLE_CASES = tuple(one for one in sample_cases.SAMPLE_CASES if one.key in WITHOUT_CT)
    assert len(list(sample_cases.make(people))) == len(WITHOUT_CT)


if __name__ == "__main__":
    import django

    django.setup()
    if sys.argv[2] == "department":
        _make_cases(Path(sys.argv[1]))
    print(json.dumps(_sign_everybody_in(Path(sys.argv[1]))))

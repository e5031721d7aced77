"""A hospital's single sign-on, against a server that speaks the real protocol."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from tests.integration.web.served import environment


def test_it_works(tmp_path: Path) -> None:
    """Who is let in, as what, and who is not; the switch is read when Django starts, so in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.web.accounts.hospital_sign_on"],
        cwd=Path(__file__).parents[3],
        env=environment(tmp_path) | {"DJANGO_SETTINGS_MODULE": "trocar.web.settings"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    refused = "nobody -> /accounts/login/?sign-on=refused"
    assert done.stdout.splitlines() == [
        # somebody new, whose group gives a role; then with another group
        "new.doctor/ir_doctor/Sample new doctor -> /accounts/password/",
        "new.doctor/ir_nurse/Sample new doctor -> /accounts/password/",
        # somebody known keeps the role where no group gives one
        "known/radiographer/Sample radiographer -> /accounts/password/",
        # no group of ours, groups of two roles, somebody who has left, no user name
        refused,
        refused,
        refused,
        refused,
        # a token that the hospital did not sign
        "nobody -> 400",
        "Added person, Signed in, Changed role, Signed in",
        "None",
    ]


@pytest.mark.django_db
def test_where_it_is_not_configured_there_is_no_such_page(client: Client) -> None:
    for address in ("/accounts/sign-on/start/", "/accounts/sign-on/back/"):
        assert client.get(address).status_code == 404
    assert "hospital" not in client.get("/accounts/login/").content.decode()

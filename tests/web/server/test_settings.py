"""Settings from the environment: clean in production, and a mistake is a sentence instead of an open door."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.web.served import environment

PRODUCTION = {
    "TROCAR_PRODUCTION": "1",
    "TROCAR_SECRET_KEY": "oT8bq2Wc_61nVxR0kLzYd9JmEuHsAfGp3iQ7NtKyCvX5hZaBwMrDgSj4lPeFo-U",
    "TROCAR_ALLOWED_HOSTS": "trocar.hospital.example",
    "TROCAR_BEHIND_PROXY": "1",
}


def manage(data: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=Path(__file__).parents[3], env=environment(data) | more, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_the_check_for_deployment_finds_nothing(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


SHOW = (
    "from django.conf import settings as s; from django.test import Client\n"
    "plain = Client().get('/', headers={'host': 'trocar.hospital.example'})\n"
    "print(plain.status_code, plain['Location'])\n"
    "kept = Client().get('/accounts/login/', secure=True, headers={'host': 'trocar.hospital.example'})\n"
    "cookie = kept.cookies['__Host-trocar-csrf']\n"
    "print(kept.status_code, kept['Strict-Transport-Security'], cookie['secure'], cookie['httponly'])\n"
    "print(Client().get('/healthz', headers={'host': 'trocar.hospital.example'}).status_code)"
)


def test_in_production_only_https_is_answered(tmp_path: Path) -> None:
    done = manage(tmp_path, "shell", "--no-imports", "-c", SHOW, **PRODUCTION)
    first, second, third = done.stdout.strip().splitlines()[-3:]
    assert first == "301 https://trocar.hospital.example/"
    assert second == "200 max-age=31536000; includeSubDomains; preload True True"
    assert third == "503", "answered without https, and there are no tables"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (PRODUCTION | {"TROCAR_SECRET_KEY": ""}, "TROCAR_PRODUCTION needs TROCAR_SECRET_KEY"),
        ({"TROCAR_PRODUCTION": "maybe"}, "write 1 or 0"),
        ({"TROCAR_IDLE_MINUTES": "0"}, "whole number from 1 to 1440"),
        ({"TROCAR_DATABASE_URL": "mysql://x/y"}, "begin with postgresql://"),
        ({"TROCAR_OIDC_CLIENT_ID": "trocar"}, "Single sign-on needs TROCAR_OIDC_CLIENT_SECRET"),
    ],
)
def test_a_mistake_is_a_sentence(tmp_path: Path, wrong: dict[str, str], sentence: str) -> None:
    code = "import trocar.web.settings"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path) | wrong,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert sentence in done.stderr.strip().splitlines()[-1]

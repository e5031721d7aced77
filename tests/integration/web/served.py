"""A real server in a process of its own."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

READY_WITHIN_S = 60


@dataclass(frozen=True)
class Served:
    process: subprocess.Popen[str]
    address: str


def server_command(data: Path, port: int) -> list[str]:
    """Runs ``serve`` as the command line does: known errors end as one sentence and their exit code."""
    code = (
        "import sys; from pathlib import Path\n"
        "from trocar.errors import TrocarError; from trocar.web.server import serve\n"
        f"try: serve(Path({str(data)!r}), {port})\n"
        "except TrocarError as error: print(error, file=sys.stderr); sys.exit(error.exit_code)"
    )
    return [sys.executable, "-W", "error::RuntimeWarning", "-c", code]


def environment(data: Path) -> dict[str, str]:
    """What a program of a test sees: nothing of the tests' own settings, and ``data`` as its folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TROCAR_", "DJANGO"))}
    return kept | {"PYTHONUNBUFFERED": "1", "TROCAR_DATA": str(data)}


def make_people(data: Path) -> dict[str, dict[str, str]]:
    """The demo's sample people in a folder that no server has used yet: role to user name and password."""
    code = (
        "import django; django.setup()\n"
        "from pathlib import Path; from django.core.management import call_command\n"
        "from trocar.web.accounts.demo_people import make_demo_people\n"
        "call_command('migrate', verbosity=0)\n"
        f"make_demo_people(Path({str(data)!r}))"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        env=environment(data) | {"DJANGO_SETTINGS_MODULE": "trocar.web.settings"},
        check=True,
        timeout=120,
    )
    return {one["role"]: one for one in json.loads((data / "demo-users.json").read_text())}


def sign_in(address: str, person: dict[str, str]) -> dict[str, str]:
    """The cookies of a browser in which ``person`` has signed in, as name to value."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(f"{address}/accounts/login/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    form = {"username": person["username"], "password": person["password"], "csrfmiddlewaretoken": token[1]}
    opener.open(f"{address}/accounts/login/", urllib.parse.urlencode(form).encode()).close()
    cookies = {cookie.name: cookie.value or "" for cookie in jar}
    assert "trocar-session" in cookies, "nobody signed in"
    return cookies


@contextmanager
def served(data: Path, port: int = 0) -> Iterator[Served]:
    """A server on a free port that has said where it is; ended at the end."""
    process = subprocess.Popen(
        server_command(data, port),
        env=environment(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    late = threading.Timer(READY_WITHIN_S, process.kill)
    late.start()
    try:
        for line in process.stdout:
            ready = re.match(r"Trocar is ready: (\S+)", line)
            if ready:
                late.cancel()
                yield Served(process, ready[1])
                return
        raise AssertionError(f"the server did not start: {process.stderr.read() if process.stderr else ''}")
    finally:
        late.cancel()
        process.terminate()
        process.communicate(timeout=20)

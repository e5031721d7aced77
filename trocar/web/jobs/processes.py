"""Workers beside a server: processes of their own, so that planning takes no time from the pages."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger("trocar.web.jobs")

ENDING_S = 5.0
"""A worker that has not ended by then is killed; its lease runs out, and its job is done again."""
LONGEST_PAUSE_S = 30.0


def start_worker(data: Path, count: int = 1) -> Callable[[], None]:
    """Start ``count`` workers on the data folder and return what ends them.

    A worker that dies is replaced. Workers also end when this process does, however that ends. On SQLite one is
    enough: there is one writer anyway.
    """
    ending = threading.Event()
    keepers = [_Keeper(data, ending) for _ in range(count)]
    for keeper in keepers:
        keeper.start()

    def stop() -> None:
        ending.set()
        for keeper in keepers:
            keeper.end()

    return stop


class _Keeper(threading.Thread):
    """Keeps one worker process running."""

    def __init__(self, data: Path, ending: threading.Event) -> None:
        super().__init__(name="keeper of a worker", daemon=True)
        self.environment = os.environ | {
            "TROCAR_DATA": str(data),
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "trocar.web.settings"),
        }
        self.ending = ending
        self.changing = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        pause_s = 1.0
        while (process := self._start()) is not None:
            code = process.wait()
            if self.ending.is_set():
                return
            log.error("a worker ended with code %s; another is started", code)
            self.ending.wait(pause_s)
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self.changing:
            if self.ending.is_set():
                return None
            self.process = subprocess.Popen(  # noqa: S603 - our own program, no words of a user
                # -P: what lies in the folder that the server was started from is none of our modules
                [sys.executable, "-P", "-m", "django", "work", "--parent", str(os.getpid())],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                # Ctrl-C at the terminal is for the server, which ends its workers itself
                start_new_session=True,
            )
            return self.process

    def end(self) -> None:
        with self.changing:
            process = self.process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

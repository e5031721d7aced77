"""A real server in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
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


@contextmanager
def served(data: Path, port: int = 0) -> Iterator[Served]:
    """A server on a free port that has said where it is; ended at the end."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("TROCAR_DATA", "TROCAR_SECRET", "DJANGO"))
    }
    process = subprocess.Popen(
        server_command(data, port),
        env=environment | {"PYTHONUNBUFFERED": "1"},
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

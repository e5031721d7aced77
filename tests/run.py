"""Run the whole suite, one stage after the other, and say at the end what did not run and why.

Stages: lint, format, types, floors, every test, then the department's tests on PostgreSQL. Exits 1 if a stage failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
ON_POSTGRESQL = {"TROCAR_TEST_POSTGRESQL": "1"}
sys.path.insert(0, str(ROOT))
CI = os.environ.get("CI", "") not in ("", "0", "false")

STAGES: list[tuple[str, list[str], dict[str, str]]] = [
    ("lint", [str(BIN / "ruff"), "check", "trocar", "tests", "benchmarks"], {}),
    ("format", [str(BIN / "ruff"), "format", "--check", "trocar", "tests", "benchmarks"], {}),
    ("types", [str(BIN / "mypy")], {}),
    ("floors", [str(BIN / "lint-imports")], {}),
    # one worker a core; `loadgroup` keeps the browser tests, which share a server, together
    (
        "tests",
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-m", "not prove", "tests"],
        {},
    ),
    # everything that uses the database once more, on the server that TROCAR_TEST_DATABASE_URL names or the wheel's
    (
        "tests on PostgreSQL",
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "2",
            "--dist",
            "loadgroup",
            "-m",
            "not prove",
            "tests/web",
        ],
        ON_POSTGRESQL,
    ),
]


def get_samples() -> str | None:
    """Fetch the sample CTs; returns the reason if that failed."""
    done = subprocess.run(
        [str(BIN / "trocar"), "samples", "get", "--quiet"], cwd=ROOT, capture_output=True, text=True
    )
    return None if done.returncode == 0 else (done.stderr.strip() or "unknown reason")


def main() -> int:
    from tests.browser_program import chromium_path

    closing: list[str] = []
    failed: list[str] = []
    reason = get_samples()
    if reason:
        closing.append(f"The sample CTs could not be fetched, so the tests on them were skipped: {reason}")
        if CI:
            failed.append("samples")
    if chromium_path() is None:
        # where it can be downloaded, Playwright's own serves as well
        subprocess.run(
            [sys.executable, "-m", "playwright", "install", "chromium"],
            capture_output=True,
            timeout=600,
            check=False,
        )
    if chromium_path() is None:
        closing.append("No Chromium was found, so the browser tests were skipped; install it and run again.")
        if CI:
            failed.append("browser")
    for name, command, environment in STAGES:
        started = time.monotonic()
        print(f"== {name}", flush=True)
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        output = ""
        assert process.stdout is not None
        for line in process.stdout:
            output += line
            print(line, end="", flush=True)
        code = process.wait()
        print(
            f"== {name}: {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s\n",
            flush=True,
        )
        if code:
            failed.append(name)
        if name == "tests" and not os.environ.get("TROCAR_TEST_DATA"):
            without = sum(int(n) for n in re.findall(r"SKIPPED \[(\d+)\].*TROCAR_TEST_DATA", output))
            closing.append(f"{without} tests were skipped because TROCAR_TEST_DATA is not set.")
    for line in closing:
        print(line)
    if failed:
        print(f"FAILED: {', '.join(failed)}")
        return 1
    print("All stages passed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

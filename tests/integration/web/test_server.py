"""The server as a process: how it starts, answers and ends."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import stat
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.integration.web.served import served, server_command
from trocar.errors import UsageError
from trocar.web.plans.plan_folder import Card, find, write_card
from trocar.web.server import serve


def test_serves_this_machine_only_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    write_card(tmp_path / "plans" / "half", Card("Half", sample=True, state="planning", fraction=0.5))
    with served(tmp_path) as server:
        assert server.address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(server.address + "/healthz") as answer:
            assert json.load(answer)["status"] == "ok"
            assert "server" not in {name.lower() for name in answer.headers}
        with urllib.request.urlopen(server.address + "/static/trocar/trocar.css") as answer:
            assert b"--blue" in answer.read()
        half = find(tmp_path, "half")
        assert half is not None
        assert half.card.state == "failed"
        assert "interrupted" in half.card.message
        # what no browser sends, but an attacker does
        port = int(server.address.rsplit(":", 1)[1])
        for path in (
            "/plans/../../etc/passwd",
            "/static/../settings.py",
            "/plans/%2e%2e%2f%2e%2e/plan.json",
            "//x",
        ):
            raw = http.client.HTTPConnection("127.0.0.1", port)
            raw.request("GET", path)
            assert raw.getresponse().status == 404
            raw.close()
        request = urllib.request.Request(server.address + "/", headers={"Host": "attacker.example"})
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(request)
        server.process.send_signal(signal.SIGINT)
        out, err = server.process.communicate(timeout=20)
        assert server.process.returncode == 0
        assert out.strip() == "Trocar has ended."
        assert err == ""


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    with served(data):
        key = data / "secret-key"
        first = key.read_text()
        assert len(first) >= 50
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
    with served(data):
        assert key.read_text() == first


def test_a_port_in_use_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(server_command(tmp_path, port), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert (
        done.stderr.strip()
        == f"Port {port} is already in use; choose another with --port, such as --port 8001."
    )
    assert done.stdout == ""


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none(tmp_path: Path, port: int) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        serve(tmp_path, port)


def test_a_data_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--data"):
        serve(tmp_path / "file", 0)

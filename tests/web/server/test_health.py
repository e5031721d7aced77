"""/healthz: what a watcher asks."""

from __future__ import annotations

import json
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.test import Client

from tests.integration.web.served import served
from trocar.web.jobs import lease


@pytest.mark.django_db
def test_it_works(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    said = answer.json()
    assert (said["status"], said["database"], said["workers"]) == ("ok", "ok", 0)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_it_counts_the_workers_that_are_alive(client: Client) -> None:
    lease.beat()
    assert client.get("/healthz").json()["workers"] == 1


def test_a_database_that_does_not_answer_is_503(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        with urllib.request.urlopen(server.address + "/healthz") as answer:
            assert json.load(answer)["database"] == "ok"
        for file in tmp_path.glob("trocar.sqlite3*"):
            file.unlink()
        sqlite3.connect(tmp_path / "trocar.sqlite3").close()
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(server.address + "/healthz")
        assert refused.value.code == 503
        assert json.load(refused.value)["database"] == "does not answer"

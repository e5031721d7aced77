"""A data folder of its own for each test, and PDFs read back as words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client, override_settings

from tests.web.plans.conftest import plan_of  # noqa: F401 - a fixture of these tests, too
from trocar.web.jobs.models import Job
from trocar.web.jobs.running import run_waiting


@pytest.fixture(autouse=True)
def data(tmp_path: Path) -> Iterator[Path]:
    with override_settings(TROCAR_DATA=tmp_path):
        yield tmp_path


def ask(client: Client, address: str, **fields: str) -> Job:
    """Ask for a paper, let a worker make it, and return its job."""
    answer = client.post(address, fields)
    assert answer.status_code == 302, answer.content.decode()
    run_waiting()
    return Job.objects.get(pk=answer["Location"].strip("/").split("/")[-1])


def fetch(client: Client, job: Job) -> bytes:
    assert job.state == "done", job.sentence
    assert client.get(f"/jobs/{job.pk}/")["Location"] == f"/papers/{job.pk}.pdf"
    answer = client.get(f"/papers/{job.pk}.pdf")
    assert answer.status_code == 200
    return answer.content

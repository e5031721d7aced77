"""Registers kinds of work that say when they begin and wait to be let through."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.http import HttpRequest

from trocar.web.jobs.kinds import Kind, Tell, register

if TYPE_CHECKING:
    from trocar.web.jobs.models import Job


def wait_for_go(job: Job, tell: Tell) -> dict[str, Any]:
    folder = Path(job.arguments["folder"])
    with open(folder / "begun", "a", encoding="utf-8") as begun:
        begun.write(f"{os.getpid()}\n")
    steps = 0
    while not (folder / "go").exists():
        steps += 1
        tell(f"step {steps}", min(0.9, steps / 100))
        time.sleep(0.02)
    tell("last step", 1.0)
    return {"pid": os.getpid()}


def count_effect(job: Job, result: dict[str, Any]) -> None:
    from tests.web.jobs.slow_work.models import Effect

    Effect.objects.create(job=str(job.pk), pid=result["pid"])


def die(job: Job, tell: Tell) -> dict[str, Any]:
    with open(Path(job.arguments["folder"]) / "begun", "a", encoding="utf-8") as begun:
        begun.write(f"{os.getpid()}\n")
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process does not get here")


def anyone(request: HttpRequest, job: Job) -> None:
    """Nobody looks at these jobs in a browser."""


class SlowWorkConfig(AppConfig):
    name = "tests.web.jobs.slow_work"
    label = "slow_work"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(Kind("wait_for_go", wait_for_go, anyone, lambda job: "/", count_effect))
        register(Kind("die", die, anyone, lambda job: "/"))

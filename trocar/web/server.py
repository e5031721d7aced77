"""The server that ``trocar serve`` starts."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import click
import uvicorn

from trocar.errors import UsageError
from trocar.web import data_folder

HOST = "127.0.0.1"
"""This machine only; a department puts a proxy with its certificate in front (docs/running.md)."""

ENDING_S = 2
"""Requests that are still being answered when the server ends get this long."""


class _Server(uvicorn.Server):
    """Says where it is once it answers, and only then lets ``then`` begin."""

    def __init__(self, config: uvicorn.Config, then: Callable[[], None]) -> None:
        super().__init__(config)
        self.then = then

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            click.echo(f"Trocar is ready: http://{HOST}:{sockets[0].getsockname()[1]}")
            self.then()


def serve(data: Path, port: int = 8000, demo: bool = False) -> None:
    """Serve the department in ``data`` until Ctrl-C; with ``demo``, sample people and the sample cases with it.

    ``port`` 0 takes any that is free. Raises UsageError where the port or the folder cannot be used.
    """
    data = data_folder.prepare(data)
    os.environ["TROCAR_DATA"] = str(data)
    listening = _listen(port)
    # Only now, as the settings are read from the environment.
    from django.conf import settings

    from trocar.web.asgi import application

    _migrate()
    from trocar.web.jobs.processes import start_worker
    from trocar.web.plans.sample_plans import ask_for_sample_plans, mark_interrupted

    if demo:
        from trocar.web.accounts.demo_people import announce, make_demo_people
        from trocar.web.demo.job import ask_for_sample_cases

        announce(make_demo_people(data), data, click.echo)
        ask_for_sample_cases()
        ask_for_sample_plans(data)
    mark_interrupted(data)
    _let_go_of_the_database()
    config = uvicorn.Config(
        application,
        log_level="warning",
        lifespan="off",
        server_header=False,
        # otherwise anybody on this machine could say to come from another address
        proxy_headers=settings.TROCAR_BEHIND_PROXY,
        timeout_graceful_shutdown=ENDING_S,
    )
    # uvicorn ends by raising the signal again; the way to end is the same for all, so that workers end with us
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stop_worker: list[Callable[[], None]] = []

    def begin_work() -> None:
        stop_worker.append(start_worker(data, settings.TROCAR_WORKERS))

    with listening:
        try:
            _Server(config, begin_work).run(sockets=[listening])
        except KeyboardInterrupt:
            pass
        finally:
            for stop in stop_worker:
                stop()
    click.echo("Trocar has ended.")


def _migrate() -> None:
    """Bring the database to this version. Raises UsageError where there is none to be reached."""
    from django.core.management import call_command
    from django.db import OperationalError, connection

    try:
        call_command("migrate", verbosity=0, interactive=False)
    except OperationalError as error:
        # the database's own words may hold its address with a password
        raise UsageError("The database cannot be reached; look at TROCAR_DATABASE_URL.") from error
    finally:
        connection.close()


def _let_go_of_the_database() -> None:
    """What was done before serving leaves no connection open in this thread."""
    from django.db import connection

    connection.close()


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        # A port that was in use a moment ago is free; on Windows the option would take one that is in use.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = (
            "is already in use"
            if isinstance(error, OSError) and not isinstance(error, PermissionError)
            else None
        )
        raise UsageError(
            f"Port {port} {reason or 'cannot be used'}; choose another with --port, such as --port 8001."
        ) from error
    return listening

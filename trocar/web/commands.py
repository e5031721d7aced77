"""Commands about a department's data: people, backup and restore. Heavy imports stand where they are used."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from trocar.errors import UsageError

_data = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="The department's folder for all data."
)


def _begin(data: Path | None) -> Path:
    """Set Django up on the folder, as ``trocar serve`` does, and return the folder."""
    from trocar.web import data_folder

    folder = data_folder.prepare(data or data_folder.default_data_folder())
    os.environ["TROCAR_DATA"] = str(folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trocar.web.settings")
    import django

    django.setup()
    return folder


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_data
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def backup(file: Path, data: Path | None, quiet: bool) -> None:
    """Write the whole department into FILE, while it may be in use."""
    folder = _begin(data)
    from trocar.web.backup import back_up

    manifest = back_up(file, folder)
    if not quiet:
        rows = sum(manifest["rows"].values())
        click.echo(
            f"Written: {file}, {rows:,} rows, {file.stat().st_size / 1e6:.1f} MB. It holds patient data."
        )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_data
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def restore(file: Path, data: Path | None, quiet: bool) -> None:
    """Bring the backup FILE back into an empty place, and check its audit log.

    Exits 1 where a row of the audit log is not as it was written.
    """
    folder = _begin(data)
    from trocar.web.restore import restore as bring_back

    verdict = bring_back(file, folder, (lambda _: None) if quiet else lambda text: click.echo(text, err=True))
    if verdict.broken:
        click.echo(
            f"Restored, but the audit log is BROKEN after {verdict.rows} rows: {verdict.broken}", err=True
        )
        sys.exit(1)
    if not quiet:
        click.echo(
            f"Restored: {verdict.rows:,} rows of the audit log checked. Everybody has to sign in again."
        )


@click.group()
def person() -> None:
    """People who sign in. The first manager comes in this way; the others are added in the browser."""


@person.command("add")
@click.argument("username")
@click.option("--name", required=True, help="The full name.")
@click.option("--role", required=True, help="Key of a role, such as manager or ir_doctor.")
@_data
def add(username: str, name: str, role: str, data: Path | None) -> None:
    """Add a person; the password that serves once is printed."""
    _person(data, "add", username, name=name, role=role)


@person.command("password")
@click.argument("username")
@_data
def password(username: str, data: Path | None) -> None:
    """Print a new password that serves once."""
    _person(data, "password", username)


def _person(data: Path | None, *words: str, **options: str) -> None:
    _begin(data)
    from django.core.management import CommandError, call_command

    call_command("migrate", verbosity=0, interactive=False)
    try:
        call_command("person", *words, **options)
    except CommandError as error:
        raise UsageError(str(error)) from error


def add_to(main: click.Group) -> None:
    """Hang the commands under ``trocar``."""
    for command in (backup, restore, person):
        main.add_command(command)

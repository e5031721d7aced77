"""Trocar from a terminal."""

from __future__ import annotations

import sys

import click

from trocar import RESEARCH_NOTICE, __version__
from trocar.errors import TrocarError


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=RESEARCH_NOTICE)
@click.version_option(__version__)
def main() -> None:
    """Plan image-guided biopsies of bone and kidney."""


@main.command()
def warm() -> None:
    """Compile the planner's loops once, so that the first plan starts at once."""


def run() -> None:
    """The console entry point: known errors end as one sentence and their exit code."""
    try:
        main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except TrocarError as error:
        click.echo(f"trocar: {error}", err=True)
        sys.exit(error.exit_code)

"""``python -m trocar`` is the same as ``trocar``."""

from trocar.cli import run

run()

"""The folder that a plan is written into: checked before the work, filled at its end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from trocar.errors import UsageError

LAST = "plan.json"
"""Put in place last: while it is missing or old, the rest is not finished."""
OURS = ("plan.html", "plan.pdf", "dicom")


def check_destination(out: Path, inputs: Sequence[Path]) -> None:
    """Raises UsageError where a plan cannot be written into ``out``, or would replace what is no plan or an input."""
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"Nothing can be written to {out}; choose another --out.")
    if not (out / LAST).exists():
        foreign = [name for name in OURS if (out / name).exists()]
        if foreign:
            raise UsageError(f"{out} holds a {foreign[0]} that is not of a plan; choose another --out.")
    replaced = [(out / name).resolve() for name in (LAST, *OURS)]
    for given in inputs:
        path = given.resolve()
        if any(path == own or own in path.parents for own in replaced):
            raise UsageError(f"The input {given} would be replaced by the plan; choose another --out.")


def move_into(folder: Path, out: Path) -> None:
    """Put the finished files of ``folder`` in the place of an older plan in ``out``; what that had more goes."""
    names = sorted((path.name for path in folder.iterdir()), key=lambda name: (name == LAST, name))
    for name in (*OURS, LAST):
        old = out / name
        if old.is_dir() or (old.exists() and name not in names):
            old.rename(folder / f"old-{name}")
    for name in names:
        (folder / name).replace(out / name)


def remove_if_empty(out: Path) -> None:
    """Take an empty folder away again."""
    if out.is_dir() and not any(out.iterdir()):
        shutil.rmtree(out, ignore_errors=True)

"""The folder in which the web application keeps what it makes."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import platformdirs

from trocar.errors import UsageError

SECRET_KEY_FILE = "secret-key"  # noqa: S105 - a file's name


def default_data_folder() -> Path:
    """Where this system keeps a user's data."""
    return Path(platformdirs.user_data_dir("trocar"))


def prepare(data: Path) -> Path:
    """Make the folder, readable by its owner only, and return its absolute path.

    Raises UsageError where it cannot be made or written to.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data / "plans").mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"The data folder {data} cannot be used ({error.strerror}); choose another with --data."
        ) from error
    if not os.access(data / "plans", os.W_OK):
        raise UsageError(f"The data folder {data} cannot be written to; choose another with --data.")
    return data.resolve()


def secret_key(data: Path) -> str:
    """The key kept in the data folder; made on the first call."""
    file = data / SECRET_KEY_FILE
    try:
        return _read_key(file)
    except FileNotFoundError:
        pass
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = secrets.token_urlsafe(50)
    try:
        # "x": of two processes that start at once, one makes the key and both use it
        with open(file, "x", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(key)
    except FileExistsError:
        return _read_key(file)
    return key


def _read_key(file: Path) -> str:
    key = file.read_text(encoding="ascii").strip()
    if not key:
        raise UsageError(f"The secret key in {file} is empty; delete the file, and a new key is made.")
    return key

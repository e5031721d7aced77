"""The procedures that this department does: the built-in protocol files, and its own in the data folder."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from trocar.clinical.loading import builtin_protocols, check_file, load_protocol
from trocar.clinical.protocol import Protocol
from trocar.clinical.section import in_one_message
from trocar.errors import ProtocolMistake, UsageError


def own_folder() -> Path:
    """Where the department keeps protocol files of its own: ``protocols`` in the data folder."""
    return Path(getattr(settings, "TROCAR_PROTOCOLS", settings.TROCAR_DATA / "protocols"))


def own_files() -> dict[str, Path]:
    """Name -> file of the department's own protocols. One of a built-in name stands in for that."""
    folder = own_folder()
    if not folder.is_dir():
        return {}
    found = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    return {name: path for name, path in found.items() if re.fullmatch(r"[a-z][a-z0-9_]*", name)}


def protocol_names() -> tuple[str, ...]:
    """Every procedure that can be asked for, in alphabetical order."""
    return tuple(sorted({*builtin_protocols(), *own_files()}))


def protocol_source(name: str) -> str:
    """What ``load_protocol`` and the planner take for a procedure: its name, or the path of the department's own file.

    Raises UsageError for a procedure that is not known here.
    """
    own = own_files().get(name)
    if own is None and name not in builtin_protocols():
        raise UsageError(
            f"There is no protocol {name!r} in this department; put its file into {own_folder().name}."
        )
    return name if own is None else str(own)


def protocol_named(name: str) -> Protocol:
    """The protocol. Raises UsageError where it is not known, ProtocolMistake where its file is wrong."""
    return load_protocol(protocol_source(name))


def check_files(department: str | None) -> None:
    """Read every protocol file and the department's file, as the server does when it starts.

    Raises ProtocolMistake with file, line and key of each mistake.
    """
    said = []
    for file in [*map(str, own_files().values()), *([department] if department else [])]:
        mistakes = check_file(file)
        if mistakes:
            said.append(in_one_message(file, mistakes))
    if said:
        raise ProtocolMistake("\n".join(said))

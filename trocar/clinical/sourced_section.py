"""Sourced values read from a section: value, source and status, each mistake under its file, line and key."""

from __future__ import annotations

from typing import Any, get_args

from trocar.clinical.section import Section
from trocar.clinical.sourced import Sourced, Status


def sourced(section: Section | None, value: Any) -> Sourced[Any] | None:
    """The sourced value in ``section``, whose ``value`` was read already; None where something is wrong."""
    if section is None:
        return None
    status = section.choice("status", get_args(Status))
    source = section.text("source")
    reading = section.reading
    for key in (part.strip() for part in source.split(",") if part.strip()):
        if key not in reading.unread_sources:
            section.wrong("source", f"{key!r} is not in the file's list of sources")
        elif status not in (None, "U") and reading.unread_sources[key]:
            section.wrong("status", f"must be U: the source {key!r} was not read")
        reading.used_sources.add(key)
    note = section.text("note", optional=True)
    if status == "C" and not note:
        section.wrong("note", "is missing: a computed value (status C) says how it was computed")
    return section.make(Sourced, value=value, source=source, status=status, note=note)


def sourced_number(parent: Section, name: str, optional: bool = False) -> Sourced[float] | None:
    """The sourced number under ``name``, in the range that PLAUSIBLE gives its key."""
    section = parent.sourced_section(name, optional)
    return sourced(section, section.sourced_number_value() if section else None)


def sourced_words(parent: Section, name: str) -> Sourced[str] | None:
    """The sourced text under ``name``."""
    section = parent.sourced_section(name)
    return sourced(section, section.text("value") if section else None)


def sourced_truth(parent: Section, name: str) -> Sourced[bool] | None:
    """The sourced true or false under ``name``."""
    section = parent.sourced_section(name)
    return sourced(section, section.flag("value") if section else None)

"""Pieces of Markdown that the chapters of docs/protocols.md are made of."""

from __future__ import annotations

from collections.abc import Iterable

from trocar.clinical.sourced import Sourced


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table, or "None." where there are no rows."""
    lines = [head, tuple("---" for _ in head), *rows]
    if len(lines) == 2:
        return "None."
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def plain(name: str) -> str:
    """A name of a protocol file in words."""
    return "CT" if name == "ct" else name.replace("_", " ")


def shown(value: object) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def figure(value: Sourced[float]) -> str:
    """A number with its source and status."""
    return f"{value.value:g} ({value.source}, {value.status})"

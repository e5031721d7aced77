"""Stages and moves as a page: ``python -m trocar.clinical.stages_page docs/cases.md`` writes its table anew."""

from __future__ import annotations

import sys
from pathlib import Path

from trocar.clinical.markdown import table
from trocar.clinical.stages import MOVES, TITLES

BEGIN, END = "<!-- moves: begin -->", "<!-- moves: end -->"


def moves() -> str:
    """Every move: from where, to where, the permission, and what must be true first."""
    rows = []
    for move in MOVES.values():
        first = [
            *(f"`{n.fact}`" if n.value else f"not `{n.fact}`" for n in move.needs),
            *(["a reason"] * move.reason),
        ]
        origins = ", ".join(TITLES[stage].lower() for stage in move.origins)
        rows.append((move.title, origins, TITLES[move.to].lower(), move.permission, ", ".join(first)))
    return table(("Move", "From", "To", "Permission", "First"), rows)


def with_table(page: str) -> str:
    """The page with its table as the code has it now. ValueError where the page has no place for it."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{moves()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")

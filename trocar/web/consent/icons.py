"""Where the people of an icon array stand: rows of COLUMNS, filled from the top left."""

from __future__ import annotations

from typing import NamedTuple

COLUMNS = 50
SIZE = 10
"""Units of the picture for one person, both ways."""


class Block(NamedTuple):
    """A rectangle of people, in units of the picture."""

    x: int
    y: int
    width: int
    height: int


def rows_of(people: int) -> int:
    """Rows that so many people take."""
    return -(-people // COLUMNS)


def runs(first: int, end: int) -> list[Block]:
    """The people from number ``first`` (from 0) up to ``end``, not included, as at most three blocks."""
    blocks = []
    while first < end:
        row, column = divmod(first, COLUMNS)
        if column or end - first < COLUMNS:
            count, rows = min(COLUMNS - column, end - first), 1
        else:
            rows = (end - first) // COLUMNS
            count = COLUMNS
        blocks.append(Block(column * SIZE, row * SIZE, count * SIZE, rows * SIZE))
        first += count * rows
    return blocks

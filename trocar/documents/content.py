"""What stands on a setup sheet, before it becomes a web page or paper: words, figures, tables and pictures.

Everything is plain text; whoever lays it out escapes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trocar.imaging.render.picture import Picture


@dataclass(frozen=True)
class KeyFigure:
    """One large figure: ``label`` above it, ``note`` below it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Step:
    """One thing to do: what, and how."""

    do: str
    how: str


@dataclass(frozen=True)
class Table:
    """``role`` says what it is for whoever lays it out: clearances, risk, alternatives, c_arm or nearest.

    numeric: columns that hold figures. strong_rows: rows that must not be overlooked. notes: under it.
    """

    role: str
    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()
    strong_rows: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.title!r}: every row needs {len(self.columns)} cells")


@dataclass(frozen=True)
class Facts:
    """A headed list: sentences, or label and value pairs.

    ``role``: entry, why, obstacles, rejected, blind, values or origin.
    """

    role: str
    title: str
    sentences: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class SheetPicture:
    """A picture in its place on the sheet: ``main`` beside the steps, ``large`` or ``small`` in the gallery."""

    name: str
    picture: Picture
    size: Literal["main", "large", "small"]


@dataclass(frozen=True, eq=False)
class Sheet:
    """One setup sheet.

    kind: ``plan``, or ``no_path`` where no path keeps every limit (then there are no key figures and no steps).
    stamps: sentences on every page. warnings: loudest first. standing: the sentence that says what the paths are
    worth. rehearsal: set where the figures must be measured again; printed across them.
    """

    kind: Literal["plan", "no_path"]
    title: str
    subtitle: str
    identity: str
    stamps: tuple[str, ...]
    warnings: tuple[str, ...]
    standing: str
    rehearsal: str
    key_figures: tuple[KeyFigure, ...]
    entry: Facts | None
    steps: tuple[Step, ...]
    pictures: tuple[SheetPicture, ...]
    tables: tuple[Table, ...]
    facts: tuple[Facts, ...]

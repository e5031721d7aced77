"""How a structure's outline looks: a colour, a pattern of dashes and a number, so that none of them stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Colour = tuple[int, int, int]

NEEDLE: Colour = (255, 236, 92)
NOTCH: Colour = (255, 92, 214)
INK: Colour = (255, 255, 255)
QUIET: Colour = (176, 190, 204)


@dataclass(frozen=True)
class OutlineStyle:
    """``dashes``: lengths in pixels of line and gap by turns, empty for an unbroken line; ``width_px`` of the line."""

    number: int
    colour: Colour
    dashes: tuple[float, ...]
    width_px: float


# Eight hues that stay apart from one another and from the target's green in the three common kinds of colour blindness
# (after Okabe and Ito), light enough to read on grey. The number at each outline and its dashes say the same without
# any colour.
_COLOURS: tuple[Colour, ...] = (
    (86, 190, 245),
    (255, 170, 40),
    (240, 135, 195),
    (235, 95, 60),
    (165, 150, 255),
    (205, 165, 115),
    (40, 165, 185),
    (205, 205, 205),
)
_DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (16, 7),
    (4, 6),
    (16, 6, 4, 6),
    (26, 8),
    (8, 8),
    (26, 6, 4, 6),
    (2, 8),
)
TARGET_COLOUR: Colour = (120, 235, 120)


def outline_styles(names: Sequence[str], target: str | None = None) -> dict[str, OutlineStyle]:
    """A style for each name, numbered from 1 in the order given; ``target`` is green, unbroken and thicker.

    Colours repeat after eight structures, numbers never do.
    """
    styles: dict[str, OutlineStyle] = {}
    others = 0
    for number, name in enumerate(names, start=1):
        if name == target:
            styles[name] = OutlineStyle(number, TARGET_COLOUR, (), 3.2)
        else:
            styles[name] = OutlineStyle(
                number, _COLOURS[others % len(_COLOURS)], _DASHES[others % len(_DASHES)], 2.2
            )
            others += 1
    return styles

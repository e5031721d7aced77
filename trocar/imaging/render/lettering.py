"""Words in pictures, in the scalable font that Pillow carries with it, so that every machine draws the same."""

from __future__ import annotations

from functools import lru_cache

from PIL import ImageFont


def printable(text: str) -> str:
    """``text`` with every character that the built-in font lacks written as a question mark."""
    return "".join(c if " " <= c <= "~" or c in "°±·" else "?" for c in text)


def fitted(text: str, size: float, width_px: float) -> str:
    """``text``, printable, cut with dots where it would be wider than ``width_px``."""
    text = printable(text)
    font = lettering(size)
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "...") > width_px:
        text = text[:-1]
    return text + "..."


@lru_cache(maxsize=64)
def lettering(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font

"""Structure names as people say them."""

from __future__ import annotations

import re
import unicodedata

_PLAIN = re.compile(r"[a-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_WITHIN_TEXT = re.compile(r"(?<![\w.])[a-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+(?!\w|\.\w)")
_BODIES = {
    "vertebrae": "vertebra",
    "iliopsoas": "iliopsoas muscle",
    "autochthon": "back muscle",
    "iliac vena": "iliac vein",
    "gluteus maximus": "gluteus maximus muscle",
    "gluteus medius": "gluteus medius muscle",
    "gluteus minimus": "gluteus minimus muscle",
    "hip": "hip bone",
    "kidney sinus": "renal sinus",
    "below ribs": "strip under the ribs",
    "portal vein and splenic vein": "portal and splenic vein",
}


def spoken(name: str) -> str:
    """``kidney_left`` to "left kidney", ``rib_left_12`` to "left rib 12", ``vertebrae_L3`` to "vertebra L3".

    Names that are not in this underscore style are people's own words and stay as they are, to the letter.
    """
    if not _PLAIN.fullmatch(name):
        return name
    words = name.split("_")
    sides = [w for w in words if w in ("left", "right")]
    if len(sides) > 1:
        return name.replace("_", " ")
    rest = [w for w in words if w not in sides]
    number = [rest.pop()] if len(rest) > 1 and re.fullmatch(r"\d+|[CTLS]\d+", rest[-1]) else []
    body = " ".join(rest)
    return " ".join([*sides, _BODIES.get(body, body), *number]).strip()


def spoken_text(text: str) -> str:
    """A sentence with every underscore name in it as people say it."""
    return _WITHIN_TEXT.sub(lambda found: spoken(found.group()), text)


def capital(text: str) -> str:
    """``text`` with its first letter large."""
    return text[:1].upper() + text[1:]


def listed(words: list[str] | tuple[str, ...], most: int = 99) -> str:
    """ "a, b and c", and how many more there are beyond ``most``."""
    shown = list(words[:most])
    more = len(words) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def plain(text: str) -> str:
    """``text`` as one line without characters that act: control characters, and those that turn its direction.

    A name with a hidden override would read backwards on paper; tabs and line ends become spaces.
    """
    spaced = "".join(" " if c.isspace() else c for c in text)
    return "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs") or c == "\u200d")

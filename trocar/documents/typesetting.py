"""Set content in a typst template as PDF/UA-1, the same bytes for the same content, whatever fonts a machine has."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst
from PIL import ImageFont

from trocar.documents.naming import plain

FONT = "Aileron"
"""The font that Pillow carries inside it; machines without any font print the same sheet."""
MOST_UNPRINTABLE = 40
"""So many different characters without a glyph are replaced before giving up on the document's own text."""
LONG_WORD = re.compile(r"\S{30}(?=\S)")
NO_GLYPH = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)


def typeset(
    template: str,
    content: Mapping[str, Any],
    pictures: Mapping[str, bytes] | None = None,
    parts: tuple[str, ...] = (),
) -> bytes:
    """The PDF's bytes. The template reads its words from ``content.json`` as data, so no name can act as markup.

    template, parts: file names in this package; the template may import the parts. pictures: file name -> PNG.
    Characters for which the built-in fonts have no glyph are set in the system's fonts; where there is none either,
    they are written as their code, such as [U+1FAC0].
    """
    cleaned = clean(dict(content))
    with tempfile.TemporaryDirectory(prefix="trocar-paper-") as folder:
        root = Path(folder)
        for name in (template, *parts):
            (root / name).write_bytes(files("trocar.documents").joinpath(name).read_bytes())
        font = ImageFont.load_default(12)
        if isinstance(font, ImageFont.FreeTypeFont):
            (root / "sans.ttf").write_bytes(font.font_bytes)
        for name, png in (pictures or {}).items():
            (root / name).write_bytes(png)
        try:
            return _compile(root, template, cleaned, system_fonts=False)
        except typst.TypstError as error:
            if not NO_GLYPH.search(_message(error)):
                raise
        for _ in range(MOST_UNPRINTABLE):
            try:
                return _compile(root, template, cleaned, system_fonts=True)
            except typst.TypstError as error:
                found = NO_GLYPH.search(_message(error))
                if not found:
                    raise
                cleaned = _without(cleaned, found.group(1))
        in_ascii = json.loads(json.dumps(cleaned).encode("ascii", "replace"))
        return _compile(root, template, in_ascii, system_fonts=True)


def _compile(root: Path, template: str, content: dict[str, Any], system_fonts: bool) -> bytes:
    (root / "content.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    made = typst.compile(
        root / template,
        root=root,
        font_paths=[root],
        ignore_system_fonts=not system_fonts,
        format="pdf",
        pdf_standards="ua-1",
        # pinned: the time of making stands in the content, if anywhere
        timestamp=0,
    )
    assert isinstance(made, bytes)
    return made


def _message(error: Exception) -> str:
    return f"{error} {getattr(error, 'message', '')}"


def _without(value: Any, text: str) -> Any:
    """``value`` with every character of ``text`` that is beyond ASCII written as its code."""
    if isinstance(value, str):
        return "".join(f"[U+{ord(c):04X}]" if c in text and ord(c) > 126 else c for c in value)
    if isinstance(value, list):
        return [_without(v, text) for v in value]
    if isinstance(value, dict):
        return {k: _without(v, text) for k, v in value.items()}
    return value


def clean(value: Any) -> Any:
    """Plain words everywhere, those too long for a column with places to break."""
    if isinstance(value, str):
        return LONG_WORD.sub(lambda found: found.group() + "\u200b", plain(value))
    if isinstance(value, list | tuple):
        return [clean(v) for v in value]
    if isinstance(value, dict):
        return {k: clean(v) for k, v in value.items()}
    return value

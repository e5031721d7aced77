"""A setup sheet as PDF on A4, tagged for screen readers (PDF/UA-1), the same bytes for the same content."""

from __future__ import annotations

import json
import re
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst
from PIL import ImageFont

from trocar.documents.content import Facts, Sheet
from trocar.documents.naming import plain

FONT = "Aileron"
"""The font that Pillow carries inside it; machines without any font print the same sheet."""
MOST_UNPRINTABLE = 40
"""So many different characters without a glyph are replaced before giving up on the sheet's own text."""
LONG_WORD = re.compile(r"\S{30}(?=\S)")
NO_GLYPH = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)


def sheet_pdf(sheet: Sheet) -> bytes:
    """The PDF's bytes. Text is handed over as data, so no name can act as markup.

    Characters for which the built-in fonts have no glyph are set in the system's fonts; where there is none either,
    they are written as their code, such as [U+1FAC0].
    """
    content = _content(sheet)
    with tempfile.TemporaryDirectory(prefix="trocar-sheet-") as folder:
        root = Path(folder)
        (root / "sheet.typ").write_bytes(files("trocar.documents").joinpath("sheet.typ").read_bytes())
        font = ImageFont.load_default(12)
        if isinstance(font, ImageFont.FreeTypeFont):
            (root / "sans.ttf").write_bytes(font.font_bytes)
        for placed in sheet.pictures:
            (root / f"{placed.name}.png").write_bytes(placed.picture.png)
        try:
            return _compile(root, content, system_fonts=False)
        except typst.TypstError as error:
            if not NO_GLYPH.search(_message(error)):
                raise
        for _ in range(MOST_UNPRINTABLE):
            try:
                return _compile(root, content, system_fonts=True)
            except typst.TypstError as error:
                found = NO_GLYPH.search(_message(error))
                if not found:
                    raise
                content = _without(content, found.group(1))
        return _compile(root, json.loads(json.dumps(content).encode("ascii", "replace")), system_fonts=True)


def _compile(root: Path, content: dict[str, Any], system_fonts: bool) -> bytes:
    (root / "sheet.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    made = typst.compile(
        root / "sheet.typ",
        root=root,
        font_paths=[root],
        ignore_system_fonts=not system_fonts,
        format="pdf",
        pdf_standards="ua-1",
        # pinned: the time of making stands in provenance, if anywhere
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


def _content(sheet: Sheet) -> dict[str, Any]:
    """The sheet as plain values for the template, without control characters."""

    def facts(value: Facts | None) -> dict[str, Any] | None:
        if value is None:
            return None
        return {
            "role": value.role,
            "title": value.title,
            "sentences": list(value.sentences),
            "pairs": [list(p) for p in value.pairs],
        }

    plain = {
        "kind": sheet.kind,
        "title": sheet.title,
        "subtitle": sheet.subtitle,
        "identity": sheet.identity,
        "stamps": list(sheet.stamps),
        "warnings": list(sheet.warnings),
        "standing": sheet.standing,
        "rehearsal": sheet.rehearsal,
        "figures": [{"label": f.label, "value": f.value, "note": f.note} for f in sheet.key_figures],
        "entry": facts(sheet.entry),
        "steps": [{"do": s.do, "how": s.how} for s in sheet.steps],
        "pictures": [
            {"file": f"{p.name}.png", "size": p.size, "caption": p.picture.caption, "alt": p.picture.alt}
            for p in sheet.pictures
        ],
        "tables": [
            {
                "role": t.role,
                "title": t.title,
                "caption": t.caption,
                "columns": list(t.columns),
                "rows": [list(r) for r in t.rows],
                "numeric": list(t.numeric),
                "strong": list(t.strong_rows),
                "notes": list(t.notes),
            }
            for t in sheet.tables
        ],
        "facts": [facts(f) for f in sheet.facts],
    }
    cleaned = _clean(plain)
    assert isinstance(cleaned, dict)
    return cleaned


def _clean(value: Any) -> Any:
    """Plain words everywhere, those too long for a column with places to break."""
    if isinstance(value, str):
        return LONG_WORD.sub(lambda found: found.group() + "\u200b", plain(value))
    if isinstance(value, list):
        return [_clean(v) for v in value]
    if isinstance(value, dict):
        return {k: _clean(v) for k, v in value.items()}
    return value

"""A setup sheet as PDF on A4, tagged for screen readers (PDF/UA-1), the same bytes for the same content."""

from __future__ import annotations

from typing import Any

from trocar.documents.content import Facts, Sheet
from trocar.documents.typesetting import typeset


def sheet_pdf(sheet: Sheet) -> bytes:
    """The PDF's bytes. Text is handed over as data, so no name can act as markup."""
    pictures = {f"{placed.name}.png": placed.picture.png for placed in sheet.pictures}
    return typeset("sheet.typ", _content(sheet), pictures)


def _content(sheet: Sheet) -> dict[str, Any]:
    """The sheet as plain values for the template."""

    def facts(value: Facts | None) -> dict[str, Any] | None:
        if value is None:
            return None
        return {
            "role": value.role,
            "title": value.title,
            "sentences": list(value.sentences),
            "pairs": [list(p) for p in value.pairs],
        }

    return {
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

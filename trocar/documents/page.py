"""A setup sheet as one HTML page: no scripts, nothing fetched, pictures inside."""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template

from trocar.documents.content import Facts, KeyFigure, Sheet, SheetPicture, Step, Table
from trocar.documents.naming import plain

LONG_VALUE = 9
"""Key figures longer than this are set smaller."""


def sheet_css() -> str:
    """The page's style sheet, for those who serve it as a file of its own."""
    return files("trocar.documents").joinpath("sheet.css").read_text(encoding="utf-8")


def sheet_html(
    sheet: Sheet, stylesheet_href: str | None = None, picture_hrefs: Mapping[str, str] | None = None
) -> str:
    """The whole page.

    Style and pictures are inside, so that the file stands alone. Under a strict content security policy give
    ``stylesheet_href`` (then there is no style element) and ``picture_hrefs``, picture name -> address (then there
    are no data addresses). There is never a style attribute, a script or a frame.
    """
    style = (
        f"<style>\n{sheet_css()}</style>"
        if stylesheet_href is None
        else f'<link rel="stylesheet" href="{_attribute(stylesheet_href)}">'
    )
    template = Template(files("trocar.documents").joinpath("sheet.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=_text(f"{sheet.title}: setup sheet"),
        style=style,
        kind=sheet.kind,
        stamps="".join(f"<p>{_text(s)}</p>" for s in sheet.stamps),
        body=_body(sheet, picture_hrefs or {}),
    )


def _body(sheet: Sheet, hrefs: Mapping[str, str]) -> str:
    wide = [p for p in sheet.pictures if p.size == "main"]
    narrow = [p for p in sheet.pictures if p.size != "main"]
    parts = [
        '<header class="top"><div>',
        f"<h1>{_text(sheet.title)}</h1>",
        f'<p class="subtitle">{_text(sheet.subtitle)}</p>',
        f'<p class="identity">{_text(sheet.identity)}</p>',
        '</div><div class="label">Patient label</div></header>',
        _standing(sheet),
        _warnings(sheet.warnings),
        _figures(sheet.key_figures, sheet.rehearsal),
    ]
    parts += (
        [f'<div class="split"><div>{"".join(_figure(p, hrefs) for p in wide)}'] if wide else ["<div><div>"]
    )
    parts += [_entry(sheet.entry), "</div><div>", _steps(sheet.steps)]
    if sheet.kind == "no_path":
        parts += [_facts(f) for f in sheet.facts[:2]]
    parts.append("</div></div>")
    if narrow:
        heading = "Pictures" if sheet.kind == "plan" else "Pictures: NOT A PLAN, a limit is broken"
        parts += [
            f"<h2>{heading}</h2>",
            '<div class="pictures">',
            *(_figure(p, hrefs) for p in narrow),
            "</div>",
        ]
    parts += [_table(t) for t in sheet.tables]
    parts += [_facts(f) for f in (sheet.facts[2:] if sheet.kind == "no_path" else sheet.facts)]
    return "\n".join(p for p in parts if p)


def _standing(sheet: Sheet) -> str:
    if sheet.kind == "no_path":
        return f'<div class="stop"><p>{_text(sheet.standing)}</p></div>'
    return f'<p class="standing">{_text(sheet.standing)}</p>'


def _warnings(warnings: tuple[str, ...]) -> str:
    if not warnings:
        return ""
    items = "".join(f"<li>{_text(w)}</li>" for w in warnings)
    return f'<section class="warnings"><h2>Warnings</h2><ul>{items}</ul></section>'


def _figures(figures: tuple[KeyFigure, ...], rehearsal: str) -> str:
    if not figures:
        return ""
    cells = []
    for figure in figures:
        size = "value long" if len(figure.value) > LONG_VALUE else "value unit"
        note = f'<dd class="note">{_text(figure.note)}</dd>' if figure.note else ""
        cells.append(
            f'<div><dt>{_text(figure.label)}</dt><dd class="{size}">{_text(figure.value)}</dd>{note}</div>'
        )
    banner = f'<p class="rehearsal">{_text(rehearsal)}</p>' if rehearsal else ""
    return f'{banner}<dl class="figures">{"".join(cells)}</dl>'


def _entry(entry: Facts | None) -> str:
    if entry is None:
        return ""
    pairs = "".join(f"<li><strong>{_text(a)}: {_text(b)}</strong></li>" for a, b in entry.pairs)
    items = "".join(f"<li>{_text(s)}</li>" for s in entry.sentences)
    return f'<section class="entry"><h2>{_text(entry.title)}</h2><ul>{pairs}{items}</ul></section>'


def _steps(steps: tuple[Step, ...]) -> str:
    if not steps:
        return ""
    items = "".join(f"<li><h3>{_text(s.do)}</h3><p>{_text(s.how)}</p></li>" for s in steps)
    return f'<h2>Step by step</h2><ol class="steps">{items}</ol>'


def _figure(placed: SheetPicture, hrefs: Mapping[str, str]) -> str:
    picture = placed.picture
    source = (
        hrefs.get(placed.name) or f"data:image/png;base64,{base64.b64encode(picture.png).decode('ascii')}"
    )
    size = f'width="{picture.width_px}" height="{picture.height_px}"'
    return (
        f'<figure class="{placed.size}">'
        f'<img src="{_attribute(source)}" alt="{_attribute(picture.alt)}" {size}>'
        f"<figcaption>{_text(picture.caption)}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    # the first column with words names the row
    words = [c for c in range(len(table.columns)) if c not in table.numeric and table.columns[c] != "No."]
    naming = words[0] if words else 0

    def of(column: int) -> str:
        if column in table.numeric:
            return ' class="n"'
        return ' class="w"' if column in words else ""

    head = "".join(f'<th scope="col"{of(c)}>{_text(name)}</th>' for c, name in enumerate(table.columns))
    rows = []
    for number, row in enumerate(table.rows):
        cells = "".join(
            f'<th scope="row"{of(c)}>{_text(cell)}</th>' if c == naming else f"<td{of(c)}>{_text(cell)}</td>"
            for c, cell in enumerate(row)
        )
        rows.append(
            f'<tr class="strong">{cells}</tr>' if number in table.strong_rows else f"<tr>{cells}</tr>"
        )
    notes = "".join(f'<p class="under">{_text(n)}</p>' for n in table.notes)
    many = ' class="many"' if len(table.columns) > 3 else ""
    return (
        f'<section class="{"notaplan" if table.role == "nearest" else "table"}"><h2>{_text(table.title)}</h2>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{_attribute(table.title)}"><table{many}>'
        f"<caption>{_text(table.caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>{notes}</section>"
    )


def _facts(facts: Facts) -> str:
    items = "".join(f"<li>{_text(s)}</li>" for s in facts.sentences)
    pairs = "".join(f"<dt>{_text(a)}</dt><dd>{_text(b)}</dd>" for a, b in facts.pairs)
    return (
        f'<section class="facts small"><h2>{_text(facts.title)}</h2>'
        + (f"<ul>{items}</ul>" if items else "")
        + (f'<dl class="pairs">{pairs}</dl>' if pairs else "")
        + "</section>"
    )


def _text(text: str) -> str:
    """Escaped; ``bdi`` keeps words of another direction in their place."""
    clean = plain(text)
    escaped = escape(clean, quote=False)
    turns = any(unicodedata.bidirectional(c) in ("R", "AL") for c in clean)
    return f"<bdi>{escaped}</bdi>" if turns else escaped


def _attribute(text: str) -> str:
    return escape(plain(text), quote=True)

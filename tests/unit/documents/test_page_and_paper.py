"""The web page and the PDF: the same words, nothing acts as markup, the same bytes."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from tests.unit.documents.hand_plans import phantom, planned
from trocar.documents.composing import compose
from trocar.documents.naming import plain
from trocar.documents.page import sheet_css, sheet_html
from trocar.documents.paper import sheet_pdf
from trocar.documents.pictures import sheet_pictures
from trocar.documents.sheet import write_sheet
from trocar.planning.plan import PlanTarget, PlanWarning

HOSTILE = (
    "<script>alert('x')</script>",
    '#import "x": y; #[*bold*] _it_ $1/0$ @ref <label> `raw` = head',
    "\\#{1+1} // comment /* */",
    "a & b \" ' </style></table>",
    "\u05db\u05d1\u05d3 \u0643\u0628\u062f",
    "\u202eevil\u202c tab\there\x07bell",
    "\u8098\u81d3 Niere \u00fc\u00df \U0001fac0",
    "x" * 300,
)


class Reader(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def drawn():
    volume, structures, made = phantom()
    return volume, structures, made, sheet_pictures(made, 0, volume, structures)


@pytest.fixture(scope="module")
def sheet(drawn):
    volume, structures, made, pictures = drawn
    return compose(made, volume, structures, {"versions": {"trocar": "0.1.0"}}, pictures)


def hostile_sheet(pictures):
    volume, structures, _ = phantom()
    path = planned(
        (75.0, 86.0, -25.0),
        (70.0, 28.0, -12.0),
        {name: 3.0 + n for n, name in enumerate(HOSTILE)},
        reasons=HOSTILE,
        crosses=(HOSTILE[0],),
    )
    _, _, made = phantom()
    target = PlanTarget(HOSTILE[1], "mask", made.target.samples_lps_mm, made.target.centre_lps_mm)
    made = replace(
        made,
        protocol_title=HOSTILE[0],
        target=target,
        paths=(path, path),
        warnings=tuple(PlanWarning("w", text) for text in HOSTILE),
        rejected=dict.fromkeys(HOSTILE, 0.1),
        not_judged=HOSTILE,
        stamps=HOSTILE[:2],
        inputs=dict.fromkeys(HOSTILE, "ab" * 32),
    )
    return compose(made, volume, structures, {text: text for text in HOSTILE}, pictures)


def test_the_page_is_whole_and_stands_alone(sheet):
    page = sheet_html(sheet)
    reader = Reader(page)
    assert reader.open == []
    names = [tag for tag, _ in reader.tags]
    assert not {"script", "iframe", "object", "link", "form"} & set(names)
    assert dict(reader.tags)["html"] == {"lang": "en"}
    for tag, attributes in reader.tags:
        assert "style" not in attributes, "a strict policy refuses style attributes"
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            if name in attributes:
                assert attributes[name].startswith("data:image/png;base64,"), tag
    assert not re.search(r"https?://|url\(|@import", page), "nothing is fetched"


def test_headings_come_in_order_and_images_have_words(sheet):
    reader = Reader(sheet_html(sheet))
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    images = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert len(images) == 10
    assert all(len(image["alt"] or "") > 20 and image["width"] for image in images)


def test_tables_have_captions_and_headers(sheet):
    reader = Reader(sheet_html(sheet))
    names = [tag for tag, _ in reader.tags]
    assert names.count("table") == names.count("caption") == len(sheet.tables)
    scopes = [attributes.get("scope") for tag, attributes in reader.tags if tag == "th"]
    assert set(scopes) == {"col", "row"}
    assert scopes.count("row") == sum(len(t.rows) for t in sheet.tables)


def test_under_a_strict_policy_style_and_pictures_are_linked(sheet):
    page = sheet_html(sheet, "/static/sheet.css", {p.name: f"/pictures/{p.name}.png" for p in sheet.pictures})
    reader = Reader(page)
    assert "<style" not in page
    assert "data:" not in page
    assert ("link", {"rel": "stylesheet", "href": "/static/sheet.css"}) in reader.tags
    assert "url(" not in sheet_css()


def test_hostile_names_are_text_on_the_page(drawn):
    made = hostile_sheet(drawn[3])
    reader = Reader(sheet_html(made))
    assert not any(tag == "script" for tag, _ in reader.tags)
    for name in HOSTILE:
        assert plain(name) in reader.text, name
    assert any(tag == "bdi" for tag, _ in reader.tags), "right-to-left names keep to themselves"


def test_the_page_holds_every_word_of_the_sheet(sheet):
    text = Reader(sheet_html(sheet)).text
    for expected in (
        sheet.title,
        sheet.standing,
        *sheet.stamps,
        *sheet.warnings,
        *(f.value for f in sheet.key_figures),
        *(s.how for s in sheet.steps),
        *(c for t in sheet.tables for row in t.rows for c in row),
        *(s for f in sheet.facts for s in f.sentences),
    ):
        assert expected in text


def test_the_pdf_is_tagged_and_the_same_each_time(sheet):
    one, other = sheet_pdf(sheet), sheet_pdf(sheet)
    assert one == other
    assert one.startswith(b"%PDF-")
    assert b"pdfuaid:part" in one


def test_the_pdf_has_at_most_three_pages(sheet):
    assert len(re.findall(rb"/Type\s*/Page\b", sheet_pdf(sheet))) <= 3


def test_hostile_names_do_not_break_the_pdf(drawn):
    made = sheet_pdf(hostile_sheet(drawn[3]))
    assert made.startswith(b"%PDF-")
    assert made == sheet_pdf(hostile_sheet(drawn[3]))


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext")
def test_the_pdf_holds_the_words_as_they_are(drawn, tmp_path):
    file = tmp_path / "plan.pdf"
    file.write_bytes(sheet_pdf(hostile_sheet(drawn[3])))
    text = subprocess.run(
        ["pdftotext", "-raw", str(file), "-"], capture_output=True, text=True, check=True
    ).stdout
    flat = re.sub(r"[\s\u200b]+", "", text)
    for name in HOSTILE[:4]:
        assert re.sub(r"\s+", "", name) in flat, name
    assert "Researchsoftware,notforclinicaluse" in flat
    assert re.search(r"Page\s*1\s*of\s*\d", text)


def test_both_files_are_written_and_repeat_to_the_byte(drawn, tmp_path):
    volume, structures, made, pictures = drawn
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        run = {"run": {"made_at": folder, "host": folder}}
        write_sheet(
            made, volume, structures, tmp_path / folder / "p.html", tmp_path / folder / "p.pdf", run, pictures
        )
    for name in ("p.html", "p.pdf"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_sheet_without_any_path_is_written_and_looks_like_no_plan(drawn, tmp_path):
    volume, structures, made, _ = drawn
    none = replace(made, paths=(), nearest=(replace(made.paths[0], relaxed="nearer than 5 mm to colon"),))
    sheet = write_sheet(none, volume, structures, tmp_path / "p.html", tmp_path / "p.pdf", {})
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert 'class="stop"' in page
    assert 'class="figures"' not in page
    assert 'class="steps"' not in page
    assert all(p.picture.title.startswith("NOT A PLAN") for p in sheet.pictures)
    bare = replace(none, nearest=())
    assert write_sheet(bare, volume, None, tmp_path / "p.html", tmp_path / "p.pdf", {}).pictures == ()


def test_a_plan_without_structures_has_its_sheet(drawn, tmp_path):
    volume, _, made, _ = drawn
    pictures = sheet_pictures(made, 0, volume, None, only=("oblique", "surface"))
    write_sheet(made, volume, None, tmp_path / "p.html", tmp_path / "p.pdf", {}, pictures)
    assert (tmp_path / "p.pdf").stat().st_size > 10_000

"""The pages that a visitor reads, and the sentence shown where there is none."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from django.test import Client

from tests.integration.web.plan_folders import build_kidney_plan
from trocar import RESEARCH_NOTICE
from trocar.web.plans.plan_folder import Card, write_card

pytestmark = pytest.mark.samples

PAGES = (
    "/plans/",
    "/plans/kidney-left/",
    "/plans/kidney-left/?path=3&axial=10&window=bone&outlines=off",
    "/plans/kidney-none/",
    "/plans/bone-l3/",
    "/plans/bone-iliac/",
    "/plans/nobody/",
    "/nowhere",
)


SCHEMA = Path(__file__).parents[3] / "docs" / "plan.schema.json"


@pytest.mark.parametrize("plan_id", ["kidney-left", "kidney-none"])
def test_the_plans_of_these_tests_have_the_published_layout(planned: Path, plan_id: str) -> None:
    content = json.loads((planned / "plans" / plan_id / "plan.json").read_text())
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))


def text(visitor: Client, address: str, status: int = 200) -> str:
    answer = visitor.get(address)
    assert answer.status_code == status, address
    return answer.content.decode()


def main_of(page: str) -> str:
    """The words of the page's main part, tags removed and spaces made one."""
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)).replace("&#x27;", "'")


def test_the_list_shows_every_case_in_its_state(visitor: Client, planned: Path) -> None:
    words = main_of(text(visitor, "/plans/"))
    assert "4 paths within the protocol's limits" in words
    assert "No path keeps every limit" in words
    assert "In the way: colon and left rib 12" in words
    assert "Judging pairs" in words
    assert "There is no hip bone." in words
    assert words.count("SAMPLE - not a patient") == 4
    assert "Target Lower pole cortex of left kidney" in words
    assert "Warnings 2" in words


def test_an_empty_folder_says_what_to_do(visitor: Client, data: Path) -> None:
    assert "trocar serve --demo" in text(visitor, "/plans/")


def test_a_plan_shows_warnings_before_everything_else(visitor: Client, planned: Path) -> None:
    words = main_of(text(visitor, "/plans/kidney-left/"))
    assert words.index("2 warnings") < words.index("4 paths within") < words.index("Paths, best first")


def test_a_plan_shows_its_paths_with_risk_as_a_model(visitor: Client, planned: Path) -> None:
    page = text(visitor, "/plans/kidney-left/")
    words = main_of(page)
    for number in range(1, 5):
        assert f"Path {number}" in words
    assert "87 % model, not outcome" in words
    assert "Left rib 12: 3 % model, not outcome" in words
    assert "The whole notch lies in the cortex." in words
    assert "as far as they could be judged For rehearsal." in words
    assert "Gone through: colon" in words
    assert "41 %" in words
    assert "1,234,567 pairs" in words
    assert "Nerve roots" in words
    assert " safe" not in words


def test_what_was_not_judged_is_never_a_distance(visitor: Client, planned: Path) -> None:
    words = main_of(text(visitor, "/plans/kidney-left/"))
    assert (
        "Not judged , as they move between the position of the scan and that of the needle: colon." in words
    )
    assert "Colon " not in words.split("Distances to structures")[1].split("Not judged")[0]


def test_choosing_a_path_shows_its_figures(visitor: Client, planned: Path) -> None:
    words = main_of(text(visitor, "/plans/kidney-left/?path=2"))
    assert "Path 2 in figures" in words
    assert "5° towards the head" in words
    page = text(visitor, "/plans/kidney-left/?path=2")
    assert len(re.findall(r'aria-current="true"', page[page.index("<main") :])) == 1
    assert "/plans/kidney-left/paths/2/slices/axial/" in page
    assert "/plans/kidney-left/paths/1/slices/" not in page


def test_without_a_script_links_go_through_the_slices(visitor: Client, planned: Path) -> None:
    page = text(visitor, "/plans/kidney-left/?path=2&axial=30&coronal=12")
    assert "slices/axial/30.png" in page
    assert "slices/coronal/12.png" in page
    following = re.search(r'href="([^"]+)#view-axial" data-step="1"', page)
    assert following
    after = text(visitor, "/plans/kidney-left/" + following[1].replace("&amp;", "&"))
    assert "slices/axial/31.png" in after
    assert "slices/coronal/12.png" in after
    assert "paths/2/" in after


def test_where_no_path_keeps_every_limit_the_relaxed_one_is_named(visitor: Client, planned: Path) -> None:
    words = main_of(text(visitor, "/plans/kidney-none/"))
    assert "No path keeps every limit" in words
    assert "Limit relaxed: 2 mm instead of 5 mm to the colon" in words
    assert "within the protocol's limits. " in words
    assert "paths within the protocol's limits" not in words


def test_a_case_being_planned_waits_with_and_without_a_script(visitor: Client, planned: Path) -> None:
    page = text(visitor, "/plans/bone-l3/")
    assert 'value="40"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    answer = visitor.get("/plans/progress.json")
    assert {"id": "bone-l3", "state": "planning", "message": "Judging pairs", "percent": 40} in answer.json()[
        "plans"
    ]


def test_a_failed_case_says_why(visitor: Client, planned: Path) -> None:
    words = main_of(text(visitor, "/plans/bone-iliac/"))
    assert "This case could not be planned There is no hip bone." in words


@pytest.mark.parametrize("address", PAGES)
def test_every_page_carries_the_notice_and_a_strict_policy(
    visitor: Client, planned: Path, address: str
) -> None:
    answer = visitor.get(address)
    assert RESEARCH_NOTICE in answer.content.decode()
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"


class Inline(HTMLParser):
    """Collects what the policy would forbid."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and not given.get("src", "").startswith("/static/")):
            self.found.append(tag)
        self.found += [name for name in given if name == "style" or name.startswith("on")]
        self.found += [
            str(given[name])
            for name in ("src", "href", "action")
            if re.match(r"\w+:|//", given.get(name) or "")
        ]


@pytest.mark.parametrize("address", PAGES)
def test_no_page_holds_anything_inline_or_from_another_host(
    visitor: Client, planned: Path, address: str
) -> None:
    inline = Inline()
    inline.feed(visitor.get(address).content.decode())
    assert inline.found == []


def test_words_of_a_plan_cannot_become_markup(visitor: Client, data: Path) -> None:
    script = "<script>alert(1)</script>"
    build_kidney_plan(
        data,
        warnings=[{"code": "x", "text": script}],
        stamps=[script],
        not_judged=[script],
        rejected={script: 0.5},
        protocol_title=script,
        provenance={script: script},
    )
    assert script not in text(visitor, "/plans/kidney-left/")


@pytest.mark.parametrize(
    "plan_id",
    ["nobody", "..", "%2e%2e", "..%2fplans", "kidney-left%2f..", "KIDNEY-LEFT", "a" * 65, "kidney-left%00"],
)
def test_no_such_plan(visitor: Client, planned: Path, plan_id: str) -> None:
    for rest in ("", "plan.json", "plan.pdf", "dicom.zip", "paths/1/slices/axial/1.png"):
        assert visitor.get(f"/plans/{plan_id}/{rest}").status_code == 404


def test_a_folder_that_is_a_link_elsewhere_is_no_plan(visitor: Client, data: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    write_card(elsewhere, Card("Elsewhere", sample=True))
    (data / "plans").mkdir()
    (data / "plans" / "link").symlink_to(elsewhere)
    assert visitor.get("/plans/link/").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "path=x",
        "path=-1",
        "path=1.5",
        "path=9999999",
        "path=%D9%A1",
        "axial=1e3",
        "axial=",
        "window=' OR 1",
        "outlines=1",
    ],
)
def test_a_hostile_query_gets_one_sentence(visitor: Client, planned: Path, query: str) -> None:
    words = main_of(text(visitor, f"/plans/kidney-left/?{query}", 400))
    assert "The address asks for" in words
    assert visitor.get(f"/plans/kidney-left/paths/1/slices/axial/1.png?{query}").status_code == 400


@pytest.mark.parametrize("query", ["path=0", "path=5", "path=999999"])
def test_a_path_that_the_plan_does_not_have(visitor: Client, planned: Path, query: str) -> None:
    assert "no path of that number" in main_of(text(visitor, f"/plans/kidney-left/?{query}", 404))


def test_an_index_beyond_the_end_shows_the_last_slice(visitor: Client, planned: Path) -> None:
    page = text(visitor, "/plans/kidney-left/?axial=999999")
    last = re.search(r'name="axial" min="0" max="(\d+)"', page)
    assert last
    assert f"slices/axial/{last[1]}.png" in page


def test_unknown_names_in_the_address_are_ignored(visitor: Client, planned: Path) -> None:
    text(visitor, "/plans/kidney-left/?utm=<script>&x=%00")


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
@pytest.mark.parametrize(
    "address", ["/plans/", "/plans/kidney-left/", "/plans/kidney-left/plan.json", "/healthz"]
)
def test_nothing_can_be_written(visitor: Client, planned: Path, method: str, address: str) -> None:
    assert getattr(visitor, method)(address).status_code == 405


def test_another_host_name_is_refused(planned: Path) -> None:
    assert Client(SERVER_NAME="attacker.example").get("/").status_code == 400


def test_a_damaged_plan_says_so_and_leaves_the_list_up(visitor: Client, data: Path) -> None:
    folder = build_kidney_plan(data)
    (folder / "plan.json").write_text('{"paths": [{"entry_lps_mm": 1}]}')
    assert "plan it again" in main_of(text(visitor, "/plans/kidney-left/", 422))
    assert "plan it again" in main_of(text(visitor, "/plans/"))


def test_a_damaged_card_says_so_and_leaves_the_list_up(visitor: Client, data: Path) -> None:
    folder = build_kidney_plan(data)
    (folder / "card.json").write_text("{")
    assert "damaged" in main_of(text(visitor, "/plans/kidney-left/", 422))
    text(visitor, "/plans/")


def test_a_plan_whose_ct_is_gone_shows_everything_but_pictures(visitor: Client, data: Path) -> None:
    folder = build_kidney_plan(data)
    write_card(folder, Card("Kidney", sample=True, state="planned", ct=str(data / "gone.nii.gz")))
    words = main_of(text(visitor, "/plans/kidney-left/"))
    assert "is no longer there" in words
    assert "Path 1 in figures" in words


def test_health(visitor: Client, data: Path) -> None:
    answer = visitor.get("/healthz")
    assert answer.json()["status"] == "ok"
    assert answer["Cache-Control"] == "no-store"


def test_static_files_are_served_with_the_headers(visitor: Client, data: Path) -> None:
    answer = visitor.get("/static/trocar/slices.js")
    assert "javascript" in answer["Content-Type"]
    assert b"class View" in answer.content
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert visitor.get("/static/trocar/../settings.py").status_code == 404
    assert visitor.get("/static/..%2fsettings.py").status_code == 404

"""The pages in a real browser: no error, nothing from elsewhere, by keyboard, on a phone, and accessible."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.browsing import DESKTOP, MAGNIFIED, PHONE, Visit, until
from tests.browser.signed_in import sessions
from tests.integration.web.plan_folders import build_case_without_paths, build_kidney_plan
from tests.integration.web.served import served
from trocar.web.plans.plan_folder import Card, PlanFolder, read_card, write_card

pytestmark = [pytest.mark.browser, pytest.mark.samples]

PAGES = (
    "/plans/",
    "/plans/kidney-left/",
    "/plans/kidney-none/",
    "/plans/bone-l3/",
    "/plans/bone-iliac/",
    "/plans/nobody/",
)


Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    build_kidney_plan(folder)
    build_case_without_paths(folder)
    return folder


@pytest.fixture(scope="module")
def address(data: Path) -> Iterator[str]:
    with served(data) as server:
        # the server calls what nobody plans any more interrupted, so these are written after its start
        working = Card(
            "Bone biopsy, L3", sample=True, order=1, state="planning", message="Judging", fraction=0.4
        )
        write_card(data / "plans" / "bone-l3", working)
        failed = Card(
            "Bone biopsy, hip", sample=True, order=2, state="failed", message="There is no hip bone."
        )
        write_card(data / "plans" / "bone-iliac", failed)
        yield server.address


@pytest.fixture(scope="module")
def doctor(address: str, data: Path) -> str:
    """The session of the sample IR doctor."""
    return sessions(data)["ir_doctor"]


@pytest.fixture
def visit(browser: Browser, address: str, doctor: str) -> Iterator[Visit]:
    """An IR doctor who has signed in; at the end, nothing may have gone wrong in a page."""
    visit = Visit(browser, address, doctor)
    yield visit
    visit.close()


@pytest.fixture
def open_page(visit: Visit) -> Opener:
    return visit.open


def status_of(path: str) -> int:
    return 404 if "nobody" in path else 200


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_accessible_and_never_scroll_sideways(open_page: Opener, path: str) -> None:
    page = open_page(path, PHONE, status=status_of(path))
    for viewport in (PHONE, DESKTOP, MAGNIFIED):
        page.set_viewport_size(viewport)
        # the menu folds a moment after the window has changed
        width = viewport["width"]
        until(page, lambda width=width: page.evaluate("document.documentElement.scrollWidth") <= width)
        if viewport is not MAGNIFIED:
            results = Axe().run(page)
            assert results.violations_count == 0, results.generate_report()


def test_every_picture_is_there(open_page: Opener) -> None:
    page = open_page("/plans/kidney-left/")
    widths = page.evaluate("[...document.querySelectorAll('figure.view img')].map(i => i.naturalWidth)")
    assert len(widths) == 5
    assert min(widths) >= 100


def test_the_arrow_keys_go_through_the_slices(open_page: Opener) -> None:
    page = open_page("/plans/kidney-left/")
    view = page.locator("#view-axial")
    picture, label = view.locator("img"), view.locator(".view-label")
    first = picture.get_attribute("src")
    assert label.inner_text() == "through the notch"
    view.locator("input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    until(page, lambda: picture.get_attribute("src") != first)
    assert label.inner_text() == "3.0 mm from the notch towards the head"
    assert "3.0 mm from the notch towards the head" in str(picture.get_attribute("alt"))
    assert view.locator("input[type=range]").get_attribute("aria-valuetext") == label.inner_text()
    page.keyboard.press("ArrowLeft")
    until(page, lambda: picture.get_attribute("src").split("?")[0] == first.split("?")[0])
    page.keyboard.press("End")
    until(page, lambda: "towards the head" in label.inner_text())
    last = view.locator("input[type=range]").get_attribute("max")
    until(page, lambda: f"/axial/{last}.png" in str(picture.get_attribute("src")))
    assert picture.evaluate("i => i.naturalWidth") >= 100


def test_the_wheel_turns_slices_only_over_a_picture_that_was_clicked(open_page: Opener) -> None:
    page = open_page("/plans/kidney-left/")
    picture = page.locator("#view-down img")
    picture.scroll_into_view_if_needed()
    first = picture.get_attribute("src")
    picture.hover()
    scrolled = page.evaluate("scrollY")
    page.mouse.wheel(0, 120)
    until(page, lambda: page.evaluate("scrollY") != scrolled)
    assert picture.get_attribute("src") == first
    picture.click()
    page.mouse.wheel(0, 120)
    until(page, lambda: picture.get_attribute("src") != first)


def test_the_next_button_keeps_the_page(open_page: Opener) -> None:
    page = open_page("/plans/kidney-left/")
    before = page.url
    page.get_by_role("link", name="Sagittal: next slice").click()
    until(page, lambda: "to the left of the notch" in page.locator("#view-sagittal .view-label").inner_text())
    assert page.url == before


def test_a_path_is_chosen_with_the_keyboard(open_page: Opener) -> None:
    page = open_page("/plans/kidney-left/")
    page.get_by_role("link", name="Path 3", exact=True).focus()
    page.keyboard.press("Enter")
    until(page, lambda: "path=3" in page.url)
    page.wait_for_load_state()
    assert page.get_by_role("heading", name="Pictures of path 3").is_visible()
    assert "/paths/3/" in str(page.locator("#view-along img").get_attribute("src"))


def test_a_new_grey_scale_keeps_the_slices(open_page: Opener) -> None:
    page = open_page("/plans/kidney-left/?path=2")
    page.locator("#view-axial input[type=range]").fill("20")
    page.get_by_label("Grey scale").select_option("bone")
    page.get_by_role("button", name="Apply").click()
    until(page, lambda: "window=bone" in page.url)
    page.wait_for_load_state()
    source = str(page.locator("#view-axial img").get_attribute("src"))
    assert "/paths/2/slices/axial/20.png" in source
    assert "window=bone" in source


def test_everything_works_without_a_script(open_page: Opener) -> None:
    page = open_page("/plans/kidney-left/", javascript=False)
    first = page.locator("#view-axial img").get_attribute("src")
    page.get_by_role("link", name="Axial: next slice").click()
    page.wait_for_load_state()
    assert page.locator("#view-axial img").get_attribute("src") != first
    page.get_by_role("button", name="Show the chosen slice of Axial").click()
    page.wait_for_load_state()
    page.get_by_role("link", name="Path 2", exact=True).click()
    page.wait_for_load_state()
    assert page.get_by_role("heading", name="Pictures of path 2").is_visible()


def test_the_first_tab_stop_skips_to_the_content(open_page: Opener) -> None:
    page = open_page("/plans/kidney-left/")
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to main content")
    assert link.evaluate("e => e === document.activeElement")
    assert link.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    until(page, lambda: page.evaluate("document.activeElement.id") == "main")


def test_the_notice_stays_in_sight(open_page: Opener) -> None:
    page = open_page("/plans/kidney-left/")
    for viewport in (DESKTOP, PHONE, MAGNIFIED):
        page.set_viewport_size(viewport)
        page.evaluate("scrollTo(0, 2000)")
        until(page, lambda: page.evaluate("scrollY") > 1000)
        box = page.locator(".notice").bounding_box()
        assert box is not None
        assert box["y"] == 0
        # and leaves room for what is below it
        assert box["height"] < viewport["height"] / 3


@pytest.mark.parametrize("javascript", [True, False])
def test_a_case_being_planned_shows_its_plan_when_it_is_made(
    open_page: Opener, data: Path, javascript: bool
) -> None:
    folder = build_kidney_plan(data, f"later-{javascript}".lower())
    done = read_card(folder)
    moving = PlanFolder(folder, done).with_card(state="planning", message="Judging pairs", fraction=0.2)
    page = open_page(f"/plans/{folder.name}/", javascript=javascript)
    assert page.locator("progress").get_attribute("value") == "20"
    moving.with_card(message="Refining paths", fraction=0.8)
    until(page, lambda: page.get_by_text("Refining paths").count() == 1)
    moving.with_card(**vars(done))
    until(page, lambda: page.get_by_role("heading", name="Paths, best first").count() == 1)

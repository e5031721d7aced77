"""The department in a real browser: every page as every role, by keyboard, magnified, and without a script."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.browsing import DESKTOP, MAGNIFIED, Visit, until
from tests.browser.links import Answer, routes, walk
from tests.browser.signed_in import department
from tests.integration.web.served import served
from trocar.web.accounts.roles import ROLES

pytestmark = pytest.mark.browser

NOT_REACHED = {
    "healthz": "for whatever watches the server",
    "accounts/login/": "opened below without a person",
    "accounts/logout/": "a button",
    "accounts/second-factor/": "only where the second factor is switched on",
    "jobs/<uuid:job_id>/": "only while a job is open",
    "jobs/<uuid:job_id>/progress.json": "data for jobs.js",
    "papers/<uuid:job_id>.pdf": "only once a paper is made",
    "plans/progress.json": "data for progress.js",
    "plans/<plan_id:plan_id>/": "opened by the tests of plan pages",
    "plans/<plan_id:plan_id>/plan.json": "a file of a plan",
    "plans/<plan_id:plan_id>/plan.pdf": "a file of a plan",
    "plans/<plan_id:plan_id>/plan.html": "a file of a plan",
    "plans/<plan_id:plan_id>/dicom.zip": "a file of a plan",
    "plans/<plan_id:plan_id>/paths/<number:number>/slices/<stack:stack>/<number:index>.png": "a picture",
    "cases/<case_number:number>/checklist/pictures/<int:index>.png": "a picture",
    "laboratory/pots/<str:number>/barcode.svg": "a picture",
    "cases/<case_number:number>/plan/accept/<plan_id:plan_id>/<number:path_number>/": "needs a plan on CT",
    "cases/<case_number:number>/plan/check-scan/": "needs a plan on CT",
    "cases/<case_number:number>/consent/questions/<int:pk>/": "needs a question without an answer",
    "cases/<case_number:number>/procedure/complications/<int:known>/": "needs a complication",
    "cases/<case_number:number>/scheduling/postpone/": "needs a case that is booked and not there yet",
    "cases/<case_number:number>/scheduling/told/<int:task>/": "needs somebody who was not told yet",
    "cases/<case_number:number>/vetting/medicines/<int:pk>/": "needs a medicine",
    "cases/<case_number:number>/vetting/medicines/<int:pk>/advice/": "needs a medicine",
    "cases/<case_number:number>/vetting/medicines/<int:pk>/last-dose/": "needs a medicine",
    "cases/<case_number:number>/vetting/medicines/sign/": "needs a medicine",
    "cases/<case_number:number>/vetting/override/": "needs a result beyond a limit",
    "cases/<case_number:number>/vetting/override/<int:pk>/": "needs a result beyond a limit",
    "laboratory/orders/<str:number>/report/": "needs a sample that was received and not reported",
}
"""Routes that no link leads to in these cases, and why. Whatever is neither here nor reached fails."""


LOOKS = 1
"""So many different looks of one page are judged: axe-core takes half a second for each."""


@dataclass(frozen=True)
class Place:
    """The server and the people there: role -> key of the session, and role -> password."""

    address: str
    sessions: dict[str, str]
    passwords: dict[str, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("department")
    with served(data) as server:
        keys = department(data)
        known = json.loads((data / "demo-users.json").read_text("utf-8"))
        yield Place(server.address, keys, {one["role"]: one["password"] for one in known})


@pytest.fixture(scope="module")
def pages(place: Place) -> dict[str, list[Answer]]:
    """Role -> what that role reaches by links from the first page, the change of the password and one case."""
    starts = ["/", "/accounts/password/"]
    found = {"ir_doctor": walk(place.address, place.sessions["ir_doctor"], starts, 5)}
    case = next(one.path for one in found["ir_doctor"] if one.route == "cases/<case_number:number>/")
    for role in set(ROLES) - set(found):
        found[role] = walk(place.address, place.sessions[role], [*starts, case], 1)
    return found


@pytest.fixture
def visit(browser: Browser, place: Place, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Somebody at the department's pages (parametrised by role; an IR doctor unless told)."""
    visit = Visit(browser, place.address, place.sessions[getattr(request, "param", "ir_doctor")])
    yield visit
    visit.close()


def test_no_link_leads_nowhere(pages: dict[str, list[Answer]]) -> None:
    bad = {
        f"{role} {answer.path}: {answer.status}"
        for role, answers in pages.items()
        for answer in answers
        if answer.status >= 500 or answer.status == 404
    }
    assert bad == set()


def test_every_route_of_the_configuration_was_opened(pages: dict[str, list[Answer]]) -> None:
    opened = {answer.route for answers in pages.values() for answer in answers if answer.status == 200}
    assert routes() - opened - set(NOT_REACHED) == set()
    assert set(NOT_REACHED) - routes() == set()


def test_every_page_is_accessible_and_never_scrolls_sideways(
    browser: Browser, place: Place, pages: dict[str, list[Answer]]
) -> None:
    seen: set[int] = set()
    of_route: Counter[str] = Counter()
    bad = []
    for role, answers in pages.items():
        visit = Visit(browser, place.address, place.sessions[role], expected=["403"])
        page = visit.page(MAGNIFIED)
        for answer in answers:
            new = answer.looks not in seen and of_route[answer.route] < LOOKS
            if new and answer.html and answer.status in (200, 403):
                seen.add(answer.looks)
                of_route[answer.route] += 1
                page.set_viewport_size(MAGNIFIED)
                page.goto(place.address + answer.path)
                bad += [f"{role} {answer.path}: {fault}" for fault in faults(page)]
        visit.close()
    assert not bad, "\n".join(bad)


def faults(page: Page) -> list[str]:
    """What sticks out of a page that was opened magnified, and what axe-core finds at full size."""
    found = []
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > MAGNIFIED["width"]:
        found.append(f"{width} px wide at 320 px")
    page.set_viewport_size(DESKTOP)
    found += [
        f"{violation['id']}: {[node['html'][:120] for node in violation['nodes']][:3]}"
        for violation in Axe().run(page).response["violations"]
    ]
    if page.locator("h1").count() != 1:
        found.append(f"{page.locator('h1').count()} headings of the first level")
    return found


def focused(page: Page) -> str:
    """What has the focus, as its label or words; it must be seen to have it."""
    words, shown = page.evaluate(
        """() => {
          const e = document.activeElement;
          if (e === document.body) return ['', true];
          const look = getComputedStyle(e);
          const label = e.labels && e.labels.length ? getComputedStyle(e.labels[0], '::before') : look;
          const shown = [look, label].some(s => s.boxShadow !== 'none' || s.outlineStyle !== 'none');
          return [((e.labels && e.labels.length ? e.labels[0] : e).innerText || '').trim(), shown];
        }"""
    )
    assert shown, f"nobody sees that {words!r} has the focus"
    return words


def tab_to(page: Page, words: str) -> None:
    """Press the tab key until what begins with ``words`` has the focus."""
    met = []
    for _ in range(80):
        page.keyboard.press("Tab")
        met.append(focused(page))
        if met[-1].startswith(words):
            return
    raise AssertionError(f"the tab key does not reach {words!r}, only {met}")


def fill(page: Page, field: str, words: str) -> None:
    tab_to(page, field)
    page.keyboard.press("Control+A")
    page.keyboard.type(words)


@pytest.mark.parametrize("visit", ["referrer"], indirect=True)
def test_a_referral_by_keyboard_alone(visit: Visit) -> None:
    visit.expected.append("422")
    page = visit.open("/cases/")
    tab_to(page, "Refer a patient")
    page.keyboard.press("Enter")
    until(page, lambda: page.url.endswith("/cases/new/"))
    page.wait_for_load_state()
    tab_to(page, "Bone biopsy")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "Kidney biopsy"
    fill(page, "NHS number", "943 476 5918")
    fill(page, "Family name", "Sample")
    fill(page, "Given name", "Patient 77")
    fill(page, "Date of birth", "4/5/1961")
    tab_to(page, "Female")
    page.keyboard.press("Space")
    tab_to(page, "Continue")
    page.keyboard.press("Enter")

    # the check digit is wrong: the summary takes the focus, and its link leads to the field
    until(page, lambda: page.title().startswith("Error:"))
    until(page, lambda: "nhsuk-error-summary" in page.evaluate("document.activeElement.className"))
    page.keyboard.press("Tab")
    assert "NHS number" in focused(page)
    page.keyboard.press("Enter")
    until(page, lambda: page.evaluate("document.activeElement.id") == "field-nhs_number")
    described = page.evaluate(
        "document.activeElement.getAttribute('aria-describedby').trim().split(/\\s+/)"
        ".map(id => document.getElementById(id).innerText).join(' ')"
    )
    assert "Error:" in described
    assert page.get_by_label("Family name").input_value() == "Sample"
    page.keyboard.press("Control+A")
    page.keyboard.type("943 476 5919")
    tab_to(page, "Continue")
    page.keyboard.press("Enter")

    until(page, lambda: page.url.endswith("/referral/"))
    fill(page, "Site", "lower pole")
    tab_to(page, "Left")
    page.keyboard.press("Space")
    fill(page, "Why is a biopsy wanted?", "Proteinuria, cause unknown")
    tab_to(page, "Save and continue")
    page.keyboard.press("Enter")
    until(page, lambda: page.url.split("/")[-2].startswith("T-"))
    assert page.get_by_text("Kidney biopsy, left, lower pole").first.is_visible()


@pytest.mark.parametrize("visit", ["coordinator"], indirect=True)
def test_a_referral_without_a_script(visit: Visit) -> None:
    visit.expected.append("422")
    page = visit.open("/cases/new/", javascript=False)
    page.get_by_label("Bone biopsy").check()
    page.get_by_label("Hospital number").fill("H 4711")
    page.get_by_label("Family name").fill("Sample")
    page.get_by_label("Given name").fill("Patient 78")
    page.get_by_label("Date of birth").fill("4/5/1961")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_load_state()
    assert page.title().startswith("Error:")
    assert page.get_by_role("alert").get_by_role("link").count() == 1
    page.get_by_label("Male", exact=True).check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_load_state()
    assert page.get_by_role("heading", level=1).inner_text() == "Referral"
    page.get_by_label("Site").fill("L3")
    page.get_by_role("button", name="Save").click()
    page.wait_for_load_state()
    assert page.get_by_text("Bone biopsy, L3").first.is_visible()


def test_signing_in_and_out(browser: Browser, place: Place) -> None:
    visit = Visit(browser, place.address)
    page = visit.open("/cases/", MAGNIFIED)
    assert "/accounts/login/" in page.url
    assert faults(page) == []
    page.get_by_label("User name").fill("sample.coordinator")
    page.get_by_label("Password").fill(place.passwords["coordinator"])
    page.keyboard.press("Enter")
    until(page, lambda: page.url == place.address + "/cases/")
    assert page.get_by_text("Sample coordinator, Coordinator").is_visible()
    page.get_by_role("button", name="Sign out").click()
    until(page, lambda: "/accounts/login/" in page.url)
    visit.close()

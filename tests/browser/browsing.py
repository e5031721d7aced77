"""Chromium as the tests drive it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, Page, Request

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
MAGNIFIED = {"width": 320, "height": 225}
"""What is left of 1280 x 900 at 400 % zoom."""


@dataclass
class Visit:
    """A browser on one server, signed in by the key of a session; keeps what went wrong in its pages.

    expected: parts of console lines that are no fault, such as the status of a page that is asked for because it is
    an error page.
    """

    browser: Browser
    address: str
    session: str | None = None
    wrong: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def page(self, viewport: dict[str, int] = DESKTOP, javascript: bool = True) -> Page:
        """A blank page, in a context of its own."""
        context = self.browser.new_context(viewport=viewport, java_script_enabled=javascript)
        if self.session:
            context.add_cookies([{"name": "trocar-session", "value": self.session, "url": self.address}])
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", self._request)
        return page

    def open(
        self, path: str, viewport: dict[str, int] = DESKTOP, javascript: bool = True, status: int = 200
    ) -> Page:
        """A page of the server, which answers with ``status``."""
        if status != 200:
            self.expected.append(str(status))
        page = self.page(viewport, javascript)
        answer = page.goto(self.address + path)
        assert answer is not None
        assert answer.status == status, f"{path} answered {answer.status}"
        return page

    def close(self) -> None:
        """End; nothing may have gone wrong in a page or left the machine."""
        for context in self.contexts:
            context.close()
        assert self.wrong == []

    def _console(self, message) -> None:
        if message.type in ("error", "warning") and not any(one in message.text for one in self.expected):
            self.wrong.append(f"{message.text} ({message.location.get('url', '')})")

    def _request(self, asked: Request) -> None:
        if not asked.url.startswith(self.address):
            self.wrong.append(f"asked for {asked.url}")


def until(page: Page, holds: Callable[[], bool], within_s: float = 15.0) -> None:
    """Polls, as the pages' policy forbids what Playwright's own waiting evaluates."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        page.wait_for_timeout(50)

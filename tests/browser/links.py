"""Follows the links of the department, as a person who clicks on everything."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections import Counter, deque
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

CHANGING = re.compile(
    r'(name="(csrfmiddlewaretoken|form_token)" value="[^"]*")|(value="[^"]*" name="(csrfmiddlewaretoken|form_token)")'
    r"|<header.*?</header>|\bT-\d\d-\d{6,9}\b|\d+",
    re.DOTALL,
)
"""What differs between two pages that look the same: tokens, the header of the role, and figures."""


@dataclass(frozen=True)
class Answer:
    """What one address answered. looks: equal for pages that differ in figures only."""

    path: str
    route: str
    status: int
    html: bool
    looks: int
    links: tuple[str, ...]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def routes() -> set[str]:
    """Every route of the URL configuration."""

    def below(resolver: URLResolver, start: str) -> set[str]:
        found: set[str] = set()
        for one in resolver.url_patterns:
            route = start + str(one.pattern)
            found |= below(one, route) if isinstance(one, URLResolver) else {route}
            assert isinstance(one, URLPattern | URLResolver)
        return found

    return below(get_resolver(), "")


def route_of(path: str) -> str:
    """The route that answers a path; "" for none."""
    try:
        return resolve(path).route
    except Resolver404:
        return ""


def ask(address: str, path: str, session: str) -> Answer:
    """One GET, without following a redirection."""
    request = urllib.request.Request(address + path, headers={"Cookie": f"trocar-session={session}"})
    try:
        reply = _OPENER.open(request, timeout=60)
    except urllib.error.HTTPError as error:
        reply = error
    with reply:
        html = reply.headers.get("Content-Type", "").startswith("text/html")
        body = reply.read().decode("utf-8", "replace") if html else ""
        links = _Links()
        links.feed(body)
        found = [*links.found, *([reply.headers["Location"]] if reply.headers.get("Location") else [])]
        return Answer(
            path,
            route_of(urlsplit(path).path),
            reply.status,
            html,
            hash(CHANGING.sub("", body)),
            tuple(found),
        )


def walk(address: str, session: str, starts: list[str], per_route: int) -> list[Answer]:
    """All pages that somebody reaches by links from ``starts``, at most ``per_route`` of each kind.

    A file (PDF, picture, data) is asked for once of its kind.
    """
    waiting = deque(starts)
    met = set(starts)
    asked: Counter[str] = Counter()
    files: set[str] = set()
    answers = []
    while waiting:
        path = waiting.popleft()
        route = route_of(urlsplit(path).path)
        if asked[route] >= per_route or route in files:
            continue
        asked[route] += 1
        answer = ask(address, path, session)
        answers.append(answer)
        if not answer.html:
            files.add(route)
        for link in answer.links:
            target = urlsplit(urljoin(address + path, link))
            inside = f"{target.scheme}://{target.netloc}" == address
            key = target.path + (f"?{target.query}" if target.query else "")
            if inside and key not in met and not target.path.startswith("/static/"):
                met.add(key)
                waiting.append(key)
    return answers


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)

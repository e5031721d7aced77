"""Follows the links of the department, as a person who clicks on everything."""

from __future__ import annotations

import inspect
import urllib.error
import urllib.request
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, URLResolver, get_resolver, resolve


@dataclass(frozen=True)
class Answer:
    """What one address answered. looks: equal for pages of one route with the same kinds of elements and headings."""

    path: str
    route: str
    status: int
    html: bool
    looks: int
    links: tuple[str, ...]


class _Page(HTMLParser):
    """The links of a page, the kinds of its elements, and the order of its headings."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.kinds: set[tuple[str, str, str]] = set()
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a" and found.get("href"):
            self.links.append(found["href"] or "")
        self.kinds.add((tag, found.get("class") or "", found.get("role") or found.get("type") or ""))
        if tag in ("h1", "h2", "h3", "h4") and self.headings[-1:] != [tag]:
            self.headings.append(tag)


def routes() -> set[str]:
    """Every route of the URL configuration that answers a GET."""

    def below(resolver: URLResolver, start: str) -> set[str]:
        found: set[str] = set()
        for one in resolver.url_patterns:
            route = start + str(one.pattern)
            if isinstance(one, URLResolver):
                found |= below(one, route)
            elif "GET" in _methods(one.callback):
                found.add(route)
        return found

    return below(get_resolver(), "")


def _methods(view: Callable[..., object]) -> list[str]:
    """What the decorators of Django's ``require_http_methods`` let through; a view without them takes all."""
    while view is not None:
        if hasattr(view, "__closure__") and view.__closure__:
            inside = inspect.getclosurevars(view).nonlocals
            if "request_method_list" in inside:
                return list(inside["request_method_list"])
        view = getattr(view, "__wrapped__", None)
    return ["GET", "POST"]


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
        page = _Page()
        page.feed(body)
        route = route_of(urlsplit(path).path)
        links = [*page.links, *([reply.headers["Location"]] if reply.headers.get("Location") else [])]
        looks = hash((route, reply.status, frozenset(page.kinds), tuple(page.headings)))
        return Answer(path, route, reply.status, html, looks, tuple(links))


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

"""The menu of every page: each app adds its items when it starts."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True)
class Item:
    """An item of the menu. url_name: of a page without arguments. permission: "" shows it to everyone signed in."""

    title: str
    url_name: str
    order: int
    permission: str = ""


@dataclass(frozen=True)
class Shown:
    """An item as one page shows it. current: the page lies in its part; here: it is this very page."""

    title: str
    address: str
    current: bool
    here: bool


_ITEMS: dict[str, Item] = {}


def add(item: Item) -> None:
    """Put an item into the menu; the same url_name again replaces it."""
    _ITEMS[item.url_name] = item


def menu(request: HttpRequest) -> list[Shown]:
    """The items that the signed-in person may use, in order; none for somebody who isn't signed in."""
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return []
    items = sorted(_ITEMS.values(), key=lambda i: (i.order, i.title))
    allowed = [i for i in items if not i.permission or person.may(i.permission)]
    addresses = {i.url_name: address for i in allowed if (address := _address(i.url_name))}
    best = max((a for a in addresses.values() if _within(request.path, a)), key=len, default="")
    return [
        Shown(
            i.title,
            addresses[i.url_name],
            addresses[i.url_name] == best,
            request.path == addresses[i.url_name],
        )
        for i in allowed
        if i.url_name in addresses
    ]


def _address(url_name: str) -> str:
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


def _within(path: str, address: str) -> bool:
    """Whether a page belongs to an item; the first page has nothing below it."""
    return path == address if address == "/" else path.startswith(address)

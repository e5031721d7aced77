"""The menu of every page. An app adds its items when it starts:

``add(Item("Rooms", "scheduling:rooms", 60, ("manage_department",)))``
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True)
class Item:
    """An item of the menu.

    url_name: of a page without arguments. permissions: one, or several of which any shows the item; none: everyone
    who is signed in.
    """

    title: str
    url_name: str
    order: int
    permissions: str | tuple[str, ...] = ()

    @property
    def any_of(self) -> tuple[str, ...]:
        return (self.permissions,) if isinstance(self.permissions, str) else self.permissions


@dataclass(frozen=True)
class Shown:
    """An item as one page shows it. current: the page lies in its part; here: it is this very page."""

    title: str
    address: str
    current: bool
    here: bool


_ITEMS: dict[str, Item] = {
    item.url_name: item
    for item in (
        Item("Cases", "cases:list", 20, ("see_cases", "see_own_referrals")),
        Item("Plans", "plans:list", 30, ("see_cases",)),
        Item("People", "accounts:people", 80, ("manage_people",)),
        Item("Emergency access", "accounts:emergency_accesses", 85, ("manage_people", "read_audit")),
        Item("Audit log", "audit:overview", 90, ("read_audit",)),
    )
}


def add(item: Item) -> None:
    """Put an item into the menu; the same url_name again replaces it."""
    _ITEMS[item.url_name] = item


def menu(request: HttpRequest) -> list[Shown]:
    """The items that the signed-in person may use, in order; none for somebody who isn't signed in."""
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return []
    items = sorted(_ITEMS.values(), key=lambda i: (i.order, i.title))
    allowed = [i for i in items if not i.any_of or any(person.may(p) for p in i.any_of)]
    addresses = {i.url_name: address for i in allowed if (address := _address(i.url_name))}
    best = max((a for a in addresses.values() if _within(request.path, a)), key=len, default="")
    return [
        Shown(item.title, address, current=address == best, here=address == request.path)
        for item in allowed
        if (address := addresses.get(item.url_name))
    ]


def _address(url_name: str) -> str:
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


def _within(path: str, address: str) -> bool:
    """Whether a page belongs to an item; the first page has nothing below it."""
    return path == address if address == "/" else path.startswith(address)

"""Somebody at work in the application: opens pages, fills in forms, sends them; no network, same process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.test import Client

from trocar.web.accounts.models import Person
from trocar.web.demo.page import Page, PageForm, read_page

MANY_STEPS = 6
"""More redirections than any form of ours takes."""


class Stopped(Exception):
    """A page did not take what was filled in; the message says where and why."""


class Visitor:
    """One person, signed in."""

    def __init__(self, person: Person) -> None:
        self.person = person
        host = next((h for h in settings.ALLOWED_HOSTS if h != "*"), "localhost")
        self._client = Client(headers={"host": host})
        self._client.force_login(person, backend="trocar.web.accounts.backends.PasswordBackend")

    def open(self, address: str) -> Page:
        """The page at an address, redirections followed. Raises Stopped where it is no page."""
        return self._read(self._client.get(address, secure=settings.SECURE_SSL_REDIRECT), address)

    def send(
        self,
        page: Page,
        form: PageForm,
        values: Mapping[str, Any],
        button: str = "",
        files: Mapping[str, Any] | None = None,
    ) -> Page:
        """Fill in and send a form. values: field -> text, True or False for yes or no, or a list of boxes to tick.

        A field that the form does not have is a mistake of the caller: KeyError. Raises Stopped where the page
        comes back with mistakes.
        """
        data: dict[str, Any] = form.data()
        for name, value in values.items():
            if name not in form.fields:
                raise KeyError(f"{page.address} has no field {name!r}; it has {sorted(form.fields)}")
            data[name] = _typed(value)
        data |= {
            name: value
            for name, value, words in form.buttons
            if name and button and button.casefold() in f"{value} {words}".casefold()
        }
        address = form.action or page.address
        sent = {**data, **(files or {})}
        if form.method == "get":
            return self._read(self._client.get(address, data, secure=settings.SECURE_SSL_REDIRECT), address)
        return self._read(self._client.post(address, sent, secure=settings.SECURE_SSL_REDIRECT), address)

    def fill(self, address: str, values: Mapping[str, Any], button: str = "") -> Page:
        """Open a page and send the form on it that has all of ``values``."""
        page = self.open(address)
        return self.send(page, page.form_with(*values, button=button), values, button)

    def _read(self, response: Any, address: str) -> Page:
        for _ in range(MANY_STEPS):
            if response.status_code not in (301, 302, 303):
                break
            address = response["Location"]
            response = self._client.get(address, secure=settings.SECURE_SSL_REDIRECT)
        content = b"".join(response) if response.streaming else response.content
        is_page = response.get("Content-Type", "").startswith("text/html")
        page = read_page(response.status_code, address, content.decode() if is_page else "")
        if page.status >= 400:
            raise Stopped(
                f"{address} ({self.person.role}) answered {page.status}: {'; '.join(page.errors) or page.text[:800]}"
            )
        return page


def _typed(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return [str(v) for v in value]
    return "" if value is None else str(value)

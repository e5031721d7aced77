"""A page as a browser without JavaScript sees it: its forms with their fields, and its words."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

Attributes = list[tuple[str, str | None]]


@dataclass
class FormField:
    """A field of a form. options: value -> label, of radios, boxes and lists. values: what is filled in now."""

    name: str
    kind: str
    values: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    label: str = ""


@dataclass
class PageForm:
    """A form. buttons: (name, value, words) of each that sends it."""

    action: str
    method: str
    fields: dict[str, FormField] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)

    def data(self) -> dict[str, list[str]]:
        """What would be sent as it stands."""
        return {f.name: list(f.values) for f in self.fields.values() if f.values}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.words: list[str] = []
        self.errors: list[str] = []
        self._form: PageForm | None = None
        self._labels: dict[str, str] = {}
        self._id_of: dict[tuple[int, str, str], str] = {}
        self._label_for: str | None = None
        self._legend: list[str] | None = None
        self._select: FormField | None = None
        self._option: str | None = None
        self._textarea: FormField | None = None
        self._button: list[str] | None = None
        self._silent = 0
        self._in_errors = 0

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._silent += 1
        classes = found.get("class", "").split()
        if "nhsuk-error-summary" in classes or "nhsuk-error-message" in classes or self._in_errors:
            self._in_errors += tag not in ("br", "input", "img", "hr")
        if tag == "form":
            self._form = PageForm(found.get("action", ""), found.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "label":
            self._label_for = found.get("for", "")
        elif tag == "legend":
            self._legend = []
        elif self._form is not None:
            self._form_tag(tag, found)

    def _form_tag(self, tag: str, found: dict[str, str]) -> None:
        assert self._form is not None
        name, fields = found.get("name", ""), self._form.fields
        if tag == "button" or (tag == "input" and found.get("type") == "submit"):
            self._button = []
            self._form.buttons.append((name, found.get("value", ""), ""))
        elif tag == "input" and name:
            kind = found.get("type", "text")
            one = fields.setdefault(name, FormField(name, kind))
            value = found.get("value", "on" if kind == "checkbox" else "")
            if kind in ("radio", "checkbox"):
                one.options.setdefault(value, "")
                self._id_of[(len(self.forms), name, value)] = found.get("id", "")
                if "checked" in found:
                    one.values.append(value)
            else:
                one.values = [value]
                self._id_of[(len(self.forms), name, "")] = found.get("id", "")
        elif tag == "select" and name:
            self._select = fields.setdefault(name, FormField(name, "select"))
            self._id_of[(len(self.forms), name, "")] = found.get("id", "")
        elif tag == "option" and self._select is not None:
            self._option = found.get("value", "")
            self._select.options[self._option] = ""
            if "selected" in found:
                self._select.values = [self._option]
        elif tag == "textarea" and name:
            self._textarea = fields.setdefault(name, FormField(name, "textarea", [""]))
            self._id_of[(len(self.forms), name, "")] = found.get("id", "")

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        words = " ".join(data.split())
        if self._textarea is not None:
            self._textarea.values[0] += data
            return
        if words:
            self.words.append(words)
            if self._in_errors:
                self.errors.append(words)
        if self._button is not None:
            self._button.append(words)
        if self._label_for is not None and words:
            self._labels[self._label_for] = f"{self._labels.get(self._label_for, '')} {words}".strip()
        if self._select is not None and self._option is not None:
            self._select.options[self._option] += words

    def handle_endtag(self, tag: str) -> None:
        if self._in_errors and tag not in ("br", "input", "img", "hr"):
            self._in_errors -= 1
        if tag in ("script", "style"):
            self._silent -= 1
        elif tag == "form":
            self._form = None
        elif tag == "label":
            self._label_for = None
        elif tag == "select":
            self._select = None
        elif tag == "option":
            self._option = None
        elif tag == "textarea" and self._textarea is not None:
            self._textarea.values[0] = self._textarea.values[0].removeprefix("\n")
            self._textarea = None
        elif tag == "button" and self._button is not None and self._form is not None:
            name, value, _ = self._form.buttons[-1]
            self._form.buttons[-1] = (name, value, " ".join(" ".join(self._button).split()))
            self._button = None

    def finish(self) -> None:
        for number, form in enumerate(self.forms, start=1):
            for one in form.fields.values():
                if one.options and one.kind != "select":
                    for value in one.options:
                        one.options[value] = self._labels.get(
                            self._id_of.get((number, one.name, value), ""), ""
                        )
                else:
                    one.label = self._labels.get(self._id_of.get((number, one.name, ""), ""), "")


@dataclass(frozen=True)
class Page:
    """An answer of the server, read."""

    status: int
    address: str
    forms: tuple[PageForm, ...]
    text: str
    errors: tuple[str, ...]

    def form_with(self, *names: str, button: str = "") -> PageForm:
        """The first form with all these fields and, where asked, a button with these words. LookupError for none."""
        for form in self.forms:
            if all(name in form.fields for name in names) and (
                not button or any(button.casefold() in words.casefold() for *_, words in form.buttons)
            ):
                return form
        has = [sorted(form.fields) + [words for *_, words in form.buttons] for form in self.forms]
        raise LookupError(
            f"{self.address} has no form with {names} {button!r}; it has {has}. {self.text[:600]}"
        )


def read_page(status: int, address: str, html: str) -> Page:
    """Read an answer's HTML."""
    reader = _Reader()
    reader.feed(html)
    reader.finish()
    return Page(
        status, address, tuple(reader.forms), " ".join(reader.words), tuple(dict.fromkeys(reader.errors))
    )

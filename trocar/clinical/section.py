"""Reading YAML into typed values, with every mistake kept under its file, line and key.

A reader asks a Section for each key it knows; what nobody asked for is an unknown key. A wrong value is noted and
stood in for, so that reading goes on and all mistakes come out at once; ``Section.make`` makes no value from a
section that held a mistake.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from trocar.clinical.plausible import PLAUSIBLE, implausible

T = TypeVar("T")

LARGEST_FILE_BYTES = 1_000_000

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]*")


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake in a file. line counts from 1; key is dotted and empty for the file as a whole."""

    file: str
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        where = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}: {where}{self.text}"


@dataclass
class Reading:
    """One file while it is read: its name, the mistakes so far, and the source keys it declares and uses."""

    file: str
    mistakes: list[Mistake] = field(default_factory=list)
    unread_sources: dict[str, bool] = field(default_factory=dict)
    used_sources: set[str] = field(default_factory=set)

    def note(self, line: int, key: str, text: str) -> None:
        """Keep one mistake."""
        self.mistakes.append(Mistake(self.file, line, key, text))

    def top(self, content: bytes) -> Section | None:
        """The file's outermost section; None, and a mistake noted, where it is not readable YAML."""
        if len(content) > LARGEST_FILE_BYTES:
            self.note(1, "", "the file is larger than 1 MB; a protocol is a short text")
            return None
        try:
            data = YAML(typ="rt", pure=True).load(content.decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.note(1, "", "the file is not UTF-8 text")
            return None
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            what = (error.problem or "not readable as YAML").splitlines()[0]
            self.note(line, "", f"not readable as YAML: {what}")
            return None
        except (YAMLError, ValueError, RecursionError) as error:
            self.note(1, "", f"not readable as YAML: {str(error).splitlines()[0] if str(error) else error!r}")
            return None
        if not isinstance(data, CommentedMap):
            self.note(1, "", "the file must be a list of keys with values")
            return None
        return Section(self, data, "", 1)


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


class Section:
    """One map of the file. ``key`` is its dotted key, ``line`` where it begins."""

    def __init__(self, reading: Reading, data: CommentedMap, key: str, line: int) -> None:
        self.reading = reading
        self.key = key
        self.line = line
        self._data = data
        self._asked: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def key_of(self, name: str) -> str:
        """The dotted key of ``name`` in this section."""
        return f"{self.key}.{name}" if self.key else name

    def line_of(self, name: str) -> int:
        """The line of ``name``, or of the section where it is missing."""
        try:
            return int(self._data.lc.key(name)[0]) + 1
        except (KeyError, AttributeError, TypeError):
            return self.line

    @property
    def sound(self) -> bool:
        """Whether no mistake has been noted in this section or under it."""
        inside = (f"{self.key}.", f"{self.key}[")
        return not any(
            not self.key or mistake.key == self.key or mistake.key.startswith(inside)
            for mistake in self.reading.mistakes
        )

    def wrong(self, name: str, text: str) -> None:
        """Note a mistake at ``name``."""
        self.reading.note(self.line_of(name), self.key_of(name), text)

    def _take(self, name: str, optional: bool) -> Any:
        self._asked.add(name)
        if name not in self._data:
            if not optional:
                self.wrong(name, "is missing")
            return None
        value = self._data[name]
        if value is None and not optional:
            self.wrong(name, "has no value")
        return value

    def _typed(self, name: str, optional: bool, fits: Callable[[Any], bool], wanted: str) -> Any:
        value = self._take(name, optional)
        if value is None:
            return None
        if not fits(value):
            self.wrong(name, f"must be {wanted}, not {_shown(value)}")
            return None
        return value

    def text(self, name: str, optional: bool = False) -> str:
        """Text that is not empty; "" where it is wrong or left out."""
        wanted = "text (put quotes round it if it looks like a number)"
        value = self._typed(name, optional, lambda v: isinstance(v, str) and bool(v.strip()), wanted)
        return "" if value is None else " ".join(str(value).split())

    def flag(self, name: str) -> bool:
        """True or false."""
        return bool(self._typed(name, False, lambda v: isinstance(v, bool), "true or false"))

    def whole(self, name: str, low: int, high: int, optional: bool = False) -> int | None:
        """A whole number from ``low`` to ``high``."""
        wanted = f"a whole number from {low} to {high}"
        value = self._typed(
            name,
            optional,
            lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high,
            wanted,
        )
        return None if value is None else int(value)

    def day(self, name: str, optional: bool = False) -> date | None:
        """A date written as 2026-11-23."""
        value = self._typed(
            name,
            optional,
            lambda v: isinstance(v, date) and not isinstance(v, datetime),
            "a date such as 2026-11-23",
        )
        return value if isinstance(value, date) else None

    def choice(self, name: str, options: Iterable[str], optional: bool = False) -> Any:
        """One of ``options``; None where it is wrong or left out."""
        listed = tuple(options)
        wanted = f"one of {', '.join(listed)}"
        value = self._typed(name, optional, lambda v: isinstance(v, str) and v in listed, wanted)
        return None if value is None else str(value)

    def texts(self, name: str, options: Iterable[str] | None = None) -> tuple[Any, ...]:
        """A list, not empty and without repeats, of texts (out of ``options`` where given)."""
        listed = None if options is None else tuple(options)
        value = self._typed(name, False, lambda v: isinstance(v, CommentedSeq) and bool(v), "a list")
        found: list[str] = []
        for n, item in enumerate(value or ()):
            if not isinstance(item, str) or not item.strip():
                self.wrong(name, f"member {n + 1} must be text, not {_shown(item)}")
            elif listed is not None and item not in listed:
                self.wrong(name, f"{item!r} is not one of {', '.join(listed)}")
            elif item in found:
                self.wrong(name, f"{item!r} stands there twice")
            else:
                found.append(" ".join(item.split()))
        return tuple(found)

    def section(self, name: str, optional: bool = False) -> Section | None:
        """The map under ``name``; None where it is wrong or left out."""
        value = self._typed(name, optional, lambda v: isinstance(v, CommentedMap), "a map of keys")
        if value is None:
            return None
        return Section(self.reading, value, self.key_of(name), self.line_of(name))

    def sections(self, name: str, by: str = "name", optional: bool = False) -> list[Section]:
        """The list of maps under ``name``; each is keyed by the text under its key ``by``, which is unique."""
        value = self._typed(
            name, optional, lambda v: isinstance(v, CommentedSeq) and (optional or bool(v)), "a list of maps"
        )
        found: dict[str, Section] = {}
        for n, item in enumerate(value or ()):
            line = int(value.lc.item(n)[0]) + 1
            if not isinstance(item, CommentedMap):
                self.reading.note(line, f"{self.key_of(name)}[{n + 1}]", f"must be a map, not {_shown(item)}")
                continue
            label = item.get(by)
            if isinstance(label, str) and by != "key" and not _LABEL.fullmatch(label):
                # Labels become parts of dotted keys, which people write in approvals.
                self.reading.note(
                    line,
                    f"{self.key_of(name)}[{n + 1}]",
                    f"{by} must be letters, digits and spaces, not {label!r}",
                )
                continue
            key = (
                f"{self.key_of(name)}.{label}" if isinstance(label, str) else f"{self.key_of(name)}[{n + 1}]"
            )
            if key in found:
                self.reading.note(line, key, "stands there twice")
                continue
            found[key] = Section(self.reading, item, key, line)
        return list(found.values())

    def names(self) -> tuple[str, ...]:
        """The keys of this section, for maps whose keys are data."""
        return tuple(str(name) for name in self._data)

    def _number(self, name: str, ranged_by: str, optional: bool = False) -> float | None:
        value = self._typed(
            name,
            optional,
            lambda v: isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v),
            "a number without a unit (the key carries it)",
        )
        if value is None:
            return None
        complaint = implausible(ranged_by, float(value))
        if complaint:
            self.wrong(name, complaint)
        return float(value)

    def number(self, name: str) -> float | None:
        """A number without a source of its own, in the range that PLAUSIBLE gives its key."""
        return self._number(name, self.key_of(name))

    def plain(self, name: str) -> str | float | bool | None:
        """A number, text, true or false."""
        value = self._typed(
            name, False, lambda v: isinstance(v, str | int | float | bool), "a number, text, true or false"
        )
        if isinstance(value, bool) or value is None:
            return value
        return str(value) if isinstance(value, str) else float(value)

    def sourced_section(self, name: str, optional: bool = False) -> Section | None:
        """The map of a sourced value; a bare value is refused with a sentence that says what is missing."""
        if name in self._data and not isinstance(self._data[name], CommentedMap | None):
            self._asked.add(name)
            self.wrong(name, "must carry its source: write {value: ..., source: ..., status: ...}")
            return None
        return self.section(name, optional)

    def sourced_number_value(self) -> float | None:
        """The ``value`` of this section, which is a sourced number, in the range of the section's own key."""
        if self.key.rpartition(".")[2] not in PLAUSIBLE:
            raise KeyError(self.key)
        return self._number("value", self.key)

    def make(self, cls: Callable[..., T], **values: Any) -> T | None:
        """``cls(**values)`` where this section is sound, else None.

        Unknown keys are noted first. What ``cls`` itself refuses becomes a mistake of this section.
        """
        for name in self._data:
            if name not in self._asked:
                near = difflib.get_close_matches(str(name), sorted(self._asked - set(self._data)), 1, 0.7)
                near = near or difflib.get_close_matches(str(name), sorted(self._asked), 1, 0.7)
                self.wrong(str(name), "is not known here" + (f"; is {near[0]!r} meant?" if near else ""))
        if not self.sound:
            return None
        try:
            return cls(**values)
        except ValueError as error:
            self.reading.note(self.line, self.key, str(error))
            return None


def in_one_message(file: str, mistakes: list[Mistake]) -> str:
    """All mistakes of one file as the message of an error."""
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return "\n".join([f"{file} has {count}; correct them and try again:", *(f"  {m}" for m in mistakes)])

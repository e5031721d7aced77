"""What a visitor has chosen to look at, from the address: path, slices, grey scale, outlines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict

from trocar.errors import UsageError
from trocar.web.plans.slice_stack import STACK_NAMES, StackName

WINDOWS = ("soft", "bone", "lung")
OUTLINES = ("on", "off")


@dataclass(frozen=True)
class Choice:
    """path: counted from 1. slices: index by stack; a stack that is not named opens at its start."""

    path: int = 1
    window: str = "soft"
    outlines: bool = True
    slices: tuple[tuple[StackName, int], ...] = ()

    def slice_of(self, stack: StackName) -> int | None:
        return dict(self.slices).get(stack)

    def with_slice(self, stack: StackName, index: int) -> Choice:
        return replace(self, slices=tuple({**dict(self.slices), stack: index}.items()))

    def fields(self, without: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        """Names and values for an address or a form."""
        every = [
            ("path", str(self.path)),
            ("window", self.window),
            ("outlines", "on" if self.outlines else "off"),
            *((name, str(index)) for name, index in self.slices),
        ]
        return [(name, value) for name, value in every if name not in without]

    def query(self) -> str:
        return "?" + urlencode(self.fields())


def read_choice(query: QueryDict, default_window: str = "soft") -> Choice:
    """Raises UsageError, with one sentence, where a value is none that the pages offer; unknown names are ignored."""
    slices = tuple((name, _number(query, name)) for name in STACK_NAMES if name in query)
    return Choice(
        path=_number(query, "path") if "path" in query else 1,
        window=_one_of(query, "window", WINDOWS, default_window),
        outlines=_one_of(query, "outlines", OUTLINES, "on") == "on",
        slices=slices,
    )


def _number(query: QueryDict, name: str) -> int:
    text = query[name]
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise UsageError(
            f"The address asks for a {name} that is not a whole number; go back to the list of plans."
        )
    return int(text)


def _one_of(query: QueryDict, name: str, values: tuple[str, ...], default: str) -> str:
    value = query.get(name, default)
    if value not in values:
        raise UsageError(f"The address asks for an unknown {name}; choose one of {', '.join(values)}.")
    return value

"""A clinical value with where it comes from and who took it over."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Literal, TypeVar, get_args

T = TypeVar("T")

Status = Literal["R", "R2", "C", "U"]
"""R: read in the source. R2: read in a source that reports another. C: computed from R. U: unverified."""

STATUS_IN_WORDS: Mapping[str, str] = {
    "R": "read in the source",
    "R2": "read in a secondary source",
    "C": "computed from read figures",
    "U": "unverified",
}


@dataclass(frozen=True)
class Sourced(Generic[T]):
    """A value, the keys of its sources ("T1" or "N12, N13"), its status, and its approval if there is one.

    approved_by, approved_on: both or neither; they come from a department's file, never from a protocol's.
    review_due: the last day on which the approval counts. Raises ValueError where these contradict one another.
    """

    value: T
    source: str
    status: Status
    approved_by: str | None = None
    approved_on: date | None = None
    review_due: date | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.status not in get_args(Status):
            raise ValueError(f"status must be one of {', '.join(get_args(Status))}")
        if not self.source:
            raise ValueError("a clinical value needs a source")
        if (self.approved_by is None) != (self.approved_on is None):
            raise ValueError("approved_by and approved_on go together")
        if self.review_due and (self.approved_on is None or self.review_due < self.approved_on):
            raise ValueError("review_due must follow approved_on")

    @property
    def approved(self) -> bool:
        """Whether a department has taken the value over."""
        return self.approved_by is not None

    @property
    def verified(self) -> bool:
        """Whether the value may be used without an approval: every status but U."""
        return self.status != "U"


def sourced_values(item: Any, prefix: str = "") -> Iterator[tuple[str, Sourced[Any]]]:
    """Every sourced value inside a frozen value, with its dotted key as in the file.

    Members of a list go by their ``name``: ``keep_clear.bowel.margin_mm``.
    """
    if isinstance(item, Sourced):
        yield prefix, item
    else:
        for key, part in _parts(item):
            yield from sourced_values(part, f"{prefix}.{key}" if prefix else key)


def with_sourced(item: Any, changes: Mapping[str, Sourced[Any]], prefix: str = "") -> Any:
    """A copy of ``item`` in which the values at the dotted keys of ``changes`` are replaced."""
    if isinstance(item, Sourced):
        return changes.get(prefix, item)
    parts = {
        key: with_sourced(part, changes, f"{prefix}.{key}" if prefix else key) for key, part in _parts(item)
    }
    if not parts:
        return item
    if isinstance(item, tuple):
        return tuple(parts.values())
    if isinstance(item, Mapping):
        return parts
    return dataclasses.replace(item, **parts)


def _parts(item: Any) -> list[tuple[str, Any]]:
    if isinstance(item, tuple) and item and all(dataclasses.is_dataclass(part) for part in item):
        return [(part.name, part) for part in item]
    if isinstance(item, Mapping):
        return list(item.items())
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return [(field.name, getattr(item, field.name)) for field in dataclasses.fields(item) if field.init]
    return []

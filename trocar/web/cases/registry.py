"""What the parts of the application tell one another about a case: states, facts and entries, by section.

The working apps stand side by side and do not import one another. Each registers its sections here when it starts; the
case page, the guards of stage moves, the day list and every paper read them from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeVar, cast

from trocar.clinical.stages import MOVES, NEXT, WHOSE, Move
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import Permission
from trocar.web.cases import clock
from trocar.web.cases.models import Case

T = TypeVar("T")
Status = Literal["not started", "to do", "blocked", "done", "not needed"]


@dataclass(frozen=True)
class NextAction:
    """What is to be done next, in words, and the role (a key of ROLES) whose it is."""

    text: str
    role: str


@dataclass(frozen=True)
class SectionState:
    """How far a section is. problems: what blocks or is missing, a sentence each."""

    status: Status
    summary: str = ""
    problems: tuple[str, ...] = ()
    next_action: NextAction | None = None


@dataclass(frozen=True)
class Entry:
    """A part of the record as people read it: rows of label and value, who wrote it down and when."""

    heading: str
    rows: tuple[tuple[str, str], ...]
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class RecordPicture:
    """A picture that papers print. png: the file's bytes. alt: what it shows, for who cannot see it."""

    caption: str
    alt: str
    png: bytes


def _nothing(case: Case) -> Mapping[str, Any]:
    return {}


def _no_entries(case: Case) -> Sequence[Entry]:
    return ()


def _no_pictures(case: Case) -> Sequence[RecordPicture]:
    return ()


@dataclass(frozen=True)
class Section:
    """A part of every case.

    order: place on the case page. permission_to_see: without it the section is not shown. url_name: of its
    page, with the
    case's number as its one argument. facts: fact name -> value, for the guards of moves and for other sections; a
    fact that is not assessed is None. entries: the record in words. shown_to_referrer: on the referrer's own
    cases, too.
    """

    key: str
    title: str
    order: int
    permission_to_see: Permission
    url_name: str
    state: Callable[[Case], SectionState]
    facts: Callable[[Case], Mapping[str, Any]] = field(default=_nothing)
    entries: Callable[[Case], Sequence[Entry]] = field(default=_no_entries)
    shown_to_referrer: bool = False
    pictures: Callable[[Case], Sequence[RecordPicture]] = field(default=_no_pictures)


_SECTIONS: dict[str, Section] = {}


def register(section: Section) -> None:
    """Add a section; called once by an app as it starts. ValueError where another one has its key."""
    known = _SECTIONS.get(section.key)
    if known is not None and known.url_name != section.url_name:
        raise ValueError(f"there is a section {section.key!r} already")
    _SECTIONS[section.key] = section


MoveListener = Callable[[Any, Move], None]
"""Told of a stage move that was taken, inside its transaction: the Change and the Move."""

_LISTENERS: list[MoveListener] = []


def on_move(listener: MoveListener) -> None:
    """Be told of every stage move; called once by an app as it starts. What the listener raises undoes the move."""
    if listener not in _LISTENERS:
        _LISTENERS.append(listener)


def tell_of_move(ch: Any, move: Move) -> None:
    """Tell every listener, in the order in which they asked."""
    for listener in _LISTENERS:
        listener(ch, move)


@dataclass(frozen=True)
class DayLine:
    """A case on the list of a day. still: what keeps it from being ready, a sentence each."""

    case: Case
    start: datetime
    end: datetime
    room: str
    still: tuple[str, ...] = ()


DayList = Callable[[Person, date], Sequence[DayLine]]

_DAY_LISTS: list[DayList] = []


def give_day_list(give: DayList) -> None:
    """Say who knows the list of a day; called once, by the app that books."""
    _DAY_LISTS[:] = [give]


def day_list(person: Person, day: date) -> tuple[DayLine, ...]:
    """The cases of a day that the person may see, in the order of the list."""
    return tuple(line for give in _DAY_LISTS for line in give(person, day))


def sections() -> tuple[Section, ...]:
    """All sections in the order of the case page."""
    return tuple(sorted(_SECTIONS.values(), key=lambda s: (s.order, s.key)))


@contextmanager
def looking(case: Case) -> Iterator[None]:
    """While several sections look at a case that nobody changes meanwhile: what ``once`` reads is read once."""
    outermost = "_read" not in case.__dict__
    if outermost:
        case.__dict__["_read"] = {}
    try:
        yield
    finally:
        if outermost:
            case.__dict__.pop("_read", None)


def once(case: Case, read: Callable[[Case], T]) -> T:
    """``read(case)``; inside ``looking`` the same answer for every one who asks."""
    kept: dict[Any, Any] | None = case.__dict__.get("_read")
    if kept is None:
        return read(case)
    if read not in kept:
        kept[read] = read(case)
    return cast("T", kept[read])


def facts(case: Case) -> dict[str, Any]:
    """The facts of all sections. Each section names its own with its key and a dot."""
    with looking(case):
        return dict(once(case, _facts))


def _facts(case: Case) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for section in sections():
        found.update(once(case, section.facts))
    return found


def summarise(case: Case) -> dict[str, Any]:
    """What is kept on the case for lists: each section's state, and the next action of all."""
    with looking(case):
        return _summarise(case)


def _summarise(case: Case) -> dict[str, Any]:
    states = {section.key: section.state(case) for section in sections()}
    chosen: dict[str, str] = {}
    if not case.ended:
        for key, state in states.items():
            if state.next_action is not None and state.status in ("to do", "blocked"):
                chosen = {"text": state.next_action.text, "role": state.next_action.role, "section": key}
                break
        else:
            move = NEXT.get(case.at_stage)
            if move is not None:
                chosen = {"text": MOVES[move].title, "role": WHOSE[MOVES[move].permission], "section": ""}
    return {
        "sections": {
            key: {"status": s.status, "summary": s.summary, "problems": list(s.problems)}
            for key, s in states.items()
        },
        "next": chosen,
        "at": clock.now().isoformat(),
    }

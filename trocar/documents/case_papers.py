"""What the papers of a case hold, as values: the complete record, the reply to the referrer, the pack for downtime.

All words are ready to print; who puts them together has chosen them, and nothing here looks anything up. Every paper
carries the notice and stamps, the case's number, and when and by whom it was printed, on every page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from trocar.documents.typesetting import typeset

HOUSE = ("house.typ",)


@dataclass(frozen=True)
class Printed:
    """stamps: sentences for every page, the research notice first. at: day and time in words."""

    stamps: tuple[str, ...]
    at: str
    by: str
    department: str

    def __post_init__(self) -> None:
        if not self.stamps:
            raise ValueError("a paper without the research notice is never printed")


@dataclass(frozen=True)
class Who:
    """Whose paper it is. what: the procedure with side and site."""

    number: str
    name: str
    born: str
    nhs: str
    hospital: str
    what: str
    sample: bool

    def __post_init__(self) -> None:
        if not (self.number and self.name and self.born):
            raise ValueError("a paper needs the case's number, the patient's name and date of birth")


@dataclass(frozen=True)
class PaperEntry:
    """A part of the record. signed: who wrote it down and when; empty where nobody did."""

    heading: str
    rows: tuple[tuple[str, str], ...]
    signed: str = ""


@dataclass(frozen=True)
class PaperPicture:
    caption: str
    alt: str
    png: bytes


@dataclass(frozen=True)
class Chapter:
    """A section of the case."""

    title: str
    status: str
    summary: str
    entries: tuple[PaperEntry, ...] = ()
    pictures: tuple[PaperPicture, ...] = ()


@dataclass(frozen=True)
class CaseRecord:
    """The complete record. history: when, stage, by whom, reason. audit: label and value. open: sentences."""

    printed: Printed
    who: Who
    stage: str
    since: str
    allergies: str
    open: tuple[str, ...]
    history: tuple[tuple[str, str, str, str], ...]
    chapters: tuple[Chapter, ...]
    audit: tuple[tuple[str, str], ...]
    audit_words: str


@dataclass(frozen=True)
class ReferralReply:
    """The letter to the referrer. to: name first, then the lines of the address."""

    printed: Printed
    who: Who
    to: tuple[str, ...]
    date: str
    paragraphs: tuple[str, ...]
    sections: tuple[PaperEntry, ...]
    next: tuple[str, ...]
    signature: tuple[str, ...]
    small_print: str


@dataclass(frozen=True)
class Question:
    """A question of the checklist. stops: the answers that stop it."""

    question: str
    answers: tuple[str, ...]
    stops: tuple[str, ...]


@dataclass(frozen=True)
class ChecklistPart:
    title: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class CasePack:
    """What is needed of one case while the computers are down.

    chapters: the needle path, consent and what else must be known. observations: rows of the chart. stay: the least
    stay in words. call: when to call at once, and whom.
    """

    who: Who
    time: str
    room: str
    stage: str
    allergies: str
    side: str
    open: tuple[str, ...]
    chapters: tuple[Chapter, ...]
    checklist: tuple[ChecklistPart, ...]
    observations: tuple[str, ...]
    stay: str
    call: str
    notes: str = ""


@dataclass(frozen=True)
class DayPack:
    """A day: its list, and every case of it. rules: what to do with paper, a sentence each."""

    printed: Printed
    title: str
    closed: str
    how: str
    rules: tuple[str, ...]
    cases: tuple[CasePack, ...]


@dataclass
class _Pictures:
    """Gives each picture a file name of its own."""

    files: dict[str, bytes] = field(default_factory=dict)

    def put(self, pictures: Sequence[PaperPicture]) -> list[dict[str, str]]:
        found = []
        for one in pictures:
            name = f"picture-{len(self.files)}.png"
            self.files[name] = one.png
            found.append({"file": name, "caption": one.caption, "alt": one.alt})
        return found


def record_pdf(record: CaseRecord) -> bytes:
    """The complete record as PDF/UA-1."""
    pictures = _Pictures()
    content = {
        "title": f"Complete record of case {record.who.number}",
        "printed": vars(record.printed),
        "who": vars(record.who),
        "stage": record.stage,
        "since": record.since,
        "allergies": record.allergies,
        "open": record.open,
        "history": record.history,
        "chapters": [_chapter(one, pictures) for one in record.chapters],
        "audit": _rows(record.audit),
        "audit_words": record.audit_words,
    }
    return typeset("record.typ", content, pictures.files, HOUSE)


def reply_pdf(letter: ReferralReply) -> bytes:
    """The letter as PDF/UA-1."""
    content = {
        "title": "Reply to your referral",
        "printed": vars(letter.printed),
        "who": vars(letter.who),
        "to": letter.to,
        "date": letter.date,
        "paragraphs": letter.paragraphs,
        "sections": [_entry(one) for one in letter.sections],
        "next": letter.next,
        "signature": letter.signature,
        "small_print": letter.small_print,
    }
    return typeset("letter.typ", content, {}, HOUSE)


def pack_pdf(pack: DayPack, tell: Callable[[str, float], None] = lambda _what, _share: None) -> bytes:
    """The pack of a whole day as PDF/UA-1."""
    pictures = _Pictures()
    cases = []
    for index, case in enumerate(pack.cases, start=1):
        values: dict[str, Any] = {
            name: getattr(case, name)
            for name in (
                "time", "room", "stage", "allergies", "side", "open", "observations", "stay", "call", "notes",
            )
        }  # fmt: skip
        values |= {
            "index": index,
            "who": vars(case.who),
            "chapters": [_chapter(one, pictures) for one in case.chapters],
            "checklist": [
                {"title": part.title, "questions": [vars(q) for q in part.questions]}
                for part in case.checklist
            ],
        }
        cases.append(values)
    tell("Setting the pages", 0.0)
    content = {
        "title": pack.title,
        "printed": vars(pack.printed),
        "closed": pack.closed,
        "how": pack.how,
        "rules": pack.rules,
        "cases": cases,
    }
    return typeset("pack.typ", content, pictures.files, HOUSE)


def _chapter(chapter: Chapter, pictures: _Pictures) -> dict[str, Any]:
    return {
        "title": chapter.title,
        "status": chapter.status,
        "summary": chapter.summary,
        "entries": [_entry(one) for one in chapter.entries],
        "pictures": pictures.put(chapter.pictures),
    }


def _entry(entry: PaperEntry) -> dict[str, Any]:
    return {"heading": entry.heading, "rows": _rows(entry.rows), "signed": entry.signed}


def _rows(rows: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Label and value; a value of several lines keeps them."""
    return [{"label": label, "value": list(_lines(value))} for label, value in rows]


def _lines(text: str) -> Iterator[str]:
    found = [line for line in text.splitlines() if line.strip()]
    yield from found or [""]

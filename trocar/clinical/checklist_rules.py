"""The checklist as a protocol file describes it: which questions are asked when, and which answers stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from trocar.clinical.section import Section
from trocar.clinical.sourced import Sourced
from trocar.clinical.sourced_section import sourced_number, sourced_words

ChecklistStage = Literal["sign_in", "time_out", "sign_out"]
STAGES: tuple[ChecklistStage, ...] = get_args(ChecklistStage)

Place = Literal["referral", "consent", "mark", "plan", "images"]
"""Where side and site are stated: three records, the mark on the skin and the pictures on the screen."""

Guard = Literal[
    "consent", "plan", "sides", "baseline", "monitoring", "specimens", "complications", "exposure"
]
"""What the record itself must say before a good answer counts; a person's word alone is not enough there."""

Shown = Literal[
    "identity",
    "allergies",
    "medicines",
    "bleeding",
    "consent",
    "plan",
    "sides",
    "team",
    "specimens",
    "dose",
    "T0",
]
"""What stands beside a question, so that it is read out and not remembered."""

SIDE_ANSWERS = ("left", "right", "no side")


@dataclass(frozen=True)
class ChecklistItem:
    """One question of the checklist.

    name: what the answer is filed under. answers: what can be chosen, in order. stops: those answers that stop the
    checklist until a named person resolves them. states: the answer says which side ``states`` shows.
    needs: what the record must say as well. shows: what stands beside the question.
    """

    name: str
    stage: ChecklistStage
    question: Sourced[str]
    answers: tuple[str, ...]
    stops: tuple[str, ...]
    states: Place | None
    needs: Guard | None
    shows: tuple[Shown, ...]

    def __post_init__(self) -> None:
        if not set(self.stops) <= set(self.answers):
            raise ValueError("every answer in stops must be one of answers")
        if set(self.stops) == set(self.answers):
            raise ValueError("one answer at least must not stop, or the checklist could never be completed")
        if self.states and not set(SIDE_ANSWERS) <= set(self.answers):
            raise ValueError("an item that states a side has the answers left, right and no side")


@dataclass(frozen=True)
class ChecklistRules:
    """The checklist of one procedure.

    time_out_minutes: so long after a time out the skin may be punctured; then it is done again.
    resolved_by: key of the role that may resolve an answer that stops. items: in the order in which they are asked.
    """

    time_out_minutes: Sourced[float]
    resolved_by: Sourced[str]
    items: tuple[ChecklistItem, ...]

    def __post_init__(self) -> None:
        asked = {(item.stage, item.needs) for item in self.items}
        states = {(item.stage, item.states) for item in self.items}
        if not {item.stage for item in self.items} >= set(STAGES):
            raise ValueError("sign in, time out and sign out must each ask something")
        if ("time_out", "sides") not in asked:
            raise ValueError("the time out must hold an item with 'needs: sides'")
        if ("sign_out", "specimens") not in asked:
            raise ValueError("the sign out must hold an item with 'needs: specimens'")
        if ("sign_in", "mark") not in states or ("time_out", "images") not in states:
            raise ValueError(
                "the sign in must state the side of the mark, and the time out that of the images"
            )

    def of(self, stage: ChecklistStage) -> tuple[ChecklistItem, ...]:
        """The items of one stage, in order."""
        return tuple(item for item in self.items if item.stage == stage)

    def item(self, name: str) -> ChecklistItem:
        """The item of that name; KeyError where there is none."""
        for item in self.items:
            if item.name == name:
                return item
        raise KeyError(name)


def read_checklist(top: Section) -> ChecklistRules | None:
    """The section ``checklist`` of a protocol file; None, and every mistake noted, where it is wrong."""
    section = top.section("checklist")
    if section is None:
        return None
    items = tuple(_item(entry) for entry in section.sections("items"))
    return section.make(
        ChecklistRules,
        time_out_minutes=sourced_number(section, "time_out_minutes"),
        resolved_by=sourced_words(section, "resolved_by"),
        items=items,
    )


def _item(section: Section) -> ChecklistItem | None:
    return section.make(
        ChecklistItem,
        name=section.text("name"),
        stage=section.choice("stage", STAGES),
        question=sourced_words(section, "question"),
        answers=section.texts("answers"),
        stops=section.texts("stops"),
        states=section.choice("states", get_args(Place), optional=True),
        needs=section.choice("needs", get_args(Guard), optional=True),
        shows=section.texts("shows", get_args(Shown)) if "shows" in section else (),
    )

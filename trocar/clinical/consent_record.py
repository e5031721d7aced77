"""What is recorded about consent, as values: two stages, questions, and how it can end.

None and empty mean that nobody said anything yet; what that counts for is decided in ``consent``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from trocar.clinical.target_rules import Side

BloodProducts = Literal["accepts", "refuses"]
Sedation = Literal["none planned", "agreed", "declined"]
SampleUse = Literal["diagnosis only", "diagnosis and research"]
Capacity = Literal["has capacity", "lacks capacity"]
Interpreter = Literal["not needed", "present", "needed, not there"]


@dataclass(frozen=True)
class BestInterests:
    """How it was decided for somebody who cannot decide. assessed: how the lack of capacity was found, in words.

    consulted: family, friends, carers or an advocate, by relation. no_refusal_known: nobody knows of an advance
    refusal, attorney or deputy who decides otherwise.
    """

    assessed: str
    decided_by: str
    consulted: str
    reasons: str
    no_refusal_known: bool | None


@dataclass(frozen=True)
class Question:
    """A question of the patient, and the answer once there is one."""

    asked: str
    asked_at: datetime
    answer: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None

    @property
    def answered(self) -> bool:
        """Whether somebody answered it."""
        return bool(self.answer.strip() and self.answered_by and self.answered_at)


@dataclass(frozen=True)
class StageOne:
    """What was talked through before the CT. None and empty mean that nobody said anything yet.

    version: counts its changes; stage 2 confirms one of them.
    risks, alternatives: names of the protocol's that were explained. not_here: risk -> why it does not apply; only
    for risks that the protocol ties to some procedures. x_rays: whether this patient's way uses X-rays or CT.
    """

    explained_by: str = ""
    explained_at: datetime | None = None
    indication: str = ""
    site: str = ""
    side: Side | None = None
    matters: str = ""
    benefits_explained: bool | None = None
    without_explained: bool | None = None
    risks: frozenset[str] = frozenset()
    not_here: Mapping[str, str] = field(default_factory=dict)
    alternatives: frozenset[str] = frozenset()
    blood_products: BloodProducts | None = None
    instead_of_blood: str = ""
    sedation: Sedation | None = None
    sample_use: SampleUse | None = None
    x_rays: bool | None = None
    radiation_explained: bool | None = None
    capacity: Capacity | None = None
    best_interests: BestInterests | None = None
    interpreter: Interpreter | None = None
    interpreter_who: str = ""
    information_needs: str = ""
    information_needs_met: bool | None = None
    leaflet: str = ""
    leaflet_read: bool | None = None
    agrees: bool | None = None
    version: int = 1

    def __post_init__(self) -> None:
        _aware(self.explained_at)


@dataclass(frozen=True)
class StageTwo:
    """Confirmation for one plan. plan: the identity that was accepted. nearby_explained: what lies near the path."""

    plan: str = ""
    confirmed_by: str = ""
    confirmed_at: datetime | None = None
    site: str = ""
    side: Side | None = None
    nearby_explained: bool | None = None
    nothing_changed: bool | None = None
    before_sedation: bool | None = None
    still_agrees: bool | None = None
    stage_one_version: int = 1

    def __post_init__(self) -> None:
        _aware(self.confirmed_at)


@dataclass(frozen=True)
class Ended:
    """The patient declined, or withdrew: their words if they gave any, who heard it, and when."""

    words: str
    heard_by: str
    at: datetime

    def __post_init__(self) -> None:
        _aware(self.at)


@dataclass(frozen=True)
class ConsentRecord:
    """Everything recorded about one patient's consent to one procedure."""

    stage_one: StageOne | None = None
    stage_two: StageTwo | None = None
    questions: tuple[Question, ...] = ()
    declined: Ended | None = None
    withdrawn: Ended | None = None


@dataclass(frozen=True)
class Referred:
    """What the referral asks for."""

    site: str
    side: Side | None


@dataclass(frozen=True)
class PlanFacts:
    """The plan as consent needs it. identity: changes with every other plan. at_table: planned without a CT.

    x_rays: whether its guidance uses them; None where nobody knows. sedation_at: when sedation began, if it did.
    scanned_at: when the planning CT was made, if there is one.
    """

    identity: str
    accepted: bool
    at_table: bool
    site: str
    side: Side | None
    x_rays: bool | None
    scanned_at: datetime | None = None
    sedation_at: datetime | None = None


def _aware(moment: datetime | None) -> None:
    if moment is not None and moment.tzinfo is None:
        raise ValueError("a time needs its time zone")

"""What is known of a case before a biopsy, and what an assessment answers: plain values, no rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from trocar.clinical.bleeding import BleedingRisk, ClassChoice
from trocar.clinical.labs import Measured
from trocar.clinical.medicines import Advice, StentKind, Taken
from trocar.clinical.vetting_rules import Phase

Kind = Literal["refused", "blocks", "missing", "warns", "risk", "overridden", "met"]

ORDER: tuple[Kind, ...] = ("refused", "blocks", "missing", "warns", "risk", "overridden", "met")


@dataclass(frozen=True)
class Override:
    """A block that a named person overrode. value: what the block was about then; another value ends the override."""

    gate: str
    value: str
    role: str
    by: str
    reason: str

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.reason.strip():
            raise ValueError("an override needs a name and a reason")


@dataclass(frozen=True)
class Finding:
    """One answer of the assessment.

    gate: name of the rule (``gate platelets``, ``question hydronephrosis``). text: the sentence. value: what was found,
    with unit. age: how old it is, in words. source: of the rule, with status. override_role: who may override a block,
    or "".
    """

    gate: str
    kind: Kind
    text: str
    value: str = ""
    age: str = ""
    source: str = ""
    override_role: str = ""


@dataclass(frozen=True)
class VettingFacts:
    """Everything known of one case, as plain values. None is "nobody said".

    site, sex, urgency: as on the case. results: laboratory and bedside. answers: question -> yes or no.
    records: "question/record" -> what was written down. medicines: None until somebody said what is taken (an empty
    tuple: nothing). allergies: None until asked. start: of the slot (aware), where one is booked.
    """

    site: str
    birth_date: date
    sex: str
    urgency: str = "routine"
    results: tuple[Measured, ...] = ()
    answers: Mapping[str, bool] = field(default_factory=dict)
    records: Mapping[str, str] = field(default_factory=dict)
    medicines: tuple[Taken, ...] | None = None
    stent: StentKind | None = None
    stent_on: date | None = None
    allergies: tuple[str, ...] | None = None
    class_choice: ClassChoice | None = None
    overrides: tuple[Override, ...] = ()
    start: datetime | None = None


@dataclass(frozen=True)
class Assessment:
    """What the rules say at one moment, worst first."""

    phase: Phase
    at: datetime
    risk: BleedingRisk
    findings: tuple[Finding, ...]
    advice: tuple[Advice, ...]

    def of(self, *kinds: Kind) -> tuple[Finding, ...]:
        """The findings of some kinds."""
        return tuple(finding for finding in self.findings if finding.kind in kinds)

    @property
    def ready(self) -> bool | None:
        """True: within the protocol's limits. False: something blocks. None: not assessed, which is never ready."""
        if self.of("refused", "blocks"):
            return False
        return None if self.of("missing") else True

    @property
    def words(self) -> str:
        """The answer in words."""
        if self.of("refused"):
            return "refused by this protocol"
        if self.ready is None:
            return "not assessed"
        if not self.ready:
            return "blocked"
        return "within the protocol's limits" + (", with overrides" if self.of("overridden") else "")

    @property
    def plan_settled(self) -> bool:
        """Whether every medicine has advice that needs nobody's further word."""
        return all(advice.settled for advice in self.advice)

    @property
    def holds(self) -> tuple[Advice, ...]:
        """The medicines of which doses are left out."""
        return tuple(advice for advice in self.advice if advice.kind == "hold")


def age_on(birth_date: date, day: date) -> int:
    """Whole years on a day."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))

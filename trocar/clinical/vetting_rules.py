"""What a protocol asks before a biopsy: bleeding class by site, limits, questions, and medicines."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from trocar.clinical.labs import QUANTITIES
from trocar.clinical.medicine_rules import (
    CLASSES,
    BleedingClass,
    MedicineRule,
    StentRules,
    check_choice,
    read_medicines,
    read_stents,
)
from trocar.clinical.section import Section
from trocar.clinical.sourced import Sourced
from trocar.clinical.sourced_section import sourced, sourced_number, sourced_words

Severity = Literal["refuse", "block", "warn", "flag"]
"""refuse: the protocol is not for such a patient. block: not before it is solved. warn: said. flag: a risk."""

QuestionSeverity = Literal["refuse", "block", "warn", "flag", "specialist"]
"""specialist: no medicine is stopped by the automatic plan; somebody is asked."""

Phase = Literal["vetting", "day"]
"""vetting: before a slot is booked. day: again when the patient has come."""

Comparator = Literal["at_least", "more_than", "at_most", "less_than"]

Need = Literal["always", "if_known"]

Trait = Literal["sex", "urgency"]

NOBODY = "nobody"
"""Stands where no role may override."""

OVERRIDE_ROLES = ("ir_doctor", NOBODY)

COMPARED: dict[Comparator, str] = {
    "at_least": "at least",
    "more_than": "more than",
    "at_most": "at most",
    "less_than": "less than",
}


@dataclass(frozen=True)
class SiteClass:
    """The bleeding class of one site. structures: globs of the labels that lie there; also: other words for it."""

    name: str
    also: tuple[str, ...]
    structures: tuple[str, ...]
    bleeding_class: Sourced[str]

    def __post_init__(self) -> None:
        if self.bleeding_class.value not in CLASSES:
            raise ValueError(f"bleeding_class must be one of {', '.join(CLASSES)}")

    def holds(self, site: str) -> bool:
        """Whether a site, in words or as a structure's name, is this one."""
        words = " ".join(site.lower().replace("_", " ").split())
        if words in (self.name.lower(), *(name.lower() for name in self.also)):
            return True
        return any(fnmatchcase(site.strip(), glob) for glob in self.structures)


@dataclass(frozen=True)
class LimitOption:
    """One source's limit."""

    name: str
    limit: Sourced[float]


@dataclass(frozen=True)
class Gate:
    """A limit on a measured value.

    of: key of QUANTITIES. limit, or options with a choice where the sources disagree. classes: bleeding classes in
    which it counts. phases: when it is asked. need: always, or only if the value is known. needed_with: medicines that
    make it needed. max_age_days: where the age is not that of laboratory results. on_the_day_hours: how old it may be
    when the patient has come. override: the role that may override a block, or ``nobody``.
    """

    name: str
    of: str
    comparator: Comparator
    limit: Sourced[float] | None
    options: tuple[LimitOption, ...]
    chosen: Sourced[str] | None
    severity: Severity
    override: str
    classes: tuple[BleedingClass, ...]
    phases: tuple[Phase, ...]
    need: Need
    needed_with: tuple[str, ...]
    max_age_days: Sourced[float] | None
    on_the_day_hours: Sourced[float] | None
    why: str

    def __post_init__(self) -> None:
        if (self.limit is None) == (not self.options):
            raise ValueError("give a limit, or options where the sources disagree")
        if self.options:
            check_choice([option.name for option in self.options], self.chosen)
        quantity = QUANTITIES[self.of]
        for limit in (self.limit, *(option.limit for option in self.options)):
            if limit is not None and not quantity.low <= limit.value <= quantity.high:
                raise ValueError(
                    f"a limit of {quantity.shown(limit.value)} cannot be: {quantity.title} lies between "
                    f"{quantity.shown(quantity.low)} and {quantity.shown(quantity.high)}"
                )
        if self.severity != "block" and self.override != NOBODY:
            raise ValueError("only a block can be overridden; write override: nobody")
        if self.need == "always" and self.needed_with:
            raise ValueError("needed_with goes with need: if_known")

    def passes(self, value: float, limit: float) -> bool:
        """Whether a value keeps a limit."""
        if self.comparator == "at_least":
            return value >= limit
        if self.comparator == "more_than":
            return value > limit
        return value <= limit if self.comparator == "at_most" else value < limit


@dataclass(frozen=True)
class Record:
    """What must be written down to lift a block: who decided, which way was agreed."""

    name: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question with yes or no. counts_when: the answer that has the severity. lifted_by: what lifts a block."""

    name: str
    text: str
    phases: tuple[Phase, ...]
    counts_when: bool
    severity: Sourced[str]
    override: str
    lifted_by: tuple[Record, ...]
    why: str

    def __post_init__(self) -> None:
        if self.severity.value not in get_args(QuestionSeverity):
            raise ValueError(f"severity must be one of {', '.join(get_args(QuestionSeverity))}")
        if self.severity.value != "block" and (self.override != NOBODY or self.lifted_by):
            raise ValueError("only a block can be overridden or lifted; write override: nobody")


@dataclass(frozen=True)
class TraitFlag:
    """A risk that follows from what is known of every patient. equals: the value of the trait that counts."""

    name: str
    trait: Trait
    equals: str
    risk: Sourced[str]


@dataclass(frozen=True)
class AgeOption:
    """How old laboratory results may be, for a patient who is stable and one who is not."""

    name: str
    stable_days: Sourced[float]
    unstable_hours: Sourced[float]


@dataclass(frozen=True)
class ResultAge:
    """The age of laboratory results. unstable_question: the question whose yes makes a patient unstable."""

    options: tuple[AgeOption, ...]
    chosen: Sourced[str] | None
    unstable_question: str

    def __post_init__(self) -> None:
        check_choice([option.name for option in self.options], self.chosen)


@dataclass(frozen=True)
class VettingRules:
    """Everything that a protocol asks before a biopsy.

    kidneys_changing_question: the question whose yes means that creatinine is in no steady state.
    last_dose_override: the role that may go on where a last dose was taken too late.
    """

    sites: tuple[SiteClass, ...]
    result_age: ResultAge
    gates: tuple[Gate, ...]
    questions: tuple[Question, ...]
    traits: tuple[TraitFlag, ...]
    kidneys_changing_question: str
    stents: StentRules
    last_dose_override: str
    medicines: tuple[MedicineRule, ...]

    def __post_init__(self) -> None:
        names = {question.name for question in self.questions}
        for wanted in (self.kidneys_changing_question, self.result_age.unstable_question):
            if wanted not in names:
                raise ValueError(f"there is no question {wanted!r}")
        known = {medicine.name for medicine in self.medicines}
        for gate in self.gates:
            strange = [name for name in gate.needed_with if name not in known]
            if strange:
                raise ValueError(f"gates.{gate.name}.needed_with: there is no medicine {strange[0]!r}")

    def questions_at(self, phase: Phase) -> tuple[Question, ...]:
        """The questions of a phase, in the file's order."""
        return tuple(question for question in self.questions if phase in question.phases)

    @property
    def quantities(self) -> tuple[str, ...]:
        """What the gates look at, each once, in the file's order."""
        return tuple(dict.fromkeys(gate.of for gate in self.gates))


def read_vetting(top: Section) -> VettingRules | None:
    """The section ``vetting`` of a protocol file; None, and every mistake noted, where it is wrong."""
    section = top.section("vetting")
    if section is None:
        return None
    sites = tuple(_site(s) for s in section.sections("sites"))
    classes: set[BleedingClass] = {
        known for site in sites if site for known in CLASSES if known == site.bleeding_class.value
    }
    medicines = read_medicines(section, classes)
    return section.make(
        VettingRules,
        sites=sites,
        result_age=_result_age(section.section("result_age")),
        gates=tuple(_gate(s) for s in section.sections("gates")),
        questions=tuple(_question(s) for s in section.sections("questions")),
        traits=tuple(_trait(s) for s in section.sections("traits", optional=True)),
        kidneys_changing_question=section.text("kidneys_changing_question"),
        stents=read_stents(section, medicines),
        last_dose_override=section.choice("last_dose_override", OVERRIDE_ROLES),
        medicines=medicines,
    )


def _site(section: Section) -> SiteClass | None:
    return section.make(
        SiteClass,
        name=section.text("name"),
        also=section.texts("also") if "also" in section else (),
        structures=section.texts("structures") if "structures" in section else (),
        bleeding_class=sourced_words(section, "bleeding_class"),
    )


def _result_age(section: Section | None) -> ResultAge | None:
    if section is None:
        return None
    return section.make(
        ResultAge,
        options=tuple(
            s.make(
                AgeOption,
                name=s.text("name"),
                stable_days=sourced_number(s, "stable_days"),
                unstable_hours=sourced_number(s, "unstable_hours"),
            )
            for s in section.sections("options")
        ),
        chosen=sourced_words(section, "chosen") if "chosen" in section else None,
        unstable_question=section.text("unstable_question"),
    )


def _gate(section: Section) -> Gate | None:
    return section.make(
        Gate,
        name=section.text("name"),
        of=section.choice("of", QUANTITIES),
        comparator=section.choice("comparator", get_args(Comparator)),
        limit=sourced_number(section, "limit", optional=True),
        options=tuple(
            s.make(LimitOption, name=s.text("name"), limit=sourced_number(s, "limit"))
            for s in section.sections("options", optional=True)
        ),
        chosen=sourced_words(section, "chosen") if "chosen" in section else None,
        severity=section.choice("severity", get_args(Severity)),
        override=section.choice("override", OVERRIDE_ROLES),
        classes=section.texts("classes", CLASSES),
        phases=section.texts("phases", get_args(Phase)),
        need=section.choice("need", get_args(Need)),
        needed_with=section.texts("needed_with") if "needed_with" in section else (),
        max_age_days=sourced_number(section, "max_age_days", optional=True),
        on_the_day_hours=sourced_number(section, "on_the_day_hours", optional=True),
        why=section.text("why"),
    )


def _question(section: Section) -> Question | None:
    return section.make(
        Question,
        name=section.text("name"),
        text=section.text("text"),
        phases=section.texts("phases", get_args(Phase)),
        counts_when=section.flag("counts_when"),
        severity=sourced_words(section, "severity"),
        override=section.choice("override", OVERRIDE_ROLES),
        lifted_by=tuple(
            s.make(Record, name=s.text("name"), text=s.text("text"))
            for s in section.sections("lifted_by", optional=True)
        ),
        why=section.text("why"),
    )


def _trait(section: Section) -> TraitFlag | None:
    risk = section.sourced_section("risk")
    return section.make(
        TraitFlag,
        name=section.text("name"),
        trait=section.choice("trait", get_args(Trait)),
        equals=section.text("equals"),
        risk=sourced(risk, risk.text("value") if risk else None),
    )

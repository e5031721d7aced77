"""What a protocol says about stopping and restarting medicines, and how that is read from its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trocar.clinical.section import Section
from trocar.clinical.sourced import Sourced
from trocar.clinical.sourced_section import sourced_number, sourced_truth, sourced_words

BleedingClass = Literal["low", "high"]

CLASSES: tuple[BleedingClass, ...] = ("low", "high")


@dataclass(frozen=True)
class HoldStep:
    """What one source says for one range of creatinine clearance (Cockcroft-Gault, ml/min; from <= x < below).

    Exactly one of: goes_on (no dose is left out), specialist (no figure: somebody has to be asked), hold_days,
    hold_hours. hold_days counts full days with no dose, and there is none on the day either (AF guideline, B6).
    restart_*: earliest time after the needle is out, restart_to_*: latest of the range that the source gives.
    """

    name: str
    crcl_from: float | None = None
    crcl_below: float | None = None
    goes_on: Sourced[bool] | None = None
    specialist: Sourced[bool] | None = None
    hold_days: Sourced[float] | None = None
    hold_hours: Sourced[float] | None = None
    restart_days: Sourced[float] | None = None
    restart_to_days: Sourced[float] | None = None
    restart_hours: Sourced[float] | None = None
    restart_to_hours: Sourced[float] | None = None

    def __post_init__(self) -> None:
        said = [v for v in (self.goes_on, self.specialist, self.hold_days, self.hold_hours) if v is not None]
        if len(said) != 1:
            raise ValueError("give exactly one of goes_on, specialist, hold_days, hold_hours")
        if any(v is not None and v.value is not True for v in (self.goes_on, self.specialist)):
            raise ValueError("goes_on and specialist can only be true; leave them out otherwise")
        restarts = [v for v in (self.restart_days, self.restart_hours) if v is not None]
        if self.holds and len(restarts) != 1:
            raise ValueError("a medicine that is held needs restart_days or restart_hours, one of them")
        if not self.holds and restarts:
            raise ValueError("only a medicine that is held is restarted")
        for first, last in (
            (self.restart_days, self.restart_to_days),
            (self.restart_hours, self.restart_to_hours),
        ):
            if last is not None and (first is None or last.value <= first.value):
                raise ValueError("the end of a restart range must come after its beginning")
        if self.crcl_from is not None and self.crcl_below is not None and self.crcl_from >= self.crcl_below:
            raise ValueError("crcl_from must be smaller than crcl_below")

    @property
    def holds(self) -> bool:
        """Whether doses are left out."""
        return self.hold_days is not None or self.hold_hours is not None

    @property
    def renal(self) -> bool:
        """Whether it holds for some kidney function only."""
        return self.crcl_from is not None or self.crcl_below is not None

    def takes(self, crcl: float | None) -> bool:
        """Whether a creatinine clearance (ml/min) lies in the range; an unknown one lies in no range."""
        if not self.renal:
            return True
        if crcl is None:
            return False
        above = self.crcl_from is None or crcl >= self.crcl_from
        return above and (self.crcl_below is None or crcl < self.crcl_below)


@dataclass(frozen=True)
class HoldOption:
    """One source's advice; its steps cover every kidney function without overlap."""

    name: str
    steps: tuple[HoldStep, ...]

    def __post_init__(self) -> None:
        if not any(step.renal for step in self.steps):
            if len(self.steps) != 1:
                raise ValueError("several steps need ranges of creatinine clearance")
            return
        ordered = sorted(self.steps, key=lambda s: -1.0 if s.crcl_from is None else s.crcl_from)
        edges = [ordered[0].crcl_from, *(s.crcl_from for s in ordered[1:])]
        ends = [*(s.crcl_below for s in ordered[:-1])]
        if edges[0] is not None or ordered[-1].crcl_below is not None or ends != edges[1:]:
            raise ValueError(
                "the ranges of creatinine clearance must cover everything, without gap or overlap"
            )

    def step(self, crcl: float | None) -> HoldStep | None:
        """The step for a creatinine clearance in ml/min; None where it matters and is not known."""
        return next((step for step in self.steps if step.takes(crcl)), None)


@dataclass(frozen=True)
class ClassPlan:
    """The advice for one bleeding class. Several options: the sources disagree, and a department chooses.

    chosen: the name of an option; always status U in a protocol file, since choosing is the department's.
    """

    options: tuple[HoldOption, ...]
    chosen: Sourced[str] | None

    def __post_init__(self) -> None:
        check_choice([option.name for option in self.options], self.chosen)

    def option(self, name: str) -> HoldOption:
        """The option of that name."""
        return next(option for option in self.options if option.name == name)


def check_choice(names: list[str], chosen: Sourced[str] | None) -> None:
    """ValueError where several options have no choice among them, or where a protocol makes the choice its own."""
    if len(names) > 1 and chosen is None:
        raise ValueError("the sources disagree: several options need a 'chosen', which a department approves")
    if len(names) == 1 and chosen is not None:
        raise ValueError("there is only one option, so nothing to choose")
    if chosen is not None:
        if chosen.value not in names:
            raise ValueError(f"chosen must be one of {', '.join(names)}, not {chosen.value!r}")
        if chosen.status != "U":
            raise ValueError("a choice between sources has status U: it is a department's to make")


@dataclass(frozen=True)
class MedicineRule:
    """A medicine or a group that is treated alike.

    also: other names, brands and members of the group, in small letters. clotting: it acts on clotting or platelets, so
    the questions about thrombotic risk are asked. high, low: by bleeding class; None where the protocol has no such
    site.
    """

    name: str
    also: tuple[str, ...]
    clotting: bool
    high: ClassPlan | None
    low: ClassPlan | None

    def plan(self, bleeding_class: BleedingClass) -> ClassPlan | None:
        """The advice for a bleeding class."""
        return self.high if bleeding_class == "high" else self.low

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it goes by."""
        return (self.name, *self.also)


@dataclass(frozen=True)
class StentRules:
    """How long after a coronary stent some medicines must go on, and which of them need a cardiologist's word.

    go_on: names of medicines that are then continued whatever else is chosen. ask: that are only stopped by a
    specialist.
    """

    bare_metal_months: Sourced[float]
    drug_eluting_months: Sourced[float]
    go_on: tuple[str, ...]
    ask: tuple[str, ...]

    def months(self, kind: str) -> Sourced[float]:
        """For ``bare metal`` or ``drug eluting``; the longer of the two for a kind that nobody knows."""
        if kind == "bare metal":
            return self.bare_metal_months
        return self.drug_eluting_months


def read_medicines(vetting: Section, classes: set[BleedingClass]) -> tuple[MedicineRule | None, ...]:
    """The medicines of a protocol, each with a plan for every bleeding class that the protocol's sites have."""
    found = []
    for section in vetting.sections("medicines"):
        for wanted in sorted(classes):
            if wanted not in section:
                section.wrong(wanted, f"is missing: this protocol has sites of {wanted} bleeding risk")
        found.append(
            section.make(
                MedicineRule,
                name=section.text("name"),
                also=section.texts("also") if "also" in section else (),
                clotting=section.flag("clotting"),
                high=_class_plan(section, "high"),
                low=_class_plan(section, "low"),
            )
        )
    return tuple(found)


def read_stents(vetting: Section, medicines: tuple[MedicineRule | None, ...]) -> StentRules | None:
    """The rule on coronary stents."""
    section = vetting.section("stents")
    if section is None:
        return None
    # With a mistake in a medicine its name is not known here, and must not count as a second mistake.
    names = [medicine.name for medicine in medicines if medicine] if all(medicines) else None
    return section.make(
        StentRules,
        bare_metal_months=sourced_number(section, "bare_metal_months"),
        drug_eluting_months=sourced_number(section, "drug_eluting_months"),
        go_on=section.texts("go_on", names),
        ask=section.texts("ask", names),
    )


def _class_plan(medicine: Section, name: str) -> ClassPlan | None:
    section = medicine.section(name, optional=True)
    if section is None:
        return None
    return section.make(
        ClassPlan,
        options=tuple(_option(s) for s in section.sections("options")),
        chosen=sourced_words(section, "chosen") if "chosen" in section else None,
    )


def _option(section: Section) -> HoldOption | None:
    return section.make(
        HoldOption,
        name=section.text("name"),
        steps=tuple(_step(s) for s in section.sections("steps")),
    )


def _step(section: Section) -> HoldStep | None:
    truths: Mapping[str, Sourced[bool] | None] = {
        name: sourced_truth(section, name) if name in section else None for name in ("goes_on", "specialist")
    }
    figures = (
        "hold_days",
        "hold_hours",
        "restart_days",
        "restart_to_days",
        "restart_hours",
        "restart_to_hours",
    )
    return section.make(
        HoldStep,
        name=section.text("name"),
        crcl_from=section.whole("crcl_from", 1, 200, optional=True),
        crcl_below=section.whole("crcl_below", 1, 200, optional=True),
        **truths,
        **{name: sourced_number(section, name, optional=True) for name in figures},
    )

"""The procedure record as a protocol file describes it: passes, drugs, observations before, complications, dose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from trocar.clinical.section import Section
from trocar.clinical.sourced import Sourced
from trocar.clinical.sourced_section import sourced_number, sourced_words

DrugUse = Literal["local anaesthetic", "sedation", "pain relief", "reversal", "other"]
DrugUnit = Literal["mg", "microgram", "g", "mL", "unit"]
DrugRoute = Literal["infiltration", "intravenous", "by mouth", "inhaled", "intramuscular"]
SedationLevel = Literal["none", "minimal", "moderate", "deep", "general anaesthetic"]
Observation = Literal[
    "systolic_mmhg",
    "diastolic_mmhg",
    "heart_rate_per_min",
    "spo2_percent",
    "respiratory_rate_per_min",
    "temperature_c",
    "pain_0_to_10",
    "consciousness",
    "urine",
    "legs",
]
DoseQuantity = Literal["ctdi_vol_mgy", "dlp_mgy_cm", "kap_gy_cm2", "air_kerma_mgy", "fluoroscopy_s"]


@dataclass(frozen=True)
class DrugRules:
    """A drug that this procedure uses.

    least_amount, most_amount: one dose in ``unit``; what lies outside is taken for a slip of unit or decimal point.
    total_amount: over the whole procedure, from which the page warns; None where no figure stands. It is a guard
    against slips of the pen, not advice on dosing.
    """

    name: str
    use: DrugUse
    unit: DrugUnit
    routes: tuple[DrugRoute, ...]
    least_amount: Sourced[float]
    most_amount: Sourced[float]
    total_amount: Sourced[float] | None

    def __post_init__(self) -> None:
        if self.least_amount.value > self.most_amount.value:
            raise ValueError("least_amount is larger than most_amount")
        if self.total_amount and self.total_amount.value < self.most_amount.value:
            raise ValueError("total_amount is smaller than one dose of most_amount")


@dataclass(frozen=True)
class ComplicationKind:
    """Something that can go wrong and is asked by name. words: how staff know it."""

    name: str
    words: Sourced[str]


@dataclass(frozen=True)
class DoseAlert:
    """A dose from which somebody has to look after the skin, or to ask why. level: in the unit of ``quantity``."""

    name: str
    quantity: DoseQuantity
    level: Sourced[float]


@dataclass(frozen=True)
class ProcedureRules:
    """What the record of one procedure asks and watches.

    warn_at_pass: from this pass on the page warns. most_passes: beyond it a reason is asked. baseline: what is
    measured before sedation. baseline_minutes: how old that may be. sedation: levels that this procedure may use.
    """

    warn_at_pass: Sourced[float]
    most_passes: Sourced[float]
    baseline: tuple[Observation, ...]
    baseline_minutes: Sourced[float]
    sedation: tuple[SedationLevel, ...]
    drugs: tuple[DrugRules, ...]
    complications: tuple[ComplicationKind, ...]
    dose_alerts: tuple[DoseAlert, ...]

    def __post_init__(self) -> None:
        for passes in (self.warn_at_pass, self.most_passes):
            if passes.value != int(passes.value):
                raise ValueError("a number of passes is a whole number")
        if self.warn_at_pass.value > self.most_passes.value:
            raise ValueError("warn_at_pass is larger than most_passes")

    def drug(self, name: str) -> DrugRules | None:
        """The drug of that name; None where this procedure does not list it."""
        return next((drug for drug in self.drugs if drug.name == name), None)


def read_procedure_record(top: Section) -> ProcedureRules | None:
    """The section ``procedure_record`` of a protocol file; None, and every mistake noted, where it is wrong."""
    section = top.section("procedure_record")
    if section is None:
        return None
    return section.make(
        ProcedureRules,
        warn_at_pass=sourced_number(section, "warn_at_pass"),
        most_passes=sourced_number(section, "most_passes"),
        baseline=section.texts("baseline", get_args(Observation)),
        baseline_minutes=sourced_number(section, "baseline_minutes"),
        sedation=section.texts("sedation", get_args(SedationLevel)),
        drugs=tuple(_drug(entry) for entry in section.sections("drugs")),
        complications=tuple(_complication(entry) for entry in section.sections("complications")),
        dose_alerts=tuple(_dose_alert(entry) for entry in section.sections("dose_alerts", optional=True)),
    )


def _drug(section: Section) -> DrugRules | None:
    return section.make(
        DrugRules,
        name=section.text("name"),
        use=section.choice("use", get_args(DrugUse)),
        unit=section.choice("unit", get_args(DrugUnit)),
        routes=section.texts("routes", get_args(DrugRoute)),
        least_amount=sourced_number(section, "least_amount"),
        most_amount=sourced_number(section, "most_amount"),
        total_amount=sourced_number(section, "total_amount", optional=True),
    )


def _complication(section: Section) -> ComplicationKind | None:
    return section.make(ComplicationKind, name=section.text("name"), words=sourced_words(section, "words"))


def _dose_alert(section: Section) -> DoseAlert | None:
    return section.make(
        DoseAlert,
        name=section.text("name"),
        quantity=section.choice("quantity", get_args(DoseQuantity)),
        level=sourced_number(section, "level"),
    )

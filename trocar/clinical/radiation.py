"""Before an exposure, who it is and why; after it, the dose as somebody read it off the machine.

No UK reference level for a guided biopsy was found (clinical reference, W12), and a diagnostic one is never put in
its place: only the department's own levels are shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from trocar.clinical.procedure_rules import DoseAlert, DoseQuantity
from trocar.clinical.target_rules import Side


@dataclass(frozen=True)
class DoseKind:
    """A dose quantity: its name, unit, guidance it belongs to, and the range of what can be at all."""

    title: str
    unit: str
    guidance: str
    low: float
    high: float


DOSE: Mapping[DoseQuantity, DoseKind] = {
    "ctdi_vol_mgy": DoseKind("CTDIvol, largest of all scans", "mGy", "ct", 0.1, 500),
    "dlp_mgy_cm": DoseKind("DLP, all scans together", "mGy·cm", "ct", 1, 20_000),
    "kap_gy_cm2": DoseKind("KAP (DAP)", "Gy·cm²", "fluoroscopy", 0.001, 1_500),
    "air_kerma_mgy": DoseKind("Air kerma at the reference point", "mGy", "fluoroscopy", 0.01, 20_000),
    "fluoroscopy_s": DoseKind("Fluoroscopy time", "s", "fluoroscopy", 1, 4 * 3600),
}
"""The ranges guard against slips (Gy·m² or mGy·cm² for Gy·cm², minutes for seconds) and are no reference levels."""


def dose_problem(quantity: DoseQuantity, value: float | None) -> str | None:
    """What is wrong with one dose value, in words; None where it can be, or where none was given."""
    kind = DOSE[quantity]
    if value is None:
        return None
    if not math.isfinite(value) or not kind.low <= value <= kind.high:
        return f"{kind.title} must be from {kind.low:g} to {kind.high:g} {kind.unit}; check the unit."
    return None


def dose_missing(guidance: Iterable[str], values: Mapping[DoseQuantity, float | None]) -> tuple[str, ...]:
    """Which guidance by X-rays has no dose at all; empty where each has one value at least."""
    return tuple(
        f"No dose is entered for {'CT' if used == 'ct' else used}."
        for used in sorted(set(guidance) & {kind.guidance for kind in DOSE.values()})
        if not any(
            values.get(quantity) is not None for quantity, kind in DOSE.items() if kind.guidance == used
        )
    )


def dose_alerts(alerts: Iterable[DoseAlert], values: Mapping[DoseQuantity, float | None]) -> tuple[str, ...]:
    """A sentence for each of the protocol's alerts that the dose reaches."""
    found = []
    for alert in alerts:
        value = values.get(alert.quantity)
        if value is not None and value >= alert.level.value:
            kind = DOSE[alert.quantity]
            found.append(
                f"{kind.title} is {value:g} {kind.unit}: {alert.name}, from {alert.level.value:g} on."
            )
    return tuple(found)


Pregnancy = Literal["not applicable", "not pregnant", "possible", "pregnant", "not asked"]


@dataclass(frozen=True)
class ExposureCheck:
    """The radiographer's page (clinical rules, "Before"). Texts are "" and choices None where nobody answered.

    name_matches, birth_matches, third_matches: the three points of identity, each asked of the patient and compared.
    third_point: what the third one was (NHS number, address). case_side, needs_side: what the case says.
    """

    name_matches: bool | None
    birth_matches: bool | None
    third_matches: bool | None
    third_point: str
    referrer: str
    practitioner: str
    operator: str
    justification: str
    pregnancy: Pregnancy | None
    position: str
    laterality: Side | Literal["no side"] | None
    case_side: Side | None
    needs_side: bool | None

    def missing(self) -> tuple[str, ...]:
        """What stands against authorising the exposure, a sentence each; empty where it is complete."""
        points = (
            ("name", self.name_matches),
            ("date of birth", self.birth_matches),
            (self.third_point.strip() or "third point of identity", self.third_matches),
        )
        found = [f"The patient's {point} was not asked." for point, matches in points if matches is None]
        found += [f"The patient's {point} does not match." for point, matches in points if matches is False]
        if not self.third_point.strip():
            found.append("Say what the third point of identity was.")
        texts = (
            ("referrer", self.referrer),
            ("practitioner who justified the exposure", self.practitioner),
            ("operator of the exposure", self.operator),
            ("justification", self.justification),
            ("position on the table", self.position),
        )
        found += [f"The {what} is missing." for what, text in texts if not text.strip()]
        found += self._pregnancy()
        found += self._laterality()
        return tuple(found)

    @property
    def authorised(self) -> bool:
        """Whether the exposure may be recorded as authorised."""
        return not self.missing()

    def _pregnancy(self) -> list[str]:
        if self.pregnancy in ("not applicable", "not pregnant"):
            return []
        if self.pregnancy in ("possible", "pregnant"):
            return ["Pregnancy is possible: this procedure's protocols do not cover it; ask the IR doctor."]
        return ["The pregnancy enquiry is missing."]

    def _laterality(self) -> list[str]:
        if self.laterality is None:
            return ["The side is missing."]
        if self.needs_side is None:
            return ["It is not known whether this site needs a side."]
        said = None if self.laterality == "no side" else self.laterality
        if self.needs_side and said is None:
            return ["This site needs a side."]
        if said != self.case_side and (said is not None or self.needs_side):
            return [f"The side here is {said}, but the case says {self.case_side or 'no side'}."]
        return []

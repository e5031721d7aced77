"""What the record of a procedure has to hold, and what looks like a slip, as answers with their reasons.

Times carry a time zone; nothing here reads a clock. Plausible ranges are guards against slips of unit and decimal
point, not clinical advice; clinical figures come from the protocol.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from trocar.clinical.procedure_rules import DrugRules, Observation

OPERATOR_ROLE = "ir_doctor"
"""Only this role can be the operator of record (clinical reference, section 1, row 3)."""

IONISING = frozenset({"ct", "fluoroscopy"})
"""Guidance by X-rays; ultrasound gives no dose (clinical reference, section 6)."""


@dataclass(frozen=True)
class ObservationKind:
    """One observation: its name, unit, and either the range of what can be at all or the words to choose from."""

    title: str
    unit: str = ""
    low: float = 0
    high: float = 0
    words: tuple[str, ...] = ()


OBSERVATIONS: Mapping[Observation, ObservationKind] = {
    "systolic_mmhg": ObservationKind("Systolic blood pressure", "mmHg", 30, 300),
    "diastolic_mmhg": ObservationKind("Diastolic blood pressure", "mmHg", 10, 200),
    "heart_rate_per_min": ObservationKind("Heart rate", "per minute", 10, 300),
    "spo2_percent": ObservationKind("Oxygen saturation", "%", 40, 100),
    "respiratory_rate_per_min": ObservationKind("Breaths", "per minute", 2, 80),
    "temperature_c": ObservationKind("Temperature", "°C", 25, 45),
    "pain_0_to_10": ObservationKind("Pain, 0 to 10", "", 0, 10),
    "consciousness": ObservationKind(
        "Consciousness", words=("alert", "new confusion", "to voice", "to pain", "unresponsive")
    ),
    "urine": ObservationKind("Urine before", words=("clear", "pink", "red", "clots", "not passed yet")),
    "legs": ObservationKind("Power and feeling in the legs", words=("as before", "changed")),
}
"""Every observation a protocol can ask for before sedation."""


def observation_problem(kind: Observation, value: float | str | None) -> str | None:
    """What is wrong with one observation, in words; None where it can be."""
    rule = OBSERVATIONS[kind]
    if value is None or value == "":
        return f"{rule.title} is missing."
    if rule.words:
        return None if value in rule.words else f"{rule.title}: choose one of {', '.join(rule.words)}."
    if not isinstance(value, int | float) or not math.isfinite(value) or not rule.low <= value <= rule.high:
        unit = f" {rule.unit}" if rule.unit else ""
        return f"{rule.title} must be from {rule.low:g} to {rule.high:g}{unit}."
    return None


def baseline_problems(
    wanted: Sequence[Observation],
    values: Mapping[str, float | str | None],
    taken_at: datetime | None,
    at: datetime,
    minutes: float | None,
) -> tuple[str, ...]:
    """What the set of observations before sedation lacks at the moment ``at``; empty where it is complete.

    minutes: how old it may be (the protocol's ``baseline_minutes``); None where the department has not configured it.
    Source: clinical rules, "In the room": every later trigger compares with this set.
    """
    if taken_at is None:
        return ("No observations from before sedation are recorded.",)
    found = [problem for kind in wanted if (problem := observation_problem(kind, values.get(kind)))]
    systolic, diastolic = values.get("systolic_mmhg"), values.get("diastolic_mmhg")
    if isinstance(systolic, int | float) and isinstance(diastolic, int | float) and diastolic >= systolic:
        found.append("The diastolic pressure must be lower than the systolic one.")
    if taken_at > at:
        found.append("The observations were taken after that moment.")
    elif minutes is None:
        found.append("How old the observations may be is not configured; the department has to approve it.")
    elif at - taken_at > timedelta(minutes=minutes):
        found.append(f"The observations are older than {minutes:g} minutes; take them again.")
    return tuple(found)


@dataclass(frozen=True)
class TeamMember:
    """A person in the room. name: unique among them. role: key of the person's role. duties: what they do here."""

    name: str
    role: str
    duties: frozenset[str]


def team_problems(team: Iterable[TeamMember], ionising: bool) -> tuple[str, ...]:
    """What the team lacks; empty where it is complete.

    duties: "operator", "monitor", "radiographer", "assistant". The operator is one IR doctor (clinical reference,
    row 3), who never watches the patient as well (clinical rules, "In the room"); X-rays need a radiographer (row 22).
    """
    members = tuple(team)
    operators = [member for member in members if "operator" in member.duties]
    monitors = [member for member in members if "monitor" in member.duties]
    found = []
    if not operators:
        found.append("No operator is named.")
    if len(operators) > 1:
        found.append("Only one person is the operator of record; enter the others as assistants.")
    found += [
        f"{m.name} is not an IR doctor and cannot be the operator."
        for m in operators
        if m.role != OPERATOR_ROLE
    ]
    if not monitors:
        found.append("Nobody is named who watches the patient.")
    found += [
        f"{m.name} operates and cannot watch the patient at the same time."
        for m in monitors
        if "operator" in m.duties
    ]
    if ionising and not any("radiographer" in m.duties and m.role == "radiographer" for m in members):
        found.append("X-rays are used, but no radiographer is named.")
    return tuple(found)


@dataclass(frozen=True)
class DrugGiven:
    """One dose. unit and route in the protocol's words."""

    name: str
    amount: float
    unit: str
    route: str
    at: datetime


def drug_problems(rules: DrugRules | None, given: DrugGiven) -> tuple[str, ...]:
    """What looks like a slip in one dose; empty where nothing does.

    rules: those of the drug; None for one that the protocol does not list, of which only the amount is checked.
    """
    if not math.isfinite(given.amount) or given.amount <= 0:
        return ("The amount must be more than nothing.",)
    if rules is None:
        return ()
    if given.unit != rules.unit:
        return (f"{rules.name} is recorded in {rules.unit}, not in {given.unit}.",)
    found = []
    low, high = rules.least_amount.value, rules.most_amount.value
    if not low <= given.amount <= high:
        found.append(
            f"One dose of {rules.name} is expected between {low:g} and {high:g} {rules.unit}; "
            "check unit and decimal point."
        )
    if given.route not in rules.routes:
        found.append(
            f"{rules.name} is given here by {' or '.join(rules.routes)}, not by {given.route or 'no route'}."
        )
    return tuple(found)


def drug_totals(rules: Sequence[DrugRules], given: Iterable[DrugGiven]) -> tuple[str, ...]:
    """A warning for each drug whose doses together pass the protocol's ``total_amount``."""
    doses = tuple(given)
    found = []
    for drug in rules:
        total = sum(dose.amount for dose in doses if dose.name == drug.name and dose.unit == drug.unit)
        if drug.total_amount and total > drug.total_amount.value:
            found.append(
                f"{total:g} {drug.unit} of {drug.name} in all; the protocol warns from {drug.total_amount.value:g} on."
            )
    return tuple(found)


def before_sedation(
    baseline: Sequence[str], iv_access: str, team: Sequence[str], consent_confirmed: bool | None
) -> tuple[str, ...]:
    """What has to stand on the record before the first sedation; empty where it all does.

    baseline: answer of ``baseline_problems``. team: answer of ``team_problems``. Source: clinical rules, "Before"
    (second stage of consent before sedation) and "In the room".
    """
    found = list(baseline)
    if not iv_access.strip():
        found.append("No IV access is recorded.")
    found += [problem for problem in team if "watch" in problem or "operator" in problem]
    if consent_confirmed is not True:
        found.append("Consent is not confirmed for the plan as it stands.")
    return tuple(found)


def pass_warning(number: int, warn_at: float | None, most: float | None) -> str:
    """What the page says at pass ``number`` (from 1): "" while nothing is near.

    warn_at, most: the protocol's ``warn_at_pass`` and ``most_passes``; None where the department has not configured
    them, which is said and never taken for "no limit".
    """
    if warn_at is None or most is None:
        return "The number of passes at which to warn is not configured."
    if number > most:
        return f"Pass {number}: more than the protocol's {most:g}. Say why."
    if number >= warn_at:
        return f"Pass {number} of at most {most:g} in the protocol."
    return ""


@dataclass(frozen=True)
class Deviation:
    """How far a needle lay from its plan. tip_mm: between the two tips. angle_deg: between directions, 0 to 180."""

    tip_mm: float
    angle_deg: float | None


Point = tuple[float, float, float]


def deviation(planned_entry: Point | None, planned_tip: Point, entry: Point | None, tip: Point) -> Deviation:
    """Planned against achieved, from points in millimetres in the same patient coordinates (LPS).

    Without both entries there is a distance and no angle. Raises ValueError where an entry is its own tip.
    """
    a, b = np.asarray(planned_tip, float), np.asarray(tip, float)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a point needs three finite coordinates")
    tip_mm = float(np.linalg.norm(b - a))
    if planned_entry is None or entry is None:
        return Deviation(tip_mm, None)
    u, v = a - np.asarray(planned_entry, float), b - np.asarray(entry, float)
    if not (np.linalg.norm(u) > 0 and np.linalg.norm(v) > 0):
        raise ValueError("entry and tip are the same point")
    # atan2 keeps small angles exact, where the arc cosine loses half of its digits.
    angle = math.degrees(math.atan2(float(np.linalg.norm(np.cross(u, v))), float(u @ v)))
    return Deviation(tip_mm, angle)


def needle_out_problems(
    at: datetime, now: datetime, first_in: datetime | None, passes: Iterable[datetime]
) -> tuple[str, ...]:
    """Why ``at`` cannot be T0, the time of the last needle or introducer out; empty where it can.

    T0 starts the recovery clock, so it lies after everything the needle did and not ahead of the clock.
    """
    times = [time for time in (first_in, *passes) if time is not None]
    found = []
    if first_in is None:
        found.append("No needle has been in; record the puncture first, or abandon the procedure.")
    if times and at < max(times):
        found.append("The needle cannot be out before the puncture and the last pass.")
    if at > now:
        found.append("That time is still to come.")
    return tuple(found)


HARM = ("none", "low", "moderate", "severe", "death")
"""Levels of harm, as incident reports have them (clinical judgement, U)."""


def complication_problems(harm: str, plan: str, told: str) -> tuple[str, ...]:
    """What a recorded complication lacks. Source: clinical rules, "Recovery": a plan, and what the patient was told."""
    found = []
    if harm not in HARM:
        found.append("Say how much harm was done.")
    if not plan.strip():
        found.append("Say what is done about it.")
    if not told.strip():
        found.append("Say what the patient was told.")
    return tuple(found)


def raises_incident(harm: str) -> bool:
    """Whether the harm is severe enough that an incident is raised (clinical rules, "Recovery")."""
    return harm in ("severe", "death")

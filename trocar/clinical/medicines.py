"""What to do with each medicine: go on, hold until when and restart from when, or ask somebody who knows.

A rule here never guesses: an unknown medicine asks a pharmacist, a high thrombotic risk a specialist, sources that
disagree ask the department, and an unknown kidney function stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from trocar.clinical.medicine_rules import BleedingClass, HoldStep, MedicineRule
from trocar.clinical.sourced import Sourced
from trocar.clinical.vetting_rules import VettingRules

Kind = Literal["go on", "hold", "ask", "missing", "not configured"]

StentKind = Literal["none", "bare metal", "drug eluting", "unknown kind"]


@dataclass(frozen=True)
class OwnAdvice:
    """What a named specialist or pharmacist said of one medicine, instead of the automatic plan.

    hold_days: full days with no dose, none on the day either; None: the medicine goes on. restart_days: after the day;
    None with a hold: the adviser will say.
    """

    adviser: str
    words: str
    hold_days: int | None
    restart_days: int | None

    def __post_init__(self) -> None:
        if not self.adviser.strip() or not self.words.strip():
            raise ValueError("advice needs the adviser's name and what was advised")
        if self.hold_days is not None and not 0 <= self.hold_days <= 30:
            raise ValueError("a hold lasts 0 to 30 days")
        if self.restart_days is not None and (self.hold_days is None or not 0 <= self.restart_days <= 30):
            raise ValueError("a restart follows a hold, within 30 days")


@dataclass(frozen=True)
class Taken:
    """A medicine that the patient takes. last_dose_at: the last dose actually taken, as asked on the day (aware)."""

    name: str
    own: OwnAdvice | None = None
    last_dose_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.last_dose_at is not None and self.last_dose_at.tzinfo is None:
            raise ValueError("the time of a dose needs a time zone")


@dataclass(frozen=True)
class Circumstances:
    """What decides about medicines besides the medicine.

    crcl: creatinine clearance in ml/min, None where it is not known; crcl_why then says why in a sentence.
    thrombotic: names of the questions answered so that a specialist must be asked. thrombotic_open: those not answered.
    stent, stent_on: the last coronary stent, and the day it was placed. day: of the procedure, or today.
    """

    bleeding_class: BleedingClass
    crcl: float | None
    crcl_why: str
    thrombotic: tuple[str, ...]
    thrombotic_open: tuple[str, ...]
    stent: StentKind | None
    stent_on: date | None
    day: date


@dataclass(frozen=True)
class Advice:
    """What the rules say of one medicine, in plain words, with its source. rule: the protocol's name for it.

    Where kind is hold, exactly one of hold_days and hold_hours is set. restart_* may all be None: the adviser will say.
    """

    medicine: str
    rule: str
    kind: Kind
    words: str
    source: str
    hold_days: int | None = None
    hold_hours: float | None = None
    restart_days: float | None = None
    restart_to_days: float | None = None
    restart_hours: float | None = None
    restart_to_hours: float | None = None

    @property
    def settled(self) -> bool:
        """Whether nobody has to be asked any more."""
        return self.kind in ("go on", "hold")

    @property
    def lead(self) -> timedelta:
        """From the last dose to the procedure; days count a day more, since the day itself has no dose."""
        if self.hold_days is not None:
            return timedelta(days=self.hold_days + 1)
        return timedelta(hours=self.hold_hours or 0)


def provenance(value: Sourced[Any]) -> str:
    """Source and status of a value, and who approved it: ``K10 (R)``."""
    text = f"{value.source} ({value.status})"
    return f"{text}, approved by {value.approved_by}" if value.approved_by else text


def _folded(name: str) -> str:
    return " ".join(name.lower().replace("-", " ").split())


def rules_for(name: str, rules: VettingRules) -> tuple[MedicineRule, ...]:
    """The rules that a typed name can mean: none, one, or several that must be told apart by dose.

    A name is taken as typed, or as its first words ("apixaban 5 mg twice a day"). Never by a likeness.
    """
    typed = _folded(name)
    found = []
    for rule in rules.medicines:
        for known in map(_folded, rule.names):
            if typed == known or typed.startswith(f"{known} "):
                found.append(rule)
                break
    exact = [rule for rule in found if typed == _folded(rule.name)]
    return tuple(exact or found)


def is_several(name: str, rules: VettingRules) -> bool:
    """Whether a typed name holds more than one medicine: one rule for it would leave out the other."""
    typed = f" {_folded(name)} "
    if any(joint in typed for joint in (" and ", " plus ", "+", "&")):
        return True
    own = {_folded(known) for rule in rules_for(name, rules) for known in rule.names}
    others = {known for rule in rules.medicines for known in map(_folded, rule.names)} - own
    return bool(own) and any(f" {known} " in typed for known in others)


def acts_on_clotting(names: Iterable[str], rules: VettingRules) -> bool:
    """Whether any of the medicines acts on clotting, or is unknown and so may."""
    for name in names:
        found = rules_for(name, rules)
        if not found or is_several(name, rules) or any(rule.clotting for rule in found):
            return True
    return False


def advise(
    taken: Taken, rules: VettingRules, circumstances: Circumstances, not_configured: Mapping[str, str]
) -> Advice:
    """What to do with one medicine.

    not_configured: keys of the protocol's values that this department may not use, with the reason (see
    ``department.Effective``).
    """
    if taken.own is not None:
        return _own(taken, taken.own)
    if is_several(taken.name, rules):
        words = f"{taken.name} names more than one medicine: enter each on its own."
        return Advice(taken.name, "", "ask", words, "")
    found = rules_for(taken.name, rules)
    if not found:
        return Advice(taken.name, "", "ask", f"{taken.name} is not in the protocol: ask a pharmacist.", "")
    if len(found) > 1:
        which = " or ".join(rule.name for rule in found)
        return Advice(taken.name, "", "ask", f"{taken.name} can be {which}: enter it with that name.", "")
    rule = found[0]
    stent = _stent(taken, rule, rules, circumstances)
    if stent is not None:
        return _if_configured(stent, _stent_keys(circumstances), not_configured)
    plan = rule.plan(circumstances.bleeding_class)
    if plan is None:
        words = f"the protocol has no advice on {rule.name} at {circumstances.bleeding_class} bleeding risk."
        return Advice(taken.name, rule.name, "missing", words, "")
    base = f"vetting.medicines.{rule.name}.{circumstances.bleeding_class}"
    if plan.chosen is not None and f"{base}.chosen" in not_configured:
        listed = "; ".join(f"{o.name} ({', '.join(sorted(_sources(o.steps)))})" for o in plan.options)
        words = f"not configured: the sources disagree on {rule.name}, and the department has not chosen: {listed}."
        return Advice(taken.name, rule.name, "not configured", words, "")
    option = plan.option(plan.chosen.value) if plan.chosen else plan.options[0]
    step = option.step(circumstances.crcl)
    if step is None:
        words = f"{rule.name} depends on creatinine clearance. {circumstances.crcl_why}"
        return Advice(taken.name, rule.name, "missing", words, "")
    advice = _by_step(taken, rule, step, circumstances)
    advice = _if_configured(
        advice, _keys(f"{base}.options.{option.name}.steps.{step.name}", step), not_configured
    )
    return _thrombosis(advice, circumstances) if advice.kind == "hold" and rule.clotting else advice


def _own(taken: Taken, own: OwnAdvice) -> Advice:
    source = f"advice of {own.adviser}"
    if own.hold_days is None:
        return Advice(taken.name, "", "go on", own.words, source)
    return Advice(
        taken.name, "", "hold", own.words, source, hold_days=own.hold_days, restart_days=own.restart_days
    )


def _stent(taken: Taken, rule: MedicineRule, rules: VettingRules, at: Circumstances) -> Advice | None:
    """What a coronary stent decides, or that nobody said whether there is one; None where it decides nothing."""
    stents = rules.stents
    if rule.name not in (*stents.go_on, *stents.ask) or at.stent == "none":
        return None
    if at.stent is None:
        words = f"{rule.name}: it is not recorded whether the patient has a coronary stent."
        return Advice(taken.name, rule.name, "missing", words, "")
    months = stents.months(at.stent)
    if at.stent_on is not None and _months_after(at.stent_on, int(months.value)) <= at.day:
        return None
    age = "of unknown age" if at.stent_on is None else f"placed on {_day(at.stent_on)}"
    why = f"{at.stent} stent {age}, younger than {months.value:g} months or not known to be older"
    if rule.name in stents.go_on:
        return Advice(taken.name, rule.name, "go on", f"Go on with {taken.name}: {why}.", provenance(months))
    words = f"{taken.name}: {why}; ask the cardiologist before it is stopped."
    return Advice(taken.name, rule.name, "ask", words, provenance(months))


def _stent_keys(at: Circumstances) -> dict[str, str]:
    name = "bare_metal_months" if at.stent == "bare metal" else "drug_eluting_months"
    return {f"vetting.stents.{name}": "the age from which a stent no longer counts"}


def _months_after(day: date, months: int) -> date:
    """The same day some months later; the last of the month where that is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    first_of_next = date(day.year + years + (month == 11), (month + 1) % 12 + 1, 1)
    return min(
        date(day.year + years, month + 1, 1) + timedelta(days=day.day - 1), first_of_next - timedelta(days=1)
    )


def _keys(base: str, step: HoldStep) -> dict[str, str]:
    named = {
        "goes_on": "whether it goes on",
        "specialist": "whether a specialist is asked",
        "hold_days": "how long it is held",
        "hold_hours": "how long it is held",
        "restart_days": "when it is restarted",
        "restart_to_days": "when it is restarted",
        "restart_hours": "when it is restarted",
        "restart_to_hours": "when it is restarted",
    }
    return {f"{base}.{key}": words for key, words in named.items() if getattr(step, key) is not None}


def _if_configured(advice: Advice, keys: Mapping[str, str], not_configured: Mapping[str, str]) -> Advice:
    for key, what in keys.items():
        if key in not_configured and advice.kind != "missing":
            words = f"not configured: {what} ({advice.rule}); {not_configured[key]}."
            return Advice(advice.medicine, advice.rule, "not configured", words, "")
    return advice


def _sources(steps: tuple[HoldStep, ...]) -> set[str]:
    values = (v for s in steps for v in (s.goes_on, s.specialist, s.hold_days, s.hold_hours) if v is not None)
    return {provenance(value) for value in values}


def _by_step(taken: Taken, rule: MedicineRule, step: HoldStep, at: Circumstances) -> Advice:
    if step.goes_on is not None:
        return Advice(
            taken.name, rule.name, "go on", f"Go on with {taken.name} as usual.", provenance(step.goes_on)
        )
    if step.specialist is not None:
        words = f"{taken.name} at a creatinine clearance of {at.crcl or 0:.0f} ml/min: ask a haematologist."
        return Advice(taken.name, rule.name, "ask", words, provenance(step.specialist))
    held = step.hold_days or step.hold_hours
    restart = step.restart_days or step.restart_hours
    if held is None or restart is None:
        raise AssertionError("a step that holds has a hold and a restart")
    return Advice(
        taken.name,
        rule.name,
        "hold",
        f"Hold {taken.name} {_hold_words(step)}; restart {_restart_words(step)}.",
        f"hold {provenance(held)}; restart {provenance(restart)}",
        hold_days=int(step.hold_days.value) if step.hold_days else None,
        hold_hours=_value(step.hold_hours),
        restart_days=_value(step.restart_days),
        restart_to_days=_value(step.restart_to_days),
        restart_hours=_value(step.restart_hours),
        restart_to_hours=_value(step.restart_to_hours),
    )


def _value(value: Sourced[float] | None) -> float | None:
    return None if value is None else value.value


def _hold_words(step: HoldStep) -> str:
    if step.hold_hours is not None:
        return f"for {step.hold_hours.value:g} hours before"
    days = step.hold_days.value if step.hold_days else 0
    if days == 0:
        return "on the day"
    return f"for {days:g} full day{'' if days == 1 else 's'} before, and on the day"


def _restart_words(step: HoldStep) -> str:
    for first, last, unit in (
        (step.restart_days, step.restart_to_days, "day"),
        (step.restart_hours, step.restart_to_hours, "hour"),
    ):
        if first is not None:
            span = f"{first.value:g} to {last.value:g}" if last else f"{first.value:g}"
            return f"{span} {unit}{'' if span == '1' else 's'} after the needle is out"
    return "when the adviser says so"


def _thrombosis(advice: Advice, at: Circumstances) -> Advice:
    if at.thrombotic:
        words = (
            f"{advice.medicine}: high thrombotic risk ({', '.join(at.thrombotic)}). No automatic plan: "
            "ask haematology or the MDT, and write down who advised what."
        )
        return Advice(advice.medicine, advice.rule, "ask", words, advice.source)
    if at.thrombotic_open:
        words = f"{advice.medicine}: thrombotic risk is not assessed ({', '.join(at.thrombotic_open)})."
        return Advice(advice.medicine, advice.rule, "missing", words, "")
    return advice


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"

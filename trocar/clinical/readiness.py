"""Whether a biopsy may go ahead: what is missing, what blocks, what warns, each with its source and its value's age.

What is missing fails closed. A value that nobody measured, a question that nobody answered and a limit that no
department approved read "not assessed"; none of them is ever "ready", and none can be overridden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from trocar.clinical.bleeding import bleeding_risk
from trocar.clinical.department import Effective
from trocar.clinical.labs import QUANTITIES, Measured, age_in_words, newest
from trocar.clinical.medicine_plan import LONDON, PlanLine, in_words, line
from trocar.clinical.medicine_rules import BleedingClass
from trocar.clinical.medicines import (
    Advice,
    Circumstances,
    Taken,
    acts_on_clotting,
    advise,
    provenance,
    rules_for,
)
from trocar.clinical.renal import cockcroft_gault
from trocar.clinical.sourced import Sourced
from trocar.clinical.vetting_facts import ORDER, Assessment, Finding, Kind, VettingFacts, age_on
from trocar.clinical.vetting_rules import COMPARED, NOBODY, Gate, Phase, Question, VettingRules

FOR_MEDICINES = 90
"""Days for which a creatinine or weight counts for the clearance where the protocol's result age does not say."""


def assess(effective: Effective, facts: VettingFacts, phase: Phase, now: datetime) -> Assessment:
    """Judge one case by its protocol, as the department uses it, at the moment ``now`` (aware).

    Raises ValueError for a moment without time zone.
    """
    if now.tzinfo is None:
        raise ValueError("the moment of an assessment needs a time zone")
    return _Assessing(effective, facts, phase, now).run()


class _Assessing:
    """One run of the rules; holds what every rule needs."""

    def __init__(self, effective: Effective, facts: VettingFacts, phase: Phase, now: datetime) -> None:
        self.rules: VettingRules = effective.protocol.vetting
        self.off = effective.not_configured
        self.facts, self.phase, self.now = facts, phase, now
        self.day = (facts.start or now).astimezone(LONDON).date()
        self.risk = bleeding_risk(facts.site, self.rules, self.off, facts.class_choice)

    def run(self) -> Assessment:
        advice = self._advice()
        findings = [*self._class(), *self._gates(), *self._questions(), *self._traits(), *self._allergies()]
        findings += self._medicines(advice)
        findings = [self._overridden(finding) for finding in findings]
        findings.sort(key=lambda finding: ORDER.index(finding.kind))
        return Assessment(self.phase, self.now, self.risk, tuple(findings), advice)

    def _overridden(self, finding: Finding) -> Finding:
        """A block that somebody of the named role overrode for this very value."""
        if finding.kind != "blocks" or not finding.override_role:
            return finding
        for override in reversed(self.facts.overrides):
            same = override.gate == finding.gate and override.value == finding.value
            if same and override.role == finding.override_role:
                text = f"{finding.text} Overridden by {override.by}: {override.reason}"
                return Finding(
                    finding.gate, "overridden", text, finding.value, finding.age, finding.source, ""
                )
        return finding

    def _class(self) -> Iterator[Finding]:
        kind: Kind = "met" if self.risk.bleeding_class else "missing"
        yield Finding("bleeding class", kind, self.risk.words, self.facts.site, "", self.risk.source)

    # limits

    def _gates(self) -> Iterator[Finding]:
        for gate in self.rules.gates:
            if self.phase in gate.phases and self._counts(gate):
                yield from self._gate(gate)

    def _counts(self, gate: Gate) -> bool:
        """An unknown class counts as every class: nothing is left out by not knowing it."""
        return self.risk.bleeding_class is None or self.risk.bleeding_class in gate.classes

    def _gate(self, gate: Gate) -> Iterator[Finding]:
        title = QUANTITIES[gate.of].title
        name = f"gate {gate.name}"
        limit, why = self._limit(gate)
        measured = self._measured(gate)
        needed = gate.need == "always" or self._taken(gate.needed_with)
        if measured is None:
            if needed:
                yield Finding(name, "missing", f"Not assessed: {title} is missing ({gate.why}).")
            return
        age = "" if gate.of == "age" else age_in_words(measured.age(self.now))
        if limit is None:
            yield Finding(
                name,
                "missing",
                f"Not assessed: the limit of {title} is not configured ({why}).",
                measured.shown,
                age,
            )
            return
        source = provenance(limit)
        too_old = "" if gate.of == "age" else self._too_old(gate, measured)
        if too_old:
            yield Finding(name, "missing", f"Not assessed: {title} {too_old}", measured.shown, age, source)
            return
        wanted = f"{COMPARED[gate.comparator]} {QUANTITIES[gate.of].shown(limit.value)}"
        if gate.passes(measured.value, limit.value):
            text = f"{title} {measured.shown}: {wanted}."
            yield Finding(name, "met", text, measured.shown, age, source)
            return
        kinds: Mapping[str, Kind] = {
            "refuse": "refused",
            "block": "blocks",
            "warn": "warns",
            "flag": "risk",
        }
        text = f"{title} {measured.shown}, not {wanted}: {gate.why}."
        role = "" if gate.override == NOBODY else gate.override
        yield Finding(name, kinds[gate.severity], text, measured.shown, age, source, role)

    def _limit(self, gate: Gate) -> tuple[Sourced[float] | None, str]:
        base = f"vetting.gates.{gate.name}"
        if gate.limit is not None:
            return (None, self.off[f"{base}.limit"]) if f"{base}.limit" in self.off else (gate.limit, "")
        if gate.chosen is not None and f"{base}.chosen" in self.off:
            listed = ", ".join(f"{o.name} {o.limit.value:g} ({o.limit.source})" for o in gate.options)
            return None, f"the sources disagree and the department has not chosen: {listed}"
        option = next(o for o in gate.options if gate.chosen is None or o.name == gate.chosen.value)
        key = f"{base}.options.{option.name}.limit"
        return (None, self.off[key]) if key in self.off else (option.limit, "")

    def _measured(self, gate: Gate) -> Measured | None:
        if gate.of == "age":
            return Measured("age", age_on(self.facts.birth_date, self.day), self.now)
        return newest(self.facts.results, gate.of, self.now)

    def _taken(self, names: tuple[str, ...]) -> bool:
        found = (rules_for(taken.name, self.rules) for taken in self.facts.medicines or ())
        return any(rule.name in names for rules in found for rule in rules)

    def _too_old(self, gate: Gate, measured: Measured) -> str:
        """Why a value no longer counts, as the end of a sentence; empty where it does."""
        age = measured.age(self.now)
        base = f"vetting.gates.{gate.name}"
        if self.phase == "day" and gate.on_the_day_hours is not None:
            return self._beyond(
                age, gate.on_the_day_hours, f"{base}.on_the_day_hours", "hours", "must be taken again today"
            )
        if gate.max_age_days is not None:
            return self._beyond(age, gate.max_age_days, f"{base}.max_age_days", "days", "is too old")
        if not QUANTITIES[gate.of].laboratory:
            return ""
        return self._result_too_old(age)

    def _result_too_old(self, age: timedelta) -> str:
        ages = self.rules.result_age
        base = "vetting.result_age"
        if ages.chosen is not None and f"{base}.chosen" in self.off:
            return "counts for a time that is not configured (the department has not chosen)."
        option = next(o for o in ages.options if ages.chosen is None or o.name == ages.chosen.value)
        unstable = self.facts.answers.get(ages.unstable_question)
        if unstable is None:
            return "counts for a time that depends on whether the patient is stable, which nobody answered."
        key = f"{base}.options.{option.name}"
        if unstable:
            return self._beyond(
                age,
                option.unstable_hours,
                f"{key}.unstable_hours",
                "hours",
                "is too old for an unstable patient",
            )
        return self._beyond(age, option.stable_days, f"{key}.stable_days", "days", "is too old")

    def _beyond(
        self, age: timedelta, limit: Sourced[float], key: str, unit: Literal["days", "hours"], what: str
    ) -> str:
        if key in self.off:
            return f"counts for a time that is not configured ({self.off[key]})."
        most = timedelta(days=limit.value) if unit == "days" else timedelta(hours=limit.value)
        if age <= most:
            return ""
        return f"{what}: {age_in_words(age)} old, at most {limit.value:g} {unit} ({provenance(limit)})."

    # questions, traits, allergies

    def _questions(self) -> Iterator[Finding]:
        thinners = acts_on_clotting((taken.name for taken in self.facts.medicines or ()), self.rules)
        for question in self.rules.questions_at(self.phase):
            if question.severity.value == "specialist":
                if thinners and question.name not in self.facts.answers:
                    yield Finding(
                        f"question {question.name}", "missing", f"Not assessed: {question.text}", "no answer"
                    )
                continue
            yield self._question(question)

    def _question(self, question: Question) -> Finding:
        name, source = f"question {question.name}", provenance(question.severity)
        answer = self.facts.answers.get(question.name)
        if answer is None:
            return Finding(name, "missing", f"Not assessed: {question.text}", "no answer")
        shown = "yes" if answer else "no"
        key = f"vetting.questions.{question.name}.severity"
        if key in self.off:
            text = (
                f"Not assessed: what this answer means is not configured ({self.off[key]}). {question.text}"
            )
            return Finding(name, "missing", text, shown)
        if answer is not question.counts_when:
            return Finding(name, "met", question.text, shown, "", source)
        kinds: Mapping[str, Kind] = {"refuse": "refused", "block": "blocks", "warn": "warns", "flag": "risk"}
        kind = kinds[question.severity.value]
        text = f"{question.text} {shown.capitalize()}: {question.why}."
        if question.lifted_by:
            open_ = [
                r.text
                for r in question.lifted_by
                if not self.facts.records.get(f"{question.name}/{r.name}", "").strip()
            ]
            if open_:
                return Finding(
                    name, "blocks", f"{text} Still to be recorded: {'; '.join(open_)}.", shown, "", source
                )
            recorded = "; ".join(
                f"{r.text}: {self.facts.records[f'{question.name}/{r.name}'].strip()}"
                for r in question.lifted_by
            )
            return Finding(name, "warns", f"{text} Recorded: {recorded}.", shown, "", source)
        role = "" if question.override == NOBODY else question.override
        return Finding(name, kind, text, shown, "", source, role)

    def _traits(self) -> Iterator[Finding]:
        if self.phase != "vetting":
            return
        known = {"sex": self.facts.sex, "urgency": self.facts.urgency}
        for flag in self.rules.traits:
            used = f"vetting.traits.{flag.name}.risk" not in self.off
            if known[flag.trait] == flag.equals and used:
                text = f"{flag.risk.value[0].upper()}{flag.risk.value[1:]}."
                yield Finding(f"trait {flag.name}", "risk", text, flag.equals, "", provenance(flag.risk))

    def _allergies(self) -> Iterator[Finding]:
        if self.facts.allergies is None:
            yield Finding(
                "allergies", "missing", "Not assessed: nobody recorded whether there are allergies."
            )
        for allergy in self.facts.allergies or ():
            text = f"Allergy: {allergy}. Check local anaesthetic, skin preparation, sedation, latex and contrast."
            yield Finding("allergies", "warns", text, allergy)

    # medicines

    def _advice(self) -> tuple[Advice, ...]:
        if self.facts.medicines is None or self.risk.bleeding_class is None:
            return ()
        at = self._circumstances(self.risk.bleeding_class)
        return tuple(advise(taken, self.rules, at, self.off) for taken in self.facts.medicines)

    def _circumstances(self, bleeding_class: BleedingClass) -> Circumstances:
        crcl, why = self._clearance()
        specialist = [q for q in self.rules.questions if q.severity.value == "specialist"]
        answers = self.facts.answers
        return Circumstances(
            bleeding_class=bleeding_class,
            crcl=crcl,
            crcl_why=why,
            thrombotic=tuple(q.name for q in specialist if answers.get(q.name) is q.counts_when),
            thrombotic_open=tuple(q.name for q in specialist if q.name not in answers),
            stent=self.facts.stent,
            stent_on=self.facts.stent_on,
            day=self.day,
        )

    def _clearance(self) -> tuple[float | None, str]:
        """Creatinine clearance in ml/min, or why there is none."""
        creatinine = newest(self.facts.results, "creatinine", self.now)
        weight = newest(self.facts.results, "weight", self.now)
        if creatinine is None or weight is None:
            missing = [n for n, v in (("Creatinine", creatinine), ("weight", weight)) if v is None]
            return None, f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing."
        for value in (creatinine, weight):
            if value.age(self.now) > timedelta(days=FOR_MEDICINES):
                title = QUANTITIES[value.quantity].title
                return None, f"{title} is too old: {age_in_words(value.age(self.now))}."
        too_old = self._result_too_old(creatinine.age(self.now))
        if too_old:
            return None, f"Creatinine {too_old}"
        changing = self.facts.answers.get(self.rules.kidneys_changing_question)
        try:
            return cockcroft_gault(
                age_on(self.facts.birth_date, self.day),
                self.facts.sex,
                weight.value,
                creatinine.value,
                None if changing is None else not changing,
            ), ""
        except ValueError as refusal:
            return None, str(refusal)

    def _medicines(self, advice: tuple[Advice, ...]) -> Iterator[Finding]:
        if self.facts.medicines is None:
            yield Finding("medicines", "missing", "Not assessed: nobody recorded which medicines are taken.")
            return
        if self.risk.bleeding_class is None:
            if self.facts.medicines:
                yield Finding(
                    "medicines",
                    "missing",
                    "Not assessed: medicines depend on the bleeding class, which is open.",
                )
            return
        for taken, one in zip(self.facts.medicines, advice, strict=True):
            yield from self._medicine(taken, one)

    def _medicine(self, taken: Taken, advice: Advice) -> Iterator[Finding]:
        name = f"medicine {taken.name}"
        if advice.kind == "ask":
            yield Finding(name, "blocks", advice.words, taken.name, "", advice.source)
        elif not advice.settled:
            words = f"{advice.words[0].upper()}{advice.words[1:]}"
            yield Finding(name, "missing", f"Not assessed: {words}", taken.name, "", advice.source)
        elif advice.kind == "hold" and self.phase == "day":
            yield self._last_dose(taken, advice)
        elif advice.kind == "hold" and self.facts.start is not None and self._late(advice, self.facts.start):
            text = f"{advice.words} The day of the last dose has passed: the slot is too soon, or it was stopped."
            yield Finding(name, "warns", text, taken.name, "", advice.source)
        else:
            yield Finding(name, "met", advice.words, taken.name, "", advice.source)

    def _late(self, advice: Advice, start: datetime) -> bool:
        return line(advice, start).missed(self.now)

    def _last_dose(self, taken: Taken, advice: Advice) -> Finding:
        """What was actually taken counts, not what was planned."""
        name = f"last dose {taken.name}"
        planned: PlanLine = line(advice, self.facts.start or self.now)
        if taken.last_dose_at is None:
            return Finding(
                name,
                "missing",
                f"Not assessed: the last dose of {taken.name} actually taken is not recorded.",
            )
        shown = in_words(taken.last_dose_at)
        age = age_in_words(self.now - taken.last_dose_at)
        if planned.kept(taken.last_dose_at):
            return Finding(name, "met", f"Last dose of {taken.name} on {shown}.", shown, age, advice.source)
        wanted: Any = planned.last_dose_by or planned.last_dose_on
        role = "" if self.rules.last_dose_override == NOBODY else self.rules.last_dose_override
        text = f"Last dose of {taken.name} on {shown}, not by {in_words(wanted)}."
        return Finding(name, "blocks", text, shown, age, advice.source, role)

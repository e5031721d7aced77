"""The procedure of a case as it stands: what counts of what was entered, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, get_args

from trocar.clinical.procedure_record import (
    IONISING,
    DrugGiven,
    TeamMember,
    baseline_problems,
    before_sedation,
    complication_problems,
    drug_totals,
    pass_warning,
    team_problems,
)
from trocar.clinical.procedure_rules import DoseQuantity, ProcedureRules
from trocar.clinical.radiation import ExposureCheck, dose_alerts, dose_missing
from trocar.web.cases.department import effective_protocol
from trocar.web.cases.models import Case
from trocar.web.procedure.models import (
    Baseline,
    Complication,
    DoseEvent,
    Exposure,
    ProcedureDetails,
    RoomEvent,
)

Kind = RoomEvent.Kind


@dataclass
class Record:
    """Everything entered in the room. Six queries, each made once when it is first needed."""

    case: Case

    @cached_property
    def rules(self) -> ProcedureRules:
        """The protocol's section."""
        return self.case.protocol.procedure_record

    @cached_property
    def entered(self) -> list[RoomEvent]:
        """Every event, undone ones with them, in the order of their times."""
        return list(RoomEvent.objects.filter(case=self.case).select_related("entered_by", "undone_by"))

    @cached_property
    def events(self) -> list[RoomEvent]:
        """The events that stand."""
        return [event for event in self.entered if not event.undone]

    @property
    def last_entered(self) -> RoomEvent | None:
        """The event that was entered last and stands: what undo takes back."""
        return max(self.events, key=lambda event: event.pk, default=None)

    def of(self, kind: RoomEvent.Kind) -> list[RoomEvent]:
        """The standing events of one kind."""
        return [event for event in self.events if event.kind == kind]

    @cached_property
    def details(self) -> ProcedureDetails | None:
        """Team, needle and the rest."""
        people = ("operator", "assistant", "monitor", "radiographer")
        return ProcedureDetails.objects.filter(case=self.case).select_related(*people, "changed_by").first()

    @cached_property
    def baseline(self) -> Baseline | None:
        """The last set of observations from before sedation."""
        return Baseline.objects.filter(case=self.case).select_related("taken_by").last()

    @cached_property
    def complications(self) -> list[Complication]:
        """Complications that were entered."""
        return list(Complication.objects.filter(case=self.case).select_related("changed_by"))

    @cached_property
    def exposure(self) -> Exposure | None:
        """The radiographer's page."""
        people = ("practitioner", "operator", "authorised_by", "changed_by")
        return Exposure.objects.filter(case=self.case).select_related(*people).first()

    @cached_property
    def dose_entered(self) -> list[DoseEvent]:
        """Every dose, those taken back with them."""
        return list(DoseEvent.objects.filter(case=self.case).select_related("changed_by"))

    # -- the needle

    @property
    def first_in(self) -> datetime | None:
        """When the needle went in first: the first puncture or, where nobody pressed that, the first pass."""
        return min((e.at for e in self.events if e.kind in (Kind.NEEDLE_IN, Kind.PASS)), default=None)

    @property
    def t0(self) -> datetime | None:
        """When the last needle came out; None while one may be in."""
        out = max((e.at for e in self.of(Kind.NEEDLE_OUT)), default=None)
        after = [e for e in self.events if out and e.kind in (Kind.NEEDLE_IN, Kind.PASS) and e.at > out]
        return None if after else out

    @property
    def needle_is_in(self) -> bool:
        """Whether a needle is in as far as the record knows."""
        return self.first_in is not None and self.t0 is None

    @property
    def cores(self) -> int | None:
        """How many cores came; None while no pass is recorded."""
        passes = self.of(Kind.PASS)
        return sum(e.cores or 0 for e in passes) if passes else None

    @property
    def pass_warning(self) -> str:
        """What the page says about the passes taken so far."""
        number = len(self.of(Kind.PASS))
        return (
            pass_warning(number, self._figure("warn_at_pass"), self._figure("most_passes")) if number else ""
        )

    @property
    def next_pass_needs_reason(self) -> bool:
        """Whether one more pass would be more than the protocol's most."""
        most = self._figure("most_passes")
        return most is not None and len(self.of(Kind.PASS)) + 1 > most

    # -- the people and the patient

    @cached_property
    def modalities(self) -> set[str]:
        """Guidance that was used or is named."""
        named = {self.details.guidance} if self.details and self.details.guidance else set()
        return named | {event.modality for event in self.events if event.modality}

    @property
    def ionising(self) -> bool:
        """Whether X-rays are used."""
        return bool(self.modalities & IONISING or self.dose_events)

    @property
    def team(self) -> list[TeamMember]:
        """The people in the room with what they do; one person may do several things."""
        if self.details is None:
            return []
        duties: dict[int, set[str]] = {}
        people = {}
        for duty in ("operator", "assistant", "monitor", "radiographer"):
            person = getattr(self.details, duty)
            if person is not None:
                people[person.pk] = person
                duties.setdefault(person.pk, set()).add(duty)
        return [TeamMember(p.full_name, p.role, frozenset(duties[p.pk])) for p in people.values()]

    @property
    def team_problems(self) -> tuple[str, ...]:
        """What the team lacks."""
        return team_problems(self.team, self.ionising)

    def baseline_problems(self, at: datetime) -> tuple[str, ...]:
        """What the observations from before sedation lack at a moment. Once the needle has been in they stay valid."""
        baseline = self.baseline
        started = min((e.at for e in self.events), default=None)
        return baseline_problems(
            self.rules.baseline,
            baseline.observed() if baseline else {},
            baseline.taken_at if baseline else None,
            min(started, at) if started and baseline and baseline.taken_at <= started else at,
            self._figure("baseline_minutes"),
        )

    def before_sedation(self, at: datetime, consent_confirmed: bool | None) -> tuple[str, ...]:
        """What has to stand on the record before the first sedation."""
        access = self.details.iv_access if self.details else ""
        return before_sedation(self.baseline_problems(at), access, self.team_problems, consent_confirmed)

    @property
    def drugs(self) -> list[DrugGiven]:
        """Doses that stand."""
        return [DrugGiven(e.drug, float(e.amount or 0), e.unit, e.route, e.at) for e in self.of(Kind.DRUG)]

    @property
    def sedated_at(self) -> datetime | None:
        """When the first sedative that stands was given; consent is confirmed before."""
        given = ((rule, dose.at) for dose in self.drugs if (rule := self.rules.drug(dose.name)))
        return min((at for rule, at in given if rule.use == "sedation"), default=None)

    @property
    def drug_warnings(self) -> tuple[str, ...]:
        """Doses that together are more than the protocol warns from."""
        return drug_totals(self.rules.drugs, self.drugs)

    # -- after

    @property
    def complications_known(self) -> bool:
        """Whether somebody said that there were none, or each one has harm, plan and what the patient was told."""
        said = self.details.complications if self.details else ""
        if said == "none":
            return not self.complications
        return (
            said == "some"
            and bool(self.complications)
            and not any(complication_problems(c.harm, c.plan, c.told) for c in self.complications)
        )

    @property
    def complication_problems(self) -> tuple[str, ...]:
        """What is missing about complications."""
        said = self.details.complications if self.details else ""
        if self.complications:
            found = [p for c in self.complications for p in complication_problems(c.harm, c.plan, c.told)]
            return (
                tuple(found)
                if said == "some"
                else ("It says that there were none, and yet one is recorded.",)
            )
        return {"none": (), "some": ("No complication is described.",)}.get(
            said, ("Whether there were complications is not recorded.",)
        )

    # -- radiation

    @property
    def dose_events(self) -> list[DoseEvent]:
        """Doses that stand."""
        return [event for event in self.dose_entered if not event.undone]

    @property
    def dose_totals(self) -> dict[DoseQuantity, float | None]:
        """Quantity -> over all events: the largest CTDIvol, the sum of everything else; None where none was entered."""
        found: dict[DoseQuantity, float | None] = {}
        for quantity in get_args(DoseQuantity):
            values = [float(v) for e in self.dose_events if (v := getattr(e, quantity)) is not None]
            added = max if quantity == "ctdi_vol_mgy" else _sum
            found[quantity] = added(values) if values else None
        return found

    @property
    def dose_alerts(self) -> tuple[str, ...]:
        """Doses that the protocol warns of."""
        return dose_alerts(self.rules.dose_alerts, self.dose_totals)

    def exposure_check(self, exposure: Exposure | None, needs_side: bool | None) -> ExposureCheck:
        """The radiographer's page as the rules know it."""
        e = exposure or Exposure()
        side = {"left": "left", "right": "right", "none": "no side"}.get(e.laterality)
        return ExposureCheck(
            e.name_matches, e.birth_matches, e.third_matches, e.third_point, e.exposure_referrer,
            e.practitioner.full_name if e.practitioner else "", e.operator.full_name if e.operator else "",
            e.justification, e.pregnancy or None, e.position, side,  # type: ignore[arg-type]
            self.case.side if self.case.side in ("left", "right") else None,  # type: ignore[arg-type]
            needs_side,
        )  # fmt: skip

    @property
    def exposure_problems(self) -> tuple[str, ...]:
        """What is missing about X-rays; empty where none were used."""
        if not self.ionising:
            return () if self.modalities else ("Which guidance was used is not recorded.",)
        found = list(dose_missing(self.modalities, self.dose_totals))
        if self.exposure is None or self.exposure.authorised_at is None:
            found.insert(0, "The exposure is not recorded as authorised.")
        return tuple(found)

    def _figure(self, name: str) -> float | None:
        value = effective_protocol(self.case.protocol_name).figure(f"procedure_record.{name}")
        return None if value is None else float(value)


def _sum(values: Sequence[float]) -> float:
    return float(sum(Decimal(str(value)) for value in values))


def planned(facts: Mapping[str, Any], name: str, choices: Iterable[tuple[str, str]]) -> str:
    """What the plan's section says of ``name`` in words, as the key of one of ``choices``; "" where it says nothing."""
    said = facts.get(f"plan.{name}")
    return next((key for key, words in choices if said in (key, words)), "")

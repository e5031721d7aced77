"""What a procedure's file says of its samples: tests, media, times, what a report holds, when one is adequate."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Literal, get_args

from trocar.clinical.section import Section
from trocar.clinical.sourced import Sourced, sourced_values, with_sourced
from trocar.clinical.sourced_section import sourced_number, sourced_truth

FieldKind = Literal["count", "yes_no", "words"]


@dataclass(frozen=True)
class Medium:
    """What a pot holds. name: as tests refer to it. title: as it stands on a label."""

    name: str
    title: str


@dataclass(frozen=True)
class AcceptedMedium:
    """A medium in which a test takes its sample, if ``accepted`` is true; None: not configured, so not accepted."""

    name: str
    accepted: Sourced[bool] | None


@dataclass(frozen=True)
class LaboratoryTest:
    """A test that a laboratory can be asked for.

    media: those it takes, the usual one first. blocked: media that make the test impossible; no department can
    approve them. why_blocked: a sentence for whoever chose one.
    dispatch_h: hours from taking the sample until it leaves. transport_h: hours from there to the laboratory.
    result_working_days, urgent_result_working_days: working days from receipt to report.
    A time that is None is not configured.
    """

    name: str
    title: str
    usual: bool
    media: tuple[AcceptedMedium, ...]
    blocked: tuple[str, ...]
    why_blocked: str
    dispatch_h: Sourced[float] | None
    transport_h: Sourced[float] | None
    result_working_days: Sourced[float] | None
    urgent_result_working_days: Sourced[float] | None

    def __post_init__(self) -> None:
        both = sorted({medium.name for medium in self.media} & set(self.blocked))
        if both:
            raise ValueError(f"{', '.join(both)} is both taken and blocked")
        if self.blocked and not self.why_blocked:
            raise ValueError("blocked media need why_blocked, a sentence for whoever chose one")
        _whole_days(self.result_working_days, self.urgent_result_working_days)


@dataclass(frozen=True)
class ResultField:
    """One thing that a report on a test says.

    required: a report without it is not complete. part_of: another count, which this one cannot exceed.
    adequate_from: a count from which the sample is adequate. adequate_if: the answer that makes it adequate.
    judged: whether either stands in the file, so that a value that is None is known to be not configured.
    """

    name: str
    title: str
    kind: FieldKind
    test: str
    required: bool
    part_of: str
    judged: bool
    adequate_from: Sourced[float] | None
    adequate_if: Sourced[bool] | None

    def __post_init__(self) -> None:
        if self.adequate_from and self.kind != "count":
            raise ValueError("adequate_from goes with 'kind: count' only")
        if self.adequate_if and self.kind != "yes_no":
            raise ValueError("adequate_if goes with 'kind: yes_no' only")
        if self.part_of and self.kind != "count":
            raise ValueError("part_of goes with 'kind: count' only")


@dataclass(frozen=True)
class Outcome:
    """What a report comes to. diagnostic: it answers the question, so no repeat biopsy has to be decided on."""

    name: str
    title: str
    diagnostic: bool


@dataclass(frozen=True)
class SpecimenRules:
    """The section ``specimen`` of a protocol.

    acknowledge_working_days: from a report to its reader's acknowledgement. tell_working_days: from there until the
    referrer and the patient know. repeat_working_days: from a report to the decision on a repeat biopsy.
    """

    media: tuple[Medium, ...]
    tests: tuple[LaboratoryTest, ...]
    result_fields: tuple[ResultField, ...]
    outcomes: tuple[Outcome, ...]
    acknowledge_working_days: Sourced[float] | None
    tell_working_days: Sourced[float] | None
    repeat_working_days: Sourced[float] | None

    def __post_init__(self) -> None:
        known = {medium.name for medium in self.media}
        for test in self.tests:
            unknown = sorted(({medium.name for medium in test.media} | set(test.blocked)) - known)
            if unknown:
                raise ValueError(f"{test.name} names {', '.join(unknown)}, which is not in the list of media")
        tests = {test.name for test in self.tests}
        counts = {field.name for field in self.result_fields if field.kind == "count"}
        for field in self.result_fields:
            if field.test not in tests:
                raise ValueError(f"{field.name} belongs to {field.test!r}, which is not in the list of tests")
            if field.part_of and field.part_of not in counts - {field.name}:
                raise ValueError(f"{field.name} is part of {field.part_of!r}, which is no count of this list")
        if len({outcome.diagnostic for outcome in self.outcomes}) != 2:
            raise ValueError("outcomes need one that is diagnostic and one that is not")
        _whole_days(self.acknowledge_working_days, self.tell_working_days, self.repeat_working_days)

    def medium(self, name: str) -> Medium | None:
        """The medium of that name, or None."""
        return next((medium for medium in self.media if medium.name == name), None)

    def test(self, name: str) -> LaboratoryTest | None:
        """The test of that name, or None."""
        return next((test for test in self.tests if test.name == name), None)

    def outcome(self, name: str) -> Outcome | None:
        """The outcome of that name, or None."""
        return next((outcome for outcome in self.outcomes if outcome.name == name), None)

    def fields_of(self, tests: Container[str]) -> tuple[ResultField, ...]:
        """What reports on these tests say, in the file's order."""
        return tuple(field for field in self.result_fields if field.test in tests)

    def without(self, not_configured: Container[str]) -> SpecimenRules:
        """These rules as a department may use them: values under the dotted keys ``not_configured`` become None.

        A value that is None accepts no medium, sets no time and judges no sample.
        """
        off: dict[str, Any] = {
            key: None for key, _ in sourced_values(self, "specimen") if key in not_configured
        }
        rules: SpecimenRules = with_sourced(self, off, "specimen")
        return rules


def _whole_days(*values: Sourced[float] | None) -> None:
    if any(value is not None and value.value != int(value.value) for value in values):
        raise ValueError("working days are whole numbers")


def read_specimen(top: Section) -> SpecimenRules | None:
    """The section ``specimen``; None where it is missing or wrong, each mistake noted."""
    section = top.section("specimen")
    if section is None:
        return None
    return section.make(
        SpecimenRules,
        media=tuple(
            s.make(Medium, name=s.text("name"), title=s.text("title")) for s in section.sections("media")
        ),
        tests=tuple(_test(s) for s in section.sections("tests")),
        result_fields=tuple(_result_field(s) for s in section.sections("result_fields")),
        outcomes=tuple(
            s.make(Outcome, name=s.text("name"), title=s.text("title"), diagnostic=s.flag("diagnostic"))
            for s in section.sections("outcomes")
        ),
        acknowledge_working_days=sourced_number(section, "acknowledge_working_days"),
        tell_working_days=sourced_number(section, "tell_working_days"),
        repeat_working_days=sourced_number(section, "repeat_working_days"),
    )


def _test(section: Section) -> LaboratoryTest | None:
    return section.make(
        LaboratoryTest,
        name=section.text("name"),
        title=section.text("title"),
        usual=section.flag("usual"),
        media=tuple(
            s.make(AcceptedMedium, name=s.text("name"), accepted=sourced_truth(s, "accepted"))
            for s in section.sections("media")
        ),
        blocked=section.texts("blocked") if "blocked" in section else (),
        why_blocked=section.text("why_blocked", optional=True),
        dispatch_h=sourced_number(section, "dispatch_h"),
        transport_h=sourced_number(section, "transport_h"),
        result_working_days=sourced_number(section, "result_working_days"),
        urgent_result_working_days=sourced_number(section, "urgent_result_working_days"),
    )


def _result_field(section: Section) -> ResultField | None:
    judged_if = "adequate_if" in section
    return section.make(
        ResultField,
        name=section.text("name"),
        title=section.text("title"),
        kind=section.choice("kind", get_args(FieldKind)),
        test=section.text("test"),
        required=section.flag("required"),
        part_of=section.text("part_of", optional=True),
        judged=judged_if or "adequate_from" in section,
        adequate_from=sourced_number(section, "adequate_from", optional=True),
        adequate_if=sourced_truth(section, "adequate_if") if judged_if else None,
    )

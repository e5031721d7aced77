"""One hospital's department: which unverified values it took over, and what it allows."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from trocar import RESEARCH_NOTICE
from trocar.clinical.plausible import PLAUSIBLE, implausible
from trocar.clinical.protocol import PATHWAY_SECTIONS, Guidance, Protocol
from trocar.clinical.rates import OwnFigure, OwnRate
from trocar.clinical.reference_levels import ReferenceLevel, read_reference_levels
from trocar.clinical.section import Mistake, Reading, Section, in_one_message
from trocar.clinical.slots import Scheduling, read_scheduling
from trocar.clinical.sourced import Sourced, with_sourced
from trocar.errors import NotConfigured, ProtocolMistake, UsageError

FORMAT = 1
"""Version of the file's layout that this reader knows."""

_NOT_FOR_PLANNING = ("errors.", *(f"{section}." for section in PATHWAY_SECTIONS))
"""Keys that the planner does without: errors are left out, and the rest belongs to the way of the case."""

SAMPLE_STAMP = "Sample values: figures that nobody has approved are in use"
"""Stands beside the research notice wherever the sample department's values were used."""


@dataclass(frozen=True)
class Approval:
    """A department's word on one value of one protocol.

    key: dotted, as in ``Protocol.values``. value: what was approved; where it differs from the protocol's, it is
    the department's own value and ``own`` must say so. review_due: last day on which it counts.
    """

    protocol: str
    key: str
    value: Any
    own: bool
    approved_by: str
    approved_on: date
    review_due: date
    note: str
    line: int


@dataclass(frozen=True)
class Department:
    """A department's file.

    sample: the "Sample department" of demo, tests and bare command line. uses_unapproved: switches the unverified
    values of the protocols on; only a sample department may. archive_export, live_overlay: allowed or not.
    own_figures: what the department counted of its own complications, to stand beside the published rates.
    scheduling: rooms and hours; None where the file says nothing of them, and then nothing can be booked.
    reference_levels: the department's own levels of dose, which nothing stands in for.
    """

    name: str
    sample: bool
    uses_unapproved: bool
    archive_export: bool
    live_overlay: bool
    approvals: tuple[Approval, ...]
    scheduling: Scheduling | None
    reference_levels: tuple[ReferenceLevel, ...]
    file: str
    sha256: str
    own_figures: tuple[OwnFigure, ...] = ()

    def __post_init__(self) -> None:
        if self.uses_unapproved and not self.sample:
            raise ValueError("only a sample department may use unapproved values; approve them one by one")

    @property
    def stamps(self) -> tuple[str, ...]:
        """Sentences that stand on every page and picture."""
        return (RESEARCH_NOTICE, SAMPLE_STAMP) if self.sample else (RESEARCH_NOTICE,)

    def own_rates(self, protocol: str) -> dict[str, OwnRate]:
        """Risk of a protocol -> what the department counted itself; without an entry there is no figure yet."""
        return {figure.risk: figure.counted for figure in self.own_figures if figure.protocol == protocol}


@dataclass(frozen=True)
class Effective:
    """A protocol as one department uses it.

    protocol: with approvals and own values filled in. not_configured: key -> why the value may not be used.
    unapproved: keys of unverified values that are used without an approval (sample department only).
    """

    protocol: Protocol
    department: Department
    not_configured: Mapping[str, str]
    unapproved: tuple[str, ...]

    @property
    def stamps(self) -> tuple[str, ...]:
        """Sentences that stand on every page and picture made with these values."""
        return self.department.stamps

    def figure(self, key: str) -> Any | None:
        """The value under the dotted ``key``, or None where the department has not configured it.

        Raises KeyError where the protocol has no such value.
        """
        value = self._values[key]
        return None if key in self.not_configured else value.value

    @cached_property
    def _values(self) -> Mapping[str, Sourced[Any]]:
        # A page asks for many figures, and looking through a whole protocol takes milliseconds.
        return self.protocol.values()

    def for_planning(self, guidance: Guidance, needle: str) -> Protocol:
        """The protocol for planning one case; raises NotConfigured naming the keys where a value is missing.

        Figures of other needles are not asked for. Targeting errors that are not configured are left out (no
        probability is given) instead of stopping the plan.
        """
        missing = [
            key
            for key in self.not_configured
            if not key.startswith(_NOT_FOR_PLANNING)
            and (not key.startswith("catalogue.") or key.startswith(f"catalogue.{needle}."))
        ]
        if missing:
            keys = "\n".join(f"  {key}: {self.not_configured[key]}" for key in missing)
            raise NotConfigured(
                f"{self.department.name} has not configured {len(missing)} values that planning a "
                f"{self.protocol.title.lower()} needs; approve them in {self.department.file}:\n{keys}"
            )
        if any(key.startswith(f"errors.{guidance}.") for key in self.not_configured):
            return dataclasses.replace(self.protocol, errors={**self.protocol.errors, guidance: None})
        return self.protocol


def effective(protocol: Protocol, department: Department, on: date | None = None) -> Effective:
    """The protocol's values as ``department`` may use them on the day ``on`` (None: reviews are taken as in date).

    A verified value (R, R2, C) counts as it stands. An unverified one (U) counts where the department approved
    exactly this value, or set its own, and the review is not overdue; a sample department may use it unapproved.
    Raises ProtocolMistake where an approval names a key that the protocol does not have, or an implausible value.
    """
    values = protocol.values()
    approvals = {a.key: a for a in department.approvals if a.protocol == protocol.name}
    _check_approvals(department, protocol, values, approvals)
    changes: dict[str, Sourced[Any]] = {}
    not_configured: dict[str, str] = {}
    unapproved: list[str] = []
    for key, value in values.items():
        approval = approvals.get(key)
        refusal = "nobody approved it" if approval is None else _refusal(approval, value, on)
        if approval is not None and refusal is None:
            changes[key] = dataclasses.replace(
                value,
                value=approval.value,
                source=f"department, instead of {value.source}" if approval.own else value.source,
                status="U" if approval.own else value.status,
                approved_by=approval.approved_by,
                approved_on=approval.approved_on,
                review_due=approval.review_due,
                note=approval.note or value.note,
            )
        elif not value.verified or (approval is not None and approval.own):
            # An own value whose review is overdue must not fall back to the protocol's in silence.
            if department.uses_unapproved and approval is None:
                unapproved.append(key)
            else:
                not_configured[key] = refusal or "nobody approved it"
    complaint = _contradiction(protocol, changes)
    if complaint:
        # Each value fits by itself, but not with the others.
        mistake = Mistake(
            department.file, min(a.line for a in approvals.values()), f"approvals.{protocol.name}", complaint
        )
        raise ProtocolMistake(in_one_message(department.file, [mistake]))
    return Effective(with_sourced(protocol, changes), department, not_configured, tuple(unapproved))


def _refusal(approval: Approval, value: Sourced[Any], on: date | None) -> str | None:
    """Why an approval does not count; None where it does."""
    if on is not None and on > approval.review_due:
        return f"its review was due on {approval.review_due.isoformat()}"
    if on is not None and on < approval.approved_on:
        return f"its approval begins on {approval.approved_on.isoformat()}"
    if not approval.own and approval.value != value.value:
        return f"{approval.value} was approved, but the protocol now says {value.value}"
    return None


def _check_approvals(
    department: Department,
    protocol: Protocol,
    values: Mapping[str, Sourced[Any]],
    approvals: Mapping[str, Approval],
) -> None:
    mistakes = []
    for key, approval in approvals.items():
        complaint = None
        if key not in values:
            complaint = f"{protocol.name} has no such value"
        elif not isinstance(values[key].value, str | bool | int | float):
            complaint = (
                "is a published rate; a department's own figure stands beside it and never replaces it"
            )
        elif isinstance(approval.value, bool) != isinstance(values[key].value, bool) or isinstance(
            approval.value, str
        ) != isinstance(values[key].value, str):
            complaint = f"must be of the same kind as the protocol's value, {values[key].value!r}"
        elif key.rpartition(".")[2] in PLAUSIBLE:
            complaint = implausible(key, approval.value)
        if complaint is None and approval.own and key in values:
            complaint = _contradiction(
                protocol, {key: dataclasses.replace(values[key], value=approval.value, status="U")}
            )
        if complaint:
            mistakes.append(
                Mistake(department.file, approval.line, f"approvals.{protocol.name}.{key}", complaint)
            )
    mistakes += [
        Mistake(
            department.file, figure.line, f"own_figures.{protocol.name}.{figure.risk}", "is no risk of it"
        )
        for figure in department.own_figures
        if figure.protocol == protocol.name and protocol.consent.risk(figure.risk) is None
    ]
    if mistakes:
        raise ProtocolMistake(in_one_message(department.file, sorted(mistakes)))


def _contradiction(protocol: Protocol, changes: Mapping[str, Sourced[Any]]) -> str | None:
    """What the protocol says against values of a department's own; None where they fit into it."""
    try:
        with_sourced(protocol, changes)
    except ValueError as error:
        return str(error)
    return None


def load_department(path: str | Path | None = None) -> Department:
    """The department of a file, or the built-in "Sample department".

    Raises UsageError where the file cannot be read, ProtocolMistake with all mistakes where it is wrong.
    """
    if path is None:
        file = "sample.yaml"
        content = (resources.files("trocar.clinical") / "departments" / file).read_bytes()
    else:
        file = str(path)
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise UsageError(f"The file {file} cannot be read ({error.strerror}); check its path.") from error
    department, mistakes = read_department(content, file)
    if department is None:
        raise ProtocolMistake(in_one_message(file, mistakes))
    return department


def read_department(content: bytes, file: str) -> tuple[Department | None, list[Mistake]]:
    """The department in ``content``, or None and every mistake, sorted by line. ``file`` is its name in mistakes."""
    reading = Reading(file)
    top = reading.top(content)
    if top is None:
        return None, reading.mistakes
    top.whole("format", FORMAT, FORMAT)
    allows = top.section("allows")
    allowed = {name: allows.flag(name) for name in ("archive_export", "live_overlay")} if allows else {}
    if allows:
        allows.make(dict)
    department = top.make(
        Department,
        name=top.text("department"),
        sample=top.flag("sample"),
        uses_unapproved=top.flag("uses_unapproved"),
        approvals=tuple(_approvals(top)),
        scheduling=read_scheduling(top),
        own_figures=tuple(_own_figures(top)),
        reference_levels=read_reference_levels(top),
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        **allowed,
    )
    return (None if reading.mistakes else department), sorted(reading.mistakes)


def _approvals(top: Section) -> list[Approval | None]:
    by_protocol = top.section("approvals", optional=True)
    if by_protocol is None:
        return []
    return [
        _approval(protocol, section)
        for protocol in by_protocol.names()
        for section in by_protocol.sections(protocol, by="key")
    ]


def _own_figures(top: Section) -> list[OwnFigure | None]:
    by_protocol = top.section("own_figures", optional=True)
    if by_protocol is None:
        return []
    found = [
        _own_figure(protocol, section)
        for protocol in by_protocol.names()
        for section in by_protocol.sections(protocol, by="risk")
    ]
    by_protocol.make(dict)
    return found


def _own_figure(protocol: str, section: Section) -> OwnFigure | None:
    risk = section.text("risk")
    counted = section.make(
        OwnRate,
        events=section.whole("events", 0, 1_000_000),
        cases=section.whole("cases", 1, 1_000_000),
        first_day=section.day("first_day"),
        last_day=section.day("last_day"),
    )
    return OwnFigure(protocol, risk, counted, section.line) if counted and risk else None


def _approval(protocol: str, section: Section) -> Approval | None:
    return section.make(
        Approval,
        protocol=protocol,
        key=section.text("key"),
        value=section.plain("value"),
        own=section.flag("own") if "own" in section else False,
        approved_by=section.text("approved_by"),
        approved_on=section.day("approved_on"),
        review_due=section.day("review_due"),
        note=section.text("note", optional=True),
        line=section.line,
    )

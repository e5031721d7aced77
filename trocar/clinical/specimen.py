"""A sample on its way: cores in pots, pots on orders, the medium of each, the count, and what a report comes to.

Every question is answered in sentences for whoever has to put it right; an empty answer means that nothing is wrong.
What is missing or not configured is never taken as right.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from trocar.clinical.specimen_rules import Medium, ResultField, SpecimenRules

CoreSide = Literal["left", "right", "none"]
Finding = int | bool | str | None
Verdict = Literal["adequate", "not adequate", "not assessed"]

LONGEST_CORE_MM = 60.0
"""No core is longer than the longest notch that a protocol may name (plausible.py)."""

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""The letters of pots, without I and O, which are read as 1 and 0."""


@dataclass(frozen=True)
class Core:
    """One piece of tissue. number: from 1 on. side: None where nobody said it. pot: its number, "" for none.

    length_mm: measured before it goes into the pot; None where it was not measured.
    """

    number: int
    site: str
    side: CoreSide | None
    length_mm: float | None
    pot: str

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError("cores are numbered from 1")
        if self.length_mm is not None and not 0 < self.length_mm <= LONGEST_CORE_MM:
            raise ValueError(f"a core is longer than 0 and at most {LONGEST_CORE_MM:g} mm")


@dataclass(frozen=True)
class Pot:
    """A pot with its number, its medium ("" where nobody said it) and the orders that it is on."""

    number: str
    medium: str
    orders: tuple[str, ...]


@dataclass(frozen=True)
class Order:
    """A request to a laboratory: its number, the test (a name of the protocol's list) and the question."""

    number: str
    test: str
    question: str = ""


@dataclass(frozen=True)
class Count:
    """What was counted in the hand at sign out: pots, and cores in each pot by its number."""

    pots: int
    cores_in: Mapping[str, int]


@dataclass(frozen=True)
class Specimen:
    """Everything that one procedure sends to laboratories.

    side: of the case. no_sample: why no sample was taken, "" where one was. reader: who will read the result.
    """

    cores: tuple[Core, ...]
    pots: tuple[Pot, ...]
    orders: tuple[Order, ...]
    side: CoreSide | None
    no_sample: str = ""
    reader: str = ""
    count: Count | None = None

    def cores_in(self, pot: str) -> int:
        """How many cores are recorded in one pot."""
        return sum(core.pot == pot for core in self.cores)

    def pots_of(self, order: str) -> tuple[Pot, ...]:
        """The pots on one order."""
        return tuple(pot for pot in self.pots if order in pot.orders)


def pot_number(case_number: str, taken: Iterable[str]) -> str:
    """The number of a case's next pot: ``T-26-000123-A``, then B. A number once given is not given again.

    Raises ValueError where the alphabet is used up.
    """
    used = {number.rpartition("-")[2] for number in taken}
    free = next((letter for letter in _LETTERS if letter not in used), None)
    if free is None:
        raise ValueError(f"A case has at most {len(_LETTERS)} pots.")
    return f"{case_number}-{free}"


def in_barcode(number: str) -> str:
    """What the barcode of a pot holds: its number without dashes, which makes the bars wider."""
    return number.replace("-", "")


def as_scanned(text: str) -> str:
    """A number as scanned or typed, made comparable with ``in_barcode``: no spaces, no dashes, capital letters."""
    return "".join(ch for ch in text.upper() if ch.isalnum())


def wrong_medium(medium: str, test: str, rules: SpecimenRules) -> str | None:
    """Why a medium cannot be used for a test, in one sentence; None where the protocol takes it.

    Formalin and the like are blocked for culture, immunofluorescence and electron microscopy. A medium that the
    protocol does not name for the test, or whose acceptance nobody approved, is refused too.
    """
    wanted = rules.test(test)
    if wanted is None:
        return f"The protocol knows no test {test!r}."
    known = rules.medium(medium)
    if known is None:
        return f"Choose the medium for {_within(wanted.title)}."
    if medium in wanted.blocked:
        return f"{known.title} is blocked for {_within(wanted.title)}: {wanted.why_blocked}"
    taken = next((entry for entry in wanted.media if entry.name == medium), None)
    if taken is None:
        return f"The protocol does not name {_within(known.title)} for {_within(wanted.title)}."
    if taken.accepted is None:
        return f"{known.title} for {_within(wanted.title)} is not configured: the department has not approved it."
    if not taken.accepted.value:
        return f"The department does not take {_within(known.title)} for {_within(wanted.title)}."
    return None


def media_for(test: str, rules: SpecimenRules) -> tuple[Medium, ...]:
    """The media in which a test takes its sample, the usual one first."""
    wanted = rules.test(test)
    names = [entry.name for entry in wanted.media] if wanted else []
    return tuple(
        medium
        for name in names
        if (medium := rules.medium(name)) is not None and wrong_medium(name, test, rules) is None
    )


def record_problems(specimen: Specimen, rules: SpecimenRules) -> tuple[str, ...]:
    """What is wrong with cores, pots and orders as they are recorded, before anything is counted.

    Each pot sits on exactly one order, and each order has one pot: as many specimens as orders.
    """
    if specimen.no_sample:
        if specimen.cores or specimen.pots:
            return ("It says that no sample was taken, but cores or pots are recorded.",)
        return ()
    found = []
    if not specimen.orders:
        found.append("No order to a laboratory is recorded.")
    if not specimen.pots:
        found.append("No pot is recorded.")
    for what, numbers in (
        ("Pot", [pot.number for pot in specimen.pots]),
        ("Order", [order.number for order in specimen.orders]),
    ):
        found += [f"{what} {number} is recorded twice." for number, n in Counter(numbers).items() if n > 1]
    found += [problem for core in specimen.cores for problem in _core_problems(core, specimen)]
    found += [problem for pot in specimen.pots for problem in _pot_problems(pot, specimen, rules)]
    found += [problem for order in specimen.orders if (problem := _order_problem(order, specimen))]
    return tuple(found)


def _order_problem(order: Order, specimen: Specimen) -> str | None:
    """An order has one pot, so that the number of pots in the hand is the number of orders."""
    pots = len(specimen.pots_of(order.number))
    if pots == 0:
        return f"Order {order.number} ({order.test}) has no pot."
    if pots > 1:
        return f"Order {order.number} ({order.test}) has {pots} pots; a second pot needs an order of its own."
    return None


def _core_problems(core: Core, specimen: Specimen) -> list[str]:
    found = []
    if not core.site.strip():
        found.append(f"Core {core.number} has no site.")
    if core.length_mm is None:
        found.append(f"Core {core.number} has no length.")
    if core.side is None:
        found.append(f"Core {core.number} has no side.")
    elif specimen.side is None:
        found.append(f"Core {core.number} is from the {core.side} side, but the case has no side.")
    elif core.side != specimen.side:
        found.append(
            f"Core {core.number} says {_side(core.side)}, but the case says {_side(specimen.side)}: stop and check."
        )
    if core.pot not in {pot.number for pot in specimen.pots}:
        found.append(f"Core {core.number} is in no pot.")
    return found


def _pot_problems(pot: Pot, specimen: Specimen, rules: SpecimenRules) -> list[str]:
    found = []
    if not specimen.cores_in(pot.number):
        found.append(f"Pot {pot.number} holds no core.")
    if len(pot.orders) != 1:
        on = "no order" if not pot.orders else f"{len(pot.orders)} orders"
        return [*found, f"Pot {pot.number} is on {on}; each pot sits on exactly one."]
    order = next((order for order in specimen.orders if order.number == pot.orders[0]), None)
    if order is None:
        return [*found, f"Pot {pot.number} is on order {pot.orders[0]}, which is not recorded."]
    medium = wrong_medium(pot.medium, order.test, rules)
    if medium:
        found.append(f"Pot {pot.number}: {medium}")
    return found


def count_problems(specimen: Specimen, rules: SpecimenRules) -> tuple[str, ...]:
    """Why the count at sign out does not hold; empty: what was counted is what is recorded and ordered.

    Pots are counted in the hand, cores per pot. A count made before something was added or taken out does not hold.
    """
    problems = record_problems(specimen, rules)
    if problems or specimen.no_sample:
        return problems
    if specimen.count is None:
        return ("The pots and cores have not been counted.",)
    found = []
    if specimen.count.pots != len(specimen.pots):
        found.append(f"{_counted(specimen.count.pots, 'pot')}, but {len(specimen.pots)} recorded.")
    for pot in specimen.pots:
        counted = specimen.count.cores_in.get(pot.number)
        recorded = specimen.cores_in(pot.number)
        if counted is None:
            found.append(f"The cores in pot {pot.number} were not counted.")
        elif counted != recorded:
            found.append(f"{_counted(counted, 'core')} in pot {pot.number}, but {recorded} recorded.")
    return tuple(found)


def missing_before_dispatch(specimen: Specimen, rules: SpecimenRules) -> tuple[str, ...]:
    """What stands in the way of sending the pots off."""
    if specimen.no_sample:
        return ("No sample was taken, so there is nothing to send.",)
    found = list(count_problems(specimen, rules))
    found += [
        f"Order {order.number} ({order.test}) has no question to the laboratory."
        for order in specimen.orders
        if not order.question.strip()
    ]
    if not specimen.reader:
        found.append("Nobody is named to read the result.")
    return tuple(found)


@dataclass(frozen=True)
class Adequacy:
    """Whether a sample was adequate by the protocol's figures, and why, a sentence for each figure."""

    verdict: Verdict
    reasons: tuple[str, ...]


def adequate(findings: Mapping[str, Finding], tests: Iterable[str], rules: SpecimenRules) -> Adequacy:
    """Whether the sample was adequate for the tests that were asked for, by the protocol's figures.

    One figure that falls short makes it not adequate. One that is missing, or that nobody approved, leaves it not
    assessed, and so does a protocol without any figure for these tests.
    """
    short: list[str] = []
    unknown: list[str] = []
    met: list[str] = []
    for field in rules.fields_of(frozenset(tests)):
        if not field.judged:
            continue
        answer = findings.get(field.name)
        limit = field.adequate_from or field.adequate_if
        if limit is None:
            unknown.append(f"{field.title}: the limit is not configured.")
        elif answer is None:
            unknown.append(f"{field.title}: not stated.")
        elif field.kind == "count":
            (met if answer_count(answer) >= limit.value else short).append(
                f"{field.title}: {answer}, adequate from {limit.value:g} (source {limit.source}, {limit.status})."
            )
        else:
            (met if answer is limit.value else short).append(
                f"{field.title}: {'yes' if answer else 'no'} (source {limit.source}, {limit.status})."
            )
    if short:
        return Adequacy("not adequate", (*short, *unknown, *met))
    if unknown or not met:
        return Adequacy("not assessed", (*unknown, *met) or ("The protocol has no figure for these tests.",))
    return Adequacy("adequate", tuple(met))


def answer_count(answer: Finding) -> int:
    """A count as a number. ValueError where it is none."""
    if isinstance(answer, bool) or not isinstance(answer, int) or answer < 0:
        raise ValueError(f"must be a whole number, 0 or more, not {answer!r}")
    return answer


def finding_problems(
    findings: Mapping[str, Finding], tests: Iterable[str], rules: SpecimenRules
) -> dict[str, str]:
    """What is wrong with a report's findings, field by field."""
    fields = {field.name: field for field in rules.fields_of(frozenset(tests))}
    found = {
        name: "The protocol does not ask this for these tests." for name in findings if name not in fields
    }
    for name, field in fields.items():
        answer = findings.get(name)
        if answer is None or answer == "":
            if field.required:
                found[name] = f"{field.title} is missing."
        elif not _fits(answer, field):
            found[name] = f"{field.title}: {_WANTED[field.kind]}."
        elif field.part_of and isinstance(whole := findings.get(field.part_of), int) and int(answer) > whole:
            found[name] = f"{field.title} cannot be more than {_within(fields[field.part_of].title)}."
    return found


_WANTED = {"count": "give a whole number, 0 or more", "yes_no": "say yes or no", "words": "give words"}


def _fits(answer: Finding, field: ResultField) -> bool:
    if field.kind == "yes_no":
        return isinstance(answer, bool)
    if field.kind == "words":
        return isinstance(answer, str)
    return isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < math.inf


def repeat_to_decide(outcome: str, verdict: Verdict, rules: SpecimenRules) -> str | None:
    """Why somebody has to decide on a repeat biopsy, in one sentence; None where the report answers the question.

    An outcome that is not diagnostic opens the decision, and so does a sample short of the protocol's figures: it
    may have given an answer by luck, and whoever knows the patient says whether that is enough.
    """
    known = rules.outcome(outcome)
    if known is None:
        return "The report does not say what it comes to."
    if not known.diagnostic:
        return f"The report is not diagnostic ({_within(known.title)})."
    if verdict == "not adequate":
        return "The sample falls short of the protocol's figures for an adequate one."
    return None


def may_reach_patient(named_reader: str, discussed_by: str | None) -> bool:
    """Whether a patient's page may speak of a result: only once its named reader has recorded that it was discussed.

    Source: the clinical rules of this project. A record by anybody else does not open it.
    """
    return bool(named_reader) and discussed_by == named_reader


def _counted(number: int, what: str) -> str:
    return f"{number} {what} was counted" if number == 1 else f"{number} {what}s were counted"


def _side(side: CoreSide) -> str:
    return "no side" if side == "none" else side


def _within(title: str) -> str:
    """A title inside a sentence: small first letter, unless it is an abbreviation."""
    return title if title[1:2].isupper() or title[1:2].isdigit() else title[:1].lower() + title[1:]

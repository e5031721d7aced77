"""A department's own reference levels for the dose of a guided biopsy.

The employer sets them (clinical reference, section 6, IR(ME)R 2017); none comes with Trocar, and no diagnostic level
stands in for one (W12). Without a level the page says that there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import get_args

from trocar.clinical.procedure_rules import DoseQuantity
from trocar.clinical.radiation import DOSE, dose_problem
from trocar.clinical.section import Section


@dataclass(frozen=True)
class ReferenceLevel:
    """One level. value: in the unit of ``quantity``. review_due: the last day on which it counts."""

    protocol: str
    quantity: DoseQuantity
    value: float
    set_by: str
    set_on: date
    review_due: date

    def __post_init__(self) -> None:
        problem = dose_problem(self.quantity, self.value)
        if problem:
            raise ValueError(problem)
        if self.review_due < self.set_on:
            raise ValueError("review_due must follow set_on")


def read_reference_levels(top: Section) -> tuple[ReferenceLevel | None, ...]:
    """The list ``reference_levels`` of a department file; empty where the department has none."""
    return tuple(
        section.make(
            ReferenceLevel,
            protocol=section.text("protocol"),
            quantity=section.choice("quantity", get_args(DoseQuantity)),
            value=section.number("level"),
            set_by=section.text("set_by"),
            set_on=section.day("set_on"),
            review_due=section.day("review_due"),
        )
        for section in top.sections("reference_levels", by="key", optional=True)
    )


def against_levels(
    levels: Iterable[ReferenceLevel], protocol: str, values: Mapping[DoseQuantity, float | None], on: date
) -> tuple[str, ...]:
    """A sentence for each dose that was entered: above or within the department's level, or that it has none."""
    known = {level.quantity: level for level in levels if level.protocol == protocol}
    found = []
    for quantity, value in values.items():
        if value is None:
            continue
        kind, level = DOSE[quantity], known.get(quantity)
        if level is None or not level.set_on <= on <= level.review_due:
            why = "has no level of its own" if level is None else "has a level whose review is overdue"
            found.append(f"{kind.title}: {value:g} {kind.unit}; the department {why}.")
        else:
            where = "above" if value > level.value else "not above"
            found.append(
                f"{kind.title}: {value:g} {kind.unit}, {where} the department's level of {level.value:g}."
            )
    return tuple(found)

"""Leaflets for patients: which versions there are, and whether one may still be handed out.

The number pattern and the dates of the seeds: clinical reference, section 1 rows 60 to 62, and W8.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date

IDENTIFIER = re.compile(r"^\d{4}/VER\d+$", re.ASCII)
NOTICE_DAYS = (180, 90, 30)
"""Days before the end of the review month at which a coming review is pointed out (W8)."""
REVIEW_MONTHS = 36
"""Longest time between two reviews: at least every three years (clinical reference, P2)."""

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, order=True)
class Month:
    """A month of a year; leaflets are dated no finer."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1990 <= self.year <= 2100 and 1 <= self.month <= 12):
            raise ValueError("not a month between 1990 and 2100")

    def __str__(self) -> str:
        return f"{calendar.month_name[self.month]} {self.year}"

    @classmethod
    def parse(cls, text: str) -> Month:
        """A month written as 2027-02. ValueError for anything else."""
        found = _MONTH.fullmatch(text)
        if not found:
            raise ValueError("must be a month such as 2027-02")
        return cls(int(found[1]), int(found[2]))

    @property
    def last_day(self) -> date:
        """Its last day."""
        return date(self.year, self.month, calendar.monthrange(self.year, self.month)[1])

    def months_to(self, other: Month) -> int:
        """Months from this one to ``other``."""
        return (other.year - self.year) * 12 + other.month - self.month


@dataclass(frozen=True)
class LeafletVersion:
    """One version of a leaflet; never changed once it exists. It runs out with the month of its next review.

    Raises ValueError where the identifier is not like 0573/VER6, or the dates do not follow each other.
    """

    identifier: str
    title: str
    last_reviewed: Month
    next_review: Month

    def __post_init__(self) -> None:
        if not IDENTIFIER.fullmatch(self.identifier):
            raise ValueError("the identifier must be four digits, /VER and a number, such as 0573/VER6")
        if not 0 < self.last_reviewed.months_to(self.next_review) <= REVIEW_MONTHS:
            raise ValueError(f"the next review must follow the last within {REVIEW_MONTHS} months")

    @property
    def name(self) -> str:
        """The identifier."""
        return self.identifier

    @property
    def number(self) -> int:
        """The number of the version: 6 for 0573/VER6."""
        return int(self.identifier.partition("/VER")[2])

    def expired(self, on: date) -> bool:
        """Whether the month of its review is over."""
        return on > self.next_review.last_day

    def refusal(self, on: date) -> str | None:
        """Why it may not be handed out on a day; None where it may."""
        if self.expired(on):
            return f"Leaflet {self.identifier} was due for review in {self.next_review}; it may not be handed out."
        if on < date(self.last_reviewed.year, self.last_reviewed.month, 1):
            return f"Leaflet {self.identifier} did not exist before {self.last_reviewed}."
        return None

    def notice(self, on: date) -> str | None:
        """A sentence where the review comes near, with the smallest of NOTICE_DAYS that is reached."""
        left = (self.next_review.last_day - on).days
        if left < 0:
            return f"Leaflet {self.identifier} ran out {-left} days ago."
        if left > max(NOTICE_DAYS):
            return None
        within = min(days for days in NOTICE_DAYS if left <= days)
        return (
            f"Leaflet {self.identifier} is due for review in {self.next_review}: {left} days are left "
            f"(notice at {within} days)."
        )


def newest(versions: tuple[LeafletVersion, ...]) -> LeafletVersion:
    """The version with the highest number."""
    return max(versions, key=lambda version: version.number)

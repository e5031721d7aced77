"""How often something happens: one object, from which every form that people read is made.

A leaflet that says "less than 5 out of 100 (3 to 5%)" contradicts itself at five. Here the number stands once, and
the natural frequency, the percentage, the two frames, the icons and the word all come from it.
Sources: clinical reference, W3 and section 9 ("risk display": natural frequency, one denominator, gain and loss).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from trocar.clinical.sourced import Sourced


@dataclass(frozen=True)
class Rate:
    """From ``low`` to ``high`` people out of ``denominator``; ``basis`` says who was counted.

    Decimals are kept as published (0.6 in 1,000) and rounded only in words. low and high may be the ends of an
    interval or the figures of several studies; ``basis`` says which. Raises ValueError where they contradict.
    """

    low: float
    high: float
    denominator: int
    basis: str

    def __post_init__(self) -> None:
        if not self.basis.strip():
            raise ValueError("a rate says who was counted (basis)")
        if self.denominator not in (100, 1000, 10_000):
            raise ValueError("denominator must be 100, 1000 or 10000")
        if not 0 <= self.low <= self.high <= self.denominator:
            raise ValueError("low and high must stand in order, from 0 to the denominator")

    def __str__(self) -> str:
        return self.frequency

    def per(self, denominator: int) -> Rate:
        """The same rate out of another number of people."""
        factor = denominator / self.denominator
        return Rate(self.low * factor, self.high * factor, denominator, self.basis)

    @property
    def frequency(self) -> str:
        """Natural frequency: "22 to 51 in every 1,000 people"."""
        return f"{_count_words(self.low, self.high)} in every {self.denominator:,} people"

    @property
    def spared(self) -> str:
        """The other frame: how many it does not happen to."""
        low, high = self.denominator - whole(self.high), self.denominator - whole(self.low)
        if self.high < 1:
            return f"more than {self.denominator - 1:,} in every {self.denominator:,} people do not have it"
        count = f"at least {low:,}" if self.low < 1 else f"{low:,}" if low == high else f"{low:,} to {high:,}"
        return f"{count} in every {self.denominator:,} people do not have it"

    @property
    def percent(self) -> str:
        """As a percentage, with the digits that were published."""
        low, high = self._shares()
        if low == high:
            return f"{_digits(100 * low)}%"
        return f"{_digits(100 * low)}% to {_digits(100 * high)}%"

    @property
    def icons(self) -> tuple[int, int]:
        """People to fill in an array of ``denominator``: those counted at least, and those that may be added."""
        surely = 0 if self.low < 1 else whole(self.low)
        return surely, max(whole(self.high), 1 if self.high else 0) - surely

    def _shares(self) -> tuple[float, float]:
        return self.low / self.denominator, self.high / self.denominator


def whole(count: float) -> int:
    """The nearest whole number, halves upwards."""
    return math.floor(count + 0.5)


def _count_words(low: float, high: float) -> str:
    if high < 1:
        return "fewer than 1"
    if low < 1:
        return f"up to {whole(high):,}"
    if whole(low) == whole(high):
        return f"about {whole(low):,}"
    return f"{whole(low):,} to {whole(high):,}"


def _digits(number: float) -> str:
    return f"{number:.3g}" if number < 100 else f"{number:.0f}"


@dataclass(frozen=True)
class VerbalLabel:
    """A word for a rate: ``name`` is used from the share ``at_least`` on (0.01: one person in a hundred)."""

    name: str
    at_least: Sourced[float]


@dataclass(frozen=True)
class VerbalScale:
    """Words for rates, the most frequent first, down to a share of 0. Raises ValueError where the order is broken."""

    labels: tuple[VerbalLabel, ...]

    def __post_init__(self) -> None:
        shares = [label.at_least.value for label in self.labels]
        if not shares or shares != sorted(set(shares), reverse=True) or shares[-1] != 0:
            raise ValueError("the words must go from frequent to rare, each share once, the last from 0 on")

    def word(self, share: float) -> str:
        """The word for one share."""
        return next(label.name for label in self.labels if share >= label.at_least.value)

    def words(self, rate: Rate) -> str:
        """The word for a rate, or the two between which it lies."""
        low, high = self.word(rate.low / rate.denominator), self.word(rate.high / rate.denominator)
        return high if low == high or rate.low == 0 else f"{low} to {high}"

    def understates(self, word: str, rate: Rate) -> bool:
        """Whether ``word`` promises less than the upper end of ``rate`` allows."""
        names = [label.name for label in self.labels]
        return names.index(word) > names.index(self.word(rate.high / rate.denominator))


@dataclass(frozen=True)
class OwnRate:
    """What one department counted itself: ``events`` in ``cases`` from one day to another, both included."""

    events: int
    cases: int
    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if not 0 <= self.events <= self.cases or self.cases == 0:
            raise ValueError("events must lie between 0 and the number of cases, and there must be a case")
        if self.last_day < self.first_day:
            raise ValueError("the last day counted lies before the first")

    def rate(self, denominator: int) -> Rate:
        """The rate with the width that chance alone gives it (Wilson, 95 %)."""
        low, high = wilson(self.events, self.cases)
        basis = f"{self.events:,} of {self.cases:,} in this department, {self.first_day} to {self.last_day}"
        return Rate(low * denominator, high * denominator, denominator, basis)


@dataclass(frozen=True)
class OwnFigure:
    """A department's own count for one risk of one protocol. line: where its file says so."""

    protocol: str
    risk: str
    counted: OwnRate
    line: int


def wilson(events: int, cases: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: 39 of 6,167 gives 0.0046 to 0.0086."""
    z2 = 1.959964**2
    share = events / cases
    middle = (share + z2 / (2 * cases)) / (1 + z2 / cases)
    half = math.sqrt(z2 * (share * (1 - share) / cases + z2 / (4 * cases**2))) / (1 + z2 / cases)
    return max(0.0, middle - half), min(1.0, middle + half)

"""Bank holidays of the nations of the United Kingdom, computed, so that no list runs out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Literal

Nation = Literal["england", "wales", "scotland", "northern_ireland"]

_SUBDIVISION: Mapping[Nation, str] = {
    "england": "ENG",
    "wales": "WLS",
    "scotland": "SCT",
    "northern_ireland": "NIR",
}


def bank_holiday(day: date, nation: Nation) -> str | None:
    """The name of the bank holiday on ``day``, substitute days included; None on any other day."""
    return _of_year(day.year, nation).get(day)


@lru_cache(maxsize=64)
def _of_year(year: int, nation: Nation) -> Mapping[date, str]:
    # Here, because the package takes a while to load and few commands ask for a bank holiday.
    from holidays import country_holidays

    return dict(country_holidays("GB", subdiv=_SUBDIVISION[nation], years=year, language="en_GB"))

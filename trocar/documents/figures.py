"""Numbers as they are printed. Nothing is rounded so that it looks better than it is."""

from __future__ import annotations

import math


def whole_mm(mm: float) -> str:
    """Lengths that are set or read at the needle: "92 mm"."""
    return f"{_half_up(mm):d} mm"


def clearance(mm: float | None) -> str:
    """A clearance: below 10 mm with one decimal, cut and not rounded, so that 4.96 never reads as 5."""
    if mm is None:
        return "not judged"
    if mm == 0:
        return "0 mm"
    return f"{math.floor(mm * 10 + 1e-9) / 10:.1f} mm" if mm < 10 else f"{math.floor(mm + 1e-9)} mm"


def limit(mm: float | None) -> str:
    """A limit as the protocol states it."""
    return "no limit" if mm is None else f"{mm:g} mm"


def degrees(deg: float) -> str:
    """Whole degrees."""
    return f"{_half_up(deg):d}°"


def percent(share: float | None) -> str:
    """Whole per cent; less than 1 % and more than 99 % are said so unless exactly none or all."""
    if share is None:
        return "not judged"
    if 0 <= share < 0.01:
        return "0 %" if share == 0 else "< 1 %"
    if 0.99 < share < 1:
        return "> 99 %"
    return f"{_half_up(share * 100):d} %"


def count(number: int) -> str:
    """A count in words' reach: "1.2 million", "54 thousand", "312"."""
    if number >= 1_000_000:
        return f"{number / 1_000_000:.1f} million"
    return f"{number // 1000} thousand" if number >= 10_000 else str(number)


def _half_up(value: float) -> int:
    """Nearest whole number, halves away from zero; never -0."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))

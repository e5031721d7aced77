"""A rate as a picture: so many people in rows, those whom it happens to filled in."""

from __future__ import annotations

from typing import Any

from django import template

from trocar.clinical.rates import Rate
from trocar.web.consent.icons import COLUMNS, SIZE, rows_of, runs

register = template.Library()


@register.inclusion_tag("consent/icons.html")
def people(rate: Rate) -> dict[str, Any]:
    """The icon array of a rate; its words stand in the picture's label."""
    surely, perhaps = rate.icons
    return {
        "label": f"{rate.denominator:,} people, of whom it happens to {rate.frequency}",
        "width": COLUMNS * SIZE, "height": rows_of(rate.denominator) * SIZE,
        "surely": runs(0, surely), "perhaps": runs(surely, surely + perhaps),
    }  # fmt: skip

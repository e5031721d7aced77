"""One path of a plan.json as values for a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from trocar.documents.naming import capital, spoken
from trocar.geometry.needle_path import NeedlePath
from trocar.web.plans import wording

MEASURES = {
    "notch_in_target_mm": "Length of the notch in the target",
    "cortex_thickness_mm": "Thickness of the bone cortex",
    "depth_to_surface_mm": "Depth at which the organ or bone is met",
    "tip_inside_mm": "Tip inside the target before the throw",
    "sinus_clearance_mm": "Distance to the renal sinus",
    "pedicle_width_mm": "Width of the pedicle",
}
LISTED = 12
"""Structures and reasons that are shown at once; after them come dozens that matter to nobody."""


@dataclass(frozen=True)
class Clearance:
    """Distance from the needle's axis to one structure: before and after the throw, and what is asked for.

    None stands for "not judged" (clearances) and "no limit in the protocol" (required).
    """

    structure: str
    before_throw_mm: float | None
    after_throw_mm: float | None
    required_mm: float | None
    harm: float | None
    crossed: bool

    @property
    def name(self) -> str:
        return capital(spoken(self.structure))

    @property
    def before_throw(self) -> str:
        return wording.millimetres(self.before_throw_mm)

    @property
    def after_throw(self) -> str:
        return wording.millimetres(self.after_throw_mm)

    @property
    def required(self) -> str:
        return "no limit" if self.required_mm is None else f"{self.required_mm:g} mm"

    @property
    def harm_in_words(self) -> str:
        return wording.NOT_JUDGED if self.harm is None else wording.percent(self.harm)

    @property
    def margin_mm(self) -> float | None:
        """What is left beyond the limit; negative where the limit is not kept; None without limit or judgement."""
        if self.after_throw_mm is None or self.required_mm is None:
            return None
        return self.after_throw_mm - self.required_mm

    @property
    def verdict(self) -> str:
        if self.after_throw_mm is None:
            return wording.NOT_JUDGED
        if self.margin_mm is None:
            return "gone through" if self.crossed else "no limit"
        return "within the limit" if self.margin_mm >= 0 else "limit not kept"


@dataclass(frozen=True, eq=False)
class ShownPath:
    """One path of the plan; ``number`` counts from 1 in rank order."""

    number: int
    raw: Mapping[str, Any]

    @cached_property
    def needle_path(self) -> NeedlePath:
        return NeedlePath(
            np.array(self.raw["entry_lps_mm"]),
            np.array(self.raw["target_lps_mm"]),
            float(self.raw["throw_mm"]),
        )

    @property
    def length(self) -> str:
        return f"{self.raw['length_mm']:.0f} mm"

    @property
    def throw(self) -> str:
        return f"{self.raw['throw_mm']:g} mm"

    @property
    def relaxed(self) -> str | None:
        limit = self.raw.get("relaxed")
        return None if limit is None else wording.sentence(limit)

    @property
    def needs_check_scan(self) -> bool:
        return bool(self.raw.get("needs_check_scan"))

    @property
    def reasons(self) -> list[str]:
        return [wording.sentence(reason) for reason in self.raw["reasons"]]

    @property
    def crossed_structures(self) -> list[str]:
        return list(self.raw["crosses"])

    @property
    def crosses(self) -> str:
        return capital(wording.listed([spoken(s) for s in self.crossed_structures]) or "no named structure")

    @property
    def to_skin(self) -> str:
        return f"{self.raw['angles_deg']['to_skin']:.0f}° from straight in"

    @property
    def out_of_axial(self) -> str:
        return wording.tilt_out_of_axial(self.raw["angles_deg"]["out_of_axial"])

    @property
    def in_axial(self) -> str:
        return wording.direction_in_axial(self.raw["angles_deg"]["in_axial"])

    @property
    def to_cortex(self) -> str | None:
        angle = self.raw["angles_deg"].get("to_cortex")
        return None if angle is None else f"{angle:.0f}° from the cortex's normal"

    @property
    def sample_chance(self) -> str:
        share = self.raw["risk"]["sample"]
        return wording.NOT_JUDGED if share is None else wording.percent(share)

    @property
    def risk_method(self) -> str | None:
        return self.raw["risk"].get("method")

    @cached_property
    def clearances(self) -> list[Clearance]:
        """Every structure that was measured, the one nearest to (or furthest beyond) its limit first."""
        before = self.raw["clearances_path_mm"] | self.raw.get("zone_clearances_path_mm", {})
        after = self.raw["clearances_mm"] | self.raw.get("zone_clearances_mm", {})
        required, harm = self.raw.get("required_mm", {}), self.raw["risk"]["harm"]
        every = [
            Clearance(
                name,
                before.get(name),
                after.get(name),
                required.get(name),
                harm.get(name),
                name in self.crossed_structures,
            )
            for name in after
        ]

        def order(one: Clearance) -> tuple[bool, float, float, str]:
            far = float("inf")
            return (
                one.margin_mm is None,
                far if one.margin_mm is None else one.margin_mm,
                far if one.after_throw_mm is None else one.after_throw_mm,
                one.structure,
            )

        return sorted(every, key=order)

    @property
    def tightest(self) -> Clearance | None:
        """The structure with the least room beyond its limit."""
        return next((c for c in self.clearances if c.margin_mm is not None), None)

    @property
    def worst_harm(self) -> Clearance | None:
        """The structure most likely to be entered, by the model."""
        judged = [c for c in self.clearances if c.harm is not None and not c.crossed]
        return max(judged, key=lambda c: (c.harm, c.structure), default=None)

    @property
    def measures(self) -> list[tuple[str, str]]:
        """Lengths that the target asks for; the angle to the cortex stands with the other angles."""
        return [
            (
                MEASURES.get(name, capital(name.removesuffix("_mm").replace("_", " "))),
                wording.millimetres(value),
            )
            for name, value in self.raw.get("measures", {}).items()
            if name.endswith("_mm")
        ]

    @property
    def clearances_near(self) -> list[Clearance]:
        """The structures with the least room, those first."""
        return [c for c in self.clearances if c.after_throw_mm is not None][:LISTED]

    @property
    def clearances_far(self) -> list[Clearance]:
        return [c for c in self.clearances if c.after_throw_mm is not None][LISTED:]

    @property
    def unjudged(self) -> str:
        """Structures to which no distance is given, since they move between the scan's position and the needle's."""
        return wording.listed([spoken(c.structure) for c in self.clearances if c.after_throw_mm is None])

    @property
    def shown_structures(self) -> list[str]:
        """What the pictures outline: what is gone through, what is nearest, and what was not judged."""
        measured = sorted(
            (c for c in self.clearances if c.after_throw_mm is not None),
            key=lambda c: (c.after_throw_mm, c.structure),
        )
        names = [
            *self.crossed_structures,
            *(c.structure for c in measured[:LISTED]),
            *(c.structure for c in self.clearances if c.after_throw_mm is None),
        ]
        return list(dict.fromkeys(names))

"""plan.json as values for a page: the published layout (docs/plan.schema.json), and nothing else of the planner."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from trocar.documents.naming import capital, spoken
from trocar.errors import InputRefused
from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.planning.plan import TablePosition
from trocar.web.plans import wording

POSITIONS = {
    "prone": "prone (face down)",
    "supine": "supine (face up)",
    "left_lateral": "on the left side (right side up)",
    "right_lateral": "on the right side (left side up)",
}
GUIDANCES = {"ct": "CT", "ultrasound": "ultrasound", "fluoroscopy": "X-ray (fluoroscopy)"}
MEASURES = {
    "notch_in_target_mm": "Length of the notch in the target",
    "cortex_thickness_mm": "Thickness of the bone cortex",
    "path_in_cortex_mm": "Path in the renal cortex",
    "sinus_clearance_mm": "Distance to the renal sinus",
    "pedicle_width_mm": "Inner width of the pedicle",
}


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
        return self.raw.get("relaxed")

    @property
    def needs_check_scan(self) -> bool:
        return bool(self.raw.get("needs_check_scan"))

    @property
    def reasons(self) -> list[str]:
        return list(self.raw["reasons"])

    @property
    def crossed_structures(self) -> list[str]:
        return list(self.raw["crosses"])

    @property
    def crosses(self) -> str:
        return wording.listed([spoken(s) for s in self.crossed_structures]) or "no named structure"

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
        before, after = self.raw["clearances_path_mm"], self.raw["clearances_mm"]
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
        shown = []
        for name, value in self.raw.get("measures", {}).items():
            label = MEASURES.get(name, capital(name.removesuffix("_mm").replace("_", " ")))
            shown.append((label, wording.millimetres(value) if name.endswith("_mm") else f"{value:g}"))
        return shown

    @property
    def shown_structures(self) -> list[str]:
        """What the pictures outline: all that was measured or is gone through, nearest first."""
        return list(dict.fromkeys([*(c.structure for c in self.clearances), *self.crossed_structures]))


@dataclass(frozen=True)
class RejectedShare:
    """Why pairs fell out: the reason and its share of all judged pairs."""

    reason: str
    share: float

    @property
    def percent(self) -> str:
        return wording.percent(self.share)

    @property
    def bar(self) -> str:
        """Width of its bar, 0 to 100."""
        return f"{max(0.0, min(1.0, self.share)) * 100:.2f}"


@dataclass(frozen=True, eq=False)
class ShownPlan:
    """A plan. ``version`` names this content: it changes when the plan is made anew."""

    raw: Mapping[str, Any]
    version: str

    @cached_property
    def paths(self) -> list[ShownPath]:
        """Paths within every limit; where there are none, those that would be left if one limit were relaxed."""
        offered = self.raw["paths"] or self.raw.get("nearest", [])
        return [ShownPath(number, raw) for number, raw in enumerate(offered, start=1)]

    @property
    def within_limits(self) -> bool:
        return bool(self.raw["paths"])

    @property
    def best(self) -> ShownPath | None:
        return self.paths[0] if self.paths else None

    @property
    def procedure(self) -> str:
        return self.raw.get("protocol_title") or spoken(self.raw["protocol"])

    @property
    def side(self) -> str | None:
        return self.raw.get("side")

    @property
    def target(self) -> str:
        return spoken(self.raw["target"]["name"])

    @property
    def guidance(self) -> str:
        return GUIDANCES.get(self.raw["guidance"], self.raw["guidance"])

    @property
    def position(self) -> str:
        return POSITIONS.get(self.raw["position"], self.raw["position"])

    @property
    def needle(self) -> str:
        needle = self.planned_needle
        return f"{needle.name}, {needle.gauge} G, {needle.length_mm:g} mm, throw {needle.throw_mm:g} mm"

    @property
    def lying(self) -> TablePosition | None:
        """How the patient lies at needle time, if it is one of the known positions."""
        position = self.raw["position"]
        return position if position in POSITIONS else None

    @cached_property
    def planned_needle(self) -> Needle:
        return Needle(**{field.name: self.raw["needle"][field.name] for field in fields(Needle)})

    def notch_depth_mm(self, path: ShownPath) -> float:
        """From the entry to the middle of the notch after the throw."""
        return path.needle_path.length_mm + self.planned_needle.notch_centre_mm

    @property
    def is_bone(self) -> bool:
        return self.raw["target"].get("kind") == "bone"

    @property
    def warnings(self) -> list[str]:
        return [one["text"] if isinstance(one, Mapping) else str(one) for one in self.raw["warnings"]]

    @property
    def stamps(self) -> list[str]:
        return list(self.raw.get("stamps", []))

    @property
    def not_judged(self) -> list[str]:
        return list(self.raw.get("not_judged", []))

    @property
    def in_the_way(self) -> str:
        return wording.listed([spoken(name) for name in self.raw.get("in_the_way", [])])

    @property
    def judged(self) -> int:
        return int(self.raw["judged"])

    @property
    def judged_in_words(self) -> str:
        return f"{self.judged:,}"

    @property
    def rejected(self) -> list[RejectedShare]:
        shares = (RejectedShare(reason, float(share)) for reason, share in self.raw["rejected"].items())
        return sorted(shares, key=lambda one: (-one.share, one.reason))

    @property
    def provenance(self) -> list[tuple[str, str]]:
        """The provenance as label and value, one level of nesting written as "run: host"."""
        shown: list[tuple[str, str]] = []

        def add(label: str, value: Any) -> None:
            if isinstance(value, Mapping):
                for key, inner in value.items():
                    add(f"{label}: {key}" if label else str(key), inner)
            elif isinstance(value, list):
                shown.append((label, ", ".join(map(str, value))))
            else:
                shown.append((label, str(value)))

        add("", self.raw["provenance"])
        return [(capital(label.replace("_", " ")), value) for label, value in shown]


def read(file: Path) -> ShownPlan:
    """Read a plan.json. Raises InputRefused where it is missing, damaged, or of a layout that is not ours."""
    try:
        changed = file.stat()
        return _read(file, changed.st_mtime_ns, changed.st_size)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputRefused("The plan.json of this plan cannot be read; plan it again.") from error


@lru_cache(maxsize=64)
def _read(file: Path, mtime_ns: int, size: int) -> ShownPlan:
    content = file.read_bytes()
    plan = ShownPlan(json.loads(content), hashlib.sha256(content).hexdigest()[:12])
    # Touch what every page needs, so that a wrong layout is found here and told in one sentence.
    for path in plan.paths:
        path.needle_path, path.clearances, path.sample_chance, path.out_of_axial, path.reasons  # noqa: B018
    plan.warnings, plan.rejected, plan.judged, plan.provenance, plan.needle, plan.target  # noqa: B018
    return plan

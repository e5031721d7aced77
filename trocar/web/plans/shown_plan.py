"""plan.json as values for a page: the published layout (docs/plan.schema.json), and nothing else of the planner."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from trocar import RESEARCH_NOTICE
from trocar.documents.naming import capital, spoken
from trocar.errors import InputRefused
from trocar.geometry.needle_path import Needle
from trocar.planning.plan import TablePosition
from trocar.web.plans import wording
from trocar.web.plans.shown_path import LISTED, ShownPath

POSITIONS = {
    "prone": "prone (face down)",
    "supine": "supine (face up)",
    "left_lateral": "on the left side (right side up)",
    "right_lateral": "on the right side (left side up)",
}
GUIDANCES = {"ct": "CT", "ultrasound": "ultrasound", "fluoroscopy": "X-ray (fluoroscopy)"}
NAMED_IN_THE_WAY = 5
STATUSES = {
    "R": "read in the source",
    "R2": "read in a secondary source",
    "C": "computed from sourced figures",
    "U": "unverified",
}


@dataclass(frozen=True)
class ProtocolValue:
    """A value of the protocol that the plan used, and how well it is founded."""

    name: str
    value: str
    source: str
    status: str


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
    def needs_check_scan(self) -> bool:
        """Whether organs that move could not be judged, as the CT was made in another position than the needle's."""
        return any(path.needs_check_scan for path in self.paths)

    @property
    def verdict(self) -> str:
        """How many paths there are, and how far that can be relied on."""
        if not self.within_limits:
            return "No path keeps every limit"
        paths = f"{len(self.paths)} path{'s' if len(self.paths) > 1 else ''} within the protocol's limits"
        return paths + (", as far as they could be judged" if self.needs_check_scan else "")

    @property
    def best(self) -> ShownPath | None:
        return self.paths[0] if self.paths else None

    @property
    def procedure(self) -> str:
        return self.raw.get("protocol_title") or spoken(self.raw["protocol"])

    @property
    def side(self) -> str | None:
        side = self.raw.get("side")
        return None if side is None else capital(side)

    @property
    def target(self) -> str:
        return wording.sentence(self.raw["target"]["name"])

    @property
    def target_structure(self) -> str:
        """The structure that is, or holds, the target: the one that its name ends with."""
        return str(self.raw["target"]["name"]).split()[-1]

    @property
    def guidance(self) -> str:
        return GUIDANCES.get(self.raw["guidance"], self.raw["guidance"])

    @property
    def position(self) -> str:
        return capital(POSITIONS.get(self.raw["position"], self.raw["position"]))

    @property
    def needle(self) -> str:
        needle = self.planned_needle
        return f"{needle.name}, throw {needle.throw_mm:g} mm"

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
        """Whether the needle goes into bone."""
        return self.best is not None and "cortex_thickness_mm" in self.best.raw.get("measures", {})

    @property
    def warnings(self) -> list[str]:
        return [one["text"] if isinstance(one, Mapping) else str(one) for one in self.raw["warnings"]]

    @property
    def stamps(self) -> list[str]:
        """What stands on every page of this plan, besides the notice that every page has anyway."""
        return [stamp for stamp in self.raw.get("stamps", []) if stamp != RESEARCH_NOTICE]

    @property
    def not_judged(self) -> list[str]:
        return [capital(one) for one in self.raw.get("not_judged", [])]

    @property
    def in_the_way(self) -> str:
        """The structures that stop most pairs."""
        names = [spoken(name) for name in self.raw.get("in_the_way", [])]
        more = len(names) - NAMED_IN_THE_WAY
        return wording.listed(names if more <= 0 else [*names[:NAMED_IN_THE_WAY], f"{more} more"])

    @property
    def judged(self) -> int:
        return int(self.raw["judged"])

    @property
    def judged_in_words(self) -> str:
        return f"{self.judged:,}"

    @property
    def rejected(self) -> list[RejectedShare]:
        """All reasons, the one that ruled out most first."""
        shares = (
            RejectedShare(wording.sentence(reason), float(share))
            for reason, share in self.raw["rejected"].items()
        )
        return sorted(shares, key=lambda one: (-one.share, one.reason))

    @property
    def rejected_most(self) -> list[RejectedShare]:
        return self.rejected[:LISTED]

    @property
    def rejected_few(self) -> list[RejectedShare]:
        return self.rejected[LISTED:]

    @property
    def provenance(self) -> list[tuple[str, str]]:
        """Everything in the provenance but the protocol's values, as label and value: "Run: host", "name"."""
        shown: list[tuple[str, str]] = []

        def add(label: str, value: Any) -> None:
            if isinstance(value, Mapping):
                for key, inner in value.items():
                    add(f"{label}: {key}" if label else str(key), inner)
            elif isinstance(value, list):
                shown.append((label, ", ".join(map(str, value)) or "none"))
            else:
                shown.append((label, "none" if value is None else str(value)))

        parts = dict(self.raw["provenance"])
        parameters = dict(parts.pop("parameters", {}))
        add("", parts)
        add("search", parameters.get("search", {}))
        return [(capital(label.replace("_", " ")), value) for label, value in shown]

    @property
    def protocol_values(self) -> list[ProtocolValue]:
        values = self.raw["provenance"].get("parameters", {}).get("values", {})
        return [
            ProtocolValue(
                name.replace("_", " "),
                str(one["value"]),
                one["source"],
                STATUSES.get(one["status"], one["status"]),
            )
            for name, one in values.items()
        ]


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
    # What every page needs, so that a layout that is not ours is found here and told in one sentence.
    for path in plan.paths:
        for name in ("needle_path", "clearances", "sample_chance", "out_of_axial", "reasons", "measures"):
            getattr(path, name)
    for name in (
        "warnings",
        "rejected",
        "judged",
        "provenance",
        "protocol_values",
        "planned_needle",
        "target",
    ):
        getattr(plan, name)
    return plan

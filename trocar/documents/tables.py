"""The tables of a setup sheet: clearances, risks, other paths, and why the rest fell out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from trocar.documents.aiming import aim
from trocar.documents.content import Table
from trocar.documents.figures import clearance, degrees, limit, percent, whole_mm
from trocar.documents.naming import capital, listed, spoken, spoken_text
from trocar.planning.plan import Plan, PlannedPath

NEAR_MM = 60.0
"""Structures farther than this, and more than three times their limit, are summed up in one line."""
MOST_ROWS = 24
"""A table that is longer hides what matters; the nearest stay."""
LEAST_ROWS = 6
"""So many of the nearest stand in the table however far they are."""
SHOWN_ALTERNATIVES = 4
SHOWN_REASONS = 6


def clearance_table(planned: PlannedPath, numbers: Mapping[str, int]) -> Table:
    """Every structure near the path: mm before and after the throw, the limit, and how it was judged."""
    names = sorted(
        {*planned.clearances_mm, *planned.required_mm, *planned.crosses},
        key=lambda name: (numbers.get(name, 10_000), name),
    )
    blind = [n for n in names if planned.clearances_mm.get(n) is None and n not in planned.crosses]
    judged = [n for n in names if n not in blind]
    near = [n for rank, n in enumerate(judged) if rank < LEAST_ROWS or _matters(planned, n)]
    shown, left = near[:MOST_ROWS], near[MOST_ROWS:] + [n for n in judged if n not in near]
    rows: list[tuple[str, ...]] = []
    strong: list[int] = []
    for name in shown:
        verdict, loud = _judgement(planned, name)
        if loud:
            strong.append(len(rows))
        rows.append(
            (
                str(numbers.get(name, "")),
                capital(spoken(name)),
                _measured(planned.clearances_path_mm, name),
                _measured(planned.clearances_mm, name),
                limit(planned.required_mm.get(name)),
                verdict,
            )
        )
    if blind:
        strong.append(len(rows))
        words = [f"{numbers[n]} {spoken(n)}" if n in numbers else spoken(n) for n in blind]
        rows.append(("", capital(listed(words)), "?", "?", "", "NOT JUDGED"))
    notes = []
    if left:
        least = min((v for n in left if (v := planned.clearances_mm.get(n)) is not None), default=None)
        far = "" if least is None else f", none nearer than {clearance(least)}"
        notes.append(f"{len(left)} more structures were measured{far}.")
    return Table(
        "clearances",
        "Distances to structures",
        "From the needle's axis to the structure's voxels, cut to the figure below. Numbers as in the pictures.",
        ("No.", "Structure", "Skin to tip", "With throw", "Limit", "Judged"),
        tuple(rows),
        numeric=(2, 3, 4),
        strong_rows=tuple(strong),
        notes=tuple(notes),
    )


def _measured(lengths: Mapping[str, float | None], name: str) -> str:
    return clearance(lengths[name]) if name in lengths else ""


def _matters(planned: PlannedPath, name: str) -> bool:
    mm = planned.clearances_mm.get(name)
    if mm is None or name in planned.crosses:
        return True
    return mm <= NEAR_MM and (mm <= 3 * planned.required_mm.get(name, 0.0) or mm <= NEAR_MM / 2)


def _judgement(planned: PlannedPath, name: str) -> tuple[str, bool]:
    """How a structure was judged in words, and whether the row must stand out."""
    mm, asked = planned.clearances_mm.get(name), planned.required_mm.get(name)
    if name in planned.crosses:
        return ("CROSSED, AGAINST THE LIMIT", True) if asked is not None else ("gone through", False)
    if asked is None:
        return "measured only", False
    return ("within the limit", False) if mm is not None and mm >= asked - 1e-6 else ("BELOW THE LIMIT", True)


def risk_table(planned: PlannedPath) -> Table:
    """Modelled probabilities, greatest first; those below 1 % are summed up."""
    risk = planned.risk
    known = {n: p for n, p in risk.harm.items() if p is not None}
    open_ = [n for n, p in risk.harm.items() if p is None]
    counted = sorted((n for n in known if known[n] >= 0.01), key=lambda n: (-known[n], n))
    rows = [
        (
            "Enough target tissue in the notch",
            "no sourced error figures for this guidance" if risk.sample is None else percent(risk.sample),
        )
    ]
    rows += [(f"Needle enters {spoken(n)}", percent(known[n])) for n in counted[:10]]
    rest = [n for n in known if n not in counted[:10]]
    if rest:
        most = max(known[n] for n in rest)
        rows.append(
            (f"Needle enters any one of {len(rest)} others", f"each {percent(most)}" if most > 0 else "0 %")
        )
    if open_:
        rows.append((f"Needle enters {listed([spoken(n) for n in sorted(open_)])}", "NOT JUDGED"))
    strong = tuple(i for i, row in enumerate(rows) if row[1] == "NOT JUDGED")
    error = (
        "" if risk.error is None else f" Numerical error at most {risk.error * 100:.1f} percentage points."
    )
    return Table(
        "risk",
        "Modelled risk",
        "Model, not outcome. One uncorrected pass with published errors of the guidance. For staff only: not for "
        "consent.",
        ("What", "Probability"),
        tuple(rows),
        numeric=(1,),
        strong_rows=strong,
        notes=(
            spoken_text(risk.method) + error
            if risk.error is None or "error" not in risk.method
            else spoken_text(risk.method),
        ),
    )


def alternatives_table(plan: Plan, chosen: int) -> Table | None:
    """The other paths, in rank order; None where there is no other."""
    others = [n for n in range(len(plan.paths)) if n != chosen][:SHOWN_ALTERNATIVES]
    if not others:
        return None
    first = plan.paths[chosen]
    rows = [
        (f"{n + 1}" + (" (this)" if n == chosen else ""), *_alternative(plan, plan.paths[n], first))
        for n in sorted([chosen, *others])
    ]
    hidden = len(plan.paths) - 1 - len(others)
    notes = (f"{hidden} more paths keep every limit; they stand in plan.json.",) if hidden else ()
    return Table(
        "alternatives",
        "Other paths within the protocol's limits",
        "In the order of the protocol's preferences. Entry: from this sheet's entry point.",
        (
            "Rank",
            "Entry",
            "Depth",
            "From vertical",
            "Tilt",
            "Tightest margin",
            "Sample",
            "What speaks for it",
        ),
        tuple(rows),
        numeric=(2, 3, 4, 6),
        notes=notes,
    )


def _alternative(plan: Plan, planned: PlannedPath, first: PlannedPath) -> tuple[str, ...]:
    pointing = aim(planned.path.direction_lps, plan.position)
    side = {"left": "L", "right": "R", "front": "A", "back": "P", "": ""}[pointing.towards]
    head = "H" if pointing.tilt_deg > 0 else "F"
    tilt = degrees(abs(pointing.tilt_deg))
    return (
        moved(planned.path.entry_lps_mm - first.path.entry_lps_mm),
        whole_mm(planned.path.length_mm),
        f"{degrees(pointing.from_vertical_deg)} {side}".strip(),
        tilt if tilt == "0°" else f"{tilt} {head}",
        tightest(planned),
        "" if planned.risk.sample is None else percent(planned.risk.sample),
        capital(spoken_text("; ".join([r for r in planned.reasons if "tightest margin" not in r][:2]))),
    )


def moved(offset_lps_mm: np.ndarray[Any, Any]) -> str:
    """ "12 mm left, 6 mm to head"; parts below 1 mm are left out."""
    words = (("left", "right"), ("back", "front"), ("head", "feet"))
    parts = [
        f"{whole_mm(abs(float(mm)))} to {pair[0 if mm > 0 else 1]}"
        for mm, pair in zip(offset_lps_mm, words, strict=True)
        if abs(mm) >= 1
    ]
    return ", ".join(parts) or "same"


def tightest(planned: PlannedPath) -> str:
    """The structure with the least room to spare, and how much: "colon 14 mm (limit 10 mm)"."""
    judged = {
        n: mm - planned.required_mm[n]
        for n, mm in planned.clearances_mm.items()
        if mm is not None and n in planned.required_mm
    }
    if not judged:
        return "no structure with a limit was judged"
    name = min(judged, key=lambda n: (judged[n], n))
    return (
        f"{spoken(name)} {clearance(planned.clearances_mm[name])} (limit {limit(planned.required_mm[name])})"
    )


def rejected_sentences(plan: Plan) -> tuple[str, ...]:
    """Why the other pairs fell out, most first, and the rest in one line."""
    ordered = sorted(plan.rejected.items(), key=lambda item: (-item[1], item[0]))
    shown = [
        f"{percent(share)}: {spoken_text(reason)}" for reason, share in ordered[:SHOWN_REASONS] if share > 0
    ]
    rest = [share for _, share in ordered[SHOWN_REASONS:]]
    if rest:
        shown.append(f"{percent(sum(rest))}: {len(rest)} other reasons")
    return tuple(shown)


def parameter_values(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every value with a status in a nested mapping, with its dotted name, in order."""
    for key, value in parameters.items():
        if not isinstance(value, Mapping):
            continue
        if "status" in value and "value" in value:
            yield str(key), value
        else:
            yield from parameter_values(value)

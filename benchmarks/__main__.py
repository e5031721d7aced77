"""Measure everything side by side and write the tables into docs/performance.md: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import planner
from benchmarks.planner import Row
from benchmarks.rounds import machine

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Table:
    """One table of the page."""

    name: str
    title: str
    head: tuple[str, ...]
    measure: Callable[[int], list[Row]]


TABLES = (
    Table(
        "maps",
        "One exact distance map of the whole scan, seconds",
        (
            "structure", "Trocar", "edt", "SimpleITK", "scipy", "times edt", "times SimpleITK",
            "largest difference to scipy, mm",
        ),
        planner.distance_maps,
    ),
    Table(
        "judging",
        "Judging 100,000 pairs, ten structures: pairs per second",
        (
            "target", "kept", "Trocar, reject first", "Trocar, every clearance of every pair",
            "Trocar, every crossing of every pair", "NumPy nearest", "NumPy, indices flattened by hand",
            "scipy linear", "VTK OBBTree, crossings",
            "times NumPy", "times scipy",
        ),
        planner.judging,
    ),
    Table(
        "fields",
        "From labels in memory to 100,000 judged pairs, distances included, seconds",
        ("target", "Trocar", "edt + NumPy", "times"),
        planner.fields,
    ),
    Table(
        "plans",
        "From files to plan.json, seconds (PDF and DICOM left out)",
        (
            "target", "pairs in the plan", "Trocar, whole plan", "edt + NumPy, 100,000 pairs",
            "SimpleITK + scipy, 100,000 pairs", "times edt + NumPy", "times SimpleITK + scipy",
            "times edt + NumPy, same pairs", "times SimpleITK + scipy, same pairs", "target moved 5 mm",
            "times NumPy, same pairs",
        ),
        planner.whole_plans,
    ),
    Table(
        "growth",
        "The scan extended at equal spacing: the plan for T11 after reading",
        ("scan", "voxels", "seconds", "moved target, seconds", "input, GB", "planning on top, GB", "whole process, GB"),
        planner.growth,
    ),
)  # fmt: skip

GOALS = {
    "map / edt": (2.5, 5.0),
    "judging / NumPy": (12.0, 25.0),
    "judging / scipy": (75.0, 150.0),
    "files to plan, same pairs: edt + NumPy": (8.0, None),
    "files to plan, same pairs: SimpleITK + scipy": (12.0, None),
    "moved target: NumPy": (12.0, None),
}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default: %(default)s)")
    parser.add_argument(
        "--only", choices=[t.name for t in TABLES], action="append", help="measure only this table"
    )
    parser.add_argument(
        "--no-write", action="store_true", help="print, but leave docs/performance.md as it is"
    )
    options = parser.parse_args(arguments)
    chosen = [t for t in TABLES if not options.only or t.name in options.only]
    parts = [
        f"Measured {datetime.now(UTC):%Y-%m-%d}, medians of {options.rounds} interleaved rounds, on: {machine()}."
    ]
    ratios: dict[str, list[float]] = {}
    for table in chosen:
        print(f"{table.title} ...", file=sys.stderr, flush=True)
        rows = table.measure(options.rounds)
        parts.append(_markdown(table, rows))
        print(parts[-1], flush=True)
        for row in rows:
            for name, value in row.ratios:
                ratios.setdefault(name, []).append(value)
    parts.append(_against_goals(ratios))
    print(parts[-1])
    if not options.no_write and len(chosen) == len(TABLES):
        text = PAGE.read_text(encoding="utf-8")
        head, _, rest = text.partition(BEGIN)
        tail = rest.partition(END)[2]
        PAGE.write_text(head + BEGIN + "\n\n" + "\n\n".join(parts) + "\n\n" + END + tail, encoding="utf-8")
    return 0


def _markdown(table: Table, rows: list[Row]) -> str:
    lines = [f"### {table.title}", "", "| " + " | ".join(table.head) + " |", "|" + " --- |" * len(table.head)]
    return "\n".join(lines + ["| " + " | ".join(row.cells) + " |" for row in rows])


def _against_goals(ratios: dict[str, list[float]]) -> str:
    """Each ratio's smallest and largest value over the cases, beside goal and aim."""
    lines = [
        "### Against the goals",
        "",
        "| ratio | goal | aim | smallest | largest | goal kept |",
        "|" + " --- |" * 6,
    ]
    for name, (goal, aim) in GOALS.items():
        if name in ratios:
            least, most = min(ratios[name]), max(ratios[name])
            kept = (
                "yes"
                if least >= goal
                else f"in {sum(v >= goal for v in ratios[name])} of {len(ratios[name])}"
            )
            aimed = "" if aim is None else f"{aim:g}"
            lines.append(f"| {name} | {goal:g} | {aimed} | {least:.1f} | {most:.1f} | {kept} |")
    if "memory, GB" in ratios:
        most = max(ratios["memory, GB"])
        lines.append(f"| memory of the plan on the full-size CT, GB | below 4 | | | {most:.1f} | "
                     f"{'yes' if most < 4 else 'no'} |")  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

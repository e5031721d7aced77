"""Random targets on two real CTs: what the planner says of its paths, and of those it rejected, is true.

Every kept path is measured again by a slow method that shares no code with the planner (``slow_truth``). Clearances may
differ by 0.35 mm; those of kept paths agree to a thousandth, for the last step measures exactly. Of the millions of
rejected pairs random ones of every reason are looked at: the stated limit must be broken, or missed by less than 0.35
mm. ``make prove`` runs many targets and writes docs/proof/random-targets.md.
"""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests import samples_data
from tests.verification.checked_plan import Subject, Tally, check_target
from tests.verification.slow_truth import LabelledScan, box_distances
from trocar.planning.planner import Planner
from trocar.samples.fetch import sample_path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "proof" / "random-targets.md"
PROVED = {"abdomen": 150, "chest": 70}
"""Targets of the proof on each CT."""


@cache
def subject(name: str) -> Subject:
    abdomen = name == "abdomen"
    volume = samples_data.kidney_ct() if abdomen else samples_data.chest_ct()
    structures = samples_data.kidney_structures() if abdomen else samples_data.chest_structures()
    scan = LabelledScan.read(sample_path(f"{name}_ct"), sample_path(f"{name}_labels"))
    return Subject(name, volume, structures, scan, Planner(volume, structures))


def test_the_slow_distance_to_a_box_is_right_by_dense_sampling() -> None:
    """Of the two the closed form is never larger, and the sampled one larger by at most half a step."""
    random = np.random.default_rng(5)
    half = np.array([0.35, 0.6, 1.25])
    centres = random.uniform(-8, 8, (300, 3))
    for _ in range(20):
        a, b = random.uniform(-10, 10, (2, 3))
        if random.random() < 0.3:
            b[random.integers(3)] = a[0]
        found = box_distances(centres, half, a, b)
        at = a + np.linspace(0, 1, 4001)[:, None] * (b - a)
        beyond = np.maximum(np.abs(at[:, None] - centres) - half, 0)
        sampled = np.linalg.norm(beyond, axis=-1).min(axis=0)
        step = np.linalg.norm(b - a) / 4000
        assert (found <= sampled + 1e-9).all()
        assert (sampled - found).max() <= step / 2 + 1e-9


@pytest.mark.samples
@pytest.mark.parametrize("seed", range(6))
def test_what_the_planner_says_of_a_random_target_is_true(seed: int) -> None:
    tally = Tally()
    check_target(subject("abdomen"), seed, tally, pairs=4)
    assert not tally.faults, "\n".join(tally.faults)
    assert sum(tally.counts.values()) > 0


@pytest.mark.samples
@pytest.mark.prove
def test_prove_many_random_targets() -> None:
    started = time.monotonic()
    tallies = {}
    for name, count in PROVED.items():
        tallies[name] = Tally()
        for seed in range(1000, 1000 + count):
            check_target(subject(name), seed, tallies[name], pairs=20)
    seconds = time.monotonic() - started
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(tallies, seconds), encoding="utf-8")
    faults = [fault for tally in tallies.values() for fault in tally.faults]
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults[:40])
    assert sum(tally.counts["targets planned"] for tally in tallies.values()) >= 200


def page(tallies: dict[str, Tally], seconds: float) -> str:
    """The result page."""
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    columns = list(tallies)
    lines = [
        "# Random targets against a slow method",
        "",
        f"Written by `make prove` on {when}; {machine()}; {seconds / 60:.0f} minutes.",
        "",
        "Targets (lesions, points, named bones, lower poles of kidneys; both sides; four positions; all needles) are",
        "drawn at random in two real CTs and planned with the default search. Every kept path is measured again by",
        "`tests/verification/slow_truth.py`, which looks at every voxel near the needle as the box that it is and",
        "shares no code with the planner; of the rejected pairs random ones of every reason are measured, too.",
        "",
        "| Count | " + " | ".join(columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    kinds = sorted({k for t in tallies.values() for k in t.counts})
    facts = [k for k in kinds if not any(k in t.largest for t in tallies.values())]
    lines += [f"| {k} | " + " | ".join(f"{tallies[c].counts[k]:,}" for c in columns) + " |" for k in facts]
    lines += [
        "",
        "| Largest difference | " + " | ".join(f"{c} | of" for c in columns) + " |",
        "|---|" + "---:|" * (2 * len(columns)),
    ]
    for k in sorted({k for t in tallies.values() for k in t.largest}):
        cells = (f"{tallies[c].largest.get(k, 0):.2g} | {tallies[c].counts[k]:,}" for c in columns)
        lines.append(f"| {k} | " + " | ".join(cells) + " |")
    faults = [fault for t in tallies.values() for fault in t.faults]
    lines += ["", f"Faults: {len(faults)}."]
    lines += [f"- {fault}" for fault in faults[:20]]
    return "\n".join(lines) + "\n"


def machine() -> str:
    """The processor and its cores, no host name."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        model = found[0] if found else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}"

"""The hazard log names only proofs that exist, and says so where there is none."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOG = (ROOT / "docs" / "safety" / "hazards.md").read_text(encoding="utf-8")
HAZARDS = re.split(r"^### ", LOG, flags=re.MULTILINE)[1:]
PROOFS = re.findall(r"`(tests/[a-z_/]+\.py)::(test_[a-z0-9_]+)`", LOG)


@cache
def functions_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_there_are_at_least_twenty_hazards_numbered_in_order() -> None:
    numbers = [int(hazard[1:3]) for hazard in HAZARDS]
    assert len(numbers) >= 20
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda text: text[:3])
def test_each_has_a_severity_a_cause_a_control_and_a_proof(hazard: str) -> None:
    title, _, body = hazard.partition("\n")
    assert re.search(r" \([ABC]\)$", title)
    assert "\nControl" in body
    assert body.startswith("Cause: ")
    proof = re.search(r"^Proof: (.*)$", body, flags=re.MULTILINE)
    assert proof
    named = [name for name in PROOFS if f"`{name[0]}::{name[1]}`" in proof[1]]
    assert named or (proof[1] == "none yet." and "Control planned: " in body)


@pytest.mark.parametrize(("path", "name"), PROOFS, ids=lambda text: str(text).rpartition("/")[2])
def test_each_proof_exists(path: str, name: str) -> None:
    assert name in functions_in(path)

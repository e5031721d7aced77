"""A procedure is a file: a liver biopsy, which no code has heard of, is a new file and nothing else."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import pytest

import trocar
from tests.unit.clinical.protocol_files import LIVER
from trocar.clinical.department import effective, load_department
from trocar.clinical.laterality import decide_side
from trocar.clinical.loading import builtin_protocols, load_protocol
from trocar.clinical.protocol import LesionOnly, Protocol
from trocar.clinical.protocol_page import describe
from trocar.errors import UsageError
from trocar.planning.request import PlanRequest

MARGIN = "keep_clear.bowel.margin_mm"


@pytest.fixture
def liver(tmp_path: Path) -> Protocol:
    path = tmp_path / "liver_biopsy.yaml"
    path.write_bytes(LIVER)
    return load_protocol(path)


def test_its_file_is_read_like_the_others(liver: Protocol) -> None:
    assert type(liver) is type(load_protocol("kidney_biopsy"))
    assert liver.title == "Liver biopsy"
    assert liver.target == LesionOnly("liver")


def test_it_brings_its_own_guidance_position_needle_and_groups(liver: Protocol) -> None:
    request = PlanRequest(liver, date(2026, 11, 23), target_point_lps_mm=(0.0, 0.0, 0.0))
    assert (request.guidance, request.position) == ("ultrasound", "supine")
    assert liver.needle().name == "18G gun"
    assert liver.keep_clear[0].members(("colon", "small_bowel", "liver"), None) == ("colon", "small_bowel")
    with pytest.raises(UsageError, match="not prone"):
        PlanRequest(liver, date(2026, 11, 23), position="prone")


def test_it_asks_no_side(liver: Protocol) -> None:
    assert not liver.side_required
    assert decide_side(liver, None, "liver") is None


def test_approvals_hold_for_it_too(liver: Protocol) -> None:
    assert MARGIN in effective(liver, load_department()).unapproved


def test_it_can_be_shown(liver: Protocol) -> None:
    page = describe(liver)
    assert "## Liver biopsy" in page
    assert "A lesion in `liver`" in page


def test_no_code_below_the_web_asks_which_procedure_it_is() -> None:
    """Outside of examples and samples, no string in the code is a protocol's name."""
    root = Path(trocar.__file__).parent
    floors = ("geometry", "imaging", "clinical", "planning", "dicom", "documents")
    asked = [
        f"{path.relative_to(root)}:{node.lineno}"
        for floor in floors
        for path in sorted((root / floor).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in builtin_protocols()
    ]
    assert asked == []

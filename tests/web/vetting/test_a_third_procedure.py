"""A liver biopsy, which no code has heard of, is assessed by its own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.clinical.protocol_files import LIVER
from tests.web.conftest import referred
from tests.web.vetting.conftest import SignIn, fill, says, url
from trocar.web.accounts.models import Person
from trocar.web.cases.models import Case


@pytest.fixture
def liver_case(tmp_path: Path, settings: object, people: dict[str, Person]) -> Case:
    settings.TROCAR_PROTOCOLS = str(tmp_path)  # type: ignore[attr-defined]
    (tmp_path / "liver_biopsy.yaml").write_bytes(LIVER)
    return referred(people, "liver_biopsy", "9434765919", "right lobe", "none")


def test_it_goes_the_whole_way_to_the_decision(as_role: SignIn, liver_case: Case) -> None:
    doctor = as_role("ir_doctor")
    answers = {
        "question_unwell": "no", "question_kidneys_changing": "no", "question_ascites": "no",
        "question_mechanical_valve": "no", "medicines_complete": "yes", "stent": "none",
    }  # fmt: skip
    assert fill(doctor, url(liver_case, "questions/"), **answers).status_code == 302
    assert "Not assessed: Platelets is missing" in says(doctor.get(url(liver_case)))
    taken = {"taken_at": "23/11/2026 08:00", "platelets": "70"}
    assert fill(doctor, url(liver_case, "results/add/"), **taken).status_code == 302
    page = says(doctor.get(url(liver_case)))
    assert "Platelets 70 10^9/L, not at least 80 10^9/L: platelets make the first plug." in page
    taken["platelets"] = "95"
    assert fill(doctor, url(liver_case, "results/add/"), **taken).status_code == 302
    assert fill(doctor, url(liver_case, "medicines/add/"), name="coumadin").status_code == 302
    assert "Hold coumadin for 5 full days before" in says(doctor.get(url(liver_case)))
    assert fill(doctor, url(liver_case, "decision/"), outcome="accepted", words="").status_code == 302
    liver_case.refresh_from_db()
    assert liver_case.stage == "accepted"

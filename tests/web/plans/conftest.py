"""Cases with a planned CT: folders as the planner writes them, on the real sample CT."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from tests.integration.web.plan_folders import build_kidney_plan
from trocar.web.accounts.models import Person
from trocar.web.cases.change import change
from trocar.web.cases.models import Case
from trocar.web.jobs.models import Job
from trocar.web.plans.asking import ask_for_plan
from trocar.web.plans.models import PlanOfCase

Plan = Callable[..., str]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """An empty data folder that the pages read."""
    with override_settings(TROCAR_DATA=tmp_path):
        yield tmp_path


@pytest.fixture
def plan_of(data: Path, people: dict[str, Person]) -> Plan:
    """Gives a case a finished plan and returns its id; further words replace keys of plan.json."""

    def make(case: Case, **changes: Any) -> str:
        with change(people["ir_doctor"], case, "Asked for a plan of the needle path") as ch:
            row = ask_for_plan(ch, case, {"protocol": case.protocol_name}, [("CT", "Sample CT")])
        shutil.rmtree(data / "plans" / row.plan_id)
        build_kidney_plan(data, row.plan_id, **changes)
        Job.objects.filter(pk=row.job_id).update(state=Job.State.DONE, share=1.0)
        return row.plan_id

    return make


def in_position(plan_id: str, data: Path) -> None:
    """Rewrite a plan as one whose CT was made in the needle's position: everything is judged."""
    import json

    file = data / "plans" / plan_id / "plan.json"
    content = json.loads(file.read_text())
    content["scan_position"] = content["position"]
    content["warnings"] = [w for w in content["warnings"] if w["code"] != "not_in_position"]
    for path in content["paths"]:
        path["needs_check_scan"] = False
        path["clearances_mm"]["colon"] = path["clearances_path_mm"]["colon"] = 11.5
        path["risk"]["harm"]["colon"] = 0.012
    file.write_text(json.dumps(content))


def fields_of(page: str) -> dict[str, str]:
    """Names and values of the hidden fields of the page's form, as a browser sends them."""
    import re

    main = page[page.index("<main") :]
    found = re.findall(r'<input type="hidden" name="(\w+)"(?: value="([^"]*)")?', main)
    return {name: value for name, value in found if name in ("form_token", "seen_version")}


def one_plan(case: Case) -> PlanOfCase:
    return PlanOfCase.objects.get(case=case)

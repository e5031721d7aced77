"""A suspected primary bone tumour on a real CT: nothing without an agreed route, and then nothing beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest
from click.testing import CliRunner

from tests import samples_data
from trocar.cli import main
from trocar.clinical.department import effective, load_department
from trocar.clinical.loading import load_protocol
from trocar.errors import InputRefused, UsageError
from trocar.planning.planner import Planner
from trocar.planning.request import PlanRequest
from trocar.planning.route import AgreedRoute
from trocar.samples.fetch import sample_path

MDT = "Sample sarcoma MDT, 20/11/2026"


def asked() -> PlanRequest:
    protocol = effective(load_protocol("bone_biopsy"), load_department(None)).for_planning("ct", "")
    return PlanRequest(
        protocol, date(2026, 11, 23), target_name="hip_left", position="prone", scan_position="prone"
    )


@cache
def planner() -> Planner:
    return Planner(samples_data.kidney_ct(), samples_data.kidney_structures())


@pytest.mark.samples
def test_every_path_goes_in_through_the_agreed_place() -> None:
    free = planner().plan(asked())
    entry = free.paths[-1].path.entry_lps_mm
    there = AgreedRoute((float(entry[0]), float(entry[1]), float(entry[2])), 15.0, MDT)
    plan = planner().plan(replace(asked(), suspected_primary_tumour=True, route=there))
    assert plan.paths
    entries = np.array([path.path.entry_lps_mm for path in (*plan.paths, *plan.nearest)])
    assert (np.linalg.norm(entries - entry, axis=1) <= 15.0 + 2.0).all()
    assert plan.judged < free.judged
    assert plan.parameters["search"]["agreed_route"]["agreed_by"] == MDT
    assert MDT in next(w.text for w in plan.warnings if w.code == "agreed_route")


@pytest.mark.samples
def test_a_route_where_no_needle_can_go_in_is_refused() -> None:
    front = AgreedRoute((0.0, -400.0, 100.0), 20.0, MDT)
    with pytest.raises(InputRefused, match="agreed route; the nearest lies"):
        planner().plan(replace(asked(), route=front))


def test_suspicion_without_a_route_plans_nothing() -> None:
    with pytest.raises(InputRefused, match="agree the route with the sarcoma MDT"):
        replace(asked(), suspected_primary_tumour=True)


@pytest.mark.parametrize(("radius", "by"), [(0, MDT), (-5, MDT), (61, MDT), (float("nan"), MDT), (20, " ")])
def test_a_route_of_no_use_is_refused(radius: float, by: str) -> None:
    with pytest.raises(UsageError):
        AgreedRoute((0.0, 0.0, 0.0), radius, by)


@pytest.mark.samples
def test_the_command_stops_before_it_writes(tmp_path: object) -> None:
    arguments = [
        "plan", str(sample_path("abdomen_ct")), "--protocol", "bone_biopsy", "--target", "hip_left", "--structures",
        str(sample_path("abdomen_labels")), "--suspected-primary-tumour", "--out", f"{tmp_path}/plan",
    ]  # fmt: skip
    result = CliRunner().invoke(main, arguments)
    assert isinstance(result.exception, InputRefused)
    half = CliRunner().invoke(main, [*arguments, "--route", "1,2,3"])
    assert half.exit_code == 2
    assert "write 4 numbers" in half.output

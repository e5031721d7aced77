"""Compile every compiled loop by planning on a made-up patient, so that the first real plan starts at once."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from trocar.clinical.department import effective, load_department
from trocar.clinical.loading import load_protocol
from trocar.planning.planner import Planner
from trocar.planning.report import plan_report
from trocar.planning.request import PlanRequest
from trocar.samples.made_up import made_up_patient
from trocar.workflow.inputs import Pictures
from trocar.workflow.plan_case import PlannedCase, scan_position_of, write_case


def warm() -> None:
    """Plan a kidney and a vertebra of the made-up patient and write both; nothing is kept."""
    volume, structures = made_up_patient()
    department = load_department(None)
    planner = Planner(volume, structures)
    for name, target in (("kidney_biopsy", None), ("bone_biopsy", "vertebrae_L3")):
        protocol = load_protocol(name)
        rules = effective(protocol, department)
        usable = rules.for_planning(protocol.default_guidance, protocol.default_needle)
        position, source = scan_position_of(volume)
        request = PlanRequest(
            usable,
            date(2026, 1, 1),
            "left" if target is None else None,
            target_name=target,
            scan_position=position,
            position_source=source,
            stamps=rules.stamps,
            samples=8,
        )
        plan = planner.plan(request)
        case = PlannedCase(plan, plan_report(plan, {}), Pictures(volume, None), structures)
        with tempfile.TemporaryDirectory() as folder:
            write_case(case, Path(folder), datetime.now(UTC), lambda _what, _share: None, dicom=False)

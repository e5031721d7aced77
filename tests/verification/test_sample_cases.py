"""The cases that the sample CTs must give: what is reachable is reached, what cannot be known is refused."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tests import samples_data
from trocar.clinical.department import effective, load_department
from trocar.clinical.loading import load_protocol
from trocar.errors import InputRefused
from trocar.geometry.needle_path import NeedlePath
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.plan import Plan
from trocar.planning.planner import Planner
from trocar.planning.request import PlanRequest
from trocar.samples.lesions import LESIONS, draw

pytestmark = pytest.mark.samples
MOBILE = {"colon", "small_bowel", "duodenum", "stomach", "kidney_sinus"}
LESION = {lesion.name: lesion for lesion in LESIONS}


def ask(protocol: str, **asked: object) -> PlanRequest:
    loaded = load_protocol(protocol)
    usable = effective(loaded, load_department(None)).for_planning("ct", loaded.default_needle)
    question = {"scan_position": "supine", "position_source": "inferred"}
    return PlanRequest(usable, date(2026, 1, 1), **(question | asked))  # type: ignore[arg-type]


def check_numbers(plan: Plan) -> None:
    """Probabilities and margins that any plan must have."""
    for planned in plan.paths:
        risk = planned.risk
        assert risk.sample is not None
        assert 0 < risk.sample <= 1
        assert risk.error is not None
        assert risk.error < 0.005
        assert all(0 <= p <= 1 for p in risk.harm.values() if p is not None)
        if {"spinal_cord", "spinal_canal"} <= set(risk.harm):
            assert risk.harm["spinal_cord"] <= risk.harm["spinal_canal"] + 0.01  # the canal holds the cord
        for name, p in risk.harm.items():
            if p is not None and name not in MOBILE:
                assert p <= _most_harm(planned.clearances_mm[name], planned.path) + 0.005, name
        for name, asked in planned.required_mm.items():
            clearance = planned.clearances_mm[name]
            assert clearance is None or clearance >= asked - 1e-6, name


def _most_harm(clearance_mm: float | None, path: NeedlePath) -> float:
    """A needle can only enter what is ``clearance`` away if its entry or its fired tip is off by that much.

    Offsets at the entry and at the tip have Rayleigh lengths in the model: means of 6.1 mm and 3.4 degrees (T1).
    """
    assert clearance_mm is not None
    entry, tilt = 6.1 / np.sqrt(np.pi / 2), np.radians(3.4 / np.sqrt(np.pi / 2))
    tip = np.hypot(entry, tilt * (path.length_mm + path.throw_mm))
    # an angle's normal error moves the tip a little less than its tangent says
    return float(sum(np.exp(-(clearance_mm**2) / (2 * sigma**2)) for sigma in (entry, 1.02 * tip)))


@pytest.mark.parametrize("side", ["left", pytest.param("right", marks=pytest.mark.prove)])
def test_both_lower_poles_of_the_abdomen_ct_are_reached_from_behind(
    side: str, sample_ct: Volume, sample_structures: StructureSet
) -> None:
    plan = Planner(sample_ct, sample_structures).plan(ask("kidney_biopsy", side=side))
    assert len(plan.paths) >= 3
    check_numbers(plan)
    best = plan.paths[0]
    assert best.path.entry_lps_mm[1] > best.path.tip_lps_mm[1] + 20
    assert f"kidney_{side}" in best.crosses
    assert not {"colon", "spleen", "liver", "kidney_sinus", "small_bowel"} & set(best.crosses)
    kidney = sample_structures.grid.to_patient(np.argwhere(sample_structures.mask(f"kidney_{side}"))[:, ::-1])
    assert plan.target.centre_lps_mm[2] < np.quantile(kidney[:, 2], 0.35)
    assert {"not_in_position", "position_inferred"} <= {w.code for w in plan.warnings}


@pytest.mark.parametrize("name", ["l3", pytest.param("iliac_crest", marks=pytest.mark.prove)])
def test_lesions_in_bone_are_reached(name: str, sample_ct: Volume, sample_structures: StructureSet) -> None:
    drawn, mask = draw(LESION[name], sample_ct, sample_structures)
    plan = Planner(drawn, sample_structures).plan(ask("bone_biopsy", target_mask=(name, mask)))
    assert plan.paths
    check_numbers(plan)
    best = plan.paths[0]
    assert LESION[name].bone in best.crosses
    assert best.measures["notch_in_target_mm"] >= 5
    assert best.measures["cortex_thickness_mm"] > 0
    if name == "l3":
        assert best.measures["pedicle_width_mm"] > 5
        assert not {"spinal_cord", "spinal_canal"} & set(best.crosses)
        assert (best.path.entry_lps_mm[0] > best.path.tip_lps_mm[0]) == (best.path.tip_lps_mm[0] > 0), (
            "through the pedicle of the lesion's side, from outside inwards"
        )


@pytest.mark.parametrize("side", ["left", "right"])
def test_kidneys_that_the_chest_ct_cuts_are_refused(side: str) -> None:
    volume, structures = samples_data.chest_ct(), samples_data.chest_structures()
    with pytest.raises(InputRefused, match="cut by the edge of the scan, so its lower pole is not on it"):
        Planner(volume, structures).plan(ask("kidney_biopsy", side=side))


@pytest.mark.prove
@pytest.mark.parametrize("target", ["vertebrae_T9", "rib_left_7", "rib_right_8"])
def test_vertebra_and_rib_of_the_chest_ct_are_planned(target: str) -> None:
    volume, structures = samples_data.chest_ct(), samples_data.chest_structures()
    plan = Planner(volume, structures).plan(ask("bone_biopsy", target_name=target))
    assert plan.paths
    check_numbers(plan)
    for planned in plan.paths:
        assert target in planned.crosses
        assert not any(name.startswith("lung_") for name in planned.crosses)

"""Reasons in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.planning.test_anatomy import anatomy_of, request
from trocar.geometry.needle_path import NeedlePath
from trocar.planning.anatomy import OUTSIDE
from trocar.planning.plan import PathAngles, PathRisk, PlannedPath
from trocar.planning.wording import reasons_for, rejection


def planned(
    length_mm: float = 60.0,
    tilt: float = 0.0,
    clear: float = 14.4,
    sample: float | None = 0.4,
    **more: object,
) -> PlannedPath:
    tip = np.array([60.0, 30.0, -20.0])
    path = PlannedPath(
        path=NeedlePath(tip + np.array([0.0, length_mm, 0.0]), tip, 22.0),
        clearances_path_mm={"colon": clear, "liver": 50.0},
        clearances_mm={"colon": clear, "liver": 50.0},
        required_mm={"colon": 10.0, "liver": 5.0},
        crosses=("kidney_left",),
        angles=PathAngles(5.0, tilt, 0.0, None),
        risk=PathRisk(sample, {}, 0.004, ""),
        measures={"notch_in_target_mm": 15.2},
        score=1.0,
        reasons=(),
    )
    return replace(path, **more)  # type: ignore[arg-type]


def reasons(*paths: PlannedPath, unjudged: set[str] | None = None) -> list[tuple[str, ...]]:
    asked = request()
    found = reasons_for(paths, asked.protocol.needle(None), anatomy_of(asked), unjudged or set())
    return [path.reasons for path in found]


def test_what_each_path_does_best_is_said_of_it_alone() -> None:
    short, wide, likely = (
        planned(50.0, 12.0),
        planned(70.0, -20.0, clear=25.0),
        planned(65.0, 1.0, sample=0.8),
    )
    found = reasons(short, wide, likely)
    assert "shortest of the kept paths" in found[0]
    assert "widest margin of the kept paths" in found[1]
    assert {"highest modelled chance of a sample", "least tilt out of the axial plane"} <= set(found[2])
    assert "shortest of the kept paths" not in found[1] + found[2]
    assert not any("kept paths" in reason for reason in reasons(short)[0])  # one path is not the best of any


def test_the_tightest_margin_is_named_with_its_group_and_limit() -> None:
    assert "keeps 14 mm from colon (bowel), its tightest margin (limit 10 mm)" in reasons(planned())[0]
    near_liver = planned(clear=40.0, clearances_mm={"colon": 40.0, "liver": 8.0})
    assert "keeps 8 mm from liver, its tightest margin (limit 5 mm)" in reasons(near_liver)[0]
    unknown = planned(clearances_mm={"colon": None, "liver": 50.0})
    assert not any("colon" in reason for reason in reasons(unknown)[0])


@pytest.mark.parametrize(
    ("tilt", "words"),
    [
        (4.9, "in the axial plane"),
        (12.4, "tilted 12° towards the head"),
        (-30.0, "tilted 30° towards the feet"),
    ],
)
def test_tilt_is_said_as_towards_head_or_feet(tilt: float, words: str) -> None:
    assert words in reasons(planned(tilt=tilt))[0]


def test_notch_pedicle_cortex_and_check_scan() -> None:
    assert "15 of 18 mm of notch in the target" in reasons(planned())[0]
    bone = planned(
        measures={"notch_in_target_mm": 9.0, "pedicle_width_mm": 11.6, "cortex_thickness_mm": 2.0},
        angles=PathAngles(5.0, 0.0, 0.0, 17.0),
        needs_check_scan=True,
    )
    found = reasons(bone, unjudged={"colon"})[0]
    assert "through a pedicle 12 mm wide" in found
    assert "meets the cortex 17° off straight" in found
    assert "needs a check scan in position: mobile organs are not judged" in found
    assert "needs a check scan in position" in reasons(bone)[0]


def test_labels_of_the_judge_become_reasons_with_their_limits() -> None:
    asked = request()
    anatomy, needle = anatomy_of(asked), asked.protocol.needle(None)
    said = {
        label: rejection(label, anatomy, needle, asked.protocol)
        for label in ("too long", "too near", "angle to skin", "tilt", "leaves scan", f"crosses {OUTSIDE}")
    }
    assert said["too long"] == "longer than the 150 mm needle"
    assert said["angle to skin"] == "more than 60° off the skin's normal"
    assert said["tilt"] == "tilted more than 45° out of the axial plane"
    assert said[f"crosses {OUTSIDE}"] == "leaves the body and comes in again"
    assert len(set(said.values())) == len(said)
    for label in ("crosses colon", "nearer than 10 mm to colon"):
        assert rejection(label, anatomy, needle, asked.protocol) == label

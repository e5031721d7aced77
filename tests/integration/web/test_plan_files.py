"""What a visitor takes away from a plan: its files and its slices."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from numba.core.dispatcher import Dispatcher
from PIL import Image

from tests.integration.web.plan_folders import build_kidney_plan
from trocar.imaging.kernels import contouring, slicing
from trocar.web.plans import shown_plan
from trocar.web.plans.slice_stack import STACK_NAMES, slice_stack

pytestmark = pytest.mark.samples

SLICES = "/plans/kidney-left/paths/1/slices"


def test_plan_json_is_the_planner_s_file(visitor: Client, planned: Path) -> None:
    answer = visitor.get("/plans/kidney-left/plan.json")
    assert answer["Content-Type"] == "application/json"
    assert answer.content == (planned / "plans" / "kidney-left" / "plan.json").read_bytes()


def test_the_sheet_as_a_page_may_run_nothing(visitor: Client, planned: Path) -> None:
    answer = visitor.get("/plans/kidney-left/plan.html")
    assert answer["Content-Type"].startswith("text/html")
    policy = answer["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy


def test_the_sheet_as_pdf(visitor: Client, planned: Path) -> None:
    answer = visitor.get("/plans/kidney-left/plan.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert 'filename="kidney-left-plan.pdf"' in answer["Content-Disposition"]


def test_dicom_files_come_in_one_zip(visitor: Client, planned: Path) -> None:
    answer = visitor.get("/plans/kidney-left/dicom.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["kidney-left/sr.dcm"]
        assert archive.testzip() is None


@pytest.mark.parametrize("name", ["plan.pdf", "plan.html", "dicom.zip"])
def test_a_file_that_was_not_written(visitor: Client, data: Path, name: str) -> None:
    folder = build_kidney_plan(data)
    for file in (folder / "plan.pdf", folder / "plan.html", folder / "dicom" / "sr.dcm"):
        file.unlink()
    answer = visitor.get(f"/plans/kidney-left/{name}")
    assert answer.status_code == 404
    assert "This plan has no" in answer.content.decode()
    assert name not in visitor.get("/plans/kidney-left/").content.decode()


@pytest.mark.parametrize(
    "name", ["plan.json", "plan.pdf", "plan.html", "dicom.zip", "paths/1/slices/axial/1.png"]
)
def test_a_case_that_is_not_planned_has_no_files(visitor: Client, planned: Path, name: str) -> None:
    assert visitor.get(f"/plans/bone-l3/{name}").status_code == 404


@pytest.mark.parametrize("stack", STACK_NAMES)
def test_every_stack_from_its_first_to_its_last_slice(visitor: Client, planned: Path, stack: str) -> None:
    first = visitor.get(f"{SLICES}/{stack}/0.png")
    assert first["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(first.content)).size[0] >= 100
    page = visitor.get("/plans/kidney-left/").content.decode()
    slider = page[page.index(f'name="{stack}" min="0" max="') :]
    last = int(slider.split('max="')[1].split('"')[0])
    assert visitor.get(f"{SLICES}/{stack}/{last}.png").status_code == 200
    assert visitor.get(f"{SLICES}/{stack}/{last + 1}.png").status_code == 404


@pytest.mark.parametrize(
    "rest", ["axial/-1.png", "axial/1.5.png", "axial/1234567.png", "oblique/1.png", "axial/x.png"]
)
def test_no_such_slice(visitor: Client, planned: Path, rest: str) -> None:
    assert visitor.get(f"{SLICES}/{rest}").status_code == 404
    assert visitor.get("/plans/kidney-left/paths/0/slices/axial/1.png").status_code == 404
    assert visitor.get("/plans/kidney-left/paths/5/slices/axial/1.png").status_code == 404


def test_only_the_address_that_names_the_version_is_kept_for_ever(visitor: Client, planned: Path) -> None:
    version = shown_plan.read(planned / "plans" / "kidney-left" / "plan.json").version
    assert "immutable" in visitor.get(f"{SLICES}/axial/5.png?v={version}")["Cache-Control"]
    for other in ("", "?v=0", "?v="):
        assert "no-cache" in visitor.get(f"{SLICES}/axial/5.png{other}")["Cache-Control"]


def test_slices_are_of_one_size_whatever_they_hold(visitor: Client, planned: Path) -> None:
    sizes = {Image.open(io.BytesIO(visitor.get(f"{SLICES}/axial/{n}.png").content)).size for n in (0, 40, 60)}
    assert len(sizes) == 1


def test_outlines_and_grey_scale_change_the_picture(visitor: Client, planned: Path) -> None:
    looks = ("", "?outlines=off", "?window=bone", "?window=lung")
    pictures = {visitor.get(f"{SLICES}/down/90.png{look}").content for look in looks}
    assert len(pictures) == 4


def test_a_plan_made_anew_shows_new_pictures(visitor: Client, data: Path) -> None:
    folder = build_kidney_plan(data)
    before = visitor.get(f"{SLICES}/along/0.png").content
    content = json.loads((folder / "plan.json").read_text())
    content["paths"].reverse()
    (folder / "plan.json").write_text(json.dumps(content) + " ")
    assert visitor.get(f"{SLICES}/along/0.png").content != before


def test_pictures_are_drawn_while_the_planner_uses_its_threads() -> None:
    """Numba's plainest threading layer, the one of a bare machine, ends the process when two threads enter it.

    The planning thread may be in it, so the kernels that draw slices must keep out.
    """
    for module in (slicing, contouring):
        kernels = [one for one in vars(module).values() if isinstance(one, Dispatcher)]
        assert kernels
        assert not [one for one in kernels if one.targetoptions.get("parallel")]


@pytest.mark.parametrize("stack", STACK_NAMES)
def test_the_opening_slice_goes_through_the_notch(planned: Path, sample_ct, stack: str) -> None:
    plan = shown_plan.read(planned / "plans" / "kidney-left" / "plan.json")
    for path in plan.paths:
        depth_mm = plan.notch_depth_mm(path)
        notch = path.needle_path.at(depth_mm)
        slices = slice_stack(stack, sample_ct.grid, path.needle_path, depth_mm, plan.lying)
        # a down-the-needle slice stands at a whole millimetre
        assert abs(float(slices.plane(slices.start).depth_mm(notch))) <= (0.5 if stack == "down" else 1e-6)


def test_every_plane_along_the_needle_holds_it_at_one_place(planned: Path, sample_ct) -> None:
    plan = shown_plan.read(planned / "plans" / "kidney-left" / "plan.json")
    path = plan.paths[1].needle_path
    slices = slice_stack("along", sample_ct.grid, path, plan.notch_depth_mm(plan.paths[1]), plan.lying)
    ends = [path.entry_lps_mm, path.fired_tip_lps_mm]
    first = slices.plane(0).to_pixel(ends)
    for index in range(slices.count):
        plane = slices.plane(index)
        assert np.abs(plane.depth_mm(ends)).max() < 1e-6
        assert np.allclose(plane.to_pixel(ends), first, atol=1e-6)
    quarter = slices.plane(18)
    assert abs(float(quarter.into_lps @ slices.plane(0).into_lps)) < 1e-6


def test_the_patient_axis_stacks_cover_the_scan_and_name_its_sides(planned: Path, sample_ct) -> None:
    plan = shown_plan.read(planned / "plans" / "kidney-left" / "plan.json")
    path = plan.paths[0]
    corners = sample_ct.grid.corners_lps_mm()
    for stack, axis, first, last in (
        ("axial", 2, "towards the feet", "towards the head"),
        ("coronal", 1, "in front of the notch", "behind the notch"),
        ("sagittal", 0, "to the right of the notch", "to the left of the notch"),
    ):
        slices = slice_stack(stack, sample_ct.grid, path.needle_path, plan.notch_depth_mm(path), plan.lying)
        low, high = (slices.plane(n).centre_lps_mm[axis] for n in (0, slices.count - 1))
        assert 0 <= low - corners[:, axis].min() <= 4.5
        assert 0 <= corners[:, axis].max() - high <= 4.5
        assert slices.label(0).endswith(first)
        assert slices.label(slices.count - 1).endswith(last)


def test_the_needle_is_not_drawn_on_a_slice_far_from_it(visitor: Client, planned: Path) -> None:
    """Path 1 stays in one axial plane, so only slices near it may hold the needle's yellow."""

    def yellow(index: int) -> int:
        content = visitor.get(f"{SLICES}/axial/{index}.png?outlines=off").content
        pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
        return int(((pixels[..., 0] > 230) & (pixels[..., 1] > 200) & (pixels[..., 2] < 140)).sum())

    page = visitor.get("/plans/kidney-left/").content.decode()
    start = int(page[page.index('name="axial" min="0"') :].split('value="')[1].split('"')[0])
    assert yellow(start) > 200
    assert yellow(start + 8) == 0
    assert yellow(start - 8) == 0

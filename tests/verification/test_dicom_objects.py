"""Every object that Trocar writes, judged by dciodvfy (dicom3tools) and read back by highdicom.

ALLOWED lists the complaints of dciodvfy that are its own fault, each with the place in the standard that shows so.
There are none: its build of 2022 accepts all of our objects.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from PIL import Image

from tests.ct_factory import make_grid, oblique_directions, speckled_hu
from tests.unit.dicom.write.plan_factory import (
    make_path,
    make_plan,
    make_structures,
    make_study,
    mask_points,
    points_of,
)
from tests.unit.dicom.write.test_study import GRID as MULTI_FRAME_GRID
from tests.unit.dicom.write.test_study import enhanced
from trocar.dicom.write import Capture, SourceStudy, derive_study, write_plan_objects
from trocar.geometry.grid import Grid
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import ImageSource, Volume

ALLOWED: tuple[str, ...] = ()
NOON = datetime(2026, 5, 4, 12, 30, 15)
DCIODVFY = shutil.which("dciodvfy")
judged = pytest.mark.skipif(DCIODVFY is None, reason="needs dciodvfy (Debian package dicom3tools)")


def errors(path: Path) -> list[str]:
    """What dciodvfy calls an error in a file."""
    assert DCIODVFY is not None
    run = subprocess.run([DCIODVFY, str(path)], capture_output=True, text=True, errors="replace", check=False)
    lines = (run.stdout + run.stderr).splitlines()
    assert lines, "dciodvfy said nothing; it names at least the kind of object"
    return [line for line in lines if line.startswith("Error") and line not in ALLOWED]


def write_all(
    out: Path, study: SourceStudy, grid: Grid, structures: StructureSet, names: Sequence[str] | None = None
) -> tuple[Path, ...]:
    """A plan for the middle of the grid, with everything that an object can hold."""
    sample = grid.to_patient(np.array(grid.size_ijk) / 2)
    entry = sample + np.array([15.0, 80.0, -12.0])
    pointed = make_path(entry, sample)
    relaxed = make_path(entry + 1, sample, relaxed="clearance to the colon, 10 mm")
    plan = make_plan([pointed, relaxed])
    captures = [Capture(Image.new("RGB", (31, 17), "navy"), "Axial at entry")]
    return write_plan_objects(
        out, plan, study, structures, captures, b"%PDF-1.7 odd", NOON, names=names or structures.names
    )


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, ...]]:
    """Objects for a plain, a multi-frame and a derived CT."""
    folder = tmp_path_factory.mktemp("objects")
    grid = make_grid((5, 8, 12), (7, 9, 25), directions=oblique_directions(1))
    plain = write_all(folder / "plain", make_study(grid), grid, make_structures(grid))
    study = SourceStudy.from_headers([enhanced(orientation_per_frame=False)])
    multi_frame = write_all(folder / "multi", study, MULTI_FRAME_GRID, make_structures(MULTI_FRAME_GRID))
    hu = speckled_hu(grid.shape_kji)
    derived_study = derive_study(Volume(hu, grid, ImageSource("nifti", "66" * 32)), folder / "derived")
    images = tuple(sorted((folder / "derived").iterdir()))
    derived = write_all(folder / "derived", derived_study, grid, make_structures(grid))
    return {"plain": plain, "multi-frame": multi_frame, "derived": (*images, *derived)}


@judged
@pytest.mark.parametrize("kind", ["plain", "multi-frame", "derived"])
def test_dciodvfy_finds_no_error(kind: str, synthetic: dict[str, tuple[Path, ...]]) -> None:
    assert {p.name: errors(p) for p in synthetic[kind]} == {p.name: [] for p in synthetic[kind]}


@judged
def test_dciodvfy_does_find_errors(synthetic: dict[str, tuple[Path, ...]], tmp_path: Path) -> None:
    """The judge is awake: an object that lacks something is an error to it."""
    for path in synthetic["plain"]:
        dataset = pydicom.dcmread(path)
        del dataset.StudyInstanceUID
        dataset.save_as(tmp_path / path.name)
        assert errors(tmp_path / path.name)


@pytest.mark.parametrize("kind", ["plain", "derived"])
def test_highdicom_reads_the_same_masks_and_points(kind: str, synthetic: dict[str, tuple[Path, ...]]) -> None:
    grid = make_grid((5, 8, 12), (7, 9, 25), directions=oblique_directions(1))
    structures = make_structures(grid)
    found = {}
    for path in synthetic[kind]:
        if path.name.startswith("structures"):
            found |= points_of(hd.seg.segread(path))
    assert set(found) == set(structures.names) - {"spleen"}
    for name, points in found.items():
        np.testing.assert_allclose(points, mask_points(structures, name), atol=1e-4)
    (report,) = (hd.sr.srread(path) for path in synthetic[kind] if path.name == "plan-report.dcm")
    assert len(report.content.get_image_measurement_groups()) == 2


@judged
@pytest.mark.test_data
@pytest.mark.parametrize(
    "folder", ["kidney_ct_crlm1006/dicom", "bone_ct_sts007/dicom", "dicom_objects/eCT_Supplemental.dcm"]
)
def test_objects_in_a_real_study(folder: str, test_data: Path, tmp_path: Path) -> None:
    """Feet-first with padding; a study ID longer than allowed; a multi-frame CT with rows from left to right."""
    place = test_data / folder
    files = [place] if place.is_file() else sorted(place.glob("*.dcm"))
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in files]
    study = SourceStudy.from_headers(headers)
    grid = _grid_of(study)
    structures = _blocks(grid)
    paths = write_all(tmp_path / "dicom", study, grid, structures)
    assert {p.name: errors(p) for p in paths} == {p.name: [] for p in paths}
    found = {}
    for path in paths:
        dataset = pydicom.dcmread(path)
        assert dataset.StudyInstanceUID == headers[0].StudyInstanceUID
        assert dataset.PatientID == headers[0].PatientID
        assert dataset.PatientName == headers[0].PatientName
        if path.name.startswith("structures"):
            assert dataset.FrameOfReferenceUID == headers[0].FrameOfReferenceUID
            found |= points_of(dataset)
            frames = dataset.PerFrameFunctionalGroupsSequence
            assert all(len(f.DerivationImageSequence[0].SourceImageSequence) == 1 for f in frames)
    assert set(found) == {"kidney_left", "lesion"}
    for name, points in found.items():
        np.testing.assert_allclose(points, mask_points(structures, name), atol=1e-3)


def _grid_of(study: SourceStudy) -> Grid:
    """The grid of a study with even slices, k along the normal of the slices."""
    rows = study.row_and_column_directions
    normal = np.cross(*rows)
    positions = study.positions_lps_mm[np.argsort(study.positions_lps_mm @ normal)]
    image = study.images[0]
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1] = rows * study.spacing_ij_mm[:, None]
    matrix[:3, 2] = (positions[-1] - positions[0]) / (len(positions) - 1)
    matrix[:3, 3] = positions[0]
    return Grid((len(positions), image.Rows, image.Columns), matrix)


def _blocks(grid: Grid) -> StructureSet:
    """A kidney, and a lesion in part of it, both without symmetry."""
    k, j, i = grid.shape_kji
    labels, lesion = np.zeros(grid.shape_kji, np.uint8), np.zeros(grid.shape_kji, bool)
    labels[: k // 2 + 1, j // 4 : j // 3, i // 5 : i // 2] = 4
    lesion[k // 3 :, j // 4 : j // 3, i // 4 : i // 3] = True
    return StructureSet(grid, labels, {4: "kidney_left"}, {"lesion": lesion}, "88" * 32)


@judged
@pytest.mark.samples
def test_objects_for_a_nifti_sample(
    sample_ct: Volume, sample_structures: StructureSet, tmp_path: Path
) -> None:
    """Labels of the sample (dciodvfy takes a second for ten of them) on the CT series derived from it."""
    names = ("kidney_left", "kidney_right", "vertebrae_L3", "hip_left", "rib_left_12", "spleen")
    study = derive_study(sample_ct, tmp_path / "dicom")
    images = sorted((tmp_path / "dicom").iterdir())
    paths = write_all(tmp_path / "dicom", study, sample_ct.grid, sample_structures, names)
    for path in (images[0], images[-1], *paths):
        assert errors(path) == []
    found = {}
    for path in paths:
        if path.name.startswith("structures"):
            found |= points_of(pydicom.dcmread(path))
    assert set(found) == set(names)
    for name in names:
        np.testing.assert_allclose(found[name], mask_points(sample_structures, name), atol=1e-3)
    # supine, head first: the patient's left kidney lies at larger x than the right one
    assert found["kidney_left"][:, 0].mean() > found["kidney_right"][:, 0].mean()

"""Segments come onto the CT's voxels by the geometry of each frame, whatever their order, part or orientation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from tests.ct_factory import make_grid, oblique_directions, sample_uid, write_ct_series
from trocar.dicom.segmentation_in import read_seg
from trocar.dicom.series import read_ct
from trocar.errors import InputRefused
from trocar.geometry.grid import Grid

SHAPE = (6, 11, 9)


def blob(seed: int, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """A mask with no symmetry that leaves the first and third slice empty."""
    mask = np.random.default_rng(seed).random(shape) < 0.4
    mask[[0, 2]] = False
    return mask


def description(number: int, label: str) -> hd.seg.SegmentDescription:
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.Tissue,
        segmented_property_type=codes.SCT.Tissue,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )


def write_seg(
    path: Path,
    folder: Path,
    masks: list[np.ndarray],
    grid: Grid,
    labels: list[str] | None = None,
    kind: str = "BINARY",
    syntax: str = ExplicitVRLittleEndian,
    edit: Any = None,
    **how: Any,
) -> Path:
    """Have highdicom write masks ``[k, j, i]`` on ``grid``, which need not be the source series' grid."""
    sources = [dcmread(p) for p in sorted(folder.glob("*.dcm"))]
    labels = labels or [f"structure {n}" for n in range(1, len(masks) + 1)]
    positions = [
        hd.PlanePositionSequence("PATIENT", grid.to_patient((0, 0, k))) for k in range(grid.shape_kji[0])
    ]
    pixels = np.stack(masks, axis=-1).astype(np.uint8 if kind == "BINARY" else np.float32)
    if kind == "LABELMAP":
        pixels = sum(n * mask.astype(np.uint8) for n, mask in enumerate(masks, start=1))
    seg = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=[description(n, label) for n, label in enumerate(labels, start=1)],
        series_instance_uid=sample_uid("seg series"),
        series_number=9,
        sop_instance_uid=sample_uid("seg"),
        instance_number=1,
        manufacturer="Trocar tests",
        manufacturer_model_name="Trocar tests",
        software_versions="1",
        device_serial_number="1",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        pixel_measures=hd.PixelMeasuresSequence(
            pixel_spacing=[grid.spacing_mm[1], grid.spacing_mm[0]],
            slice_thickness=grid.spacing_mm[2],
            spacing_between_slices=grid.spacing_mm[2],
        ),
        plane_orientation=hd.PlaneOrientationSequence("PATIENT", grid.directions[:, :2].T.ravel()),
        plane_positions=positions,
        **how,
    )
    if edit is not None:
        edit(seg)
    if syntax != ExplicitVRLittleEndian:
        seg.compress(syntax, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    seg.save_as(path)
    return path


@pytest.fixture(params=["axial", "oblique"])
def ct(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Grid]:
    grid = make_grid(SHAPE, directions=oblique_directions(7) if request.param == "oblique" else None)
    write_ct_series(tmp_path / "ct", np.zeros(SHAPE, np.int16), grid)
    return tmp_path / "ct", read_ct([tmp_path / "ct"]).volume.grid


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_segments_on_the_ct_grid(ct: tuple[Path, Grid], tmp_path: Path, syntax: str) -> None:
    folder, grid = ct
    masks = [blob(1), blob(2), blob(3)]
    masks[1] &= ~masks[0]  # the first two share a label map, the third overlaps both
    kind = "BINARY" if syntax == ExplicitVRLittleEndian else "FRACTIONAL"
    path = write_seg(
        tmp_path / "s.dcm", folder, masks, grid, ["kidney", "renal vein", "lesion"], kind, syntax
    )
    read = read_seg(path, grid, sample_uid("frame of reference", 0))
    assert read.names == ("kidney", "renal vein", "lesion")
    for name, mask in zip(read.names, masks, strict=True):
        np.testing.assert_array_equal(read.mask(name), mask)
    assert set(read.masks) == {"lesion"}
    assert read.sha256 != ""
    assert len(read.notices) == (kind == "FRACTIONAL")


def test_label_map_segmentation(ct: tuple[Path, Grid], tmp_path: Path) -> None:
    folder, grid = ct
    masks = [blob(1), blob(2) & ~blob(1)]
    path = write_seg(tmp_path / "s.dcm", folder, masks, grid, ["liver", "spleen"], "LABELMAP")
    read = read_seg(path, grid)
    for name, mask in zip(("liver", "spleen"), masks, strict=True):
        np.testing.assert_array_equal(read.mask(name), mask)


def test_a_fraction_counts_from_half_on(ct: tuple[Path, Grid], tmp_path: Path) -> None:
    folder, grid = ct
    fractions = np.zeros(SHAPE, np.float32)
    fractions[1, 2, :5] = [0.1, 0.49, 0.51, 0.9, 1.0]
    path = write_seg(
        tmp_path / "s.dcm", folder, [fractions], grid, kind="FRACTIONAL", max_fractional_value=200
    )
    read = read_seg(path, grid)
    assert np.argwhere(read.mask("structure 1")).tolist() == [[1, 2, 2], [1, 2, 3], [1, 2, 4]]
    assert "at least half" in read.notices[0]


TURNS = {
    "a part of the grid": lambda m: (m[1:5, 2:9, 3:8], (3, 2, 1), (0, 1, 2), (1, 1, 1)),
    "from head to feet": lambda m: (m[::-1], (0, 0, 5), (0, 1, 2), (1, 1, -1)),
    "mirrored rows": lambda m: (m[:, :, ::-1], (8, 0, 0), (0, 1, 2), (-1, 1, 1)),
    "upside down": lambda m: (m[:, ::-1, :], (0, 10, 0), (0, 1, 2), (1, -1, 1)),
    "rows and columns swapped": lambda m: (m.transpose(0, 2, 1), (0, 0, 0), (1, 0, 2), (1, 1, 1)),
    "along the k axis": lambda m: (m.transpose(2, 0, 1)[:, ::-1], (0, 0, 5), (1, 2, 0), (1, -1, 1)),
    "a larger grid": lambda m: (np.pad(m, 2, constant_values=True), (-2, -2, -2), (0, 1, 2), (1, 1, 1)),
}


@pytest.mark.parametrize("name", TURNS)
def test_segments_on_part_of_the_grid_or_turned(ct: tuple[Path, Grid], tmp_path: Path, name: str) -> None:
    """axes: the CT's axis that the segmentation's i, j, k run along; signs: which way."""
    folder, grid = ct
    mask = blob(4)
    turned, first_ijk, axes, signs = TURNS[name](mask)
    matrix = np.eye(4)
    for own, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        matrix[:3, own] = grid.voxel_to_patient[:3, axis] * sign
    matrix[:3, 3] = grid.to_patient(first_ijk)
    path = write_seg(tmp_path / "s.dcm", folder, [turned], Grid(turned.shape, matrix))
    read = read_seg(path, grid)
    expected = mask.copy()
    if name == "a part of the grid":
        expected[:] = False
        expected[1:5, 2:9, 3:8] = mask[1:5, 2:9, 3:8]
    np.testing.assert_array_equal(read.mask("structure 1"), expected)
    assert read.notices == (() if name != "a larger grid" else (read.notices[0],))


def test_frames_in_any_order(ct: tuple[Path, Grid], tmp_path: Path) -> None:
    folder, grid = ct
    masks = [blob(1), blob(2)]
    path = write_seg(tmp_path / "s.dcm", folder, masks, grid)
    ds = dcmread(path)
    order = np.random.default_rng(0).permutation(int(ds.NumberOfFrames))
    bits = np.unpackbits(np.frombuffer(ds.PixelData, np.uint8), bitorder="little")
    frames = bits[: len(order) * 99].reshape(len(order), 99)[order]
    ds.PerFrameFunctionalGroupsSequence = [ds.PerFrameFunctionalGroupsSequence[n] for n in order]
    packed = np.packbits(frames.ravel(), bitorder="little").tobytes()
    ds.PixelData = packed + b"\0" * (len(packed) % 2)
    ds.save_as(path)
    read = read_seg(path, grid)
    for name, mask in zip(read.names, masks, strict=True):
        np.testing.assert_array_equal(read.mask(name), mask)


def test_another_grid_is_resampled_with_a_notice(ct: tuple[Path, Grid], tmp_path: Path) -> None:
    """A ball drawn on a finer, turned grid. Nearest voxels keep its size and place to a part of a voxel."""
    folder, _ = ct
    grid = make_grid((30, 44, 40), spacing_ijk_mm=(1, 1.2, 1.5), origin_lps_mm=(0, 0, 0))
    own = make_grid((60, 60, 60), (0.8, 0.8, 0.8), (-8, 0, 0), oblique_directions(2))
    own = Grid(own.shape_kji, _centred(own, grid.to_patient((20, 22, 15))))
    centre = grid.to_patient((20, 22, 15))
    mask = _ball(own, centre, 14)
    path = write_seg(tmp_path / "s.dcm", folder, [mask], own)
    read = read_seg(path, grid)
    expected = _ball(grid, centre, 14)
    found = read.mask("structure 1")
    dice = 2 * (found & expected).sum() / (found.sum() + expected.sum())
    assert dice > 0.97
    assert any("resampled" in notice for notice in read.notices)


def _ball(grid: Grid, centre: np.ndarray, radius_mm: float) -> np.ndarray:
    k, j, i = np.indices(grid.shape_kji)
    return np.linalg.norm(grid.to_patient(np.stack([i, j, k], axis=-1)) - centre, axis=-1) <= radius_mm


def _centred(grid: Grid, point: np.ndarray) -> np.ndarray:
    matrix = grid.voxel_to_patient.copy()
    middle = (np.array(grid.size_ijk) - 1) / 2
    matrix[:3, 3] += point - grid.to_patient(middle)
    return matrix


def test_segments_of_tilted_slices_land_on_the_straightened_ct(ct: tuple[Path, Grid], tmp_path: Path) -> None:
    """Frames shifted against one another, as on a tilted gantry, are placed by their own positions."""
    folder, _ = ct
    grid = make_grid((6, 30, 20), (1, 1, 2))
    mask = np.zeros((6, 12, 9), bool)
    mask[:, 4:8, 3:6] = True
    own = make_grid((6, 12, 9), (1, 1, 2))

    def shift(seg):
        for item in seg.PerFrameFunctionalGroupsSequence:
            position = item.PlanePositionSequence[0].ImagePositionPatient
            k = round((float(position[2]) + 110.25) / 2)
            position[1] = float(position[1]) + 1.5 * k

    read = read_seg(write_seg(tmp_path / "s.dcm", folder, [mask], own, edit=shift), grid)
    found = read.mask("structure 1")
    for k in range(6):
        rows = np.flatnonzero(found[k].any(axis=1))
        assert abs(rows.mean() - (5.5 + 1.5 * k)) <= 0.5
        assert found[k].sum() == 12


def test_names_are_made_unique_and_empty_ones_told(ct: tuple[Path, Grid], tmp_path: Path) -> None:
    folder, grid = ct
    masks = [blob(1), blob(2), np.zeros(SHAPE, bool)]
    path = write_seg(
        tmp_path / "s.dcm", folder, masks, grid, ["cyst", "cyst", "clip"], omit_empty_frames=False
    )
    read = read_seg(path, grid)
    assert read.names == ("cyst", "cyst (2)")
    np.testing.assert_array_equal(read.mask("cyst (2)"), masks[1])
    assert read.notices == ("Segment 'clip' is empty.",)


def test_same_content_same_hash(ct: tuple[Path, Grid], tmp_path: Path) -> None:
    folder, grid = ct
    hashes = [
        read_seg(write_seg(tmp_path / f"{n}.dcm", folder, [blob(n)], grid, [label]), grid).sha256
        for n, label in ((1, "a"), (1, "a"), (2, "a"), (1, "b"))
    ]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_refusals(ct: tuple[Path, Grid], tmp_path: Path) -> None:
    folder, grid = ct
    path = write_seg(tmp_path / "s.dcm", folder, [blob(1)], grid)
    with pytest.raises(InputRefused, match="another frame of reference"):
        read_seg(path, grid, sample_uid("elsewhere"))
    with pytest.raises(InputRefused, match="nothing inside this CT"):
        read_seg(path, make_grid(SHAPE, origin_lps_mm=(900, 900, 900)))
    with pytest.raises(InputRefused, match="not a DICOM segmentation: it is CT Image"):
        read_seg(folder / "0000.dcm", grid)
    with pytest.raises(InputRefused, match="no file"):
        read_seg(tmp_path / "nowhere.dcm", grid)
    (tmp_path / "text.dcm").write_text("no segmentation")
    with pytest.raises(InputRefused, match="not"):
        read_seg(tmp_path / "text.dcm", grid)
    raw = path.read_bytes()
    for share in (0.2, 0.5, 0.7, 0.9, 0.99):
        (tmp_path / "cut.dcm").write_bytes(raw[: int(share * len(raw))])
        with pytest.raises(InputRefused):
            read_seg(tmp_path / "cut.dcm", grid)

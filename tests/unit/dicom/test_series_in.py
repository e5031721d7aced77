"""A CT series comes in as the volume that was scanned: every voxel at its place, whatever the files look like."""

from __future__ import annotations

import random
import shutil
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from tests.ct_factory import (
    make_grid,
    oblique_directions,
    sample_uid,
    speckled_hu,
    write_ct_series,
    write_enhanced_ct,
)
from trocar.dicom.series import CtSeries, read_ct
from trocar.geometry.grid import Grid

SHAPE = (6, 9, 7)
FEET_TO_HEAD = np.diag([1.0, 1.0, 1.0])
ORIENTATIONS = {
    "axial": FEET_TO_HEAD,
    "prone, rows run to the right": np.diag([-1.0, -1.0, 1.0]),
    "decubitus, rows run down": np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    "head to feet, mirrored grid": np.diag([1.0, 1.0, -1.0]),
    "sagittal": np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]),
    "oblique": oblique_directions(3),
    "oblique, mirrored grid": oblique_directions(4, left_handed=True),
}


def same_in_patient(read: CtSeries, hu: np.ndarray, grid: Grid) -> None:
    """Every voxel of ``hu`` is found at the same millimetres in what was read."""
    ijk = np.stack(np.meshgrid(*(range(n) for n in grid.size_ijk), indexing="ij"), axis=-1).reshape(-1, 3)
    found = read.volume.grid.to_voxel(grid.to_patient(ijk))
    assert np.abs(found - np.rint(found)).max() < 1e-5
    i, j, k = np.rint(found).astype(int).T
    np.testing.assert_array_equal(read.volume.hu[k, j, i], hu[ijk[:, 2], ijk[:, 1], ijk[:, 0]])


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_every_voxel_is_at_its_place(tmp_path: Path, name: str) -> None:
    hu, grid = speckled_hu(SHAPE), make_grid(SHAPE, directions=ORIENTATIONS[name])
    write_ct_series(tmp_path, hu, grid)
    read = read_ct([tmp_path])
    same_in_patient(read, hu, grid)
    assert np.linalg.det(read.volume.grid.directions) == pytest.approx(1)
    assert read.volume.source.notices == ()


@pytest.mark.parametrize("name", ["axial", "oblique", "sagittal"])
def test_geometry_agrees_with_an_independent_reader(tmp_path: Path, name: str) -> None:
    """SimpleITK sorts and places the same files; its voxels must have the same millimetres and values.

    ITK steps from the first slice to the second by the distance it computes from the positions; both round trip
    through text with ten digits, so a thousandth of a millimetre is generous.
    """
    hu, grid = speckled_hu(SHAPE), make_grid(SHAPE, directions=ORIENTATIONS[name])
    write_ct_series(tmp_path, hu, grid)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    peer = reader.Execute()
    read = read_ct([tmp_path]).volume
    values = SimpleITK.GetArrayFromImage(peer)
    for index in ((0, 0, 0), (6, 0, 0), (0, 8, 0), (2, 3, 5), (6, 8, 5)):
        point = peer.TransformIndexToPhysicalPoint(index)
        i, j, k = np.rint(read.grid.to_voxel(point)).astype(int)
        np.testing.assert_allclose(read.grid.to_patient((i, j, k)), point, atol=1e-3)
        assert read.hu[k, j, i] == values[index[2], index[1], index[0]]


def test_slices_are_ordered_by_position_not_by_number_or_name(tmp_path: Path) -> None:
    hu, grid = speckled_hu(SHAPE), make_grid(SHAPE)

    def misnumber(ds, k):
        ds.InstanceNumber = [4, 1, 6, 2, 5, 3][k]
        ds.SliceLocation = str(-k)

    write_ct_series(tmp_path, hu, grid, edit=misnumber, name="slice_{0}.dcm")
    for k, letter in enumerate("dafbec"):
        (tmp_path / f"slice_{k}.dcm").rename(tmp_path / f"{letter}.dcm")
    same_in_patient(read_ct([tmp_path]), hu, grid)


def test_same_hash_for_other_names_order_and_container(tmp_path: Path) -> None:
    hu, grid = speckled_hu(SHAPE), make_grid(SHAPE)
    files = write_ct_series(tmp_path / "a", hu, grid)
    (tmp_path / "b" / "deep").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for n, file in enumerate(reversed(files)):
            shutil.copy(file, tmp_path / "b" / "deep" / f"IM{n}")
            archive.write(file, f"study/../IM{n}")
    shuffled = random.Random(1).sample(files, len(files))
    reads = [read_ct(p) for p in ([tmp_path / "a"], [tmp_path / "b"], [tmp_path / "c.zip"], shuffled)]
    assert len({r.volume.source.sha256 for r in reads}) == 1
    assert len({tuple(h.SOPInstanceUID for h in r.headers) for r in reads}) == 1
    other = read_ct(write_ct_series(tmp_path / "d", hu, make_grid(SHAPE, origin_lps_mm=(0, 0, 0.1))))
    assert other.volume.source.sha256 != reads[0].volume.source.sha256


def test_rounding_that_differs_between_slices_does_not_make_the_order_of_files_matter(tmp_path: Path) -> None:
    hu, grid = speckled_hu(SHAPE), make_grid(SHAPE, directions=oblique_directions(5))

    def jitter(ds, k):
        ds.ImageOrientationPatient = [
            f"{float(v) + 1e-5 * ((7 * k + n) % 3):.6f}" for n, v in enumerate(ds.ImageOrientationPatient)
        ]

    files = write_ct_series(tmp_path, hu, grid, edit=jitter)
    hashes = {read_ct(random.Random(n).sample(files, len(files))).volume.source.sha256 for n in range(4)}
    assert len(hashes) == 1


def test_headers_belong_to_their_slices(tmp_path: Path) -> None:
    hu, grid = speckled_hu(SHAPE), make_grid(SHAPE, directions=np.diag([1.0, 1.0, -1.0]))
    write_ct_series(tmp_path, hu, grid)
    read = read_ct([tmp_path])
    assert [read.slice_of_instance[h.SOPInstanceUID] for h in read.headers] == list(range(6))
    for k, header in enumerate(read.headers):
        np.testing.assert_allclose(
            [float(v) for v in header.ImagePositionPatient], read.volume.grid.to_patient((0, 0, k))
        )
        assert "PixelData" not in header
        assert header.PatientName == "SAMPLE^PATIENT"
    assert read.frame_of_reference_uid == sample_uid("frame of reference", 0)
    assert read.source_frames == tuple((h.SOPInstanceUID, 1) for h in read.headers)


@pytest.mark.parametrize("position", ["FFS", "HFP", "FFDL"])
def test_what_the_header_says_is_recorded_and_moves_nothing(tmp_path: Path, position: str) -> None:
    hu, grid = speckled_hu(SHAPE), make_grid(SHAPE)
    write_ct_series(tmp_path, hu, grid, PatientPosition=position, SeriesDescription="Sample prone")
    read = read_ct([tmp_path])
    same_in_patient(read, hu, grid)
    source = read.volume.source
    assert (source.kind, source.patient_position, source.acquired_on) == (
        "dicom",
        position,
        date(2024, 2, 29),
    )
    assert (source.slice_thickness_mm, source.description) == (2.5, "Sample prone")


def test_an_unknown_position_and_date_are_none(tmp_path: Path) -> None:
    empty = dict.fromkeys(("AcquisitionDate", "SeriesDate", "StudyDate"), "")
    write_ct_series(tmp_path, speckled_hu(SHAPE), make_grid(SHAPE), PatientPosition="UPRIGHT", **empty)
    source = read_ct([tmp_path]).volume.source
    assert source.patient_position is None
    assert source.acquired_on is None


def test_other_files_in_the_folder_are_set_aside_with_notices(tmp_path: Path) -> None:
    hu, grid = speckled_hu(SHAPE), make_grid(SHAPE)
    write_ct_series(tmp_path / "ct", hu, grid)
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7 nothing")
    (tmp_path / "ct" / "notes.txt").write_text("bring the patient prone")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "empty").touch()
    other = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33", "Modality": "SR", "PixelData": None}
    write_ct_series(tmp_path / "sr", hu, grid, slices=[0], seed="sr", **other)
    index = {"SOPClassUID": "1.2.840.10008.1.3.10", "PixelData": None, "Modality": None}
    write_ct_series(tmp_path, hu, grid, slices=[0], seed="dir", name="DICOMDIR", **index)
    read = read_ct([tmp_path])
    same_in_patient(read, hu, grid)
    text = " ".join(read.volume.source.notices)
    for word in ("a PDF", "(.txt)", "an empty file", "Comprehensive SR", "DICOMDIR"):
        assert word in text
    assert len(read.volume.source.notices) == 5


def test_a_localizer_in_the_series_is_set_aside(tmp_path: Path) -> None:
    hu, grid = speckled_hu(SHAPE), make_grid(SHAPE)
    write_ct_series(tmp_path, hu, grid)
    scout = make_grid(SHAPE, directions=ORIENTATIONS["sagittal"])
    localizer = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "SOPInstanceUID": sample_uid("scout")}
    write_ct_series(tmp_path, hu, scout, slices=[3], name="scout.dcm", **localizer)
    read = read_ct([tmp_path])
    same_in_patient(read, hu, grid)
    assert read.volume.source.notices == ("1 picture was set aside: localizer.",)


def test_enhanced_ct_reads_as_its_single_frame_twin(tmp_path: Path) -> None:
    hu, grid = speckled_hu(SHAPE), make_grid(SHAPE, directions=oblique_directions(5))
    write_ct_series(tmp_path / "single", hu, grid)
    write_enhanced_ct(tmp_path / "multi.dcm", hu, grid, order=[3, 0, 5, 1, 4, 2])
    single, multi = read_ct([tmp_path / "single"]), read_ct([tmp_path / "multi.dcm"])
    np.testing.assert_array_equal(single.volume.hu, multi.volume.hu)
    assert single.volume.grid.same_as(multi.volume.grid, 1e-6)
    assert len(multi.headers) == 1
    assert [frame for _, frame in multi.source_frames] == [2, 4, 6, 1, 5, 3]
    assert multi.volume.source.acquired_on == date(2024, 2, 29)


def test_enhanced_ct_with_a_rescale_for_each_frame(tmp_path: Path) -> None:
    hu, grid = speckled_hu(SHAPE) // 2 * 2, make_grid(SHAPE)

    def halve(item, n):
        rescale = item.PixelValueTransformationSequence[0]
        rescale.RescaleSlope, rescale.RescaleIntercept = ("0.5", "-512") if n == 2 else ("1", "-1024")

    write_enhanced_ct(tmp_path / "multi.dcm", hu, grid, edit_frame=halve)
    read = read_ct([tmp_path])
    expected = hu.copy()
    expected[2] = np.rint(hu[2] / 2)
    np.testing.assert_array_equal(read.volume.hu, expected)


def test_progress_counts_up_to_the_end(tmp_path: Path) -> None:
    write_ct_series(tmp_path, speckled_hu(SHAPE), make_grid(SHAPE))
    calls: list[tuple[int, int]] = []
    read_ct([tmp_path], progress=lambda done, total: calls.append((done, total)))
    assert [done for done, _ in calls] == list(range(1, 13))
    assert {total for _, total in calls} == {12}


def test_a_tilted_gantry_is_straightened(tmp_path: Path) -> None:
    """A ball scanned with 20 degrees of tilt keeps its centre and its size in the patient.

    Tolerance: the ball is drawn in voxels of 0.9 x 0.7 x 2.5 mm, so its centre of mass moves by a few hundredths
    of a millimetre and its volume by a few per cent when it is interpolated.
    """
    tilt = np.radians(20)
    shape = (17, 60, 50)
    straight = make_grid(shape, origin_lps_mm=(-15, -40, 100))
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    tilted = make_grid(shape, origin_lps_mm=(-15, -40, 100), directions=turn)
    centre = straight.to_patient((25, 30, 8)) + np.array([0.0, 6.0, 4.0])
    j, i = np.meshgrid(np.arange(60), np.arange(50), indexing="ij")
    hu = np.full(shape, -1000, np.int16)
    positions = [
        tilted.to_patient((0, 0, 0)) + np.array([0, 0, 2.5 * k]) for k in range(17)
    ]  # the table moves along z
    for k, position in enumerate(positions):
        points = (
            position
            + i[..., None] * tilted.voxel_to_patient[:3, 0]
            + j[..., None] * tilted.voxel_to_patient[:3, 1]
        )
        hu[k][np.linalg.norm(points - centre, axis=-1) <= 10] = 100

    def place(ds, k):
        ds.ImagePositionPatient = [f"{v:.10g}" for v in positions[k]]

    write_ct_series(tmp_path, hu, tilted, edit=place)
    read = read_ct([tmp_path])
    assert read.is_resampled
    assert any("tilted by 20.0 degrees" in n for n in read.volume.source.notices)
    weight = (read.volume.hu.astype(float) + 1000).clip(0) / 1100
    k, j, i = np.indices(weight.shape)
    found = read.volume.grid.to_patient([(weight * axis).sum() / weight.sum() for axis in (i, j, k)])
    np.testing.assert_allclose(found, centre, atol=0.1)
    volume_ml = weight.sum() * np.prod(read.volume.grid.spacing_mm) / 1000
    assert volume_ml == pytest.approx(4 / 3 * np.pi, rel=0.05)
    assert read.slice_of_instance[sample_uid("instance", 0, 0)] == 0
    assert read.slice_of_instance[sample_uid("instance", 0, 16)] == read.volume.hu.shape[0] - 1


def test_uneven_slices_are_resampled_to_even_ones(tmp_path: Path) -> None:
    """HU that rise evenly with z must still do so, since linear interpolation keeps a ramp."""
    depths = [0.0, 2.5, 5.0, 8.0, 11.0, 14.0, 16.5]
    hu = np.empty((7, 5, 6), np.int16)
    for k, z in enumerate(depths):
        hu[k] = round(40 * z)
    grid = make_grid((7, 5, 6))

    def place(ds, k):
        ds.ImagePositionPatient = [-12, 35.5, -110.25 + depths[k]]
        ds.SliceThickness = "3"

    write_ct_series(tmp_path, hu, grid, edit=place)
    read = read_ct([tmp_path])
    assert read.is_resampled
    assert any("unevenly spaced (2.50 to 3.00 mm)" in n for n in read.volume.source.notices)
    k = np.arange(read.volume.hu.shape[0])
    z = read.volume.grid.to_patient(np.stack([k * 0, k * 0, k], axis=-1))[:, 2]
    np.testing.assert_allclose(read.volume.hu[:, 2, 3], 40 * (z + 110.25), atol=0.51)
    assert (z[0], z[-1]) == pytest.approx((-110.25, -110.25 + 16.5))


def test_positions_rounded_to_hundredths_need_no_resampling(tmp_path: Path) -> None:
    hu, grid = speckled_hu((40, 5, 6)), make_grid((40, 5, 6), spacing_ijk_mm=(0.7, 0.9, 1.2537))

    def round_position(ds, k):
        ds.ImagePositionPatient = [f"{v:.2f}" for v in grid.to_patient((0, 0, k))]

    write_ct_series(tmp_path, hu, grid, edit=round_position)
    read = read_ct([tmp_path])
    assert not read.is_resampled
    np.testing.assert_array_equal(read.volume.hu, hu)
    assert read.volume.grid.same_as(grid, 0.02)


def test_slices_thinner_than_their_distance_are_told(tmp_path: Path) -> None:
    write_ct_series(tmp_path, speckled_hu(SHAPE), make_grid(SHAPE), SliceThickness="1")
    assert "not seen" in read_ct([tmp_path]).volume.source.notices[0]


def test_identical_slices_count_once(tmp_path: Path) -> None:
    hu, grid = speckled_hu(SHAPE), make_grid(SHAPE)
    files = write_ct_series(tmp_path, hu, grid)
    shutil.copy(files[2], tmp_path / "copy.dcm")
    write_ct_series(tmp_path, hu, grid, slices=[4], name="again.dcm", SOPInstanceUID=sample_uid("again"))
    read = read_ct([tmp_path])
    np.testing.assert_array_equal(read.volume.hu, hu)
    assert read.volume.source.notices == (
        "1 file was there twice.",
        "1 slice was there twice with equal pixels.",
    )


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_ct_series(tmp_path / "in", speckled_hu(SHAPE), make_grid(SHAPE))
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for file in files:
            archive.write(file, f"../../{file.name}")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*")), sorted(tmp_path.parent.iterdir())
    read_ct([tmp_path / "in.zip"])
    assert (sorted(tmp_path.rglob("*")), sorted(tmp_path.parent.iterdir())) == before

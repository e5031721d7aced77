"""NIfTI in and out: written here with nibabel, so that reader and writer do not agree on the same mistake."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from trocar.errors import InputRefused
from trocar.geometry.grid import Grid
from trocar.imaging.nifti import (
    content_sha256,
    is_nifti,
    read_structures,
    read_volume,
    write_structures,
    write_volume,
)
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import ImageSource, Volume

SIZE = (7, 6, 5)


def affine(codes: str = "RAS", spacing: tuple[float, float, float] = (0.7, 1.1, 2.5)) -> np.ndarray:
    """RAS matrix of an image stored along ``codes``."""
    matrix = np.zeros((4, 4))
    for column, code in enumerate(codes):
        axis = "RAS".find(code) if code in "RAS" else "LPI".find(code)
        matrix[axis, column] = spacing[column] * (1 if code in "RAS" else -1)
    matrix[:, 3] = (10.5, -20.25, 30.75, 1)
    return matrix


def values() -> np.ndarray:
    """[i, j, k], every voxel another value, all of them Hounsfield units."""
    return (np.arange(np.prod(SIZE)).reshape(SIZE) - 1000).astype(np.int16)


def save(
    path: Path, array: np.ndarray, matrix: np.ndarray | None = None, kind: type = nibabel.Nifti1Image
) -> Path:
    image = kind(array, affine() if matrix is None else matrix)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("codes", ["RAS", "LAS", "LPS", "PSR", "IRA"])
@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz"])
def test_each_value_lies_where_nibabel_says_with_x_and_y_turned_about(
    codes: str, name: str, tmp_path: Path
) -> None:
    matrix = affine(codes)
    volume = read_volume(save(tmp_path / name, values(), matrix))
    assert volume.hu.shape == SIZE[::-1]
    for ijk in ((0, 0, 0), (6, 0, 0), (0, 5, 0), (0, 0, 4), (3, 2, 1)):
        ras = (matrix @ (*ijk, 1))[:3]
        assert np.allclose(volume.grid.to_patient(ijk), ras * (-1, -1, 1))
        assert volume.hu[ijk[::-1]] == values()[ijk]


@pytest.mark.parametrize(
    ("kind", "big"), [(nibabel.Nifti1Image, False), (nibabel.Nifti1Image, True), (nibabel.Nifti2Image, False)]
)
def test_both_versions_and_byte_orders(kind: type, big: bool, tmp_path: Path) -> None:
    image = kind(values(), affine())
    if big:
        image = kind(values().astype(">i2"), affine(), header=image.header.as_byteswapped(">"))
    nibabel.save(image, tmp_path / "ct.nii.gz")
    assert np.array_equal(read_volume(tmp_path / "ct.nii.gz").hu, values().T)


@pytest.mark.parametrize(
    ("array", "slope", "intercept"),
    [
        (values() + 1024, 1, -1024),
        ((values() // 2) * 1, 2, 0),
        ((values() + 1000).astype(np.uint8), 4, -1000),
        (values().astype(np.float32) + 0.2, np.nan, np.nan),
    ],
    ids=["intercept", "slope", "uint8", "float"],
)
def test_rescaling_gives_hounsfield_units(
    array: np.ndarray, slope: float, intercept: float, tmp_path: Path
) -> None:
    image = nibabel.Nifti1Image(array, affine())
    image.header.set_slope_inter(slope, intercept)
    nibabel.save(image, tmp_path / "ct.nii")
    # nibabel stores what it is given as scaled values, so write the raw ones ourselves
    raw = bytearray((tmp_path / "ct.nii").read_bytes())
    raw[112:120] = np.array([slope, intercept], "<f4").tobytes() if np.isfinite(slope) else bytes(8)
    raw[352:] = np.asfortranarray(array).tobytes(order="F")
    (tmp_path / "ct.nii").write_bytes(bytes(raw))
    factor, offset = (slope, intercept) if np.isfinite(slope) else (1, 0)
    expected = np.rint(array.astype(float) * factor + offset)
    assert np.array_equal(read_volume(tmp_path / "ct.nii").hu, expected.T)


def test_values_that_are_no_numbers_or_beyond_int16_are_cut(tmp_path: Path) -> None:
    array = values().astype(np.float64)
    array[0, 0, 0], array[1, 0, 0], array[2, 0, 0], array[3, 0, 0] = np.nan, np.inf, -np.inf, -3024
    hu = read_volume(save(tmp_path / "ct.nii", array)).hu
    assert hu[0, 0, :4].tolist() == [-1024, 32767, -1024, -1024]


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("micron", 0.001), ("meter", 1000), ("unknown", 1)])
def test_units_of_length(unit: str, factor: float, tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(values(), affine())
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "ct.nii")
    assert np.allclose(read_volume(tmp_path / "ct.nii").grid.spacing_mm, np.array([0.7, 1.1, 2.5]) * factor)


def test_one_volume_of_a_series_of_one_is_taken(tmp_path: Path) -> None:
    assert read_volume(save(tmp_path / "ct.nii", values()[..., None])).hu.shape == SIZE[::-1]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.stack([values(), values()], -1), "4 dimensions"),
        (values()[:, :, :1], "single slice"),
        ((values() + 1000).astype(np.int16), "not a CT in Hounsfield units"),
        (values().astype(np.complex64), "complex"),
    ],
    ids=["two volumes", "one slice", "no air", "complex"],
)
def test_what_is_no_ct_is_refused(array: np.ndarray, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=words):
        read_volume(save(tmp_path / "ct.nii.gz", array))


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    good = save(tmp_path / "ct.nii.gz", values())
    raw = good.read_bytes()
    for number, broken in enumerate(
        (raw[:40], raw[:-20], raw[:-9] + b"x" + raw[-8:], b"", b"hello", gzip.compress(b"hello"))
    ):
        path = tmp_path / f"broken{number}.nii.gz"
        path.write_bytes(broken)
        with pytest.raises(InputRefused, match=f"broken{number}"):
            read_volume(path)
    plain = tmp_path / "plain.nii"
    plain.write_bytes(gzip.decompress(raw)[:-10])
    with pytest.raises(InputRefused, match="cut short"):
        read_volume(plain)
    with pytest.raises(InputRefused, match="no file"):
        read_volume(tmp_path / "none.nii")


def test_without_a_place_in_the_patient_there_is_no_volume(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(values(), None)
    image.header["sform_code"] = image.header["qform_code"] = 0
    nibabel.save(image, tmp_path / "ct.nii")
    with pytest.raises(InputRefused, match="no sform, no qform"):
        read_volume(tmp_path / "ct.nii")


def test_no_more_is_unpacked_than_the_header_announces(tmp_path: Path) -> None:
    raw = gzip.decompress(save(tmp_path / "ct.nii.gz", values()).read_bytes())
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress(raw + bytes(1 << 26)))
    assert np.array_equal(read_volume(path).hu, values().T)
    header = bytearray(raw[:352])
    header[40:56] = np.array([3, 32000, 32000, 32000, 1, 1, 1, 1], "<i2").tobytes()
    path.write_bytes(gzip.compress(bytes(header) + bytes(4000)))
    with pytest.raises(InputRefused, match="would unpack to 65536 GB"):
        read_volume(path)


# --- structures ---------------------------------------------------------------------------------------------------


def labels() -> np.ndarray:
    found = np.zeros(SIZE, np.uint8)
    found[1:3] = 1
    found[4] = 5
    found[5, 2:4] = 7
    return found


def test_names_come_from_the_caller_the_table_beside_the_file_and_the_class_table(tmp_path: Path) -> None:
    path = save(tmp_path / "labels.nii.gz", labels())
    read = read_structures(path)
    assert read.names == ("spleen", "liver", "pancreas")  # TotalSegmentator's 1, 5, 7
    assert "class table was used" in read.notices[0]
    (tmp_path / "labels.json").write_text(json.dumps({"1": "one", "5": "five"}))
    assert read_structures(path).names == ("one", "five", "label_7")
    (tmp_path / "labels.csv").write_text("id,structure\n1,eins\n5,fünf\n7,sieben\n9,neun\n", encoding="utf-8")
    assert read_structures(path).names == ("eins", "fünf", "sieben")  # what has no voxel is not there
    assert read_structures(path, {1: "a", 5: "b", 7: "c"}).names == ("a", "b", "c")
    assert np.array_equal(read_structures(path).mask("fünf"), (labels() == 5).T)


def test_names_inside_the_file(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(labels(), affine())
    entries = (("1", "kidney_left"), ("5", "colon"))
    table = "".join(f'<Label Key="{key}" Red="1"><![CDATA[{name}]]></Label>' for key, name in entries)
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(0, table.encode()))
    nibabel.save(image, tmp_path / "labels.nii.gz")
    assert read_structures(tmp_path / "labels.nii.gz").names == ("kidney_left", "colon", "label_7")


@pytest.mark.parametrize(
    ("value", "alone", "among"),
    [
        (1, "kidney_left", "kidney_left"),
        (255, "label_255", "kidney_left"),
        (2, "kidney_right", "kidney_left"),
    ],
)
def test_a_mask_is_named_as_its_file(value: int, alone: str, among: str, tmp_path: Path) -> None:
    """By itself a file of the value 2 may be a label map; in a folder of masks it is one mask."""
    path = save(tmp_path / "kidney_left.nii.gz", (labels() == 5).astype(np.uint8) * value)
    assert read_structures(path).names == (alone,)
    found = read_structures(path, one_of_many=True)
    assert found.names == (among,)
    assert np.array_equal(found.mask(among), (labels() == 5).T)


def test_an_empty_mask_is_refused_by_itself_and_left_out_of_a_folder(tmp_path: Path) -> None:
    path = save(tmp_path / "prostate.nii.gz", labels() * 0)
    with pytest.raises(InputRefused, match="marks no structure"):
        read_structures(path)
    assert read_structures(path, one_of_many=True).names == ()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (labels().astype(np.int16) - 1, "values go from -1 to 6"),
        (labels().astype(np.float32) / 2, "not whole numbers"),
        (labels().astype(np.int32) * 20000, "values go from 0 to 140000"),
    ],
)
def test_what_is_no_label_map_is_refused(array: np.ndarray, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=words):
        read_structures(save(tmp_path / "labels.nii.gz", array))


def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "labels.nii.gz", labels())
    for name, text in (("labels.csv", "a;b\n1;2\n"), ("labels.csv", "id,structure\none,two\n")):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputRefused, match=r"table of names beside labels\.nii\.gz is not usable"):
            read_structures(path)


# --- writing ------------------------------------------------------------------------------------------------------


def oblique() -> Grid:
    turn = np.deg2rad(20)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, -1]]
    ) * (0.7, 1.1, 2.5)
    matrix[:3, 3] = (-30, 15, 200)
    return Grid(SIZE[::-1], matrix)


def test_a_volume_written_is_read_back_by_us_and_by_nibabel(tmp_path: Path) -> None:
    volume = Volume(np.ascontiguousarray(values().T), oblique(), ImageSource("synthetic", ""))
    path = tmp_path / "ct.nii.gz"
    write_volume(path, volume, "SAMPLE, not a patient")
    back = read_volume(path)
    assert np.array_equal(back.hu, volume.hu)
    assert back.grid.same_as(volume.grid, 1e-3)
    image = nibabel.load(path)
    assert np.allclose(
        (image.affine @ (3, 2, 1, 1))[:3] * (-1, -1, 1), volume.grid.to_patient((3, 2, 1)), atol=1e-3
    )
    assert bytes(image.header["descrip"]).startswith(b"SAMPLE")
    first = path.read_bytes()
    write_volume(path, volume, "SAMPLE, not a patient")
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["ct.nii.gz"]


def test_structures_written_keep_names_and_places(tmp_path: Path) -> None:
    one, two = (labels() == 1).T, (labels() == 5).T
    structures = StructureSet(oblique(), None, {}, {"Niere, links": one, "lesion": two | one})
    write_structures(tmp_path / "seen.nii.gz", structures)
    back = read_structures(tmp_path / "seen.nii.gz")
    assert back.names == ("lesion",) or back.names == ("Niere, links", "lesion")
    assert np.array_equal(back.mask("lesion"), two | one)  # the later wins where they overlap


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    first = read_volume(save(tmp_path / "a.nii", values())).source.sha256
    assert read_volume(save(tmp_path / "b.nii.gz", values())).source.sha256 == first
    changed = values()
    changed[3, 3, 3] += 1
    assert read_volume(save(tmp_path / "c.nii", changed)).source.sha256 != first
    moved = affine()
    moved[0, 3] += 0.01
    assert read_volume(save(tmp_path / "d.nii", values(), moved)).source.sha256 != first
    grid = oblique()
    array = np.zeros(grid.shape_kji, np.uint8)
    assert content_sha256(array, grid, {1: "a"}) != content_sha256(array, grid, {1: "b"})


def test_names_of_files() -> None:
    assert all(is_nifti(Path(name)) for name in ("a.nii", "a.nii.gz", "A.NII.GZ", "x/a.b.nii"))
    assert not any(is_nifti(Path(name)) for name in ("a.gz", "nii", "a.nii.zip", "a.dcm"))

"""Bad input at the command line: one sentence, the right exit code, no traceback, and nothing written.

Exit codes: 2 where the question is put wrongly, 4 where a file or value cannot be used.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.integration.patient_files import arrays, trocar, write, write_names, write_patient
from trocar.dicom.write.plan_objects import derive_study
from trocar.imaging.nifti import read_volume
from trocar.samples.fetch import sample_path

Arguments = list[object]


@dataclass(frozen=True)
class Files:
    """Where the sound files of the made-up patient are, and a folder for broken ones."""

    folder: Path
    ct: Path
    labels: Path

    def new(self, name: str) -> Path:
        """A path for a broken file."""
        path = self.folder / "broken" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("patient")
    return Files(folder, *write_patient(folder))


def kidney(ct: object, *more: object, structures: object | None = None) -> Arguments:
    labels = [] if structures is None else ["--structures", structures]
    return ["plan", ct, "--protocol", "kidney_biopsy", *labels, *more]


def left(f: Files, ct: object) -> Arguments:
    """The question that is right but for its CT."""
    return kidney(ct, "--side", "left", structures=f.labels)


def on(f: Files, labels: object, *more: object) -> Arguments:
    """The question that is right but for its structures."""
    return kidney(f.ct, "--side", "left", *more, structures=labels)


def bone(f: Files, *more: object, structures: object | None = None) -> Arguments:
    return ["plan", f.ct, "--protocol", "bone_biopsy", "--structures", structures or f.labels, *more]


# --- broken pictures ----------------------------------------------------------------------------------------------


def text_file(f: Files, name: str) -> Path:
    path = f.new(name)
    path.write_text("this is no picture\n")
    return path


def cut_short(f: Files) -> Path:
    path = f.new("short.nii.gz")
    path.write_bytes(f.ct.read_bytes()[: f.ct.stat().st_size // 2])
    return path


def cut_plain(f: Files) -> Path:
    path = f.new("short.nii")
    path.write_bytes(gzip.decompress(f.ct.read_bytes())[:-5000])
    return path


def four_dimensions(f: Files) -> Path:
    hu = arrays()[0]
    return write(f.new("series.nii.gz"), np.stack([hu, hu], axis=-1))


def colours(f: Files) -> Path:
    size = arrays()[0].shape
    return write(f.new("rgb.nii.gz"), np.zeros(size, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])))


def nowhere(f: Files) -> Path:
    image = nibabel.Nifti1Image(arrays()[0], None)
    image.header["sform_code"] = image.header["qform_code"] = 0
    path = f.new("nowhere.nii.gz")
    nibabel.save(image, path)
    return path


def magnetic(f: Files) -> Path:
    return write(f.new("mr.nii.gz"), (arrays()[0] + 1000).clip(0, 1200).astype(np.int16))


def sheared(f: Files) -> Path:
    matrix = arrays()[2].copy()
    matrix[0, 1] = 0.4
    image = nibabel.Nifti1Image(arrays()[0], matrix)
    image.set_qform(None, 0)
    path = f.new("sheared.nii.gz")
    nibabel.save(image, path)
    return path


def one_slice(f: Files) -> Path:
    return write(f.new("slice.nii.gz"), arrays()[0][:, :, :1])


def empty_folder(f: Files) -> Path:
    path = f.new("empty")
    path.mkdir(exist_ok=True)
    return path


def empty_file(f: Files) -> Path:
    path = f.new("empty.nii.gz")
    path.write_bytes(b"")
    return path


def zip_of(f: Files, name: str, content: dict[str, bytes]) -> Path:
    path = f.new(name)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in content.items():
            archive.writestr(member, data)
    return path


def zip_bomb(f: Files) -> Path:
    """A quarter of a gigabyte of zeros in a quarter of a megabyte, in one file of a zip."""
    path = f.new("bomb.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("1.dcm", "w") as member:
        for _ in range(256):
            member.write(bytes(1 << 20))
    return path


def gzip_bomb(f: Files) -> Path:
    """A small file that would unpack to far more than its header announces: no more than that is unpacked."""
    path = f.new("bomb.nii.gz")
    with gzip.open(path, "wb", 9) as file:
        file.write(gzip.decompress(f.ct.read_bytes())[:352])
        for _ in range(50):
            file.write(bytes(1 << 20))
    return path


def boasting(f: Files) -> Path:
    """A header that announces more voxels than any scan has."""
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.int16)
    header["dim"][:4] = (3, 30000, 30000, 30000)
    header["vox_offset"] = 352
    path = f.new("boasting.nii.gz")
    path.write_bytes(gzip.compress(header.binaryblock + bytes(5000)))
    return path


# --- broken structures --------------------------------------------------------------------------------------------


def relabelled(f: Files, name: str, change: Callable[[np.ndarray, dict[int, str]], np.ndarray]) -> Path:
    _, labels, _, names = arrays()
    table = dict(names)
    path = f.new(name)
    write(path, change(labels.copy(), table))
    write_names(path, table)
    return path


def half_labels(f: Files) -> Path:
    labels, names = arrays()[1], arrays()[3]
    path = write(f.new("half.nii.gz"), labels[:, :, :15])
    write_names(path, names)
    return path


def moved_labels(f: Files) -> Path:
    matrix = arrays()[2].copy()
    matrix[:3, 3] += 400
    path = write(f.new("moved.nii.gz"), arrays()[1], matrix)
    write_names(path, arrays()[3])
    return path


def swapped_sides(f: Files) -> Path:
    def change(labels: np.ndarray, names: dict[int, str]) -> np.ndarray:
        mirrored = {"kidney_left": "kidney_right", "kidney_right": "kidney_left"}
        names.update({v: mirrored.get(n, n) for v, n in names.items()})
        return labels

    return relabelled(f, "swapped.nii.gz", change)


def negative(f: Files) -> Path:
    return relabelled(f, "negative.nii.gz", lambda labels, _: labels.astype(np.int16) - 3)


def fractions(f: Files) -> Path:
    return relabelled(f, "fractions.nii.gz", lambda labels, _: labels.astype(np.float32) * 0.7)


def nothing_marked(f: Files) -> Path:
    return relabelled(f, "nothing.nii.gz", lambda labels, _: labels * 0)


def without_kidney(f: Files) -> Path:
    return relabelled(
        f, "nokidney.nii.gz", lambda labels, _: np.where(labels <= 2, 0, labels).astype(np.uint8)
    )


def bad_table(f: Files) -> Path:
    path = write(f.new("badtable.nii.gz"), arrays()[1])
    path.with_name("badtable.csv").write_text("number;name\n1;kidney_left\n")
    return path


def double_names(f: Files) -> Path:
    def change(labels: np.ndarray, names: dict[int, str]) -> np.ndarray:
        names[1] = names[2] = "kidney_left"
        return labels

    return relabelled(f, "double.nii.gz", change)


def small_mask(f: Files, name: str, middle: tuple[int, int, int]) -> Path:
    mask = np.zeros(arrays()[0].shape, np.uint8)
    i, j, k = middle
    mask[i - 2 : i + 3, j - 2 : j + 3, k - 2 : k + 3] = 1
    return write(f.new(name), mask)


def cut_kidney(f: Files) -> Path:
    """A CT and labels that end in the middle of the kidneys."""
    hu, labels, matrix, names = arrays()
    low = 14
    moved = matrix.copy()
    moved[:3, 3] = (matrix @ (0, 0, low, 1))[:3]
    path = write(f.new("cut_ct.nii.gz"), hu[:, :, low:], moved)
    write_names(write(f.new("cut_labels.nii.gz"), labels[:, :, low:], moved), names)
    return path


# --- broken department and protocol files ---------------------------------------------------------------------------


def department(f: Files, name: str, text: str) -> Path:
    path = f.new(name)
    path.write_text(text, encoding="utf-8")
    return path


UNAPPROVED = """format: 1
department: Us
sample: false
uses_unapproved: false
allows:
  archive_export: false
  live_overlay: false
"""


def protocol(f: Files, name: str, change: Callable[[str], str]) -> Path:
    from importlib import resources

    source = resources.files("trocar.clinical") / "protocols" / "kidney_biopsy.yaml"
    return department(f, name, change(source.read_text(encoding="utf-8")))


# --- DICOM --------------------------------------------------------------------------------------------------------


def dicom_folder(f: Files) -> Path:
    """The same patient as a DICOM series, made once."""
    folder = f.folder / "dicom"
    if not folder.exists():
        folder.mkdir()
        derive_study(read_volume(f.ct), folder)
    return folder


def changed_dicom(f: Files, name: str, change: Callable[[list[pydicom.Dataset]], None]) -> Path:
    folder = f.new(name)
    if not folder.exists():
        shutil.copytree(dicom_folder(f), folder)
        paths = sorted(folder.iterdir())
        data = [pydicom.dcmread(path) for path in paths]
        change(data)
        for path, each in zip(paths, data, strict=True):
            each.save_as(path)
    return folder


def missing_slice(f: Files) -> Path:
    folder = changed_dicom(f, "gap", lambda data: None)
    sorted(folder.iterdir())[12].unlink(missing_ok=True)
    return folder


def two_series(f: Files) -> Path:
    def change(data: list[pydicom.Dataset]) -> None:
        other = generate_uid()
        for each in data[16:]:
            each.SeriesInstanceUID = other

    return changed_dicom(f, "two", change)


def not_ct(f: Files) -> Path:
    def change(data: list[pydicom.Dataset]) -> None:
        for each in data:
            each.Modality = "MR"
            each.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"

    return changed_dicom(f, "mr", change)  # the file meta information still says CT


def contours(f: Files, frame: str | None) -> Path:
    """An RTSTRUCT with one square ROI; ``frame`` replaces the CT's frame of reference."""
    slices = sorted(dicom_folder(f).iterdir())
    head = pydicom.dcmread(slices[0], stop_before_pixels=True)
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    data.SOPInstanceUID = generate_uid()
    data.Modality = "RTSTRUCT"
    data.StudyInstanceUID = head.StudyInstanceUID
    data.SeriesInstanceUID = generate_uid()
    reference = pydicom.Dataset()
    reference.FrameOfReferenceUID = frame or head.FrameOfReferenceUID
    data.ReferencedFrameOfReferenceSequence = [reference]
    roi = pydicom.Dataset()
    roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = 1, "GTV", reference.FrameOfReferenceUID
    roi.ROIGenerationAlgorithm = "MANUAL"
    data.StructureSetROISequence = [roi]
    item = pydicom.Dataset()
    item.ReferencedROINumber = 1
    item.ContourSequence = []
    for path in slices[12:20]:
        z = float(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2])
        ring = pydicom.Dataset()
        ring.ContourGeometricType = "CLOSED_PLANAR"
        square = [(50, 10), (70, 10), (70, 30), (50, 30)]
        ring.ContourData = [float(v) for x, y in square for v in (x, y, z)]
        ring.NumberOfContourPoints = 4
        item.ContourSequence.append(ring)
    data.ROIContourSequence = [item]
    path = f.new("other_frame.dcm" if frame else "rtstruct.dcm")
    data.save_as(path, enforce_file_format=True)
    return path


def in_a_frame(f: Files, spec: Callable[[Files], object]) -> Arguments:
    return ["plan", dicom_folder(f), "--protocol", "kidney_biopsy", "--side", "left",
            "--structures", f.labels, "--target-mask", spec(f)]  # fmt: skip


Row = tuple[str, Callable[[Files], Arguments], int, str]

ROWS: list[Row] = [
    # pictures
    ("no such file", lambda f: left(f, f.folder / "none.nii.gz"), 4, r"no file .*none\.nii\.gz"),
    ("no such folder", lambda f: left(f, f.folder / "none"), 4, "no file or folder"),
    ("empty folder", lambda f: left(f, empty_folder(f)), 4, "CT"),
    ("text file", lambda f: left(f, text_file(f, "notes.txt")), 4, "DICOM"),
    ("text in a .nii.gz", lambda f: left(f, text_file(f, "notes.nii.gz")), 4, "not a NIfTI|cannot be read"),
    ("empty .nii.gz", lambda f: left(f, empty_file(f)), 4, "not a NIfTI|cannot be read"),
    ("cut short .nii.gz", lambda f: left(f, cut_short(f)), 4, "short"),
    ("cut short .nii", lambda f: left(f, cut_plain(f)), 4, "short"),
    ("four dimensions", lambda f: left(f, four_dimensions(f)), 4, "4 dimensions"),
    ("colours", lambda f: left(f, colours(f)), 4, "colours"),
    ("no place in the patient", lambda f: left(f, nowhere(f)), 4, "no sform, no qform"),
    ("not in Hounsfield units", lambda f: left(f, magnetic(f)), 4, "not a CT in Hounsfield"),
    ("sheared axes", lambda f: left(f, sheared(f)), 4, "right angles"),
    ("one slice", lambda f: left(f, one_slice(f)), 4, "single slice"),
    ("labels as the CT", lambda f: left(f, f.labels), 4, "not a CT in Hounsfield"),
    ("the CT as its labels", lambda f: on(f, f.ct), 4, "not a label map"),
    ("two NIfTI files", lambda f: ["plan", f.ct, *left(f, f.labels)[1:]], 4, "one NIfTI"),
    ("zip of text", lambda f: left(f, zip_of(f, "text.zip", {"a.txt": b"hello"})), 4, "DICOM|CT"),
    ("no zip", lambda f: left(f, text_file(f, "broken.zip")), 4, "zip|DICOM"),
    ("zip bomb", lambda f: left(f, zip_bomb(f)), 4, "zip|large|unpack|DICOM"),
    ("gzip bomb", lambda f: left(f, gzip_bomb(f)), 4, "not a CT in Hounsfield"),
    ("size of a boaster", lambda f: left(f, boasting(f)), 4, r"would unpack to \d+ GB"),
    ("a slice is missing", lambda f: left(f, missing_slice(f)), 4, "missing|gap"),
    ("two series", lambda f: left(f, two_series(f)), 4, "--series"),
    ("unknown series", lambda f: [*left(f, dicom_folder(f)), "--series", "1.2.3"], 4, "1.2.3"),
    ("MR in DICOM", lambda f: left(f, not_ct(f)), 4, "CT"),
    # structures
    ("no such labels", lambda f: on(f, f.folder / "none.nii.gz"), 4, "no file"),
    ("text as labels", lambda f: on(f, text_file(f, "labels.txt")), 4, "neither NIfTI nor DICOM"),
    ("negative labels", lambda f: on(f, negative(f)), 4, "not a label map"),
    ("fractions", lambda f: on(f, fractions(f)), 4, "whole numbers"),
    ("nothing marked", lambda f: on(f, nothing_marked(f)), 4, "every voxel is 0"),
    ("half the labels", lambda f: on(f, half_labels(f)), 4, r"only \d+ % of the scan"),
    ("labels elsewhere", lambda f: on(f, moved_labels(f)), 4, "covers none of the scan"),
    ("left and right swapped", lambda f: on(f, swapped_sides(f)), 4, "Left and right do not fit"),
    ("no kidney in them", lambda f: on(f, without_kidney(f)), 4, "no kidney_left"),
    ("names not usable", lambda f: on(f, bad_table(f)), 4, "table of names"),
    ("two of one name", lambda f: on(f, double_names(f)), 4, "same name"),
    ("empty folder of masks", lambda f: on(f, empty_folder(f)), 4, "no NIfTI masks"),
    ("a CT slice as structures", lambda f: on(f, sorted(dicom_folder(f).iterdir())[0]), 4, "neither a segmentation"),
    ("unknown ROI", lambda f: on(f, f"{f.labels}#niere"), 4, "holds no 'niere'"),
    # target
    ("unknown structure", lambda f: bone(f, "--target", "vertebrae_L9"), 4, "hold no 'vertebrae_L9'"),
    ("no target", lambda f: bone(f), 2, "Say what to biopsy"),
    ("two targets", lambda f: bone(f, "--target", "vertebrae_L3", "--target-point", "1,2,3"), 2, "one target"),
    ("a mask and a name", lambda f: bone(f, "--target", "vertebrae_L3", "--target-mask", f.labels), 2, "one target"),
    ("mask with many structures", lambda f: bone(f, "--target-mask", f.labels), 4, "choose one as FILE#NAME"),
    ("no such mask", lambda f: bone(f, "--target-mask", "none.nii.gz"), 4, "no file"),
    ("point outside", lambda f: bone(f, "--target-point", "0,0,4000"), 4, "outside the scan"),
    ("huge numbers", lambda f: bone(f, "--target-point", "1e30,0,0"), 2, "not a point"),
    ("not a number", lambda f: bone(f, "--target-point", "nan,0,0"), 2, "not a point"),
    ("infinite", lambda f: bone(f, "--target-point", "inf,0,0"), 2, "not a point"),
    ("two numbers", lambda f: bone(f, "--target-point", "1,2"), 2, "not a point"),
    ("words", lambda f: bone(f, "--target-point", "here"), 2, "not a point"),
    ("point in air", lambda f: bone(f, "--target-point", "-130,-100,0"), 4, "outside the patient|air"),
    ("wrong side by name", lambda f: on(f, f.labels, "--target", "kidney_right"), 2, "side given is left"),
    ("wrong side by place",
     lambda f: kidney(f.ct, "--side", "right", "--target-mask", small_mask(f, "m.nii.gz", (70, 40, 16)),
                      structures=f.labels), 4, "lies on the patient's left"),
    ("pole cut by the edge",
     lambda f: kidney(cut_kidney(f), "--side", "left", structures=f.new("cut_labels.nii.gz")), 4, "cut by the edge"),
    ("kidney point outside", lambda f: kidney(f.ct, "--side", "left", "--kidney-point", "0,0,4000"), 4, "outside"),
    ("kidney point in air", lambda f: kidney(f.ct, "--side", "left", "--kidney-point=-130,-100,0"), 4, "kidney"),
    ("RTSTRUCT of another frame",
     lambda f: in_a_frame(f, lambda g: contours(g, generate_uid())), 4, "frame of reference"),
    ("unknown contour", lambda f: in_a_frame(f, lambda g: f"{contours(g, None)}#liver"), 4, "liver"),
    # options
    ("no side", lambda f: kidney(f.ct, structures=f.labels), 2, "needs a side"),
    ("no structures", lambda f: kidney(f.ct, "--side", "left"), 2, "--structures FILE, or --kidney-point"),
    ("unknown protocol", lambda f: ["plan", f.ct, "--protocol", "liver_biopsy"], 2, "liver_biopsy"),
    ("no protocol", lambda f: ["plan", f.ct], 2, "--protocol"),
    ("no CT", lambda f: ["plan", "--protocol", "kidney_biopsy"], 2, "CT"),
    ("unknown side", lambda f: kidney(f.ct, "--side", "top"), 2, "'top'"),
    ("unknown needle", lambda f: on(f, f.labels, "--needle", "spear"), 2, "spear"),
    ("unknown guidance", lambda f: on(f, f.labels, "--guidance", "radar"), 2, "radar"),
    ("guidance not for it", lambda f: on(f, f.labels, "--guidance", "fluoroscopy"), 2, "not under fluoroscopy"),
    ("unknown position", lambda f: on(f, f.labels, "--position", "standing"), 2, "standing"),
    ("unknown option", lambda f: on(f, f.labels, "--fast"), 2, "--fast"),
    ("kidney point without a side",
     lambda f: bone(f, "--target", "vertebrae_L3", "--kidney-point", "60,20,0"), 2, "whose side the kidney"),
    # department and protocol files
    ("no such department", lambda f: on(f, f.labels, "--department", "none.yaml"), 2, "none.yaml"),
    ("no YAML",
     lambda f: on(f, f.labels, "--department", department(f, "a.yaml", "format: [1\n")), 4, r"a\.yaml"),
    ("unknown key",
     lambda f: on(f, f.labels, "--department", department(f, "b.yaml", "format: 1\ndept: Us\n")), 4, r"b\.yaml:2"),
    ("nothing approved",
     lambda f: on(f, f.labels, "--department", department(f, "c.yaml", UNAPPROVED)), 4, "has not configured"),
    ("protocol with an implausible value",
     lambda f: ["plan", f.ct, "--protocol", protocol(f, "k.yaml", lambda t: t.replace("value: 150,", "value: 15000,")),
                "--side", "left", "--structures", f.labels], 4, r"k\.yaml:\d+.*length_mm"),
]  # fmt: skip


def said(text: str) -> str:
    """What was said, on one line."""
    return re.sub(r"\s+", " ", text).strip()


@pytest.mark.parametrize(
    ("arguments", "code", "words"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_plan_refuses(
    arguments: Callable[[Files], Arguments],
    code: int,
    words: str,
    files: Files,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "plan"
    given = trocar(*arguments(files), "--out", out)
    output, errors = capfd.readouterr()
    assert "Traceback" not in errors
    assert (given, output) == (code, ""), said(errors)
    assert re.search(words, said(errors)), said(errors)
    assert not out.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.samples
def test_labels_of_thirty_slices_of_a_scan_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], files: Files
) -> None:
    """A file of the same package that covers only part of the CT: outside it nothing would be known to be there."""
    image = nibabel.load(sample_path("abdomen_labels"))
    part = image.slicer[:, :, 40:70]
    nibabel.save(part, tmp_path / "thirty.nii.gz")
    arguments = kidney(sample_path("abdomen_ct"), "--side", "left", structures=tmp_path / "thirty.nii.gz")
    assert trocar(*arguments, "--out", tmp_path / "plan") == 4
    assert "covers only 27 % of the scan" in said(capfd.readouterr().err)
    assert not (tmp_path / "plan").exists()


# --- where to write -----------------------------------------------------------------------------------------------


def test_a_file_as_out_is_refused_and_left_alone(
    files: Files, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "notes.txt"
    out.write_text("mine")
    assert trocar(*on(files, files.labels), "--out", out) == 2
    assert "is a file" in said(capfd.readouterr().err)
    assert trocar(*on(files, files.labels), "--out", out / "plan") == 2
    assert "Nothing can be written to" in said(capfd.readouterr().err)
    assert out.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_leave_to_write_is_refused_before_the_work(
    files: Files, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o555)
    assert trocar(*on(files, files.labels), "--out", tmp_path / "plan") == 2
    assert "Nothing can be written to" in said(capfd.readouterr().err)


def test_a_folder_of_the_user_named_as_ours_is_never_replaced(
    files: Files, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A CT in STUDY/dicom and --out STUDY: the plan's own dicom folder would take its place."""
    study = tmp_path / "study"
    shutil.copytree(dicom_folder(files), study / "dicom")
    before = sorted((p.name, p.stat().st_size) for p in (study / "dicom").iterdir())
    assert trocar(*left(files, study / "dicom"), "--out", study) == 2
    assert "holds a dicom that is not of a plan" in said(capfd.readouterr().err)
    (study / "plan.json").write_text("{}")
    assert trocar(*left(files, study / "dicom"), "--out", study) == 2
    assert "would be replaced" in said(capfd.readouterr().err)
    assert sorted((p.name, p.stat().st_size) for p in (study / "dicom").iterdir()) == before


# --- the other commands -------------------------------------------------------------------------------------------

OTHERS: list[Row] = [
    ("segment: no such file", lambda f: ["segment", "none.nii.gz", "--out", f.new("s.nii.gz")], 4, "no file"),
    ("segment: text", lambda f: ["segment", text_file(f, "t.txt"), "--out", f.new("s.nii.gz")], 4, "DICOM"),
    ("segment: cut short", lambda f: ["segment", cut_short(f), "--out", f.new("s.nii.gz")], 4, "short"),
    ("segment: not NIfTI out", lambda f: ["segment", f.ct, "--out", f.new("s.dcm")], 2, r"end in \.nii\.gz"),
    ("segment: no folder", lambda f: ["segment", f.ct, "--out", f.new("none") / "s.nii.gz"], 2, "no folder none"),
    ("segment: no out", lambda f: ["segment", f.ct], 2, "--out"),
    ("segment: onto its input", lambda f: ["segment", f.ct, "--out", f.ct], 2, "input"),
    ("segment: point of words",
     lambda f: ["segment", f.ct, "--kidney-point", "a,b,c", "--out", f.new("s.nii.gz")], 2, "not a point"),
    ("segment: kidney in air",
     lambda f: ["segment", f.ct, "--kidney-point=-130,-100,0", "--out", f.new("s.nii.gz")], 4, "kidney"),
    ("segment: lesion outside",
     lambda f: ["segment", f.ct, "--lesion-point", "0,0,4000", "--out", f.new("s.nii.gz")], 4, "outside"),
    ("segment: radius of nothing",
     lambda f: ["segment", f.ct, "--lesion-point", "0,0,0", "--lesion-radius", "0", "--out", f.new("s.nii.gz")], 2,
     "lesion-radius"),
    ("segment: radius not a number",
     lambda f: ["segment", f.ct, "--lesion-point", "0,0,0", "--lesion-radius", "nan", "--out", f.new("s.nii.gz")], 2,
     "lesion-radius"),
    ("samples: unknown", lambda f: ["samples", "path", "elephant"], 2, "no sample 'elephant'"),
    ("samples: no name", lambda f: ["samples", "path"], 2, "NAME"),
    ("samples: unknown command", lambda f: ["samples", "eat"], 2, "eat"),
    ("protocols check: no such file", lambda f: ["protocols", "check", "none.yaml"], 2, "none.yaml"),
    ("protocols check: a picture", lambda f: ["protocols", "check", f.ct], 4, r"ct\.nii\.gz"),
    ("protocols check: empty", lambda f: ["protocols", "check", department(f, "empty.yaml", "")], 4, r"empty\.yaml"),
    ("protocols check: a mistake",
     lambda f: ["protocols", "check", protocol(f, "m.yaml", lambda t: t.replace("title:", "titel:", 1))], 4,
     r"m\.yaml:\d+: titel"),
    ("unknown command", lambda f: ["biopsy"], 2, "biopsy"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "words"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS]
)
def test_other_commands_refuse(
    arguments: Callable[[Files], Arguments],
    code: int,
    words: str,
    files: Files,
    capfd: pytest.CaptureFixture[str],
) -> None:
    given_arguments = arguments(files)
    before = {path: path.stat().st_size for path in files.folder.rglob("*") if path.is_file()}
    given = trocar(*given_arguments)
    output, errors = capfd.readouterr()
    assert "Traceback" not in errors
    assert (given, output) == (code, ""), said(errors)
    assert re.search(words, said(errors)), said(errors)
    after = {path: path.stat().st_size for path in files.folder.rglob("*") if path.is_file()}
    assert after == before

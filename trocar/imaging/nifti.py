"""NIfTI volumes and label maps, read into patient LPS millimetres and written back.

NIfTI world coordinates are RAS (+x right-to-left is reversed against DICOM): LPS = diag(-1, -1, 1) RAS.
NIfTI stores i fastest, so its array read as [k, j, i] needs no copy.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import math
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from isal import igzip
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from trocar.errors import InputRefused
from trocar.geometry.grid import Grid
from trocar.imaging.label_tables import TOTALSEGMENTATOR_TOTAL
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import ImageSource, Volume

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
PADDING_HU = -1024
AIR_HU = -500
"""A CT holds air somewhere; an image whose darkest voxel is brighter is not in Hounsfield units."""
NIFTI2_HEADER_BYTES = 540
MOST_BYTES = 8_000_000_000
"""No file is unpacked to more; a whole body of 1 mm voxels, 500 x 500 x 2000 mm, takes an eighth of it."""
MM_PER_UNIT = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 0.001}


def is_nifti(path: Path) -> bool:
    """Whether the name says NIfTI (.nii or .nii.gz)."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def read_volume(path: Path) -> Volume:
    """Read a CT in Hounsfield units.

    Raises InputRefused where the file is truncated, has no geometry, is not three-dimensional, or is not a CT.
    """
    image = _load(path)
    values = _values(image, path)
    if not np.issubdtype(values.dtype, np.integer):
        values = np.rint(np.nan_to_num(values, nan=PADDING_HU, posinf=32767, neginf=PADDING_HU))
    low, high = float(values.min()), float(values.max())
    if low > AIR_HU:
        raise InputRefused(
            f"{path.name} is not a CT in Hounsfield units: its lowest value is {low:.0f}, and air would be near -1000."
        )
    if low < PADDING_HU or high > 32767:
        values = np.minimum(np.maximum(values, values.dtype.type(PADDING_HU)), values.dtype.type(32767))
    hu = np.ascontiguousarray(values.T, dtype=np.int16)
    grid = _grid(image, path)
    if min(hu.shape) < 2:
        raise InputRefused(f"{path.name} has a single slice; planning needs a volume.")
    return Volume(hu, grid, ImageSource("nifti", content_sha256(hu, grid), description=path.name))


def read_structures(
    path: Path, names: Mapping[int, str] | None = None, one_of_many: bool = False
) -> StructureSet:
    """Read a label map or a single mask.

    Names come from, in this order: ``names``; a file beside it with the same stem (.csv with columns id and
    structure, or .json {"1": "name"}); the label table inside the file; TotalSegmentator's class table.
    A file of only 0 and 1 without any table is one mask, named as the file.
    one_of_many: the file lies in a folder of masks, one a file: it may be empty, and its one value may be any.
    """
    image = _load(path)
    values = _values(image, path)
    if not np.issubdtype(values.dtype, np.integer):
        if not np.array_equal(values, np.rint(values)):
            raise InputRefused(f"{path.name} is not a label map: it holds values that are not whole numbers.")
        values = np.rint(values)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise InputRefused(f"{path.name} is not a label map: its values go from {low} to {high}.")
    kind: type[np.unsignedinteger[Any]] = np.uint8 if high < 256 else np.uint16
    labels: NDArray[np.unsignedinteger[Any]] = np.ascontiguousarray(values.T, dtype=kind)
    present = np.flatnonzero(np.bincount(labels.ravel(), minlength=high + 1))
    present = present[present > 0]
    if present.size == 0 and one_of_many:
        return StructureSet(_grid(image, path), None, {}, {})
    if present.size == 0:
        raise InputRefused(f"{path.name} marks no structure: every voxel is 0.")
    grid = _grid(image, path)
    table = names or _names_beside(path) or _names_inside(image)
    notices: tuple[str, ...] = ()
    if table is None and (present.tolist() == [1] or (one_of_many and present.size == 1)):
        name = re.sub(r"\.nii(\.gz)?$", "", path.name, flags=re.IGNORECASE)
        return StructureSet(grid, None, {}, {name: labels > 0}, content_sha256(labels, grid))
    if table is None:
        table = TOTALSEGMENTATOR_TOTAL
        notices = (f"{path.name} holds no names; TotalSegmentator's class table was used.",)
    found = {int(v): table.get(int(v), f"label_{int(v)}") for v in present}
    return StructureSet(grid, labels, found, {}, content_sha256(labels, grid, found), notices)


def write_volume(path: Path, volume: Volume, description: str = "") -> None:
    """Write Hounsfield units as int16 NIfTI; ``description`` (79 characters at most) goes into the header."""
    _write(path, volume.hu, volume.grid, description)


def write_structures(path: Path, structures: StructureSet) -> None:
    """Write structures as one label map with a .csv of names beside it. Where masks overlap, the later one wins."""
    labels = np.zeros(structures.grid.shape_kji, np.uint16)
    names = list(structures.names)
    for value, name in enumerate(names, start=1):
        labels[structures.mask(name)] = value
    _write(path, labels.astype(np.uint8) if len(names) < 256 else labels, structures.grid, "")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["id", "structure"])
    writer.writerows(enumerate(names, start=1))
    _beside(path, ".csv").write_text(table.getvalue(), encoding="utf-8")


def content_sha256(array: NDArray[Any], grid: Grid, names: Mapping[int, str] | None = None) -> str:
    """Hash of voxels, geometry and names; the same for the same content under any file name or compression."""
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(grid.voxel_to_patient.round(4)).tobytes())
    digest.update(repr(array.shape).encode())
    digest.update(np.ascontiguousarray(array).data)
    digest.update(json.dumps(names, sort_keys=True).encode() if names else b"")
    return digest.hexdigest()


def _load(path: Path) -> Any:
    if not path.is_file():
        raise InputRefused(f"There is no file {path}.")
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = _unpacked(raw, path)
        size_of_header = {int.from_bytes(raw[:4], "little"), int.from_bytes(raw[:4], "big")}
        if 348 in size_of_header:
            return nibabel.Nifti1Image.from_bytes(raw)
        if 540 in size_of_header:
            return nibabel.Nifti2Image.from_bytes(raw)
    except (
        OSError,
        EOFError,
        ValueError,
        zlib.error,
        ImageFileError,
        WrapStructError,
        HeaderDataError,
    ) as error:
        raise InputRefused(
            f"{path.name} cannot be read as NIfTI: it is damaged, cut short, or another format."
        ) from error
    raise InputRefused(f"{path.name} is not a NIfTI file.")


def _unpacked(raw: bytes, path: Path) -> bytes:
    """What a gzip file holds, no more of it than its own NIfTI header announces."""
    with igzip.IGzipFile(fileobj=io.BytesIO(raw)) as file:
        start: bytes = file.read(NIFTI2_HEADER_BYTES)
        if 348 in (int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")):
            header = nibabel.Nifti1Header(start[:348], check=False)
        elif len(start) == NIFTI2_HEADER_BYTES:
            header = nibabel.Nifti2Header(start, check=False)
        else:
            return start
        sizes = [max(int(size), 1) for size in header["dim"][1:]]
        announced = int(header["vox_offset"]) + math.prod(sizes) * int(header["bitpix"]) // 8
        if announced > MOST_BYTES:
            raise InputRefused(
                f"{path.name} would unpack to {announced / 1e9:.0f} GB, more than any scan; crop or thin it."
            )
        # one byte more, so that the checksum at the end is looked at
        rest: bytes = file.read(max(announced - len(start), 0) + 1)
        return start + rest


def _values(image: Any, path: Path) -> NDArray[Any]:
    if image.get_data_dtype().names is not None or np.issubdtype(image.get_data_dtype(), np.complexfloating):
        raise InputRefused(f"{path.name} holds colours or complex numbers, not one value a voxel.")
    try:
        slope, intercept = image.dataobj.slope, image.dataobj.inter
        values = image.dataobj.get_unscaled()
    except (OSError, ValueError, EOFError) as error:
        raise InputRefused(f"{path.name} is cut short: its voxels are not all there.") from error
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise InputRefused(
            f"{path.name} has {values.ndim} dimensions; one three-dimensional image is needed."
        )
    if (slope, intercept) == (1.0, 0.0):
        return np.asarray(values)
    if (
        float(slope).is_integer()
        and float(intercept).is_integer()
        and np.issubdtype(values.dtype, np.integer)
    ):
        ends = [int(end) * int(slope) + int(intercept) for end in (values.min(), values.max())]
        fits = values.dtype == np.int16 and min(ends) >= -32768 and max(ends) <= 32767
        values = values.astype(np.int16 if fits and slope == 1 else np.int64)
        values *= int(slope)
        values += int(intercept)
        return np.asarray(values)
    return np.asarray(values * np.float32(slope) + np.float32(intercept))


def _grid(image: Any, path: Path) -> Grid:
    header = image.header
    if not (int(header["sform_code"]) or int(header["qform_code"])):
        raise InputRefused(
            f"{path.name} does not say where the image lies in the patient (no sform, no qform)."
        )
    scale = MM_PER_UNIT.get(header.get_xyzt_units()[0], 1.0)
    ras = np.asarray(image.affine, dtype=np.float64) * np.array([[scale], [scale], [scale], [1.0]])
    i, j, k = image.shape[:3]
    return Grid((k, j, i), RAS_TO_LPS @ ras)


def _names_inside(image: Any) -> dict[int, str] | None:
    for extension in image.header.extensions:
        text = bytes(extension.get_content() if isinstance(extension.get_content(), bytes) else b"")
        pairs = re.findall(rb'<Label Key="(\d+)"[^>]*><!\[CDATA\[([^\]]+)\]\]>', text)
        if pairs:
            return {int(value): name.decode("utf-8", "replace") for value, name in pairs}
    return None


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(re.sub(r"\.nii(\.gz)?$", "", path.name, flags=re.IGNORECASE) + suffix)


def _names_beside(path: Path) -> dict[int, str] | None:
    try:
        if _beside(path, ".csv").is_file():
            with _beside(path, ".csv").open(encoding="utf-8", newline="") as file:
                return {int(row["id"]): row["structure"] for row in csv.DictReader(file)}
        if _beside(path, ".json").is_file():
            content = json.loads(_beside(path, ".json").read_text(encoding="utf-8"))
            return {int(value): str(name) for value, name in content.items()}
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise InputRefused(
            f"The table of names beside {path.name} is not usable: it needs the columns id and structure."
        ) from error
    return None


def _write(path: Path, array: NDArray[Any], grid: Grid, description: str) -> None:
    image = nibabel.Nifti1Image(array.T, RAS_TO_LPS @ grid.voxel_to_patient)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = description.encode("ascii", "replace")[:79]
    image.set_sform(image.affine, code=1)
    image.set_qform(image.affine, code=1)
    raw = image.to_bytes()
    beside = path.with_name(path.name + ".part")
    # mtime 0: the same content gives the same file
    beside.write_bytes(gzip.compress(raw, 1, mtime=0) if path.name.endswith(".gz") else raw)
    beside.replace(path)

"""One CT picture each: a single-frame CT Image, or one frame of an Enhanced CT, seen the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from trocar.dicom.scan import MULTI_FRAME_CT, CtFile
from trocar.errors import InputRefused

LOCALIZER_WORDS = {"LOCALIZER", "SCOUT", "TOPOGRAM", "SCANOGRAM"}
MAX_SIDE = 8192
"""Rows or columns; CT has 256 to 2048, and a damaged header must not ask for all the memory."""


WHOLE_NUMBERS = (
    "BitsAllocated",
    "BitsStored",
    "Columns",
    "HighBit",
    "NumberOfFrames",
    "PixelPaddingRangeLimit",
    "PixelPaddingValue",
    "PixelRepresentation",
    "Rows",
    "SamplesPerPixel",
)
OVERLAY_BIT_POSITIONS = tuple((0x6000 + n, 0x0102) for n in range(0, 32, 2))
TEXTS = (
    "AcquisitionDate",
    "AcquisitionDateTime",
    "LossyImageCompression",
    "PatientID",
    "PatientPosition",
    "PhotometricInterpretation",
    "SeriesDate",
    "SeriesDescription",
    "SeriesNumber",
    "StudyDate",
)


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture and what its header says of it.

    number: 1 in a single-frame file. position_lps_mm (3,): centre of the first pixel; row_direction and
    column_direction (3,): unit vectors along a row (to the next column) and down a column. All three are None
    where the header has no usable geometry. spacing_mm: between rows (along j), between columns (along i).
    slope, intercept: stored value to HU, None where the header does not say. marks: what may tell one
    acquisition or phase of a series from another; name -> value.
    """

    file: CtFile
    number: int
    sop_instance_uid: str
    series_uid: str
    rows: int
    columns: int
    position_lps_mm: NDArray[np.float64] | None
    row_direction: NDArray[np.float64] | None
    column_direction: NDArray[np.float64] | None
    spacing_mm: tuple[float, float] | None
    slope: float | None
    intercept: float | None
    rescale_type: str
    thickness_mm: float | None
    frame_of_reference_uid: str
    image_type: tuple[str, ...]
    is_colour: bool
    marks: dict[str, str]

    @property
    def name(self) -> str:
        """The file, with the frame's number where it has several; as shown to the user."""
        return (
            self.file.name
            if self.number == 1 and not self.is_multi_frame
            else f"{self.file.name} frame {self.number}"
        )

    @property
    def is_multi_frame(self) -> bool:
        """Whether it is a frame of an Enhanced CT."""
        return "PerFrameFunctionalGroupsSequence" in self.file.header

    @property
    def is_localizer(self) -> bool:
        """Whether it is a scout picture and no slice."""
        return any(word in LOCALIZER_WORDS for word in self.image_type[1:])

    @property
    def has_geometry(self) -> bool:
        """Whether position, orientation and spacing are all known."""
        return self.position_lps_mm is not None and self.spacing_mm is not None

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector (3,) across the slice: row direction x column direction."""
        assert self.row_direction is not None
        assert self.column_direction is not None
        return np.cross(self.row_direction, self.column_direction)


def frames_of(file: CtFile) -> list[Frame]:
    """Every picture in a file. Raises InputRefused where the header is damaged."""
    try:
        _look_at(file.header)
        groups = list(_functional_groups(file.header))
        return [_frame(file, number, group) for number, group in enumerate(groups, start=1)]
    except InputRefused:
        raise
    # A broken element raises when it is first looked at, with errors of many kinds.
    except Exception as error:
        raise InputRefused(
            f"{file.name} is damaged: its header cannot be understood; copy it again."
        ) from error


def _look_at(header: Dataset) -> None:
    """Decode, here where errors are caught, what other modules take from the header later."""
    for keyword in WHOLE_NUMBERS:
        int(header.get(keyword) or 0)
    for keyword in TEXTS:
        str(header.get(keyword) or "")
    for tag in OVERLAY_BIT_POSITIONS:
        if tag in header:
            str(header[tag].value)


class Groups:
    """Looks an attribute up as Enhanced objects nest it: the frame's own group, the shared one, the top.

    Also right for single-frame data sets, which have only the top.
    """

    def __init__(self, header: Dataset, shared: Dataset | None = None, own: Dataset | None = None) -> None:
        self._header = header
        self._groups = [group for group in (own, shared) if group is not None]

    def get(self, sequence: str, keyword: str) -> Any:
        """The value of ``keyword`` in functional group ``sequence``, or at the top; None where absent or empty."""
        for group in self._groups:
            items = group.get(sequence)
            if items and keyword in items[0]:
                return _filled(items[0].get(keyword))
        return _filled(self._header.get(keyword))


def _filled(value: Any) -> Any:
    return None if value is None or (isinstance(value, str) and not value.strip()) else value


def _functional_groups(header: Dataset) -> Iterator[Groups]:
    if (
        str(header.get("SOPClassUID")) not in MULTI_FRAME_CT
        and "PerFrameFunctionalGroupsSequence" not in header
    ):
        if int(header.get("NumberOfFrames") or 1) > 1:
            raise InputRefused("A CT file holds several frames without saying where each lies.")
        yield Groups(header)
        return
    yield from frame_groups(header)


def frame_groups(header: Dataset) -> list[Groups]:
    """The functional groups of each frame of a multi-frame data set, in their order."""
    shared_items = header.get("SharedFunctionalGroupsSequence")
    shared = shared_items[0] if shared_items else None
    own = list(header.get("PerFrameFunctionalGroupsSequence") or [])
    if len(own) != int(header.get("NumberOfFrames") or 1):
        raise InputRefused("A multi-frame file does not describe each of its frames; it is damaged.")
    return [Groups(header, shared, item) for item in own]


def plane_of(
    group: Groups,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], tuple[float, float]] | None:
    """Position (3,), row and column direction (3,) each, spacing (between rows, between columns), or None."""
    position = numbers(group.get("PlanePositionSequence", "ImagePositionPatient"), 3)
    orientation = numbers(group.get("PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    spacing = numbers(group.get("PixelMeasuresSequence", "PixelSpacing"), 2)
    if position is None or orientation is None or spacing is None or (spacing <= 1e-6).any():
        return None
    row, column = orientation[:3], orientation[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    # Writers round cosines to as few as three digits; more than that is not rounding.
    if abs(lengths[0] - 1) > 2e-3 or abs(lengths[1] - 1) > 2e-3 or abs(row @ column) > 2e-3:
        return None
    row = row / lengths[0]
    column = column - row * (row @ column)
    return position, row, column / np.linalg.norm(column), (float(spacing[0]), float(spacing[1]))


def numbers(value: Any, count: int) -> NDArray[np.float64] | None:
    """``count`` finite numbers, or None where the value is absent or something else."""
    if (
        value is None
        or isinstance(value, str | bytes)
        or not hasattr(value, "__len__")
        or len(value) != count
    ):
        return None
    try:
        array = np.array([float(v) for v in value])
    except (TypeError, ValueError):
        return None
    return array if np.isfinite(array).all() else None


def number(value: Any) -> float | None:
    """A finite number, or None where the value is absent or something else."""
    try:
        single = float(value)
    except (TypeError, ValueError):
        return None
    return single if np.isfinite(single) else None


def _words(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(word) for word in value)


def _frame(file: CtFile, frame_number: int, group: Groups) -> Frame:
    header = file.header
    plane = plane_of(group)
    position, row, column, spacing = plane if plane else (None, None, None, None)
    rows, columns = int(header.get("Rows") or 0), int(header.get("Columns") or 0)
    if not (0 < rows <= MAX_SIDE and 0 < columns <= MAX_SIDE):
        raise InputRefused(f"{file.name} is damaged: it claims {columns} x {rows} pixels; copy it again.")
    image_type = _words(group.get("CTImageFrameTypeSequence", "FrameType") or header.get("ImageType"))
    transformation = "PixelValueTransformationSequence"
    return Frame(
        file=file,
        number=frame_number,
        sop_instance_uid=str(header.get("SOPInstanceUID") or ""),
        series_uid=str(header.get("SeriesInstanceUID") or ""),
        rows=rows,
        columns=columns,
        position_lps_mm=position,
        row_direction=row,
        column_direction=column,
        spacing_mm=spacing,
        slope=number(group.get(transformation, "RescaleSlope")),
        intercept=number(group.get(transformation, "RescaleIntercept")),
        rescale_type=str(group.get(transformation, "RescaleType") or "").strip().upper(),
        thickness_mm=number(group.get("PixelMeasuresSequence", "SliceThickness")),
        frame_of_reference_uid=str(header.get("FrameOfReferenceUID") or ""),
        image_type=tuple(word.strip().upper() for word in image_type),
        is_colour=int(header.get("SamplesPerPixel") or 1) != 1
        or str(header.get("PhotometricInterpretation") or "").startswith(("PALETTE", "RGB", "YBR")),
        marks=_marks(group, image_type),
    )


MARKS: tuple[tuple[str, str, str, bool], ...] = (
    ("acquisition", "FrameContentSequence", "FrameAcquisitionNumber", True),
    ("acquisition", "", "AcquisitionNumber", True),
    ("time", "FrameContentSequence", "TemporalPositionIndex", True),
    ("time", "", "TemporalPositionIdentifier", True),
    ("stack", "FrameContentSequence", "StackID", True),
    ("heart-phase", "CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase", True),
    ("contrast", "ContrastBolusUsageSequence", "ContrastBolusAgentPhase", True),
    ("agent", "", "ContrastBolusAgent", True),
    ("trigger", "CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", False),
    ("trigger", "", "TriggerTime", False),
    ("image", "CTImageFrameTypeSequence", "FrameType", False),
    ("image", "", "ImageType", False),
    ("kernel", "CTReconstructionSequence", "ConvolutionKernel", False),
    ("kv", "CTXRayDetailsSequence", "KVP", False),
    ("thickness", "PixelMeasuresSequence", "SliceThickness", False),
    ("bolus-start", "", "ContrastBolusStartTime", False),
    ("event", "IrradiationEventIdentificationSequence", "IrradiationEventUID", False),
    ("acquisition-uid", "", "AcquisitionUID", False),
    ("started", "FrameContentSequence", "FrameAcquisitionDateTime", False),
    ("started", "", "AcquisitionDateTime", False),
    ("began", "", "AcquisitionTime", False),
    ("made", "", "SeriesTime", False),
    ("written", "", "ContentTime", False),
)
"""What may tell acquisitions and phases of one series apart: name, functional group, attribute, and whether
slices that differ in it are never mixed (True), or only told apart by it where they would collide (False:
such values may also change from slice to slice within one scan)."""

NEVER_MIXED = tuple(dict.fromkeys(name for name, _, _, strict in MARKS if strict))
TOLD_APART = tuple(dict.fromkeys(name for name, _, _, strict in MARKS if not strict))


def _marks(group: Groups, image_type: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, sequence, keyword, _ in MARKS:
        if name in found:
            continue
        value = group.get(sequence, keyword)
        if value is not None:
            found[name] = "-".join(_words(value)) if not isinstance(value, int | float) else f"{value:g}"
    return found

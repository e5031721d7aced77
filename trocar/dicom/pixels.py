"""Stored pixel values of CT frames, decoded and turned into Hounsfield units."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames, get_frame
from pydicom.pixels import get_decoder
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from trocar.dicom.decoding import WORKERS, decode_frame
from trocar.dicom.frames import OVERLAY_BIT_POSITIONS, Frame, number
from trocar.dicom.scan import CtFile
from trocar.errors import InputRefused

PADDING_HU = -1024
MAX_HU = 32767
DARK_HU = -900
"""Brighter than this is tissue, or at least could be."""


def read_hu(
    frames: Sequence[Frame], shape_ji: tuple[int, int], read: Callable[[int, int], None] | None = None
) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    """Hounsfield units ``[n, j, i]`` of ``frames``, in their order, and sentences about what was changed.

    Padding and all that is darker than air (-1024 HU) becomes -1024; values above 32767 are cut to it; a rescale
    that gives fractions is rounded. ``read(done, total)`` is called as frames come in. Raises InputRefused where
    pixels are missing, damaged, compressed by an unknown method, or do not fit what the header says of them.
    """
    hu = np.empty((len(frames), *shape_ji), np.int16)
    by_file: dict[int, list[int]] = {}
    for n, frame in enumerate(frames):
        by_file.setdefault(id(frame.file), []).append(n)
    done = 0
    cut = False
    # Two or more threads overlap reading, decoding and rescaling; the order of results does not depend on them.
    with ThreadPoolExecutor(WORKERS) as pool:
        tasks = [pool.submit(_read_file, frames, members, hu) for members in by_file.values()]
        try:
            for task, members in zip(tasks, by_file.values(), strict=True):
                cut |= task.result()
                done += len(members)
                if read is not None:
                    read(done, len(frames))
        finally:
            for task in tasks:
                task.cancel()
    notices = [f"Values above {MAX_HU} HU were cut to it."] if cut else []
    if any(str(frame.file.header.get("LossyImageCompression") or "") == "01" for frame in frames):
        notices.append(
            "The pictures were compressed with loss before they came here; small structures may have faded."
        )
    return hu, tuple(notices)


def _read_file(frames: Sequence[Frame], members: list[int], hu: NDArray[np.int16]) -> bool:
    """Fill ``hu[n]`` for the frames ``members``, all of one file; True where values were cut."""
    file = frames[members[0]].file
    cut = False
    stored = _stored(file, [frames[n].number - 1 for n in members])
    for n in members:
        try:
            values = next(stored)
        except InputRefused:
            raise
        # Decoders raise errors of many kinds on broken streams; all mean the same to the user.
        except Exception as error:
            raise InputRefused(
                f"{file.name} is cut short or damaged: its pixels cannot be read; copy it again."
            ) from error
        if values.shape != hu.shape[1:]:
            raise InputRefused(f"{file.name} is damaged: its pixels do not have the size its header says.")
        cut |= to_hu(values, frames[n], hu[n])
    return cut


def _stored(file: CtFile, indices: list[int]) -> Iterator[NDArray[Any]]:
    """Stored values ``[j, i]`` of the frames ``indices`` (0-based), in that order."""
    syntax = UID(str(file.header.file_meta.get("TransferSyntaxUID") or ImplicitVRLittleEndian))
    if syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
        try:
            get_decoder(syntax)
        except NotImplementedError as error:
            raise InputRefused(
                f"{file.name} is compressed by a method that Trocar cannot decode ({syntax.name}); "
                "export it uncompressed."
            ) from error
        with file.source.open() as stream:
            whole = dcmread(stream, force=True)
        count = int(whole.get("NumberOfFrames") or 1)
        if count == 1:
            yield decode_frame(whole, get_frame(whole.PixelData, 0, number_of_frames=1))
            return
        encoded = list(generate_frames(whole.PixelData, number_of_frames=count))
        with ThreadPoolExecutor(WORKERS) as pool:
            yield from pool.map(lambda index: decode_frame(whole, encoded[index]), indices)
        return
    dtype, raw = _native_bytes(file)
    rows, columns = int(file.header.Rows), int(file.header.Columns)
    size = rows * columns
    for index in indices:
        if len(raw) < (index + 1) * size * dtype.itemsize:
            raise InputRefused(f"{file.name} is cut short: its pixels are not all there; copy it again.")
        values = np.frombuffer(raw, dtype, size, index * size * dtype.itemsize)
        yield values.reshape(rows, columns)


def _native_bytes(file: CtFile) -> tuple[np.dtype[Any], bytes]:
    """The type of a stored value and all bytes of an uncompressed Pixel Data element (as many as there are)."""
    header = file.header
    allocated = int(header.get("BitsAllocated") or 0)
    if allocated not in (8, 16, 32):
        raise InputRefused(f"{file.name} is damaged or no CT: it stores {allocated} bits for each pixel.")
    if file.pixel_offset is None:
        with file.source.open() as stream:
            raw = dcmread(stream, force=True).PixelData
        return np.dtype(f"<{_sign(header)}{allocated // 8}"), raw
    implicit, little = header.original_encoding
    order = "little" if little else "big"
    with file.source.open() as stream:
        stream.seek(file.pixel_offset)
        start = stream.read(8)
        # Implicit VR: tag, 4-byte length. Explicit VR: tag, VR "OB" or "OW", 2 reserved bytes, 4-byte length.
        length_bytes = start[4:] if implicit else stream.read(4)
        length = int.from_bytes(length_bytes, order)
        raw = b"" if length == 0xFFFFFFFF else stream.read(length)
    return np.dtype(f"{'<' if little else '>'}{_sign(header)}{allocated // 8}"), raw


def _sign(header: Dataset) -> str:
    return "i" if int(header.get("PixelRepresentation") or 0) else "u"


def to_hu(stored: NDArray[Any], frame: Frame, hu: NDArray[np.int16]) -> bool:
    """Write the Hounsfield units of ``stored[j, i]`` into ``hu[j, i]``; True where values above 32767 were cut.

    Raises InputRefused where the header does not say how to rescale, or where values exceed the bits it declares.
    """
    if frame.slope is None or frame.intercept is None or frame.slope == 0:
        raise InputRefused(
            f"{frame.name} does not say how its values become Hounsfield units (no rescale slope)."
        )
    padding = _padding(stored, frame)
    values = _within_stored_bits(stored, padding, frame)
    slope, intercept = frame.slope, frame.intercept
    low, high = sorted(float(end) * slope + intercept for end in (values.min(), values.max()))
    if slope == 1 and intercept.is_integer() and low >= -32768 and high <= 32767 and abs(intercept) <= 32767:
        # Each partial result fits 16 bits, also where the stored value alone does not: addition wraps exactly.
        np.add(values.astype(np.int16), np.int16(intercept), out=hu)
    else:
        scaled = values * np.float64(slope) + intercept
        hu[...] = np.rint(np.clip(scaled, PADDING_HU, MAX_HU)).astype(np.int16)
    if low < PADDING_HU:
        np.maximum(hu, np.int16(PADDING_HU), out=hu)
    if padding is not None:
        hu[padding] = PADDING_HU
    return high > MAX_HU


def _padding(stored: NDArray[Any], frame: Frame) -> NDArray[np.bool_] | None:
    """Where a pixel only fills the square round the scan circle; None where there is no such pixel.

    PixelPaddingValue, or the range from it to PixelPaddingRangeLimit, in stored values. Some writers give the
    value with the other sign's meaning (63536 for -2000), so it is read by its bits. Some give a value that is
    tissue in their own picture (0 with intercept 0); padding fills corners, so such a value is believed only
    where a corner has it.
    """
    header = frame.file.header
    limits = [header.get("PixelPaddingValue"), header.get("PixelPaddingRangeLimit")]
    bits = stored.dtype.itemsize * 8
    ends = []
    for limit in limits:
        if isinstance(limit, int):
            value = limit % (1 << bits)
            signed = stored.dtype.kind == "i" and value >= 1 << (bits - 1)
            ends.append(value - (1 << bits) if signed else value)
    if not ends or limits[0] is None:
        return None
    padding = (stored >= min(ends)) & (stored <= max(ends))
    if not padding.any():
        return None
    corners = padding[[0, 0, -1, -1], [0, -1, 0, -1]]
    is_tissue = min(ends) * (frame.slope or 1) + (frame.intercept or 0) > DARK_HU
    return None if is_tissue and not corners.any() else padding


def _within_stored_bits(
    stored: NDArray[Any], padding: NDArray[np.bool_] | None, frame: Frame
) -> NDArray[Any]:
    """Stored values with the bits above BitsStored made what they should be: the sign, or zero."""
    header = frame.file.header
    allocated = stored.dtype.itemsize * 8
    bits = int(header.get("BitsStored") or allocated)
    shift = int(header.get("HighBit") or bits - 1) + 1 - bits
    if not 1 <= bits <= allocated or shift < 0 or bits + shift > allocated:
        raise InputRefused(
            f"{frame.name} is damaged: its header contradicts itself about the bits of a pixel."
        )
    if padding is not None:
        # Padding may lie outside the declared bits, and its HU are set later in any case.
        stored = np.where(padding, stored.dtype.type(0), stored)
    if bits == allocated:
        return stored
    low, high = int(stored.min()), int(stored.max())
    half = 1 << (bits - 1)
    if shift == 0 and (-half <= low and high < half if stored.dtype.kind == "i" else high < 2 * half):
        return stored
    overlay_in_pixels = any(
        (number(header[tag].value) or 0) > 0 for tag in OVERLAY_BIT_POSITIONS if tag in header
    )
    if (
        shift == 0
        and not overlay_in_pixels
        and not (stored.dtype.kind == "i" and low >= 0 and high < 2 * half)
    ):
        raise InputRefused(
            f"{frame.name} is damaged: its values do not fit the {bits} bits that its header declares."
        )
    up = allocated - bits - shift
    return np.right_shift(np.left_shift(stored, up), allocated - bits)

"""The other end of decoding.py: a process that decodes frames, so that a broken one cannot take Trocar with it.

Decoders are C and C++ libraries. On broken streams some of them end the whole process instead of reporting an
error (gdcm and openjpeg's assertions were seen to); here only this process ends. Messages go over standard
input and output: see ``receive`` and ``send``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

import gdcm
import numpy as np
from numpy.typing import NDArray
from pydicom import config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import UID, JPEGExtended12Bit

PREFERRED = ("pydicom", "pylibjpeg", "pyjpegls", "pillow", "gdcm")
"""Which library decodes where several can, the most robust first."""
PIXEL_KEYWORDS = (
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "SamplesPerPixel",
    "PhotometricInterpretation",
)


def send(stream: BinaryIO, head: dict[str, Any], body: bytes) -> None:
    """Write one message: length of the head, the head as JSON, length of the body, the body."""
    text = json.dumps(head).encode()
    stream.write(len(text).to_bytes(4, "little") + text + len(body).to_bytes(8, "little"))
    stream.write(body)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read one message; None at the end of the stream. Raises EOFError inside a message."""
    size = stream.read(4)
    if not size:
        return None
    head = json.loads(_exactly(stream, int.from_bytes(size, "little")))
    return head, _exactly(stream, int.from_bytes(_exactly(stream, 8), "little"))


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise EOFError
    return data


def decode(head: dict[str, Any], encoded: bytes) -> NDArray[Any]:
    """Stored values ``[j, i]`` of one encoded frame; ``head`` holds the transfer syntax and PIXEL_KEYWORDS."""
    syntax = UID(head["TransferSyntaxUID"])
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    for keyword in PIXEL_KEYWORDS:
        if head.get(keyword) is not None:
            setattr(dataset, keyword, head[keyword])
    if syntax == JPEGExtended12Bit and dataset.BitsStored > 8:
        return _decode_extended(dataset, encoded)
    dataset.NumberOfFrames = 1
    dataset.PixelData = encapsulate([encoded])
    decoder = get_decoder(syntax)
    plugin = min(decoder.available_plugins, key=PREFERRED.index)
    values, _ = decoder.as_array(dataset, raw=True, decoding_plugin=plugin)
    return values


def _decode_extended(dataset: Dataset, encoded: bytes) -> NDArray[Any]:
    """JPEG Extended of 12 bits, which pydicom leaves to nobody, by gdcm."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(encoded)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((dataset.Columns, dataset.Rows, 1))
    image.SetDataElement(element)
    grey = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(grey))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4))
    bits, signed = dataset.BitsStored, dataset.PixelRepresentation
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, bits, bits - 1, signed))
    # gdcm gives bytes as text with surrogates.
    raw = (image.GetBuffer() or "").encode("utf-8", "surrogateescape")
    return np.frombuffer(raw, "<i2" if signed else "<u2").reshape(dataset.Rows, dataset.Columns)


def main() -> None:
    """Answer messages until the input ends."""
    source, answer = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Libraries print complaints of their own; nothing but answers may go to the parent.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    config.settings.reading_validation_mode = config.IGNORE
    while (message := receive(source)) is not None:
        try:
            values = decode(*message)
        # Whatever a decoder raises means the same: this frame cannot be read.
        except Exception as error:
            send(answer, {"error": f"{type(error).__name__}: {error}"}, b"")
        else:
            little = values.astype(values.dtype.newbyteorder("<"), copy=False)
            send(answer, {"dtype": little.dtype.str, "shape": values.shape}, little.tobytes())


if __name__ == "__main__":
    main()

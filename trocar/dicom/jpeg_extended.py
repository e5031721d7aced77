"""Decodes JPEG Extended frames of more than 8 bits, which pydicom leaves to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gdcm
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame

from trocar.errors import InputRefused


def decode_extended(dataset: Dataset, indices: list[int]) -> Iterator[NDArray[Any]]:
    """Stored values ``[j, i]`` (16 bits) of the frames ``indices`` of a one-channel JPEG Extended data set.

    Raises InputRefused where the decoder fails.
    """
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    signed = int(dataset.get("PixelRepresentation") or 0)
    frames = int(dataset.get("NumberOfFrames") or 1)
    for index in indices:
        fragment = gdcm.Fragment()
        fragment.SetByteStringValue(get_frame(dataset.PixelData, index, number_of_frames=frames))
        fragments = gdcm.SequenceOfFragments.New()
        fragments.AddFragment(fragment)
        element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
        element.SetValue(fragments.__ref__())
        image = gdcm.Image()
        image.SetNumberOfDimensions(2)
        image.SetDimensions((columns, rows, 1))
        image.SetDataElement(element)
        image.SetPhotometricInterpretation(
            gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2"))
        )
        image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4))
        bits = int(dataset.BitsStored)
        image.SetPixelFormat(gdcm.PixelFormat(1, 16, bits, bits - 1, signed))
        # gdcm gives bytes as text with surrogates.
        raw = (image.GetBuffer() or "").encode("utf-8", "surrogateescape")
        if len(raw) != rows * columns * 2:
            raise InputRefused("A frame in JPEG Extended cannot be decoded; it is cut short or damaged.")
        yield np.frombuffer(raw, "<i2" if signed else "<u2").reshape(rows, columns)

"""A finished picture: its pixels as PNG, where they lie in the patient, and the words that go with it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trocar import RESEARCH_NOTICE as RESEARCH_NOTICE
from trocar.imaging.render.plane import PicturePlane


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture as PNG with its words; RESEARCH_NOTICE stands in its pixels.

    plane: where the pixels lie (the top left pixel is (0, 0)); None for a picture in three dimensions. Pixels below
    ``plane.height_px`` hold the legend. legend: number drawn at an outline -> name of the structure.
    """

    png: bytes
    width_px: int
    height_px: int
    title: str
    caption: str
    alt: str
    plane: PicturePlane | None = None
    legend: Mapping[int, str] = field(default_factory=dict)

    def pixels(self) -> NDArray[np.uint8]:
        """Red, green, blue (height, width, 3)."""
        with Image.open(io.BytesIO(self.png)) as image:
            return np.asarray(image.convert("RGB"))


def encode(image: Image.Image) -> bytes:
    """PNG bytes, the same for the same pixels."""
    buffer = io.BytesIO()
    image.save(buffer, "png", compress_level=3)
    return buffer.getvalue()

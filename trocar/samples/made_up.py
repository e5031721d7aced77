"""A made-up patient of simple solids, for compiling and for tests that need an anatomy nobody has. SYNTHETIC."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trocar.geometry.grid import Grid
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import ImageSource, Volume

SPACING_MM = np.array([3.0, 3.5, 4.0])
SIZE_IJK = (96, 72, 60)


def made_up_patient() -> tuple[Volume, StructureSet]:
    """A trunk of simple solids, lying supine: body, spine with canal, kidneys, colon, liver. SYNTHETIC."""
    matrix = np.diag([*SPACING_MM, 1.0])
    matrix[:3, 3] = -SPACING_MM * (np.array(SIZE_IJK) - 1) / 2
    grid = Grid((SIZE_IJK[2], SIZE_IJK[1], SIZE_IJK[0]), matrix)
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape_kji), indexing="ij")
    x, y, z = np.moveaxis(grid.to_patient(np.stack([i, j, k], axis=-1)), -1, 0)

    def solid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray[np.bool_]:
        return np.asarray(
            ((x - centre[0]) / radii[0]) ** 2
            + ((y - centre[1]) / radii[1]) ** 2
            + ((z - centre[2]) / radii[2]) ** 2
            <= 1
        )

    body = (x / 125) ** 2 + (y / 95) ** 2 <= 1
    shapes = {
        "kidney_left": solid((60, 20, 0), (26, 20, 50)),
        "kidney_right": solid((-60, 20, 0), (26, 20, 50)),
        "liver": solid((-60, -30, 60), (50, 45, 45)),
        "spleen": solid((75, 25, 85), (25, 25, 25)),
        "colon": solid((85, -40, 0), (18, 18, 60)),
        "aorta": (np.hypot(x - 10, y + 5) <= 9),
        "lung_lower_lobe_left": solid((60, 10, 130), (40, 50, 30)),
    }
    canal = np.hypot(x, y - 48) <= 9
    for number, name in enumerate(("vertebrae_L4", "vertebrae_L3", "vertebrae_L2")):
        level = np.abs(z - 40 * (number - 1)) <= 17
        pedicles = (
            (np.abs(np.abs(x) - 15) <= 6) & (np.abs(y - 45) <= 14) & (np.abs(z - 40 * (number - 1)) <= 8)
        )
        arch = (np.hypot(x, y - 48) <= 16) & (y > 48)
        shapes[name] = level & ((np.hypot(x, y - 22) <= 20) | arch) & ~canal | (pedicles & ~canal)
    shapes["spinal_cord"] = canal
    labels = np.zeros(grid.shape_kji, np.uint8)
    hu = np.where(body, 40, -1000).astype(np.int16)
    names: dict[int, str] = {}
    for value, (name, shape) in enumerate(shapes.items(), start=1):
        labels[shape & body] = value
        names[value] = name
        hu[shape & body] = 400 if name.startswith("vertebrae") else -800 if name.startswith("lung") else 50
    hu[(np.abs(y - 110) <= 3) & (np.abs(x) <= 120)] = 100  # the table's cover, thin as covers are
    source = ImageSource("synthetic", "0" * 64, "SYNTHETIC patient for compiling")
    return Volume(hu, grid, source), StructureSet(grid, labels, names, {}, "0" * 64)

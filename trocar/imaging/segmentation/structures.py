"""All structures that are found without labels, as one set: what `trocar segment` writes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trocar.errors import UsageError
from trocar.imaging.segmentation.body import body_mask
from trocar.imaging.segmentation.bone import bone_mask
from trocar.imaging.segmentation.gas import bowel_gas_mask, lung_mask
from trocar.imaging.segmentation.kidney import kidney_from_click
from trocar.imaging.segmentation.lesion import lesion_from_click, sphere
from trocar.imaging.structures import Mask, StructureSet
from trocar.imaging.volume import Volume

WITHOUT_CLICK = ("body", "bone", "lung", "bowel_gas")
"""Structures found from intensities alone."""

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being found."""


def segment(
    volume: Volume,
    what: Sequence[str] = WITHOUT_CLICK,
    kidney_points: Sequence[ArrayLike] = (),
    lesion_point: ArrayLike | None = None,
    lesion_radius_mm: float | None = None,
    lesion_is_sphere: bool = False,
    progress: Progress | None = None,
) -> StructureSet:
    """The named structures of ``volume`` on its grid.

    what: any of body, bone, lung, bowel_gas. kidney_points: one click (3,) in LPS mm in each kidney wanted; it
    becomes kidney_left or kidney_right by its side of the body's midline. lesion_point with lesion_radius_mm adds
    "lesion": grown from the click up to that radius, or the sphere itself. Raises UsageError for unknown names,
    two clicks in one kidney's side, and a lesion point without radius; InputRefused as the single finders do.
    """
    unknown = [name for name in what if name not in WITHOUT_CLICK]
    if unknown:
        known = ", ".join(WITHOUT_CLICK)
        raise UsageError(f"{unknown[0]} cannot be found without labels; choose from {known}, or click in it.")
    if lesion_point is not None and lesion_radius_mm is None:
        raise UsageError("A lesion point needs a radius in millimetres.")
    steps = len(set(what) | {"body"}) + len(kidney_points) + (lesion_point is not None)
    done = 0

    def tell(name: str) -> None:
        nonlocal done
        if progress is not None:
            progress(done / steps, name)
        done += 1

    tell("body")
    body = body_mask(volume)
    masks: dict[str, Mask] = {"body": body} if "body" in what else {}
    if "bone" in what:
        tell("bone")
        masks["bone"] = bone_mask(volume, body)
    if "lung" in what or "bowel_gas" in what:
        tell("lung")
        lung = lung_mask(volume, body)
        if "lung" in what:
            masks["lung"] = lung
        if "bowel_gas" in what:
            tell("bowel_gas")
            masks["bowel_gas"] = bowel_gas_mask(volume, body, lung)
    for point in kidney_points:
        name = f"kidney_{side_of(volume, body, point)}"
        if name in masks:
            raise UsageError(f"Two kidney points lie on the same side ({name}); give one for each kidney.")
        tell(name)
        masks[name] = kidney_from_click(volume, point)
    if lesion_point is not None and lesion_radius_mm is not None:
        tell("lesion")
        find = sphere(volume.grid, lesion_point, lesion_radius_mm) if lesion_is_sphere else None
        masks["lesion"] = lesion_from_click(volume, lesion_point, lesion_radius_mm) if find is None else find
    if progress is not None:
        progress(1.0, "")
    notices = (
        "These structures were found from intensities, not drawn or checked by a person; look at them before use.",
    )
    return StructureSet(volume.grid, None, {}, masks, _digest(volume, masks), notices)


def side_of(volume: Volume, body: Mask, point_lps_mm: ArrayLike) -> str:
    """ "left" or "right": the patient's side of a point (3,) in LPS mm, seen from the middle of the body.

    The middle is half way between the body's left and right border at the height of the point (within 10 mm along
    the patient's long axis), so that a patient who lies off centre is not taken for the other side.
    """
    point = np.asarray(point_lps_mm, dtype=np.float64)
    k, j, i = np.nonzero(body[:: max(1, body.shape[0] // 64), ::4, ::4])
    if k.size == 0:
        return "left" if point[0] > 0 else "right"
    stride = max(1, body.shape[0] // 64)
    border: NDArray[np.float64] = volume.grid.to_patient(np.stack([4 * i, 4 * j, stride * k], axis=1))
    near = np.abs(border[:, 2] - point[2]) <= max(10.0, stride * float(volume.grid.spacing_mm.max()))
    x = border[near if near.any() else slice(None), 0]
    return "left" if point[0] > (x.min() + x.max()) / 2 else "right"


def _digest(volume: Volume, masks: dict[str, Mask]) -> str:
    digest = hashlib.sha256(volume.grid.voxel_to_patient.tobytes())
    for name, mask in masks.items():
        digest.update(name.encode())
        digest.update(np.packbits(mask).tobytes())
    return digest.hexdigest()

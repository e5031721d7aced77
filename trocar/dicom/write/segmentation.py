"""Structures as DICOM Segmentation objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

from trocar import __version__
from trocar.dicom.write import instance
from trocar.dicom.write.axes import turned
from trocar.dicom.write.codes import label, our_code, structure_code
from trocar.dicom.write.study import SourceStudy
from trocar.dicom.write.uids import derived_uid
from trocar.geometry.grid import Grid
from trocar.imaging.structures import StructureSet

SERIES_NUMBER = 9101
GIVEN = our_code("STRUCTURES_GIVEN", "Structures taken from a file or derived from one")
SAME_PLACE_MM = 0.01
"""A slice of the structures is a slice of the CT where their first voxels are not farther apart than this."""
GOLDEN_ANGLE = 0.618034


def segmentations(
    structures: StructureSet, names: Sequence[str], study: SourceStudy, key: str, made_at: datetime
) -> Iterator[Dataset]:
    """SEG objects (BINARY) of the structures ``names``, in their order; those without a voxel are left out.

    Structures that overlap go into different objects of one series, since many viewers show a voxel in one segment
    only; without overlap there is one object. Voxels are not resampled: slices that are those of the CT take its
    exact positions, other grids keep theirs. ``key`` names the plan; UIDs follow from it, the CT and the names.
    """
    grid, turn = turned(structures.grid, study.row_and_column_directions)
    layers = _layers(structures, names)
    series_uid = derived_uid("series", "SEG", key, study.series_uid)
    for number, (labels, present) in enumerate(layers, start=1):
        uid = derived_uid("instance", "SEG", key, study.series_uid, structures.sha256, present, number)
        labels = np.ascontiguousarray(turn(labels))
        yield _segmentation(labels, grid, present, study, uid, series_uid, number, made_at)


def _segmentation(
    labels: NDArray[np.unsignedinteger],
    grid: Grid,
    names: Sequence[str],
    study: SourceStudy,
    uid: str,
    series_uid: str,
    number: int,
    made_at: datetime,
) -> Dataset:
    images, pixels = _placed(labels, grid, study)
    segmentation = hd.seg.Segmentation(
        source_images=images,
        pixel_array=pixels,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(n, name, study) for n, name in enumerate(names, start=1)],
        series_instance_uid=series_uid,
        series_number=SERIES_NUMBER,
        sop_instance_uid=uid,
        instance_number=number,
        manufacturer=instance.MANUFACTURER,
        manufacturer_model_name=instance.MODEL,
        software_versions=__version__,
        device_serial_number=instance.SERIAL_NUMBER,
        content_label="TROCAR_PLAN",
        content_description="Structures that the needle plan names",
        series_description=instance.series_description("Plan structures"),
        specific_character_set="ISO_IR 192",
    )
    # highdicom draws a random UID here
    dimensions = derived_uid("dimensions", uid)
    segmentation.DimensionOrganizationSequence[0].DimensionOrganizationUID = dimensions
    for item in segmentation.DimensionIndexSequence:
        item.DimensionOrganizationUID = dimensions
    measures = segmentation.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    if measures.get("SliceThickness") is None:
        # A volume of labels has no gaps; several readers take the spacing of slices from here alone.
        measures.SliceThickness = format_number_as_ds(float(grid.spacing_mm[2]))
    segmentation.CodingSchemeIdentificationSequence = [instance.coding_scheme()]
    _credit(segmentation)
    study.identify(segmentation)
    instance.stamp(segmentation, study, made_at)
    return segmentation


def _credit(segmentation: Dataset) -> None:
    """Keep highdicom's name as contributing equipment, without the time that it reads from the clock."""
    for item in segmentation.ContributingEquipmentSequence:
        if "ContributionDateTime" in item:
            del item.ContributionDateTime


def tracking_uid(name: str, study: SourceStudy) -> str:
    """The UID under which a structure of this CT is known in every object."""
    return str(derived_uid("structure", study.series_uid, name))


def _placed(
    labels: NDArray[np.unsignedinteger], grid: Grid, study: SourceStudy
) -> tuple[Sequence[Dataset], NDArray[np.unsignedinteger] | hd.Volume]:
    """Source images and pixels for highdicom: slice by slice where both grids are the same, else with an affine."""
    first_voxels = grid.to_patient([(0, 0, k) for k in range(grid.shape_kji[0])])
    rows_and_columns = study.row_and_column_directions
    image = study.images[0]
    same_plane = (
        (image.Rows, image.Columns) == grid.shape_kji[1:]
        and np.allclose(grid.directions[:, :2].T, rows_and_columns, atol=1e-4)
        and np.allclose(grid.spacing_mm[:2], study.spacing_ij_mm, rtol=1e-4)
    )
    if same_plane and not study.is_multi_frame and len(first_voxels) == len(study.images):
        order = [study.nearest_slice(point) for point in first_voxels]
        distances = np.linalg.norm(study.positions_lps_mm[order] - first_voxels, axis=1)
        if len(set(order)) == len(order) and distances.max() <= SAME_PLACE_MM:
            return [study.images[n] for n in order], labels
    # highdicom's volumes are indexed like ours, [k, j, i], and so are the columns of their affine
    affine = grid.voxel_to_patient[:, [2, 1, 0, 3]]
    volume = hd.Volume(
        labels, affine, coordinate_system="PATIENT", frame_of_reference_uid=study.frame_of_reference_uid
    )
    return study.images, volume


def _layers(
    structures: StructureSet, names: Sequence[str]
) -> list[tuple[NDArray[np.unsignedinteger], list[str]]]:
    """Label maps ``[k, j, i]`` with values 1, 2, ... and the names of these values; none of one map overlap."""
    dtype = np.uint8 if len(names) < 256 else np.uint16
    layers: list[tuple[NDArray[np.unsignedinteger], list[str]]] = []
    mapped = {name: value for value, name in structures.label_names.items() if name in names}
    if structures.labels is not None and mapped:
        # Slice by slice: bincount makes 8 bytes of each voxel.
        size = max(int(structures.labels.max()), *mapped.values()) + 1
        counts = sum(np.bincount(plane.ravel(), minlength=size) for plane in structures.labels)
        present = [n for n in names if n in mapped and counts[mapped[n]]]
        table = np.zeros(size, dtype)
        table[[mapped[n] for n in present]] = np.arange(1, len(present) + 1)
        if present:
            layers.append((table[structures.labels], present))
    for name in names:
        if name in mapped:
            continue
        mask = structures.mask(name)
        if not mask.any():
            continue
        free = next((layer for layer in layers if not layer[0][mask].any()), None)
        if free is None:
            free = (np.zeros(mask.shape, dtype), [])
            layers.append(free)
        labels, present = free
        present.append(name)
        labels[mask] = len(present)
    return layers


def _description(number: int, name: str, study: SourceStudy) -> hd.seg.SegmentDescription:
    code = structure_code(name)
    red, green, blue = _colour(number)
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label(name),
        segmented_property_category=code.category,
        segmented_property_type=code.kind,
        # A person chose the structures; whether a person or a program drew them, their file rarely says.
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name="Structures as given to Trocar",
            family=GIVEN,
            version=__version__,
        ),
        tracking_id=label(name),
        tracking_uid=tracking_uid(name, study),
        anatomic_regions=[code.site] if code.site else None,
        display_color=hd.color.CIELabColor.from_rgb(red, green, blue),
    )
    if code.laterality is not None:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [hd.sr.CodedConcept.from_code(code.laterality)]
    return description


def _colour(number: int) -> tuple[int, int, int]:
    """A colour (0 to 255) for each number; neighbours differ, since the golden angle never meets a colour again."""
    hue = number * GOLDEN_ANGLE % 1.0 * 6.0
    sector, part = int(hue), hue % 1.0
    low, high = 60, 230
    rising, falling = round(low + (high - low) * part), round(high - (high - low) * part)
    return [
        (high, rising, low),
        (falling, high, low),
        (low, high, rising),
        (low, falling, high),
        (rising, low, high),
        (high, low, falling),
    ][sector]

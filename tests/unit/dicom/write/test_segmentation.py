from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.ct_factory import make_grid, oblique_directions
from tests.unit.dicom.write.plan_factory import make_structures, make_study, mask_points, points_of
from tests.unit.dicom.write.test_study import GRID as STUDY_GRID
from tests.unit.dicom.write.test_study import enhanced
from trocar.dicom.write import SourceStudy, instance
from trocar.dicom.write.segmentation import segmentations
from trocar.geometry.grid import Grid
from trocar.imaging.structures import StructureSet

NOON = datetime(2026, 5, 4, 12, 30, 15)
NAMES = ("kidney_left", "kidney_right", "colon", "lesion")


def written(
    structures: StructureSet, study: SourceStudy, folder: Path, names: tuple[str, ...] = NAMES
) -> list[hd.seg.Segmentation]:
    """The objects as another program reads them."""
    result = []
    for number, dataset in enumerate(segmentations(structures, names, study, "key", NOON)):
        instance.save(dataset, folder / f"{number}.dcm")
        result.append(hd.seg.segread(folder / f"{number}.dcm"))
    return result


def all_points(objects: list[hd.seg.Segmentation]) -> dict[str, np.ndarray]:
    return {name: points for s in objects for name, points in points_of(s).items()}


@pytest.mark.parametrize(
    "directions",
    [np.eye(3), np.diag([-1.0, -1.0, 1.0]), oblique_directions(1), oblique_directions(2, left_handed=True)],
    ids=["axial", "rows from left to right", "oblique", "oblique and mirrored"],
)
def test_every_voxel_lies_where_it_did(directions: np.ndarray, tmp_path: Path) -> None:
    grid = make_grid((5, 8, 12), directions=directions)
    structures = make_structures(grid)
    found = all_points(written(structures, make_study(grid), tmp_path))
    assert set(found) == set(NAMES)
    for name in NAMES:
        np.testing.assert_allclose(found[name], mask_points(structures, name), atol=1e-4)


def test_structures_stored_along_other_axes_than_the_ct_lie_right(tmp_path: Path) -> None:
    """A label map as NIfTI has it (mirrored, another axis first) on a CT with DICOM's axes."""
    ct = make_grid((5, 8, 12), origin_lps_mm=(0, 0, 0))
    matrix = np.eye(4)
    # i of the labels runs down the CT's k, j runs against its i, k runs against its j
    matrix[:3, 0] = ct.voxel_to_patient[:3, 2]
    matrix[:3, 1] = -ct.voxel_to_patient[:3, 0]
    matrix[:3, 2] = -ct.voxel_to_patient[:3, 1]
    matrix[:3, 3] = ct.to_patient((11, 7, 0))
    structures = make_structures(Grid((8, 12, 5), matrix))
    study = make_study(ct)
    objects = written(structures, study, tmp_path)
    found = all_points(objects)
    for name in set(NAMES) & set(found):
        np.testing.assert_allclose(found[name], mask_points(structures, name), atol=1e-4)
    assert len(found) >= 3
    assert objects[0].Rows == 8
    assert objects[0].SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[
        0
    ].ImageOrientationPatient == [1, 0, 0, 0, 1, 0]


def test_each_frame_names_the_slice_it_was_drawn_on(tmp_path: Path) -> None:
    grid = make_grid((5, 8, 12), directions=oblique_directions(1))
    study = make_study(grid)
    position = {str(i.SOPInstanceUID): i.ImagePositionPatient for i in study.images}
    for segmentation in written(make_structures(grid), study, tmp_path):
        for frame in segmentation.PerFrameFunctionalGroupsSequence:
            source = frame.DerivationImageSequence[0].SourceImageSequence[0]
            assert (
                position[source.ReferencedSOPInstanceUID]
                == frame.PlanePositionSequence[0].ImagePositionPatient
            )


def test_sides_do_not_mix(tmp_path: Path) -> None:
    """Both kidneys have one code; a side written to the one must not reach the other."""
    grid = make_grid((5, 8, 12))
    (segmentation, _) = written(make_structures(grid), make_study(grid), tmp_path)
    kinds = {s.SegmentLabel: s.SegmentedPropertyTypeCodeSequence[0] for s in segmentation.SegmentSequence}
    sides = {
        n: k.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning
        for n, k in kinds.items()
        if "kidney" in n
    }
    assert sides == {"kidney_left": "Left", "kidney_right": "Right"}
    assert "SegmentedPropertyTypeModifierCodeSequence" not in kinds["colon"]


def test_overlapping_structures_go_into_objects_of_their_own(tmp_path: Path) -> None:
    grid = make_grid((5, 8, 12))
    objects = written(make_structures(grid), make_study(grid), tmp_path)
    assert [[s.SegmentLabel for s in o.SegmentSequence] for o in objects] == [
        ["kidney_left", "kidney_right", "colon"],
        ["lesion"],
    ]
    assert len({o.SeriesInstanceUID for o in objects}) == 1
    assert len({o.SOPInstanceUID for o in objects}) == 2
    assert [int(o.InstanceNumber) for o in objects] == [1, 2]
    assert {o.SegmentsOverlap for o in objects} == {"NO"}


def test_masks_that_do_not_overlap_share_one_object(tmp_path: Path) -> None:
    grid = make_grid((3, 4, 5))
    left, right = np.zeros((2, 3, 4, 5), bool)
    left[..., 3:], right[..., :2] = True, True
    structures = StructureSet(grid, None, {}, {"a": left, "b": right, "nothing": np.zeros_like(left)})
    (segmentation,) = written(structures, make_study(grid), tmp_path, ("a", "b", "nothing"))
    found = points_of(segmentation)
    assert set(found) == {"a", "b"}
    np.testing.assert_allclose(found["a"], mask_points(structures, "a"), atol=1e-4)


def test_only_named_structures_with_voxels_are_written_and_empty_frames_left_out(tmp_path: Path) -> None:
    grid = make_grid((5, 8, 12))
    (segmentation,) = written(make_structures(grid), make_study(grid), tmp_path, ("spleen", "colon"))
    assert [s.SegmentLabel for s in segmentation.SegmentSequence] == ["colon"]
    assert segmentation.NumberOfFrames == 1
    assert not written(make_structures(grid), make_study(grid), tmp_path, ("spleen",))


def test_structures_on_a_finer_grid_keep_their_own_geometry(tmp_path: Path) -> None:
    ct = make_grid((5, 8, 12))
    matrix = ct.voxel_to_patient.copy()
    matrix[:3, :3] *= 0.5
    structures = make_structures(Grid((10, 16, 24), matrix))
    found = all_points(written(structures, make_study(ct), tmp_path))
    for name in NAMES:
        np.testing.assert_allclose(found[name], mask_points(structures, name), atol=1e-4)


def test_multi_frame_ct_is_referred_to_frame_by_frame(tmp_path: Path) -> None:
    study = SourceStudy.from_headers([enhanced(orientation_per_frame=False)])
    labels = np.zeros(STUDY_GRID.shape_kji, np.uint8)
    labels[3, 1:, 2:5] = 1
    structures = StructureSet(STUDY_GRID, labels, {1: "colon"}, {})
    (segmentation,) = written(structures, study, tmp_path, ("colon",))
    np.testing.assert_allclose(points_of(segmentation)["colon"], mask_points(structures, "colon"), atol=1e-4)
    (frame,) = segmentation.PerFrameFunctionalGroupsSequence
    assert frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber == 4


def test_more_labels_than_a_byte_holds(tmp_path: Path) -> None:
    grid = make_grid((2, 12, 15))
    labels = np.arange(1, 361, dtype=np.uint16).reshape(2, 12, 15)
    names = {v: f"label_{v}" for v in range(1, 361)}
    structures = StructureSet(grid, labels, names, {})
    (segmentation,) = written(structures, make_study(grid), tmp_path, tuple(names.values()))
    found = points_of(segmentation)
    assert len(found) == 360
    for name in ("label_1", "label_256", "label_360"):
        np.testing.assert_allclose(found[name], mask_points(structures, name), atol=1e-4)


def test_it_is_the_patients_and_says_what_it_is(tmp_path: Path) -> None:
    grid = make_grid((5, 8, 12))
    study = make_study(grid)
    for segmentation in written(make_structures(grid), study, tmp_path):
        assert segmentation.PatientName == "SAMPLE^PATIENT"
        assert segmentation.StudyInstanceUID == study.study_uid
        assert segmentation.FrameOfReferenceUID == study.frame_of_reference_uid
        assert segmentation.SeriesDescription.endswith("Research software, not for clinical use")
        assert segmentation.SegmentationType == "BINARY"
        assert segmentation.ReferencedSeriesSequence[0].SeriesInstanceUID == study.series_uid


def as_bytes(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, implicit_vr=False, little_endian=True)
    return buffer.getvalue()


def test_the_same_structures_give_the_same_bytes() -> None:
    grid = make_grid((5, 8, 12))
    once, again = (
        [as_bytes(d) for d in segmentations(make_structures(grid), NAMES, make_study(grid), "key", NOON)]
        for _ in range(2)
    )
    assert once == again

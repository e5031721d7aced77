"""How the patient lies, seen in the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from tests.unit.imaging.segmentation.trunk import Trunk, mirrored, transposed, trunk, turned
from trocar.geometry.grid import Grid
from trocar.imaging.patient_position import infer_position, position_from_dicom
from trocar.imaging.segmentation.body import body_mask
from trocar.imaging.volume import Volume


def guess(volume: Volume) -> str | None:
    return infer_position(volume, body_mask(volume)).position


def lying(volume: Volume, quarter_turns: int) -> Volume:
    """The picture turned in its plane, the grid's axes as they were: the patient lies on another side.

    One turn takes the table from +j (the back) to -i, so where i runs to the left the right side is down.
    """
    hu = np.ascontiguousarray(np.rot90(volume.hu, -quarter_turns, (1, 2)))
    order = [1, 0, 2] if quarter_turns % 2 else [0, 1, 2]
    spacing = volume.grid.spacing_mm[order]
    matrix = np.eye(4)
    matrix[:3, :3] = volume.grid.directions * spacing
    return Volume(hu, Grid(hu.shape, matrix))


@pytest.fixture(scope="module")
def made() -> Trunk:
    return trunk((1.6, 1.1, 4.0))


@pytest.mark.parametrize(
    ("turns", "position"), [(0, "supine"), (1, "right_lateral"), (2, "prone"), (3, "left_lateral")]
)
def test_table_and_gas_levels_tell_the_side_that_is_down(made: Trunk, turns: int, position: str) -> None:
    volume = lying(made.volume, turns)
    found = infer_position(volume, body_mask(volume))
    assert found.position == position
    assert "table" in found.confidence_reason
    assert "gas levels" in found.confidence_reason


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_order_of_storage_changes_nothing(made: Trunk, axis: int) -> None:
    assert guess(mirrored(made.volume, axis)) == "supine"
    assert guess(mirrored(lying(made.volume, 1), axis)) == "right_lateral"


def test_coronal_storage_and_oblique_slices_change_nothing(made: Trunk) -> None:
    assert guess(transposed(made.volume, (1, 0, 2))) == "supine"
    assert guess(transposed(lying(made.volume, 3), (2, 1, 0))) == "left_lateral"
    assert guess(turned(made.volume, 20, (1, 0, 0.4))) == "supine"


def without_table(volume: Volume) -> Volume:
    hu = volume.hu.copy()
    hu[:, np.round(volume.grid.to_voxel((0, 122, 0))).astype(int)[1] :] = -1000
    return Volume(hu, volume.grid)


def test_gas_levels_alone_are_enough(made: Trunk) -> None:
    found = infer_position(without_table(made.volume), made.body)
    assert found.position == "supine"
    assert "table" not in found.confidence_reason


def test_the_table_alone_is_enough(made: Trunk) -> None:
    hu = made.volume.hu.copy()
    hu[made.bowel_gas] = 20
    found = infer_position(Volume(hu, made.volume.grid), made.body)
    assert found.position == "supine"
    assert "gas" not in found.confidence_reason


def test_no_sign_gives_no_position(made: Trunk) -> None:
    hu = without_table(made.volume).hu.copy()
    hu[made.bowel_gas] = 20
    assert infer_position(Volume(hu, made.volume.grid), made.body).position is None


def test_signs_that_contradict_each_other_give_no_position() -> None:
    """Gas lies under the fluid, over the same table."""
    upside_down = trunk((1.6, 1.1, 4.0), gas_above_mm=None)
    found = infer_position(upside_down.volume, upside_down.body)
    assert found.position is None
    assert "but gas levels" in found.confidence_reason


def test_a_blanket_over_the_front_is_not_a_table(made: Trunk) -> None:
    bare = trunk((1.6, 1.1, 4.0), blanket=False)
    assert guess(bare.volume) == guess(made.volume) == "supine"


@pytest.mark.parametrize(
    ("code", "position"),
    [
        ("HFS", "supine"), ("FFS", "supine"), ("HFP", "prone"), ("FFP", "prone"),
        ("HFDR", "right_lateral"), ("FFDR", "right_lateral"), ("HFDL", "left_lateral"), ("FFDL", "left_lateral"),
    ],
)  # fmt: skip
def test_dicom_codes(code: str, position: str) -> None:
    assert position_from_dicom(code) == position  # type: ignore[arg-type]


@pytest.mark.samples
def test_both_samples_are_supine_and_prone_when_flipped(sample_ct: Volume, chest_ct: Volume) -> None:
    for volume in (sample_ct, chest_ct):
        assert guess(volume) == "supine"
        flipped = Volume(np.ascontiguousarray(volume.hu[:, ::-1]), volume.grid)
        assert guess(flipped) == "prone"


@pytest.mark.samples
def test_the_sample_turned_on_its_side_is_lateral(sample_ct: Volume) -> None:
    """Its i runs to the right and its j to the front: the table is at -j, and one turn takes it to +i."""
    assert guess(lying(sample_ct, 1)) == "right_lateral"
    assert guess(lying(sample_ct, 3)) == "left_lateral"


@pytest.mark.test_data
def test_a_feet_first_scan_agrees_with_its_header(
    test_data: Path, read_series: Callable[[Path], Volume]
) -> None:
    folder = test_data / "kidney_ct_crlm1006" / "dicom"
    header = SimpleITK.ImageFileReader()
    header.SetFileName(str(next(folder.glob("*.dcm"))))
    header.ReadImageInformation()
    code = header.GetMetaData("0018|5100").strip()
    assert code == "FFS"
    volume = read_series(folder)
    assert guess(volume) == position_from_dicom(code) == "supine"
    assert guess(Volume(np.ascontiguousarray(volume.hu[:, ::-1]), volume.grid)) == "prone"

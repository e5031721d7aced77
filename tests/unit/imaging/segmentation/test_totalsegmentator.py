"""What Trocar does around TotalSegmentator: the picture it hands over and the labels it takes back."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from tests.unit.imaging.segmentation.trunk import trunk, turned
from trocar.errors import InputRefused
from trocar.imaging.segmentation import totalsegmentator
from trocar.imaging.segmentation.totalsegmentator import from_answer, run_totalsegmentator, to_nifti
from trocar.imaging.volume import Volume


@pytest.fixture(scope="module")
def volume() -> Volume:
    return turned(trunk((4.0, 3.0, 8.0)).volume, 15, (1, 0, 2))


def test_the_picture_handed_over_lies_where_the_scan_lies(volume: Volume) -> None:
    image = to_nifti(volume)
    ijk = (3, 17, 5)
    ras = image.affine @ (*ijk, 1)
    assert np.allclose(ras[:3] * (-1, -1, 1), volume.grid.to_patient(ijk))
    assert np.asarray(image.dataobj)[ijk] == volume.hu[ijk[::-1]]


def test_labels_come_back_named_and_in_place(volume: Volume) -> None:
    labels = np.zeros(volume.hu.shape[::-1], np.uint8)
    labels[3:6, 17, 5] = 2
    labels[9, 9, 9] = 29
    found = from_answer(volume, nibabel.Nifti1Image(labels, to_nifti(volume).affine))
    assert found.names == ("kidney_right", "vertebrae_L3")
    assert np.argwhere(found.mask("kidney_right")).tolist() == [[5, 17, 3], [5, 17, 4], [5, 17, 5]]
    assert found.sha256
    assert "TotalSegmentator" in found.notices[0]


def test_an_answer_on_another_grid_or_of_another_version_is_refused(volume: Volume) -> None:
    labels = np.zeros(volume.hu.shape[::-1], np.uint8)
    with pytest.raises(InputRefused, match="grid"):
        from_answer(volume, nibabel.Nifti1Image(labels, np.diag([4.0, 3.0, 8.0, 1.0])))
    labels[0, 0, 0] = 200
    with pytest.raises(InputRefused, match="label 200"):
        from_answer(volume, nibabel.Nifti1Image(labels, to_nifti(volume).affine))


def test_without_the_extra_it_says_how_to_get_it(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    """The import is made to fail, so that the test means the same where the extra happens to be installed."""

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(totalsegmentator.importlib, "import_module", absent)
    with pytest.raises(InputRefused, match=r"pip install 'trocar\[totalsegmentator\]'"):
        run_totalsegmentator(volume)

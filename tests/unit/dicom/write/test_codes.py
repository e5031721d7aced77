from __future__ import annotations

import pytest
from pydicom.sr.codedict import codes

from trocar.dicom.write.codes import LEFT, RIGHT, SCHEME, label, private_code, structure_code
from trocar.imaging.label_tables import TOTALSEGMENTATOR_TOTAL


@pytest.mark.parametrize(
    ("name", "value", "side"),
    [
        # written out, so that a wrong keyword in the table shows (values: PS3.16, CID 4 and 7151)
        ("kidney_left", "64033007", LEFT),
        ("kidney_right", "64033007", RIGHT),
        ("spleen", "78961009", None),
        ("colon", "71854001", None),
        ("aorta", "15825003", None),
        ("vertebrae_L3", "36470004", None),
        ("vertebrae_C1", "14806007", None),
        ("rib_right_11", "113197003", RIGHT),
        ("lung_upper_lobe_left", "45653009", LEFT),
        ("lung_middle_lobe_right", "72481006", RIGHT),
        ("urinary_bladder", "89837001", None),
        ("spinal_canal", "61853006", None),
    ],
)
def test_snomed_codes(name: str, value: str, side: object) -> None:
    code = structure_code(name)
    assert (code.kind.scheme_designator, code.kind.value, code.laterality) == ("SCT", value, side)


@pytest.mark.parametrize(
    "name", ["hip_left", "vertebrae_S1", "gluteus_medius_right", "my own drawing", "left_right"]
)
def test_what_no_dictionary_verifies_gets_our_own_code_with_its_name(name: str) -> None:
    code = structure_code(name)
    assert (code.kind.scheme_designator, code.kind.meaning) == (SCHEME, name)
    assert len(code.kind.value) <= 16


def test_side_is_kept_where_the_code_is_our_own() -> None:
    assert structure_code("hip_left").laterality == LEFT
    assert structure_code("left_right").laterality is None


def test_every_totalsegmentator_name_has_its_own_code_and_side() -> None:
    seen = {
        (structure_code(n).kind.value, structure_code(n).laterality) for n in TOTALSEGMENTATOR_TOTAL.values()
    }
    ribs = 24
    assert len(seen) == len(TOTALSEGMENTATOR_TOTAL) - ribs + 2  # one code for the ribs of each side


def test_abnormal_things_are_not_called_anatomy() -> None:
    assert structure_code("lesion").category == codes.SCT.MorphologicallyAbnormalStructure
    cyst = structure_code("kidney_cyst_left")
    assert (cyst.category, cyst.site) == (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Kidney)


def test_a_name_that_dicom_would_split_or_refuse_is_made_fit() -> None:
    assert label("a\\b") == "a/b"
    assert label("x" * 80) == "x" * 64
    assert label("\n") == "unnamed"
    assert private_code("x" * 80) != private_code("x" * 81)

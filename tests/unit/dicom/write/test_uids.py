from __future__ import annotations

from pydicom.uid import UID

from trocar.dicom.write.uids import derived_uid


def test_the_same_parts_always_give_the_same_uid() -> None:
    # written down, so that another version of Python or a changed recipe cannot re-name objects already archived
    assert derived_uid("series", "SEG", 1) == "2.25.275390442646163000258160050844002361531"


def test_form_is_that_of_a_uuid() -> None:
    for part in range(200):
        uid = derived_uid("instance", part)
        assert UID(uid).is_valid
        assert len(uid) <= 44
        number = int(uid.removeprefix("2.25."))
        assert number >> 76 & 0xF == 8
        assert number >> 62 & 0x3 == 2


def test_every_part_counts() -> None:
    uids = {
        derived_uid(*parts)
        for parts in ([], ["a"], ["a", "b"], ["ab"], ["b", "a"], ["a", 1], ["a", "1"], [None])
    }
    assert len(uids) == 8

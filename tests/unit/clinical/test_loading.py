"""Bad protocol files, each with the reason why it is bad, and what the reader says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.clinical.protocol_files import LIVER, spoiled
from trocar.clinical.loading import builtin_protocols, check_file, load_protocol, read_protocol
from trocar.errors import ProtocolMistake, UsageError

ZONE = b"""\
zones:
  - name: z
    kind: below_ribs
    made_from: [rib_1]
    parameters: {height_mm: {value: 3, source: J, status: U}}
"""


def mistakes_in(content: bytes, file: str = "liver_biopsy.yaml") -> list[tuple[int, str, str]]:
    protocol, mistakes = read_protocol(content, file)
    assert (protocol is None) == bool(mistakes)
    return [(m.line, m.key, m.text) for m in mistakes]


def test_the_unspoiled_file_is_right() -> None:
    assert mistakes_in(LIVER) == []


BAD = [
    # what is spoiled, with what, key that is named, words that must stand in the sentence
    ("margin_mm: {value: 10,", "margin_cm: {value: 1,", "keep_clear.bowel.margin_cm", "is 'margin_mm' meant"),
    (
        "margin_mm: {value: 10,",
        'margin_mm: {value: "10 mm",',
        "keep_clear.bowel.margin_mm.value",
        "without a unit",
    ),
    (
        "margin_mm: {value: 10,",
        "margin_mm: {value: 1000,",
        "keep_clear.bowel.margin_mm.value",
        "between 0 and 60",
    ),
    (
        "margin_mm: {value: 10,",
        "margin_mm: {value: -1,",
        "keep_clear.bowel.margin_mm.value",
        "between 0 and 60",
    ),
    (
        "margin_mm: {value: 10,",
        "margin_mm: {value: .nan,",
        "keep_clear.bowel.margin_mm.value",
        "must be a number",
    ),
    (
        "margin_mm: {value: 10,",
        "margin_mm: {value: true,",
        "keep_clear.bowel.margin_mm.value",
        "must be a number",
    ),
    ("margin_mm: {value: 10,", "margin_mm: {value: ,", "keep_clear.bowel.margin_mm.value", "has no value"),
    (
        "margin_mm: {value: 10, source: J, status: U}",
        "margin_mm: 10",
        "keep_clear.bowel.margin_mm",
        "carry its source",
    ),
    (
        "margin_mm: {value: 10, source: J,",
        "margin_mm: {value: 10, source: X9,",
        "keep_clear.bowel.margin_mm.source",
        "'X9'",
    ),
    (
        "margin_mm: {value: 10, source: J, status: U}",
        "margin_mm: {value: 10, source: J}",
        "keep_clear.bowel.margin_mm.status",
        "is missing",
    ),
    (
        "margin_mm: {value: 10, source: J, status: U}",
        "margin_mm: {value: 10, source: J, status: R}",
        "keep_clear.bowel.margin_mm.status",
        "was not read",
    ),
    (
        "margin_mm: {value: 10, source: J, status: U}",
        "margin_mm: {value: 10, source: P1, status: C}",
        "keep_clear.bowel.margin_mm.note",
        "how it was computed",
    ),
    (
        "margin_mm: {value: 10,",
        "margin_mm: {value: 0.5,",
        "keep_clear.bowel.margin_mm",
        "radius of the thickest needle",
    ),
    (
        "  max_out_of_axial_deg: {value: 30, source: J, status: U}\n",
        "",
        "limits.max_out_of_axial_deg",
        "is missing",
    ),
    ("  min_to_scan_edge_mm:", "  min_to_scan_edge_m:", "limits.min_to_scan_edge_m", "'min_to_scan_edge_mm'"),
    (
        "    crossing: forbidden",
        "    crossing: forbid",
        "keep_clear.bowel.crossing",
        "one of forbidden, counted",
    ),
    ("    mobile: true", "    mobile: yes", "keep_clear.bowel.mobile", "true or false"),
    ("    wanted: true", "    wanted: 1", "keep_clear.bowel.wanted", "true or false"),
    ('structures: [colon, "small_*"]', "structures: colon", "keep_clear.bowel.structures", "a list"),
    ('structures: [colon, "small_*"]', "structures: []", "keep_clear.bowel.structures", "a list"),
    ('structures: [colon, "small_*"]', "structures: [colon, colon]", "keep_clear.bowel.structures", "twice"),
    (
        'structures: [colon, "small_*"]',
        "structures: [the colon]",
        "keep_clear.bowel.structures",
        "no structure name",
    ),
    (
        'structures: [colon, "small_*"]',
        'structures: ["kidney_{sied}"]',
        "keep_clear.bowel.structures",
        "no structure name",
    ),
    ('structures: [colon, "small_*"]', 'structures: ["kidney_{side}"]', "keep_clear", "side: required"),
    ("guidance: [ultrasound, ct]", "guidance: [ultrasound, mr]", "guidance", "'mr' is not one of"),
    (
        "default_guidance: ultrasound",
        "default_guidance: fluoroscopy",
        "default_guidance",
        "one of ultrasound, ct",
    ),
    (
        "default_position: supine",
        "default_position: prone",
        "default_position",
        "one of supine, left_lateral",
    ),
    ("default_needle: 18G gun", "default_needle: 16G gun", "default_needle", "one of 18G gun"),
    ("notch_length_mm: {value: 18,", "notch_length_mm: {value: 24,", "catalogue.18G gun", "within the throw"),
    ("  - name: bowel", "  - name: bowel.left", "keep_clear[1]", "letters, digits and spaces"),
    ("  - name: bowel", "  - nam: bowel", "keep_clear[1].name", "is missing"),
    ("    gauge: 18", "    gauge: 1.27", "catalogue.18G gun.gauge", "whole number"),
    ("  kind: lesion", "  kind: tumour", "target.kind", "organ_pole, bone, lesion"),
    ("  organ: liver", "  organ: liver\n  pole: lower", "target.pole", "is not known here"),
    ("    prefer: more", "    prefer: near", "preferences.margin", "ideal"),
    ("  ultrasound: null\n", "", "errors.ultrasound", "null where no figure"),
    (
        "  ultrasound: null",
        "  ultrasound: null\n  fluoroscopy: null",
        "errors.fluoroscopy",
        "is not known here",
    ),
    (
        "dimensions: 2, cases: 60}\n    angle",
        "dimensions: 4, cases: 60}\n    angle",
        "errors.ct.entry_mm.dimensions",
        "from 1 to 3",
    ),
    ('version: "1"', "version: 1.10", "version", "put quotes round it"),
    ("format: 1", "format: 2", "format", "from 1 to 1"),
    ("protocol: liver_biopsy", "protocol: liver biopsy", "protocol", "small letters"),
    ("protocol: liver_biopsy", "protocol: kidney_biopsy", "protocol", "like the file's name"),
    ("title: Liver biopsy\nversion", 'title: ""\nversion', "title", "must be text"),
    ("read: abstract", "read: partly", "sources.P1.read", "one of full, abstract"),
    (
        "  J: {citation",
        "  Q: {citation: q, about: q, read: none}\n  J: {citation",
        "sources.Q",
        "no value cites",
    ),
    ("not_judged: [branches of the hepatic artery]", "not_judged: nothing", "not_judged", "a list"),
    ("scan:\n", "scans:\n", "scans", "is 'scan' meant"),
]


@pytest.mark.parametrize(("old", "new", "key", "words"), BAD)
def test_a_mistake_is_named_with_its_key_and_line(old: str, new: str, key: str, words: str) -> None:
    content, line = spoiled(old, new)
    found = mistakes_in(content)
    assert any(k == key and words in text for _, k, text in found), found
    (near,) = {n for n, k, text in found if k == key and words in text}
    place = new.find(f"{key.rpartition('.')[2]}:")
    if place >= 0:
        assert near == line + new[:place].count("\n")
    else:  # the key is missing, or the mistake is in the section as a whole: named where that begins
        assert near <= line + 1


def test_all_mistakes_come_at_once_in_the_order_of_lines() -> None:
    text = LIVER.decode()
    text = text.replace("    gauge: 18", "    gauge: eighteen").replace(
        "{value: 60, source: J", "{value: 6000, source: J"
    )
    text = text.replace("crossing: forbidden", "crossing: never").replace("read: abstract", "read: partly")
    lines = [line for line, _, _ in mistakes_in(text.encode())]
    assert len(lines) == 5  # 6000 stands twice: degrees and days
    assert lines == sorted(lines)


def test_one_wrong_member_of_a_list_does_not_hide_the_next() -> None:
    group = LIVER[LIVER.index(b"  - name: bowel") : LIVER.index(b"preferences:")]
    second = group.replace(b"bowel", b"spleen").replace(b"harm: true", b"harm: maybe")
    first = group.replace(b"mobile: true", b"mobile: maybe")
    keys = [key for _, key, _ in mistakes_in(LIVER.replace(group, first + second))]
    assert keys == ["keep_clear.bowel.mobile", "keep_clear.spleen.harm"]


def test_a_name_that_stands_twice_is_refused() -> None:
    group = LIVER[LIVER.index(b"  - name: bowel") : LIVER.index(b"preferences:")]
    found = mistakes_in(LIVER.replace(group, group + group))
    assert [(key, text) for _, key, text in found] == [("keep_clear.bowel", "stands there twice")]


def test_a_zone_with_another_zones_figures_is_refused() -> None:
    zone = ZONE.replace(b"height_mm", b"closing_mm")
    keys = [key for _, key, _ in mistakes_in(LIVER + zone)]
    assert "zones.z.parameters.height_mm" in keys
    assert "zones.z.parameters.closing_mm" in keys


def test_a_zone_that_nothing_keeps_clear_of_is_refused() -> None:
    assert [(k, "no effect" in t) for _, k, t in mistakes_in(LIVER + ZONE)] == [("zones.z.name", True)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "list of keys"),
        (b"- a\n- b\n", "list of keys"),
        (b"format: 1\n  title: x\n", "not readable as YAML"),
        (b"format: 1\nformat: 1\n", "duplicate key"),
        (b"format: \xff\xfe\n", "not UTF-8"),
        (b"format: 1\ntitle: " + b"x" * 1_000_001, "larger than 1 MB"),
        (b"format: 1\nsaid: 2026-13-45\n", "not readable as YAML"),
    ],
)
def test_what_is_no_protocol_at_all_is_one_mistake(content: bytes, words: str) -> None:
    found = mistakes_in(content)
    assert len(found) == 1
    assert words in found[0][2]


def test_a_syntax_mistake_names_its_line() -> None:
    content, line = spoiled("  - name: bowel", "  - name: [bowel")
    ((found, _, _),) = mistakes_in(content)
    assert found > line  # YAML sees it when the bracket is not closed


def test_loading_a_wrong_file_raises_one_error_with_every_mistake(tmp_path: Path) -> None:
    path = tmp_path / "liver_biopsy.yaml"
    content, line = spoiled("    mobile: true", "    mobile: 3")
    path.write_bytes(content.replace(b"harm: true", b"harm: 3"))
    with pytest.raises(ProtocolMistake) as caught:
        load_protocol(path)
    message = str(caught.value)
    assert f"{path}:{line}: keep_clear.bowel.mobile: must be true or false, not 3" in message
    assert "has 2 mistakes" in message
    assert [str(m) in message for m in check_file(path)] == [True, True]


def test_checking_finds_nothing_in_what_comes_with_trocar() -> None:
    assert builtin_protocols() == ("bone_biopsy", "kidney_biopsy")
    assert [check_file(name) for name in builtin_protocols()] == [[], []]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="kidney_biopsy"):
        load_protocol("liver_biopsy")


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        check_file(tmp_path / "absent.yaml")


def test_a_file_with_a_byte_order_mark_and_windows_lines_reads_the_same() -> None:
    protocol, mistakes = read_protocol(b"\xef\xbb\xbf" + LIVER.replace(b"\n", b"\r\n"), "liver_biopsy.yaml")
    assert mistakes == []
    plain, _ = read_protocol(LIVER, "liver_biopsy.yaml")
    assert protocol is not None
    assert plain is not None
    assert protocol.values() == plain.values()
    assert protocol.sha256 != plain.sha256  # of the bytes, not of the meaning

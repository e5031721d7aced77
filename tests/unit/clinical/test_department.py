"""Department files: what they may say, and what each saying does to a protocol."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.unit.clinical.protocol_files import LIVER
from trocar.clinical.department import Department, effective, load_department, read_department
from trocar.clinical.loading import check_file, load_protocol, read_protocol
from trocar.clinical.protocol import Protocol
from trocar.errors import NotConfigured, ProtocolMistake, UsageError

HEAD = """\
format: 1
department: Interventional radiology, north site
sample: false
uses_unapproved: false
allows: {archive_export: false, live_overlay: false}
"""
WHO = "approved_by: lead radiologist, approved_on: 2026-05-01, review_due: 2027-05-01"
KEY = "keep_clear.bowel.margin_mm"


def liver() -> Protocol:
    protocol, mistakes = read_protocol(LIVER, "liver_biopsy.yaml")
    assert protocol is not None, mistakes
    return protocol


def department(approvals: str = "") -> Department:
    text = HEAD + (f"approvals:\n  liver_biopsy:\n{approvals}" if approvals else "")
    found, mistakes = read_department(text.encode(), "north.yaml")
    assert found is not None, mistakes
    return found


def approving_everything(skip: tuple[str, ...] = ()) -> Department:
    lines = [
        f"    - {{key: {key}, value: {json.dumps(value.value, ensure_ascii=False)}, {WHO}}}\n"
        for key, value in liver().values().items()
        if not value.verified and key not in skip
    ]
    return department("".join(lines))


def test_the_sample_department_uses_unverified_values_and_lists_them() -> None:
    used = effective(liver(), load_department())
    assert used.not_configured == {}
    assert set(used.unapproved) == {key for key, value in liver().values().items() if value.status == "U"}
    assert used.for_planning("ct", "18G gun") == liver()


def test_a_real_department_uses_nothing_unverified_that_it_did_not_approve() -> None:
    used = effective(liver(), department())
    assert used.unapproved == ()
    with pytest.raises(NotConfigured) as caught:
        used.for_planning("ct", "18G gun")
    assert KEY in str(caught.value)
    assert "limits.min_sample_mm" in str(caught.value)
    assert "catalogue.18G gun.throw_mm" not in str(caught.value)  # status R needs no approval


def test_a_department_that_approved_everything_plans() -> None:
    used = effective(liver(), approving_everything(), date(2026, 11, 23))
    value = used.for_planning("ct", "18G gun").values()[KEY]
    assert (value.value, value.approved_by, value.approved_on) == (10, "lead radiologist", date(2026, 5, 1))
    assert used.not_configured == {}


@pytest.mark.parametrize("day", [date(2027, 5, 2), date(2026, 4, 30)])
def test_an_approval_counts_from_its_day_to_its_review(day: date) -> None:
    used = effective(liver(), approving_everything(), day)
    assert set(used.not_configured) == set(effective(liver(), department()).not_configured)
    assert effective(liver(), approving_everything(), date(2027, 5, 1)).not_configured == {}


def test_an_approval_of_another_value_does_not_count() -> None:
    used = effective(liver(), department(f"    - {{key: {KEY}, value: 9, {WHO}}}\n"))
    assert "9.0 was approved, but the protocol now says 10" in used.not_configured[KEY]


def test_a_departments_own_value_counts_where_it_says_so() -> None:
    used = effective(liver(), department(f"    - {{key: {KEY}, value: 12, own: true, {WHO}}}\n"))
    value = used.protocol.values()[KEY]
    assert (value.value, value.status, value.source) == (12, "U", "department, instead of J")
    assert KEY not in used.not_configured


def test_an_own_value_past_its_review_does_not_fall_back_to_the_protocols() -> None:
    key = "catalogue.18G gun.throw_mm"  # status R in the protocol: usable without an approval
    one = department(f"    - {{key: {key}, value: 20, own: true, {WHO}}}\n")
    assert effective(liver(), one, date(2026, 6, 1)).protocol.values()[key].value == 20
    assert "review was due" in effective(liver(), one, date(2028, 1, 1)).not_configured[key]


def test_missing_error_figures_take_the_probability_and_not_the_plan() -> None:
    kidney = load_protocol("bone_biopsy")
    lines = "".join(
        f"    - {{key: {key}, value: {json.dumps(value.value, ensure_ascii=False)}, {WHO}}}\n"
        for key, value in kidney.values().items()
        if not value.verified and not key.startswith("errors.")
    )
    found, mistakes = read_department((HEAD + f"approvals:\n  bone_biopsy:\n{lines}").encode(), "north.yaml")
    assert found is not None, mistakes
    used = effective(kidney, found)
    assert set(used.not_configured) == {"errors.ct.motion_mm.mean"}
    assert used.for_planning("ct", kidney.default_needle).errors["ct"] is None


def test_the_figures_of_another_needle_are_not_asked_for() -> None:
    kidney = load_protocol("kidney_biopsy")
    other = "catalogue.18G gun 200 mm."
    lines = "".join(
        f'    - {{key: "{key}", value: {json.dumps(value.value, ensure_ascii=False)}, {WHO}}}\n'
        for key, value in kidney.values().items()
        if not value.verified and not key.startswith(other)
    )
    found, mistakes = read_department(
        (HEAD + f"approvals:\n  kidney_biopsy:\n{lines}").encode(), "north.yaml"
    )
    assert found is not None, mistakes
    used = effective(kidney, found)
    assert used.for_planning("ct", "16G gun 150 mm").name == "kidney_biopsy"
    with pytest.raises(NotConfigured, match="18G gun 200 mm"):
        used.for_planning("ct", "18G gun 200 mm")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("key: keep_clear.bowels.margin_mm, value: 10", "no such value"),
        (f"key: {KEY}, value: 1000, own: true", "between 0 and 60"),
        (f"key: {KEY}, value: ten, own: true", "same kind"),
        (f"key: {KEY}, value: true, own: true", "same kind"),
    ],
)
def test_an_approval_that_fits_no_value_is_a_mistake_with_its_line(entry: str, words: str) -> None:
    with pytest.raises(ProtocolMistake) as caught:
        effective(liver(), department(f"    - {{{entry}, {WHO}}}\n"))
    assert words in str(caught.value)
    assert "north.yaml:8:" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("uses_unapproved: false", "uses_unapproved: true", "", "only a sample department"),
        ("sample: false\n", "", "sample", "is missing"),
        ("archive_export: false", "archive_exports: false", "allows.archive_exports", "'archive_export'"),
        ("live_overlay: false", "live_overlay: no", "allows.live_overlay", "true or false"),
    ],
)
def test_mistakes_in_a_department_file(old: str, new: str, key: str, words: str) -> None:
    found, mistakes = read_department(HEAD.replace(old, new).encode(), "north.yaml")
    assert found is None
    assert any(m.key == key and words in m.text for m in mistakes), mistakes


def test_an_approval_without_name_or_review_is_a_mistake() -> None:
    text = HEAD + f"approvals:\n  liver_biopsy:\n    - {{key: {KEY}, value: 10, approved_on: 2026-05-01}}\n"
    _, mistakes = read_department(text.encode(), "north.yaml")
    assert [m.key.rpartition(".")[2] for m in mistakes] == ["approved_by", "review_due"]


def test_checking_tells_a_department_file_from_a_protocol(tmp_path: Path) -> None:
    path = tmp_path / "north.yaml"
    path.write_text(HEAD)
    assert check_file(path) == []
    path.write_text(HEAD.replace("sample: false", "sample: maybe"))
    assert [m.key for m in check_file(path)] == ["sample"]


def test_a_department_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_department(tmp_path / "absent.yaml")

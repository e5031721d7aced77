"""What a protocol asks before a biopsy is checked as it is read; each mistake has its file, line and key."""

from __future__ import annotations

import pytest

from tests.spec.vetting_cases import real
from tests.unit.clinical.protocol_files import LIVER, spoiled
from trocar.clinical.loading import builtin_protocols, load_protocol, read_protocol
from trocar.errors import ProtocolMistake

GATE = "vetting.gates.platelets"
WEEK = "vetting.result_age.options.a week"
HOLD = "vetting.medicines.warfarin.high.options.five days.steps.any"
GO_ON = "vetting.medicines.aspirin.high.options.go on"
CHOSEN = "chosen: {value: judgement, source: J, status: U}"

BAD = [
    # what is spoiled, with what, key that is named, words that must stand in the sentence
    ("of: platelets", "of: plateletts", f"{GATE}.of", "must be one of haemoglobin"),
    ("comparator: at_least", "comparator: above", f"{GATE}.comparator", "must be one of at_least"),
    ("limit: {value: 60, source: P1, status: R}", "limit: 60", f"{GATE}.options.one paper.limit", "its source"),
    ("limit: {value: 60, source", "limit: {value: 6000, source", f"{GATE}.options.one paper.limit.value", "between 0"),
    ("limit: {value: 60, source", "limit: {value: 2400, source", GATE, "a limit of 2400 10^9/L cannot be"),
    ("chosen: {value: judgement,", "chosen: {value: mine,", GATE, "chosen must be one of one paper, judgement"),
    (CHOSEN, CHOSEN.replace("J, status: U", "P1, status: R"), GATE, "status U"),
    (f"      {CHOSEN}\n", "", GATE, "a department approves"),
    ("        - {name: judgement, limit: {value: 80, source: J, status: U}}\n", "", GATE, "nothing to choose"),
    ("classes: [high]", "classes: [middle]", f"{GATE}.classes", "'middle' is not one of low, high"),
    ("why: platelets make the first plug", "because: of it", f"{GATE}.why", "is missing"),
    ("bleeding_class: {value: high,", "bleeding_class: {value: middle,", "vetting.sites.liver", "one of low, high"),
    ("unstable_question: unwell", "unstable_question: unstable", "vetting", "there is no question 'unstable'"),
    ("last_dose_override: nobody", "last_dose_override: anybody", "vetting.last_dose_override", "one of ir_doctor"),
    ("stable_days: {value: 7,", "stable_days: {value: 700,", WEEK + ".stable_days.value", "between 1 and 90"),
    ("go_on: [aspirin]", "go_on: [asprin]", "vetting.stents.go_on", "'asprin' is not one of aspirin, warfarin"),
    ("hold_days: {value: 5,", "hold_days: {value: 500,", HOLD + ".hold_days.value", "between 0 and 30"),
    ("                restart_days: {value: 1, source: J, status: U}\n", "", HOLD, "needs restart_days"),
    ("goes_on: {value: true,", "goes_on: {value: false,", GO_ON + ".steps.any", "can only be true"),
    ("[{name: any, goes_on:", "[{name: any, crcl_from: 30, goes_on:", GO_ON, "without gap or overlap"),
    ("hold_days: {value: 5,", "hold_hours: {value: 5, source: J, status: U}, hold_days: {value: 5,", None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "sentence"), BAD)
def test_each_mistake_is_named(old: str, new: str, key: str | None, sentence: str) -> None:
    content, line = spoiled(old, new)
    protocol, mistakes = read_protocol(content, "liver_biopsy.yaml")
    assert protocol is None
    found = [m for m in mistakes if (key is None or m.key == key) and sentence in m.text]
    assert found, [str(m) for m in mistakes]
    assert abs(found[0].line - line) <= 12, "near the line that was spoiled"


def test_a_site_of_a_class_without_advice_on_medicines_is_a_mistake() -> None:
    content, _ = spoiled("bleeding_class: {value: high,", "bleeding_class: {value: low,")
    _, mistakes = read_protocol(content, "liver_biopsy.yaml")
    assert {m.key for m in mistakes} == {"vetting.medicines.aspirin.low", "vetting.medicines.warfarin.low"}


def test_a_protocol_without_the_section_is_no_protocol() -> None:
    protocol, mistakes = read_protocol(LIVER.replace(b"\nvetting:", b"\nvettting:"), "liver_biopsy.yaml")
    assert protocol is None
    assert ("vetting", "is missing") in [(m.key, m.text) for m in mistakes]


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_every_value_of_it_has_a_source_and_a_status_and_can_be_approved(protocol: str) -> None:
    values = {k: v for k, v in load_protocol(protocol).values().items() if k.startswith("vetting.")}
    assert len(values) > 100
    assert all(v.source and v.status in ("R", "R2", "C", "U") for v in values.values())
    assert all(v.status == "U" for k, v in values.items() if k.endswith(".chosen"))


def test_a_department_cannot_choose_what_is_no_option() -> None:
    with pytest.raises(
        ProtocolMistake, match=r"department.yaml:\d+: approvals.kidney_biopsy.*chosen must be one of"
    ):
        real(
            "kidney_biopsy",
            "key: vetting.medicines.aspirin.high.chosen, value: bridging, own: true, approved_by: A. Radiologist, "
            "approved_on: 2026-05-01, review_due: 2027-05-01",
        )


def test_a_departments_own_limit_must_be_possible() -> None:
    with pytest.raises(ProtocolMistake, match=r"INR lies between 0\.5 and 20"):
        real(
            "bone_biopsy",
            "key: vetting.gates.INR low risk.limit, value: 200, own: true, approved_by: A. Radiologist, "
            "approved_on: 2026-05-01, review_due: 2027-05-01",
        )

"""The bleeding class comes from procedure and site, never from the procedure alone."""

from __future__ import annotations

import pytest

from tests.spec.vetting_cases import bone, real, sample
from trocar.clinical.bleeding import ClassChoice, bleeding_risk


@pytest.mark.parametrize(
    ("site", "bleeding_class"),
    [
        ("lumbar vertebra", "high"),
        ("vertebrae_L3", "high"),
        ("L3", "high"),
        ("t12", "high"),
        ("Thoracic  spine", "high"),
        ("sacrum", "high"),
        ("hip_left", "high"),
        ("rib", "high"),
        ("iliac crest", "low"),
        ("femur_right", "low"),
        ("humerus", "low"),
        ("long bone", "low"),
    ],
)
def test_bone_is_low_where_it_is_superficial_and_high_where_it_is_deep_or_spinal(
    site: str, bleeding_class: str
) -> None:
    """SIR 2019 (B1) for the extremities; deep and spinal are unverified. A site may be a word or a label's name."""
    used = sample("bone_biopsy")
    assert bleeding_risk(site, used.protocol.vetting, used.not_configured).bleeding_class == bleeding_class


def test_a_kidney_is_high() -> None:
    """BSH and BSIR (B3): puncture of a solid organ."""
    used = sample("kidney_biopsy")
    risk = bleeding_risk("native kidney", used.protocol.vetting, used.not_configured)
    assert (risk.bleeding_class, risk.source) == ("high", "B3 (R2)")


@pytest.mark.parametrize("site", ["", "   ", "pancreas", "bone", "vertebrae", "tibial plateau and more"])
def test_an_unknown_site_is_not_assessed(site: str) -> None:
    answer = bone(site)
    assert answer.risk.bleeding_class is None
    assert answer.ready is None
    assert answer.of("missing")[0].text.startswith("Not assessed")


def test_an_unknown_site_is_asked_for_the_limits_of_every_class() -> None:
    gates = {f.gate for f in bone("pancreas").findings}
    assert {"gate platelets high risk", "gate platelets low risk"} <= gates


def test_in_a_real_department_an_unverified_class_is_not_configured() -> None:
    used = real("bone_biopsy")
    risk = bleeding_risk("lumbar vertebra", used.protocol.vetting, used.not_configured)
    assert risk.bleeding_class is None
    assert "not configured" in risk.words
    assert bleeding_risk("femur", used.protocol.vetting, used.not_configured).bleeding_class == "low"


def test_a_doctor_sets_the_class_of_an_unknown_site_by_name_and_reason() -> None:
    choice = ClassChoice("high", "Sample IR doctor", "Deep soft tissue.")
    answer = bone("soft tissue of the thigh", class_choice=choice)
    assert answer.risk.bleeding_class == "high"
    assert "chosen by Sample IR doctor: Deep soft tissue." in answer.risk.words
    assert answer.ready is True


def test_a_choice_raises_a_class_and_never_lowers_one() -> None:
    up = ClassChoice("high", "Sample IR doctor", "Vascular metastasis.")
    down = ClassChoice("low", "Sample IR doctor", "Only a small needle.")
    assert bone("long bone", class_choice=up).risk.bleeding_class == "high"
    assert bone("lumbar vertebra", class_choice=down).risk.bleeding_class == "high"


@pytest.mark.parametrize(("by", "reason"), [("", "Deep."), ("Sample IR doctor", " ")])
def test_a_choice_needs_a_name_and_a_reason(by: str, reason: str) -> None:
    with pytest.raises(ValueError, match="a name and a reason"):
        ClassChoice("high", by, reason)


def test_a_site_that_is_missing_cannot_be_chosen_away() -> None:
    assert (
        bone(" ", class_choice=ClassChoice("low", "Sample IR doctor", "Known.")).risk.bleeding_class is None
    )

"""What a patient is told about risks: one rate behind every form, with its source, beside the leaflet's words."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.clinical.protocol_files import spoiled
from trocar.clinical.consent import as_configured
from trocar.clinical.consent_rules import NO_FIGURE
from trocar.clinical.consent_words import NO_OWN_FIGURE, NOT_IN_LEAFLET, side_by_side
from trocar.clinical.department import effective, load_department, read_department
from trocar.clinical.loading import builtin_protocols, load_protocol, read_protocol
from trocar.clinical.rates import OwnRate, Rate, wilson
from trocar.errors import ProtocolMistake

READ = {
    # risk -> people out of 1,000, source, status, as the sources say; who changes one has read something new.
    "kidney_biopsy": {
        "pain": (43, 43, "K2", "R"),
        "haematoma": (110, 110, "K2", "R"),
        "blood in urine": (22, 51, "K1, K2", "R"),
        "not enough tissue": (53, 106, "N4", "C"),
        "major bleeding": (21, 51.5, "K3, K4, K6", "R"),
        "transfusion": (9, 17.9, "K1, K2, K4, K5", "R"),
        "embolisation": (3, 6.3, "K2, K3, K4", "R"),
        "nephrectomy": (0, 0.62, "K3", "C"),
        "death": (0.6, 1.5, "K2, K3", "R"),
    },
    "bone_biopsy": {
        "pain": (161, 161, "M2", "R"),
        "bruising": (156, 156, "M2", "R"),
        "swelling": (96, 96, "M2", "R"),
        "fever": (10, 10, "M2", "R"),
        "not enough tissue": (80, 100, "M6", "R"),
        "haematoma": (9.3, 9.3, "M1", "R"),
        "passing nerve weakness": (11.6, 11.6, "M1", "R"),
        "lasting nerve injury": (0.8, 0.8, "M3", "R2"),
        "collapsed lung": (0.95, 0.95, "M3", "C"),
        "death": (0.2, 0.2, "M3", "R2"),
    },
}


@pytest.mark.parametrize("name", builtin_protocols())
def test_every_published_rate_stands_as_it_was_read(name: str) -> None:
    """Clinical reference, sections 3.1 to 3.3."""
    found = {
        risk.name: (risk.rate.value.low, risk.rate.value.high, risk.rate.source, risk.rate.status)
        for risk in load_protocol(name).consent.risks
        if risk.rate
    }
    assert found == READ[name]


@pytest.mark.parametrize("name", builtin_protocols())
def test_the_consent_holds_more_than_the_leaflet(name: str) -> None:
    """W4: death and a sample that gives no answer are absent from both leaflets."""
    risks = load_protocol(name).consent
    for absent in ("death", "not enough tissue"):
        risk = risks.risk(absent)
        assert risk is not None
        assert risk.leaflet is None


def test_the_kidney_leaflet_says_nothing_of_pain_and_infection_either() -> None:
    """W4."""
    rules = load_protocol("kidney_biopsy").consent
    assert [name for name in ("pain", "infection") if rules.risk(name).leaflet is None] == [
        "pain",
        "infection",
    ]


@pytest.mark.parametrize(
    ("protocol", "risk"),
    [
        ("bone_biopsy", "fracture"),
        ("bone_biopsy", "infection"),
        ("bone_biopsy", "tumour along the track"),
        ("kidney_biopsy", "infection"),
        ("kidney_biopsy", "blocked bladder"),
    ],
)
def test_a_risk_without_a_read_figure_says_so_and_none_is_invented(protocol: str, risk: str) -> None:
    """Section 3.3: "none found ... do not publish"; figures that were only recalled (U) are told to nobody."""
    shown = {entry.risk.name: entry for entry in side_by_side(load_protocol(protocol).consent, {})}[risk]
    assert shown.published is None
    assert shown.published_words == NO_FIGURE
    assert shown.label == ""


def test_a_guess_is_refused_by_the_protocols_reader() -> None:
    bad, _ = spoiled("basis: a paper, source: P1, status: R", "basis: a paper, source: P1, status: U")
    protocol, mistakes = read_protocol(bad, "liver_biopsy.yaml")
    assert protocol is None
    assert any("a rate that nobody read is not told to a patient" in str(m) for m in mistakes)


def test_leaflet_evidence_and_our_own_count_stand_side_by_side() -> None:
    """W4: "leaflet says / evidence says"."""
    shown = {entry.risk.name: entry for entry in side_by_side(load_protocol("kidney_biopsy").consent, {})}
    blood = shown["blood in urine"]
    assert "less than 5 out of 100" in blood.leaflet_words
    assert blood.leaflet_words.endswith("That is 30 to 50 in every 1,000 people.")
    assert blood.published_words == "22 to 51 in every 1,000 people (2.2% to 5.1%)"
    assert blood.spared_words == "949 to 978 in every 1,000 people do not have it"
    assert blood.own_words == NO_OWN_FIGURE
    assert shown["death"].leaflet_words == NOT_IN_LEAFLET


def test_our_own_count_shows_how_wide_chance_makes_it() -> None:
    own = {"transfusion": OwnRate(3, 210, date(2024, 1, 1), date(2026, 6, 30))}
    shown = {e.risk.name: e for e in side_by_side(load_protocol("kidney_biopsy").consent, own)}["transfusion"]
    assert shown.own_words == (
        "5 to 41 in every 1,000 people (3 of 210 in this department, 2024-01-01 to 2026-06-30)"
    )


@pytest.mark.parametrize("name", builtin_protocols())
def test_serious_risks_come_first_however_unlikely(name: str) -> None:
    """GMC 2020, as reported by C1: usually include any risk of serious harm however unlikely."""
    harms = [entry.risk.harm for entry in side_by_side(load_protocol(name).consent, {})]
    assert harms == sorted(harms, key=lambda harm: harm != "serious")
    assert "serious" in harms


def test_the_leaflet_contradicts_itself_at_five() -> None:
    """W3: "less than 5 out of 100" and "3 to 5%"."""
    assert any("the two disagree" in text for text in load_protocol("kidney_biopsy").consent.contradictions())


@pytest.mark.parametrize(
    ("risk", "leaflet_word", "label"),
    [
        ("major bleeding", "rare", "common"),
        ("embolisation", "rare", "uncommon"),
        ("nephrectomy", "very rare", "rare"),
    ],
)
def test_the_word_comes_from_the_number_and_the_leaflets_word_is_held_to_it(
    risk: str, leaflet_word: str, label: str
) -> None:
    """W5: the leaflet calls an angiogram rare; 0.63 % is uncommon."""
    shown = {e.risk.name: e for e in side_by_side(load_protocol("kidney_biopsy").consent, {})}[risk]
    assert shown.risk.leaflet is not None
    assert (shown.risk.leaflet.word, shown.label) == (leaflet_word, label)
    assert any(f"“{leaflet_word}”" in warning for warning in shown.warnings)


@pytest.mark.parametrize("name", builtin_protocols())
def test_all_rates_of_a_procedure_share_one_denominator(name: str) -> None:
    rules = load_protocol(name).consent
    assert {risk.rate.value.denominator for risk in rules.risks if risk.rate} == {rules.denominator}


def test_another_denominator_is_refused_by_the_protocols_reader() -> None:
    bad, _ = spoiled(
        "{low: 3, high: 12, denominator: 1000, basis", "{low: 3, high: 12, denominator: 100, basis"
    )
    protocol, mistakes = read_protocol(bad, "liver_biopsy.yaml")
    assert protocol is None
    assert any("all rates count out of 1000" in str(m) for m in mistakes)


@pytest.mark.parametrize(
    ("low", "high", "frequency", "percent", "spared", "icons"),
    [
        (22, 51, "22 to 51 in every 1,000 people", "2.2% to 5.1%", "949 to 978", (22, 29)),
        (43, 43, "about 43 in every 1,000 people", "4.3%", "957", (43, 0)),
        (9, 17.9, "9 to 18 in every 1,000 people", "0.9% to 1.79%", "982 to 991", (9, 9)),
        (0.6, 1.5, "up to 2 in every 1,000 people", "0.06% to 0.15%", "at least 998", (0, 2)),
        (0.2, 0.2, "fewer than 1 in every 1,000 people", "0.02%", "more than 999", (0, 1)),
        (0, 0.62, "fewer than 1 in every 1,000 people", "0% to 0.062%", "more than 999", (0, 1)),
    ],
)
def test_every_form_of_a_rate_comes_from_the_one_object(
    low: float, high: float, frequency: str, percent: str, spared: str, icons: tuple[int, int]
) -> None:
    rate = Rate(low, high, 1000, "a study")
    assert (rate.frequency, rate.percent, rate.icons) == (frequency, percent, icons)
    assert rate.spared == f"{spared} in every 1,000 people do not have it"


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_icons_fill_no_more_and_no_fewer_people_than_the_words_say(one: float, other: float) -> None:
    rate = Rate(min(one, other), max(one, other), 1000, "a study")
    surely, perhaps = rate.icons
    assert 0 <= surely <= surely + perhaps <= 1000
    assert abs(surely + perhaps - rate.high) <= 1
    assert surely <= rate.low + 0.5


@pytest.mark.parametrize(
    ("low", "high", "denominator", "basis", "text"),
    [
        (5, 3, 100, "a study", "in order"),
        (-1, 3, 100, "a study", "in order"),
        (1, 101, 100, "a study", "in order"),
        (1, 2, 250, "a study", "denominator"),
        (1, 2, 100, " ", "who was counted"),
    ],
)
def test_a_rate_that_cannot_be_is_refused(
    low: float, high: float, denominator: int, basis: str, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        Rate(low, high, denominator, basis)


@pytest.mark.parametrize(
    ("events", "cases", "low", "high"),
    [
        (39, 6167, 0.46, 0.86),
        (9, 6167, 0.08, 0.28),
        (0, 6167, 0, 0.06),
        (401, 430, 90.5, 95.3),
        (9, 430, 1.10, 3.93),
    ],
)
def test_the_width_that_chance_gives_is_wilsons(events: int, cases: int, low: float, high: float) -> None:
    """Against the intervals in the clinical reference, sections 3.1 and 3.3 (percent, as rounded there)."""
    found = tuple(100 * share for share in wilson(events, cases))
    assert found == pytest.approx((low, high), abs=0.05 if high > 50 else 0.006)


REAL = """\
format: 1
department: A real department
sample: false
uses_unapproved: false
allows: {archive_export: false, live_overlay: false}
"""


def test_words_for_rates_wait_for_the_departments_approval() -> None:
    """Section 9: the European scale is recalled (U)."""
    sample, none_missing = as_configured(effective(load_protocol("kidney_biopsy"), load_department()))
    assert sample.scale is not None
    assert none_missing == ()
    department, mistakes = read_department(REAL.encode(), "d.yaml")
    assert department is not None, mistakes
    real, keys = as_configured(effective(load_protocol("kidney_biopsy"), department))
    assert real.scale is None
    assert all(entry.label == "" for entry in side_by_side(real, {}))
    assert "consent.alternatives.other biopsy.words" in keys


def test_a_text_that_nobody_approved_is_replaced_and_never_told() -> None:
    department, _ = read_department(REAL.encode(), "d.yaml")
    assert department is not None
    loaded = load_protocol("kidney_biopsy")
    rules, keys = as_configured(effective(loaded, department))
    unapproved = {
        key: value.value
        for key, value in loaded.values().items()
        if key.startswith("consent.") and value.status == "U" and isinstance(value.value, str)
    }
    assert len(unapproved) > 5
    assert set(unapproved) <= set(keys)
    told = repr(rules)
    assert not [text for text in unapproved.values() if text in told]
    assert rules.risk("pain").words.value == "not configured"
    assert rules.risk("transfusion").words.value == "You are given blood that someone else has donated."


def test_a_department_cannot_replace_a_published_rate() -> None:
    """Its own figure stands beside the published one."""
    text = REAL + (
        "approvals:\n  kidney_biopsy:\n    - {key: consent.risks.death.rate, value: 0, own: true, "
        "approved_by: lead radiologist, approved_on: 2026-05-01, review_due: 2027-05-01}\n"
    )
    department, mistakes = read_department(text.encode(), "d.yaml")
    assert department is not None, mistakes
    with pytest.raises(ProtocolMistake, match="is a published rate"):
        effective(load_protocol("kidney_biopsy"), department)


OWN = REAL + (
    "own_figures:\n  kidney_biopsy:\n"
    "    - {risk: transfusion, events: 3, cases: 210, first_day: 2024-01-01, last_day: 2026-06-30}\n"
)


def test_the_departments_file_may_hold_what_it_counted_itself() -> None:
    department, mistakes = read_department(OWN.encode(), "d.yaml")
    assert department is not None, mistakes
    own = department.own_rates("kidney_biopsy")
    assert own == {"transfusion": OwnRate(3, 210, date(2024, 1, 1), date(2026, 6, 30))}
    assert department.own_rates("bone_biopsy") == {}
    effective(load_protocol("kidney_biopsy"), department)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("events: 3", "events: 300", "events must lie between 0 and the number of cases"),
        ("cases: 210", "cases: 0", "whole number from 1"),
        ("last_day: 2026-06-30", "last_day: 2023-06-30", "before the first"),
        (", last_day: 2026-06-30", "", "last_day: is missing"),
    ],
)
def test_a_count_that_cannot_be_is_named(old: str, new: str, text: str) -> None:
    department, mistakes = read_department(OWN.replace(old, new).encode(), "d.yaml")
    assert department is None
    assert any(text in str(mistake) for mistake in mistakes), mistakes


def test_a_count_of_a_risk_that_the_protocol_does_not_know_is_named() -> None:
    department, _ = read_department(OWN.replace("transfusion", "transfusions").encode(), "d.yaml")
    assert department is not None
    with pytest.raises(ProtocolMistake, match="transfusions: is no risk of it"):
        effective(load_protocol("kidney_biopsy"), department)


def test_the_sample_department_has_counted_nothing_yet() -> None:
    assert load_department().own_figures == ()

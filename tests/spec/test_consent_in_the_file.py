"""What a protocol file must say about consent, and how each mistake is named."""

from __future__ import annotations

import pytest

from tests.unit.clinical.protocol_files import LIVER, spoiled
from trocar.clinical.consent_words import side_by_side
from trocar.clinical.loading import builtin_protocols, load_protocol, read_protocol

MISTAKES = [
    # what is written, what is written instead, under which key, which words
    (
        '    number: "0999"',
        '    number: "999"',
        "consent.leaflet.versions.VER1",
        "four digits, /VER and a number",
    ),
    ("version: VER1,", "version: ver1,", "consent.leaflet.versions.ver1", "four digits, /VER and a number"),
    (
        "last_reviewed: 2025-01,",
        "last_reviewed: 2025-13,",
        "consent.leaflet.versions.VER1.last_reviewed",
        "a month such as",
    ),
    ("next_review: 2028-01", "next_review: 2029-01", "consent.leaflet.versions.VER1", "within 36 months"),
    ("{low: 3, high: 12,", "{low: 13, high: 12,", "consent.risks.bleeding.rate", "must stand in order"),
    ("{low: 3, high: 12,", "{high: 12,", "consent.risks.bleeding.rate.low", "is missing"),
    (
        "denominator: 1000, basis: a paper,",
        "denominator: 1000,",
        "consent.risks.bleeding.rate.basis",
        "is missing",
    ),
    ("  denominator: 1000\n", "  denominator: 1000000\n", "consent.denominator", "from 100 to 10000"),
    ("      leaflet: null\n", "", "consent.risks.bile leak.leaflet", "or null where it says nothing"),
    ("      rate: null\n", "", "consent.risks.bile leak.rate", "null where no figure with a source is known"),
    ("word: seldom}", "word: rarely}", "consent.risks.bleeding.leaflet.word", "must be one of often, seldom"),
    (
        "{name: seldom, at_least: {value: 0,",
        "{name: seldom, at_least: {value: 0.02,",
        "consent.scale",
        "from frequent to rare",
    ),
    (
        "{name: seldom, at_least: {value: 0,",
        "{name: seldom, at_least: {value: 7,",
        "consent.scale.labels.seldom.at_least.value",
        "between 0 and 1",
    ),
    ("  radiation: null\n", "", "consent.radiation", "or null where no guidance uses X-rays"),
    ("  without: {", "  withuot: {", "consent.withuot", "is 'without' meant?"),
    (
        "      title: Bile leak\n      harm: serious",
        "      title: Bile leak\n      harm: grave",
        "consent.risks.bile leak.harm",
        "one of minor, serious",
    ),
    (
        "words: {value: Wait and see., source: J, status: U}",
        "words: Wait and see.",
        "consent.alternatives.no biopsy.words",
        "must carry its source",
    ),
]


@pytest.mark.parametrize(("old", "new", "key", "text"), MISTAKES, ids=[m[2] + ": " + m[3] for m in MISTAKES])
def test_a_mistake_is_named_with_line_and_key(old: str, new: str, key: str, text: str) -> None:
    content, line = spoiled(old, new)
    protocol, mistakes = read_protocol(content, "liver_biopsy.yaml")
    assert protocol is None
    named = [m for m in mistakes if m.key == key and text in m.text]
    assert named, [str(m) for m in mistakes]
    # what is missing is named where its section begins
    assert named[0].line <= line + 3
    assert not new or named[0].line >= line - 3


def test_a_procedure_without_a_serious_risk_is_refused() -> None:
    content = LIVER.replace(b"harm: serious", b"harm: minor")
    protocol, mistakes = read_protocol(content, "liver_biopsy.yaml")
    assert protocol is None
    assert any("at least one risk is serious" in m.text for m in mistakes)


def test_a_third_procedure_brings_its_own_risks() -> None:
    protocol, mistakes = read_protocol(LIVER, "liver_biopsy.yaml")
    assert protocol is not None, mistakes
    shown = side_by_side(protocol.consent, {})
    assert [(entry.risk.name, entry.published_words) for entry in shown] == [
        ("bleeding", "3 to 12 in every 1,000 people (0.3% to 1.2%)"),
        ("bile leak", "no figure with a source was found"),
    ]
    assert protocol.consent.contradictions() == (
        "Bleeding into the belly: the leaflet calls it “seldom”; the published 0.3% to 1.2% is “seldom to often”.",
    )


@pytest.mark.parametrize("name", builtin_protocols())
def test_every_text_that_a_patient_is_told_has_a_source_and_a_status(name: str) -> None:
    loaded = load_protocol(name)
    told = {key: value for key, value in loaded.values().items() if key.startswith("consent.")}
    assert len(told) > 40
    unread = {key for key, source in loaded.sources.items() if source.read == "none"}
    for key, value in told.items():
        sources = {part.strip() for part in value.source.split(",")}
        assert value.status == "U" or not sources & unread, key


@pytest.mark.parametrize("name", builtin_protocols())
def test_the_leaflets_words_are_the_only_ones_quoted(name: str) -> None:
    for risk in load_protocol(name).consent.risks:
        if risk.leaflet:
            assert (risk.leaflet.says.source, risk.leaflet.says.status) == ("LEAFLET", "R")

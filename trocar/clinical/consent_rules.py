"""What a patient is told before a procedure, as its protocol file gives it.

Beside each risk stands what the leaflet says and what published evidence says: the leaflets leave out serious risks
and give few numbers (clinical reference, W3 to W5), and a consent record needs more than they hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from trocar.clinical.leaflet import LeafletVersion, Month, newest
from trocar.clinical.rates import Rate, VerbalLabel, VerbalScale
from trocar.clinical.section import Section
from trocar.clinical.sourced import Sourced
from trocar.clinical.sourced_section import sourced, sourced_number, sourced_words

Harm = Literal["minor", "serious"]
NO_FIGURE = "no figure with a source was found"

_LESS_THAN = re.compile(r"(?:less|fewer) than (\d+) out of (?:every )?([\d,]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Leaflet:
    """What the leaflet says about one risk: its words, the rate it gives, and the word it uses for how often."""

    says: Sourced[str]
    rate: Sourced[Rate] | None
    word: str | None


@dataclass(frozen=True)
class Risk:
    """One thing that can go wrong.

    harm: a serious one is told however unlikely it is. words: what it is, in plain language. leaflet: None where
    the leaflet does not mention it. rate: published; None where no figure with a source was found, which is said.
    only_where: the procedures that alone carry it ("biopsies of the spine"), or empty. raised_by: what makes it
    likelier, each with its source.
    """

    name: str
    title: str
    harm: Harm
    words: Sourced[str]
    leaflet: Leaflet | None
    rate: Sourced[Rate] | None
    only_where: str
    raised_by: tuple[RaisedBy, ...]


@dataclass(frozen=True)
class RaisedBy:
    """Something that makes a risk likelier."""

    name: str
    words: Sourced[str]


@dataclass(frozen=True)
class Told:
    """One benefit or alternative, in plain language."""

    name: str
    title: str
    words: Sourced[str]


@dataclass(frozen=True)
class Radiation:
    """What is said about X-rays. guidance: those that use them. low_msv, high_msv: effective dose of one procedure."""

    guidance: tuple[str, ...]
    words: Sourced[str]
    low_msv: Sourced[float]
    high_msv: Sourced[float]

    def __post_init__(self) -> None:
        if self.low_msv.value > self.high_msv.value:
            raise ValueError("low_msv is larger than high_msv")


@dataclass(frozen=True)
class ConsentRules:
    """Everything that a protocol says about consent.

    leaflets: every version. denominator: the one that all published rates share, so that people can compare them.
    without: what follows from not having the procedure. scale: words for rates; None where a department has not
    approved it, and then rates stand without a word.
    """

    leaflets: tuple[LeafletVersion, ...]
    denominator: int
    benefits: tuple[Told, ...]
    without: Sourced[str]
    risks: tuple[Risk, ...]
    alternatives: tuple[Told, ...]
    blood_products: Sourced[str]
    sedation: Sourced[str]
    sample_use: Sourced[str]
    radiation: Radiation | None
    scale: VerbalScale | None

    def __post_init__(self) -> None:
        for risk in self.risks:
            if risk.rate and risk.rate.value.denominator != self.denominator:
                raise ValueError(
                    f"{risk.name}: all rates count out of {self.denominator}, so that they compare"
                )
        if not any(risk.harm == "serious" for risk in self.risks):
            raise ValueError("at least one risk is serious: death, if no other")

    def risk(self, name: str) -> Risk | None:
        """The risk of that name, or None."""
        return next((risk for risk in self.risks if risk.name == name), None)

    def leaflet(self, identifier: str) -> LeafletVersion | None:
        """The leaflet's version of that identifier, or None."""
        return next((leaflet for leaflet in self.leaflets if leaflet.identifier == identifier), None)

    @property
    def current_leaflet(self) -> LeafletVersion:
        """The newest version."""
        return newest(self.leaflets)

    def contradictions(self) -> tuple[str, ...]:
        """Where the leaflet contradicts itself or promises more than the published figures do, a sentence each."""
        return tuple(sentence for risk in self.risks for sentence in contradictions_of(risk, self.scale))


def contradictions_of(risk: Risk, scale: VerbalScale | None) -> Iterator[str]:
    """What does not fit between leaflet and evidence for one risk (W3 and W5)."""
    leaflet = risk.leaflet
    if leaflet is None:
        return
    found = _LESS_THAN.search(leaflet.says.value)
    if found and leaflet.rate:
        given = leaflet.rate.value
        bound = int(found[1]) / int(found[2].replace(",", ""))
        if given.high / given.denominator >= bound:
            yield (
                f"{risk.title}: the leaflet says “{found[0]}” and {given.percent}; the two disagree at the upper end."
            )
    if leaflet.rate and risk.rate and not _overlap(leaflet.rate.value, risk.rate.value):
        yield (
            f"{risk.title}: the leaflet's {leaflet.rate.value.percent} and the published "
            f"{risk.rate.value.percent} have nothing in common."
        )
    if leaflet.word and risk.rate and scale and scale.understates(leaflet.word, risk.rate.value):
        yield (
            f"{risk.title}: the leaflet calls it “{leaflet.word}”; the published {risk.rate.value.percent} "
            f"is “{scale.words(risk.rate.value)}”."
        )


def _overlap(one: Rate, other: Rate) -> bool:
    return (
        one.low / one.denominator <= other.high / other.denominator
        and other.low / other.denominator <= one.high / one.denominator
    )


def read_consent(top: Section) -> ConsentRules | None:
    """The section ``consent`` of a protocol file; None, and the mistakes noted, where it is wrong."""
    section = top.section("consent")
    if section is None:
        return None
    scale = _scale(section)
    words = [label.name for label in scale.labels] if scale else []
    return section.make(
        ConsentRules,
        leaflets=_leaflets(section),
        denominator=section.whole("denominator", 100, 10_000),
        benefits=_told(section, "benefits"),
        without=sourced_words(section, "without"),
        risks=tuple(_risk(s, words) for s in section.sections("risks")),
        alternatives=_told(section, "alternatives"),
        blood_products=sourced_words(section, "blood_products"),
        sedation=sourced_words(section, "sedation"),
        sample_use=sourced_words(section, "sample_use"),
        radiation=_radiation(section),
        scale=scale,
    )


def _scale(section: Section) -> VerbalScale | None:
    scale = section.section("scale")
    if scale is None:
        return None
    labels = tuple(
        s.make(VerbalLabel, name=s.text("name"), at_least=sourced_number(s, "at_least"))
        for s in scale.sections("labels")
    )
    return scale.make(VerbalScale, labels=labels)


def _leaflets(section: Section) -> tuple[LeafletVersion | None, ...]:
    leaflet = section.section("leaflet")
    if leaflet is None:
        return ()
    number, title = leaflet.text("number"), leaflet.text("title")
    versions = tuple(
        s.make(
            LeafletVersion,
            identifier=f"{number}/{s.text('version')}",
            title=title,
            last_reviewed=_month(s, "last_reviewed"),
            next_review=_month(s, "next_review"),
        )
        for s in leaflet.sections("versions", by="version")
    )
    leaflet.make(dict)
    return versions


def _month(section: Section, name: str) -> Month | None:
    text = section.text(name)
    try:
        return Month.parse(text) if text else None
    except ValueError as error:
        section.wrong(name, str(error))
        return None


def _told(section: Section, name: str) -> tuple[Told | None, ...]:
    return tuple(
        s.make(Told, name=s.text("name"), title=s.text("title"), words=sourced_words(s, "words"))
        for s in section.sections(name)
    )


def _risk(section: Section, scale: list[str]) -> Risk | None:
    raised_by = section.sections("raised_by", optional=True)
    return section.make(
        Risk,
        name=section.text("name"),
        title=section.text("title"),
        harm=section.choice("harm", ("minor", "serious")),
        words=sourced_words(section, "words"),
        leaflet=_leaflet(section, scale),
        rate=_rate(section, "rate"),
        only_where=section.text("only_where", optional=True),
        raised_by=tuple(
            s.make(RaisedBy, name=s.text("name"), words=sourced_words(s, "words")) for s in raised_by
        ),
    )


def _leaflet(section: Section, scale: list[str]) -> Leaflet | None:
    entry = section.section("leaflet", optional=True)
    if "leaflet" not in section:
        section.wrong("leaflet", "is missing: say what the leaflet says, or null where it says nothing")
    if entry is None:
        return None
    return entry.make(
        Leaflet,
        says=sourced_words(entry, "says"),
        rate=_rate(entry, "rate") if "rate" in entry else None,
        word=entry.choice("word", scale, optional=True),
    )


def _rate(parent: Section, name: str) -> Sourced[Rate] | None:
    section = parent.section(name, optional=True)
    if name not in parent:
        parent.wrong(name, "is missing: give the rate, or null where no figure with a source is known")
    if section is None:
        return None
    low, high = section.number("low"), section.number("high")
    denominator, basis = section.whole("denominator", 100, 10_000), section.text("basis")
    rate = None
    if low is not None and high is not None and denominator is not None and basis:
        try:
            rate = Rate(low, high, denominator, basis)
        except ValueError as error:
            section.reading.note(section.line, section.key, str(error))
    found = sourced(section, rate)
    if found and found.status == "U":
        # A guess that is told to a patient stays a guess; silence with its reason is better.
        section.wrong("status", "must not be U: a rate that nobody read is not told to a patient; write null")
    return found


def _radiation(section: Section) -> Radiation | None:
    entry = section.section("radiation", optional=True)
    if "radiation" not in section:
        section.wrong("radiation", "is missing: say it, or null where no guidance uses X-rays")
    if entry is None:
        return None
    return entry.make(
        Radiation,
        guidance=entry.texts("guidance", ("ct", "ultrasound", "fluoroscopy")),
        words=sourced_words(entry, "words"),
        low_msv=sourced_number(entry, "low_msv"),
        high_msv=sourced_number(entry, "high_msv"),
    )

"""The part of docs/protocols.md that shows what a patient is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trocar.clinical.consent_rules import NO_FIGURE, ConsentRules, Risk
from trocar.clinical.markdown import table
from trocar.clinical.sourced import Sourced

HEAD = ("Risk", "Harm", "The leaflet says", "Published", "Basis", "Source")


def consent_chapter(rules: ConsentRules) -> str:
    """What the protocol says about consent, in Markdown."""
    leaflets = "; ".join(
        f"`{leaflet.identifier}`, reviewed {leaflet.last_reviewed}, runs out with {leaflet.next_review}"
        for leaflet in rules.leaflets
    )
    found = rules.contradictions()
    parts = [
        f"Leaflet: {leaflets}. All rates count people out of {rules.denominator:,}.",
        table(HEAD, (_row(risk) for risk in rules.risks)),
        "Where the leaflet does not fit the evidence:\n\n" + "\n".join(f"- {text}" for text in found)
        if found
        else "The leaflet contradicts none of the published figures.",
        "\n".join(_told(rules)),
    ]
    return "\n\n".join(parts)


def _row(risk: Risk) -> tuple[str, ...]:
    title = risk.title + (f" ({risk.only_where})" if risk.only_where else "")
    says = f"“{risk.leaflet.says.value}”" if risk.leaflet else "nothing"
    if risk.rate is None:
        return title, risk.harm, says, NO_FIGURE, "", ""
    rate = risk.rate.value
    where = _where(risk.rate)
    note = f": {risk.rate.note}" if risk.rate.note else ""
    return title, risk.harm, says, f"{rate.frequency} ({rate.percent})", rate.basis, where + note


def _told(rules: ConsentRules) -> Iterator[str]:
    for heading, told in (("Benefit", rules.benefits), ("Alternative", rules.alternatives)):
        for entry in told:
            yield f"- {heading}: {entry.title}. {entry.words.value} ({_where(entry.words)})"
    yield f"- Without it: {rules.without.value} ({_where(rules.without)})"
    yield f"- Blood: {rules.blood_products.value} ({_where(rules.blood_products)})"
    yield f"- Sedation: {rules.sedation.value} ({_where(rules.sedation)})"
    yield f"- The sample: {rules.sample_use.value} ({_where(rules.sample_use)})"
    if rules.radiation:
        dose = f"{rules.radiation.low_msv.value:g} to {rules.radiation.high_msv.value:g} mSv"
        yield f"- X-rays: {rules.radiation.words.value} {dose} ({_where(rules.radiation.high_msv)})"


def _where(value: Sourced[Any]) -> str:
    return f"{value.source}, {value.status}"

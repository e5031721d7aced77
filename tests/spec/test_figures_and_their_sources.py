"""Every clinical figure carries where it comes from and how sure we are of it."""

from __future__ import annotations

import pytest

from trocar.clinical.loading import builtin_protocols, load_protocol
from trocar.clinical.protocol import PATHWAY_SECTIONS

READ = {
    # key -> figure, source and status, as the sources say; who changes one of these has read something new.
    "kidney_biopsy": {
        "catalogue.16G gun 150 mm.throw_mm": (22, "N9", "R"),
        "catalogue.16G gun 150 mm.notch_length_mm": (18, "N9", "R"),
        "catalogue.18G gun 200 mm.throw_mm": (22, "N9", "R"),
        "limits.min_tip_inside_mm": (0, "N3", "R"),
        "scan.position_must_match": (True, "N12, N16", "R"),
        "errors.ct.entry_mm.mean": (6.1, "T1", "R"),
        "errors.ct.entry_mm.sd": (4.7, "T1", "R"),
        "errors.ct.angle_deg.mean": (3.4, "T1", "R"),
        "errors.ct.angle_deg.sd": (3.1, "T1", "R"),
        "errors.ct.target_mm.mean": (6.3, "T1", "R"),
        "errors.ct.target_mm.sd": (3.6, "T1", "R"),
        "errors.ct.motion_mm.mean": (6.4, "T4", "R"),
        "specimen.result_fields.glomeruli.adequate_from": (10, "N1", "R"),
        "specimen.result_fields.glomeruli in immunofluorescence.adequate_from": (1, "N1", "R"),
        "specimen.result_fields.glomeruli in electron microscopy.adequate_from": (1, "N1", "R"),
    },
    "bone_biopsy": {
        "target.groups.rib or scapula.to_cortex_min_deg": (30, "M11", "R"),
        "target.groups.rib or scapula.to_cortex_max_deg": (60, "M11", "R"),
        "target.groups.sternum or skull.to_cortex_min_deg": (30, "M11", "R"),
        "target.groups.long bone.to_cortex_min_deg": (0, "M11", "R"),
        "zones.pedicle.parameters.inner_share": (0.66, "M13", "C"),
        "stay.minimum_h": (4, "LEAFLET", "R"),
        "errors.ct.entry_mm.mean": (6.1, "T1", "R"),
        "errors.ct.angle_deg.mean": (3.4, "T1", "R"),
    },
}


@pytest.mark.parametrize(("protocol", "key"), [(p, key) for p, figures in READ.items() for key in figures])
def test_a_figure_that_was_read_stands_as_it_was_read(protocol: str, key: str) -> None:
    value = load_protocol(protocol).values()[key]
    assert (value.value, value.source, value.status) == READ[protocol][key]


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_nothing_else_claims_to_have_been_read(protocol: str) -> None:
    """Only these, and figures shared by further needles and routes, may carry another status than U.

    Sections of the pathway have tests of their own.
    """
    claimed = {
        k
        for k, v in load_protocol(protocol).values().items()
        if v.verified and not k.startswith(tuple(f"{section}." for section in PATHWAY_SECTIONS))
    }
    known = set(READ[protocol])
    allowed_by_source = {"N9": "catalogue.", "M11": "target.groups.", "T1": "errors.ct."}
    values = load_protocol(protocol).values()
    assert all(key.startswith(allowed_by_source.get(values[key].source, "-")) for key in claimed - known)


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_every_margin_is_clinical_judgement_until_somebody_approves_it(protocol: str) -> None:
    assert {group.margin_mm.status for group in load_protocol(protocol).keep_clear} == {"U"}


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_every_source_says_where_it_is_and_how_much_of_it_was_read(protocol: str) -> None:
    loaded = load_protocol(protocol)
    cited = {key.strip() for value in loaded.values().values() for key in value.source.split(",")}
    assert cited == set(loaded.sources)
    assert all(source.citation and source.about for source in loaded.sources.values())


def test_the_inner_width_of_a_pedicle_is_the_smaller_of_the_shares_that_were_measured() -> None:
    """L5: 8.95 of 13.61 mm; T5: 3.90 of 5.09 mm. The smaller one promises less room to the needle."""
    share = load_protocol("bone_biopsy").values()["zones.pedicle.parameters.inner_share"].value
    assert share == pytest.approx(min(8.95 / 13.61, 3.90 / 5.09), abs=0.005)


def test_without_a_sourced_figure_there_is_no_error_model_and_none_is_borrowed() -> None:
    assert load_protocol("kidney_biopsy").errors["ultrasound"] is None
    assert load_protocol("bone_biopsy").errors["fluoroscopy"] is None


@pytest.mark.parametrize("protocol", builtin_protocols())
def test_published_errors_are_lengths_across_the_needle(protocol: str) -> None:
    errors = load_protocol(protocol).errors["ct"]
    assert errors is not None
    assert (errors.entry_mm.dimensions, errors.angle_deg.dimensions) == (2, 2)

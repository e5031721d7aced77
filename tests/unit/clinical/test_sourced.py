"""Sourced values, and finding them inside frozen values by the key that the file gives them."""

from __future__ import annotations

import pickle
from datetime import date

import pytest

from tests.unit.clinical.protocol_files import LIVER
from trocar.clinical.loading import load_protocol, read_protocol
from trocar.clinical.sourced import Sourced, with_sourced


def test_an_approval_names_who_and_when_together() -> None:
    with pytest.raises(ValueError, match="go together"):
        Sourced(3.0, "J", "U", approved_by="the lead radiologist")
    with pytest.raises(ValueError, match="follow"):
        Sourced(3.0, "J", "U", "the lead radiologist", date(2026, 5, 1), date(2026, 4, 1))


def test_a_value_without_source_or_with_an_unknown_status_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="source"):
        Sourced(3.0, "", "U")
    with pytest.raises(ValueError, match="status"):
        Sourced(3.0, "J", "X")  # type: ignore[arg-type]


def test_values_go_by_the_keys_of_the_file() -> None:
    values = load_protocol("kidney_biopsy").values()
    assert values["target.fraction"].value == 0.333
    assert values["keep_clear.bowel.margin_mm"].value == 10
    assert values["catalogue.16G gun 150 mm.throw_mm"].source == "N9"
    assert values["errors.ct.entry_mm.mean"].value == 6.1
    assert values["zones.below_ribs.parameters.height_mm"].status == "U"
    assert values["scan.position_must_match"].value is True
    assert values["preferences.margin.weight"].status == "U"


def test_every_number_in_the_file_is_found() -> None:
    """The file holds one ``status:`` for each sourced value; none may escape an approval."""
    protocol, _ = read_protocol(LIVER, "liver_biopsy.yaml")
    assert protocol is not None
    assert len(protocol.values()) == LIVER.count(b"status:")


def test_replacing_a_value_changes_that_one_only() -> None:
    protocol = load_protocol("bone_biopsy")
    new = Sourced(7.0, "department", "U", "the lead radiologist", date(2026, 5, 1))
    changed = with_sourced(protocol, {"keep_clear.nerve roots.margin_mm": new})
    assert changed.values()["keep_clear.nerve roots.margin_mm"] == new
    rest = {k: v for k, v in changed.values().items() if k != "keep_clear.nerve roots.margin_mm"}
    assert rest == {k: v for k, v in protocol.values().items() if k in rest}
    assert changed.needles == protocol.needles
    assert with_sourced(protocol, {}) == protocol


def test_a_replaced_figure_of_a_needle_reaches_the_needle() -> None:
    protocol = load_protocol("kidney_biopsy")
    new = Sourced(90.0, "department", "U", "the lead radiologist", date(2026, 5, 1))
    changed = with_sourced(protocol, {"catalogue.16G gun 150 mm.length_mm": new})
    assert changed.needle().length_mm == 90


def test_a_protocol_can_be_sent_to_another_process() -> None:
    protocol = load_protocol("kidney_biopsy")
    assert pickle.loads(pickle.dumps(protocol)) == protocol

"""Samples in the room: which medium for which test, one order for each pot, and the count at sign out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.clinical.protocol_files import LIVER
from trocar.clinical.department import effective, load_department, read_department
from trocar.clinical.loading import load_protocol, read_protocol
from trocar.clinical.specimen import (
    Core,
    Count,
    Order,
    Pot,
    Specimen,
    as_scanned,
    count_problems,
    in_barcode,
    media_for,
    missing_before_dispatch,
    pot_number,
    record_problems,
    wrong_medium,
)

KIDNEY = load_protocol("kidney_biopsy").specimen
BONE = load_protocol("bone_biopsy").specimen

REAL = b"""\
format: 1
department: A department that approved nothing yet
sample: false
uses_unapproved: false
allows: {archive_export: false, live_overlay: false}
"""

TWO_POTS = Specimen(
    cores=(
        Core(1, "lower pole", "left", 16.0, "T-26-000123-A"),
        Core(2, "lower pole", "left", 14.0, "T-26-000123-A"),
        Core(3, "lower pole", "left", 8.0, "T-26-000123-B"),
    ),
    pots=(
        Pot("T-26-000123-A", "formalin", ("LM1",)),
        Pot("T-26-000123-B", "michel", ("IF1",)),
    ),
    orders=(
        Order("LM1", "light microscopy", "Nephrotic syndrome, cause?"),
        Order("IF1", "immunofluorescence", "Nephrotic syndrome, cause?"),
    ),
    side="left",
    reader="Sample referrer",
    count=Count(2, {"T-26-000123-A": 2, "T-26-000123-B": 1}),
)


@pytest.mark.parametrize(
    ("rules", "test"),
    [
        (KIDNEY, "immunofluorescence"),
        (KIDNEY, "electron microscopy"),
        (BONE, "culture"),
        (BONE, "mycobacteria"),
    ],
)
def test_formalin_is_blocked_for_culture_immunofluorescence_and_electron_microscopy(rules, test) -> None:
    """Source: the project's clinical rules, "In the room"."""
    assert "blocked" in wrong_medium("formalin", test, rules)


@pytest.mark.parametrize(("rules", "test"), [(KIDNEY, "light microscopy"), (BONE, "histology")])
def test_formalin_is_right_for_histology(rules, test) -> None:
    assert wrong_medium("formalin", test, rules) is None


@pytest.mark.parametrize(
    ("rules", "test", "medium"),
    [
        (KIDNEY, "immunofluorescence", "michel"),
        (KIDNEY, "electron microscopy", "glutaraldehyde"),
        (BONE, "culture", "sterile"),
        (BONE, "mycobacteria", "saline"),
        (BONE, "flow cytometry", "culture medium"),
    ],
)
def test_every_test_has_a_medium_that_it_takes(rules, test, medium) -> None:
    """All of these are status U: for a department to approve."""
    assert wrong_medium(medium, test, rules) is None
    assert medium in [found.name for found in media_for(test, rules)]


def test_a_medium_that_the_protocol_does_not_name_for_a_test_is_refused() -> None:
    assert "does not name" in wrong_medium("saline", "light microscopy", KIDNEY)


def test_no_medium_is_not_taken_for_the_usual_one() -> None:
    assert wrong_medium("", "light microscopy", KIDNEY) == "Choose the medium for light microscopy."


def test_a_medium_that_nobody_approved_is_refused_in_a_real_department() -> None:
    department, _ = read_department(REAL, "real.yaml")
    protocol = load_protocol("kidney_biopsy")
    rules = protocol.specimen.without(effective(protocol, department).not_configured)
    assert "not configured" in wrong_medium("formalin", "light microscopy", rules)
    assert "blocked" in wrong_medium("formalin", "immunofluorescence", rules)
    assert media_for("light microscopy", rules) == ()


def test_the_sample_department_takes_the_unapproved_ones() -> None:
    protocol = load_protocol("kidney_biopsy")
    assert protocol.specimen.without(effective(protocol, load_department()).not_configured) == KIDNEY


def test_blocked_media_cannot_be_taken_as_well() -> None:
    """A file that lists a medium as both is refused, so no department can approve a blocked one."""
    spoiled = LIVER.replace(b"- {name: dry pot, accepted:", b"- {name: formalin, accepted:")
    protocol, mistakes = read_protocol(spoiled, "liver_biopsy.yaml")
    assert protocol is None
    assert [m.key for m in mistakes] == ["specimen.tests.copper"]
    assert "both taken and blocked" in mistakes[0].text


def test_a_third_procedure_brings_its_own_tests_and_media() -> None:
    rules = read_protocol(LIVER, "liver_biopsy.yaml")[0].specimen
    assert wrong_medium("formalin", "copper", rules) == (
        "Formalin is blocked for copper by weight: it washes copper out."
    )
    assert wrong_medium("dry pot", "copper", rules) is None


def test_cores_are_counted_per_pot() -> None:
    assert [TWO_POTS.cores_in(pot.number) for pot in TWO_POTS.pots] == [2, 1]
    assert count_problems(TWO_POTS, KIDNEY) == ()


def test_a_pot_sits_on_exactly_one_order() -> None:
    for orders, words in (((), "on no order"), (("LM1", "IF1"), "on 2 orders")):
        pots = (replace(TWO_POTS.pots[0], orders=orders), TWO_POTS.pots[1])
        assert words in " ".join(record_problems(replace(TWO_POTS, pots=pots), KIDNEY))


def test_an_order_has_one_pot_so_that_there_are_as_many_pots_as_orders() -> None:
    """Source: the project's requirement, "count of specimens equals orders"."""
    both_on_one = (TWO_POTS.pots[0], Pot("T-26-000123-B", "formalin", ("LM1",)))
    assert record_problems(replace(TWO_POTS, pots=both_on_one), KIDNEY) == (
        "Order LM1 (light microscopy) has 2 pots; a second pot needs an order of its own.",
        "Order IF1 (immunofluorescence) has no pot.",
    )


def test_the_medium_of_a_pot_is_checked_against_the_test_of_its_order() -> None:
    pots = (TWO_POTS.pots[0], replace(TWO_POTS.pots[1], medium="formalin"))
    (problem,) = record_problems(replace(TWO_POTS, pots=pots), KIDNEY)
    assert problem.startswith("Pot T-26-000123-B: Formalin is blocked for immunofluorescence")


def test_a_core_from_the_other_side_stops_everything() -> None:
    cores = (replace(TWO_POTS.cores[0], side="right"), *TWO_POTS.cores[1:])
    assert record_problems(replace(TWO_POTS, cores=cores), KIDNEY) == (
        "Core 1 says right, but the case says left: stop and check.",
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"site": " "}, "Core 1 has no site."),
        ({"side": None}, "Core 1 has no side."),
        ({"length_mm": None}, "Core 1 has no length."),
        ({"pot": ""}, "Core 1 is in no pot."),
    ],
)
def test_a_core_has_site_side_length_and_pot(change, sentence) -> None:
    cores = (replace(TWO_POTS.cores[0], **change), *TWO_POTS.cores[1:])
    assert sentence in record_problems(replace(TWO_POTS, cores=cores), KIDNEY)


def test_a_case_without_a_side_does_not_fit_a_core_with_one() -> None:
    assert "the case has no side" in record_problems(replace(TWO_POTS, side=None), KIDNEY)[0]


@pytest.mark.parametrize("length_mm", [0, -3, 61, 160])
def test_a_core_is_as_long_as_a_core_can_be(length_mm) -> None:
    with pytest.raises(ValueError, match="60 mm"):
        Core(1, "lower pole", "left", length_mm, "A")


def test_a_pot_without_a_core_is_no_pot_to_send() -> None:
    only_one = tuple(core for core in TWO_POTS.cores if core.pot.endswith("A"))
    assert "Pot T-26-000123-B holds no core." in record_problems(replace(TWO_POTS, cores=only_one), KIDNEY)


def test_the_same_pot_or_order_twice_is_a_mistake() -> None:
    twice = replace(
        TWO_POTS, pots=(*TWO_POTS.pots, TWO_POTS.pots[0]), orders=(*TWO_POTS.orders, TWO_POTS.orders[0])
    )
    found = record_problems(twice, KIDNEY)
    assert {"Pot T-26-000123-A is recorded twice.", "Order LM1 is recorded twice."} <= set(found)


def test_nothing_counted_is_not_counted() -> None:
    assert count_problems(replace(TWO_POTS, count=None), KIDNEY) == (
        "The pots and cores have not been counted.",
    )


def test_at_sign_out_what_was_counted_equals_what_was_recorded_and_ordered() -> None:
    """Source: NatSSIPs (2015) sign out; the project's rule "specimen count at sign out = orders sent"."""
    three = replace(TWO_POTS, count=Count(3, {"T-26-000123-A": 2, "T-26-000123-B": 1}))
    assert count_problems(three, KIDNEY) == ("3 pots were counted, but 2 recorded.",)
    fewer = replace(TWO_POTS, count=Count(2, {"T-26-000123-A": 1}))
    assert count_problems(fewer, KIDNEY) == (
        "1 core was counted in pot T-26-000123-A, but 2 recorded.",
        "The cores in pot T-26-000123-B were not counted.",
    )


def test_a_core_added_after_the_count_undoes_it() -> None:
    more = replace(TWO_POTS, cores=(*TWO_POTS.cores, Core(4, "lower pole", "left", 9, "T-26-000123-A")))
    assert count_problems(more, KIDNEY) == ("2 cores were counted in pot T-26-000123-A, but 3 recorded.",)


def test_no_sample_is_a_count_of_its_own_and_nothing_can_be_sent() -> None:
    none = Specimen((), (), (), "left", no_sample="patient in pain, stopped before the first pass")
    assert count_problems(none, KIDNEY) == ()
    assert missing_before_dispatch(none, KIDNEY) == ("No sample was taken, so there is nothing to send.",)


def test_no_sample_contradicts_a_pot() -> None:
    assert record_problems(replace(TWO_POTS, no_sample="stopped"), KIDNEY) == (
        "It says that no sample was taken, but cores or pots are recorded.",
    )


def test_an_empty_record_is_not_complete() -> None:
    assert record_problems(Specimen((), (), (), "left"), KIDNEY) == (
        "No order to a laboratory is recorded.",
        "No pot is recorded.",
    )


def test_nothing_leaves_without_a_reader_for_its_result() -> None:
    assert missing_before_dispatch(TWO_POTS, KIDNEY) == ()
    assert missing_before_dispatch(replace(TWO_POTS, reader=""), KIDNEY) == (
        "Nobody is named to read the result.",
    )


def test_nothing_leaves_without_a_question() -> None:
    orders = (replace(TWO_POTS.orders[0], question=""), TWO_POTS.orders[1])
    assert missing_before_dispatch(replace(TWO_POTS, orders=orders), KIDNEY) == (
        "Order LM1 (light microscopy) has no question to the laboratory.",
    )


def test_pots_are_lettered_and_a_letter_is_not_given_twice() -> None:
    assert pot_number("T-26-000123", []) == "T-26-000123-A"
    assert pot_number("T-26-000123", ["T-26-000123-A", "T-26-000123-C"]) == "T-26-000123-B"
    letters = [f"T-26-000123-{letter}" for letter in "ABCDEFGHJKLMNPQRSTUVWXYZ"]
    assert pot_number("T-26-000123", letters[:8]) == "T-26-000123-J", "I is read as 1"
    with pytest.raises(ValueError, match="at most 24 pots"):
        pot_number("T-26-000123", letters)


@pytest.mark.parametrize("typed", ["T-26-000123-A", "t26000123a", " T 26 000123 A\n", "T26000123A"])
def test_a_number_scanned_or_typed_is_the_same_number(typed) -> None:
    assert as_scanned(typed) == in_barcode("T-26-000123-A")

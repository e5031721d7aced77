"""Labels of pots: what stands on them, and a barcode that a scanner reads."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from barcode.charsets import code128
from django.urls import reverse

from trocar.clinical.specimen import as_scanned
from trocar.web.cases.models import Case
from trocar.web.laboratory.label_barcode import QUIET_MODULES, code128_svg
from trocar.web.laboratory.models import Pot

STOP = "1100011101011"
"""The last symbol, with its closing bar."""

SWITCHES = {
    ("C", 100): "B",
    ("C", 101): "A",
    ("B", 99): "C",
    ("B", 101): "A",
    ("A", 99): "C",
    ("A", 100): "B",
}
"""In one set of Code 128, the symbol that leads to another."""

PATTERNS = {pattern: value for value, pattern in enumerate(code128.CODES)}
"""The bars of each symbol of Code 128, eleven modules wide."""


def scan(svg: str) -> str:
    """Read a Code 128 picture the way a scanner does: modules, symbols, check sum, text. ValueError where it cannot."""
    root = ET.fromstring(svg)
    whole = int(root.attrib["viewBox"].split()[2])
    modules = ["0"] * whole
    path = next(e for e in root if e.tag.endswith("path")).attrib["d"]
    for at, width in re.findall(r"M(\d+) 0h(\d+)v1h-\d+z", path):
        modules[int(at) : int(at) + int(width)] = "1" * int(width)
    bits = "".join(modules)
    quiet = "0" * QUIET_MODULES
    if not (bits.startswith(quiet) and bits.endswith(quiet)):
        raise ValueError("no quiet zone")
    bits = bits.strip("0")
    if not bits.endswith(STOP):
        raise ValueError("no stop")
    symbols = [PATTERNS[bits[n : n + 11]] for n in range(0, len(bits) - len(STOP), 11)]
    start, *data, check = symbols
    if (start + sum(n * value for n, value in enumerate(data, 1))) % 103 != check:
        raise ValueError("check sum")
    return _text(start, data)


def _text(start: int, data: list[int]) -> str:
    which = {103: "A", 104: "B", 105: "C"}[start]
    found = ""
    for value in data:
        if (which, value) in SWITCHES:
            which = SWITCHES[which, value]
        elif which == "C":
            found += f"{value:02d}"
        else:
            found += chr(value + 32)
    return found


@pytest.mark.parametrize("text", ["T26000123A", "T26000123Z", "T26999999B", "T261234567X"])
def test_a_scanner_reads_what_the_label_says(text: str) -> None:
    assert scan(code128_svg(text, 47, 6)) == text


def test_the_barcode_is_wide_enough_for_a_common_scanner() -> None:
    """On 47 mm each module is at least 0.25 mm, two and a half times what a hand scanner needs to tell bars apart."""
    whole = int(ET.fromstring(code128_svg("T26000123A", 47, 6)).attrib["viewBox"].split()[2])
    assert 47 / whole >= 0.25  # mm


@pytest.mark.parametrize("text", ["", "T-26", "<script>", "Ärzte"])
def test_only_letters_and_digits_become_bars(text: str) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        code128_svg(text, 47, 6)


def test_it_works(as_role, potted: Case) -> None:
    page = as_role("ir_nurse").get(reverse("laboratory:labels", args=[potted.number]))
    words = page.content.decode()
    assert page.status_code == 200
    for wanted in (
        "SAMPLE, Patient 943", "SAMPLE PATIENT: NOT REAL", "b. 04/05/1961", "NHS 943 476 5919", f"{potted.number}-A",
        "2 cores", "LEFT", "lower pole", "Light microscopy", "Formalin", "Immunofluorescence", "Transport medium",
        "Taken 23/11/2026 09:00", "Research software, not for clinical use",
    ):  # fmt: skip
        assert wanted in words
    assert words.count('<li class="label') == 2
    assert "style=" not in words
    assert "<script>" not in words


def test_one_label_can_be_printed_again(as_role, potted: Case) -> None:
    page = as_role("ir_nurse").get(
        reverse("laboratory:labels", args=[potted.number]), {"pot": f"{potted.number}-B"}
    )
    assert page.content.decode().count('<li class="label') == 1


def test_a_long_name_is_set_smaller_and_not_cut(as_role, potted: Case) -> None:
    potted.patient.family_name = "Sample-with-a-very-long-double-name"
    potted.patient.save()
    words = as_role("ir_nurse").get(reverse("laboratory:labels", args=[potted.number])).content.decode()
    assert 'class="name long"' in words
    assert "SAMPLE-WITH-A-VERY-LONG-DOUBLE-NAME, Patient 943" in words


def test_the_barcode_is_a_picture_under_the_strict_policy(as_role, potted: Case) -> None:
    pot = Pot.objects.filter(case=potted).first()
    answer = as_role("ir_nurse").get(reverse("laboratory:barcode", args=[pot.number]))
    assert answer["Content-Type"] == "image/svg+xml"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert as_scanned(scan(answer.content.decode())) == as_scanned(pot.number)


@pytest.mark.parametrize("role", ["radiographer", "coordinator", "referrer", "laboratory", "manager"])
def test_others_may_not_print_labels(as_role, potted: Case, role: str) -> None:
    assert as_role(role).get(reverse("laboratory:labels", args=[potted.number])).status_code == 403


def test_who_is_not_signed_in_gets_no_barcode(client, potted: Case) -> None:
    pot = Pot.objects.filter(case=potted).first()
    assert client.get(reverse("laboratory:barcode", args=[pot.number])).status_code == 302

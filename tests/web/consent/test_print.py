"""The consent form on paper, for the patient to sign."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from tests.web.consent.consenting import address
from trocar.web.cases.models import Case

SignIn = Callable[[str], Client]


def test_it_works(as_role: SignIn, explained_case: Case) -> None:
    page = as_role("ir_nurse").get(address(explained_case, "print/"))
    assert page.status_code == 200
    text = page.content.decode()
    for words in (
        "SAMPLE, Patient 943", "943 476 5919", "left, lower pole", "0573/VER6", "Signature", "I withdraw my consent",
        "22 to 51 in every 1,000 people", "No figure with a source was found", "No figure of our own yet",
        "Research software, not for clinical use", "Sample values",
    ):  # fmt: skip
        assert words in text, words


def test_nothing_on_it_is_ticked_or_answered_beforehand(as_role: SignIn, explained_case: Case) -> None:
    """Stage 1 is recorded, and still the paper is blank: the patient marks it, not the machine."""
    text = as_role("ir_nurse").get(address(explained_case, "print/")).content.decode()
    assert not re.search(r"<input[^>]* checked|☑|✓|✔|☒", text)
    assert "Driving to work" not in text
    assert text.count('class="consent-box"') > 20


def test_a_modelled_probability_never_stands_on_it(as_role: SignIn, explained_case: Case) -> None:
    text = as_role("ir_doctor").get(address(explained_case, "print/")).content.decode()
    assert "model" not in text.lower()


@pytest.mark.parametrize("role", ["referrer", "laboratory", "manager", "auditor"])
def test_who_may_not(as_role: SignIn, explained_case: Case, role: str) -> None:
    assert as_role(role).get(address(explained_case, "print/")).status_code == 403

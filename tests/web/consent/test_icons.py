"""A rate as people in rows: the picture fills as many as the words say."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from tests.web.consent.consenting import address
from trocar.web.cases.models import Case
from trocar.web.consent.icons import COLUMNS, SIZE, rows_of, runs


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_blocks_hold_exactly_the_people_from_one_number_to_another(one: int, other: int) -> None:
    first, end = min(one, other), max(one, other)
    blocks = runs(first, end)
    held = [
        (x, y)
        for block in blocks
        for y in range(block.y // SIZE, (block.y + block.height) // SIZE)
        for x in range(block.x // SIZE, (block.x + block.width) // SIZE)
    ]
    assert len(blocks) <= 3
    assert sorted(y * COLUMNS + x for x, y in held) == list(range(first, end))


@pytest.mark.parametrize(("people", "rows"), [(100, 2), (1000, 20), (10_000, 200), (1, 1)])
def test_rows(people: int, rows: int) -> None:
    assert rows_of(people) == rows


@pytest.mark.parametrize("page", ["", "stage-1/", "print/"])
def test_each_published_rate_has_a_picture_with_its_words(
    as_role: Callable[[str], Client], kidney_case: Case, page: str
) -> None:
    text = as_role("ir_doctor").get(address(kidney_case, page)).content.decode()
    labels = re.findall(r'<svg class="consent-icons" role="img" aria-label="([^"]+)"', text)
    published = [risk.rate.value for risk in kidney_case.protocol.consent.risks if risk.rate]
    assert sorted(labels) == sorted(
        f"1,000 people, of whom it happens to {rate.frequency}" for rate in published
    )
    assert text.count('id="people-surely"') == 1

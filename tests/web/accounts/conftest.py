"""A person with a password."""

from __future__ import annotations

import pytest

from trocar.web.accounts.models import Person

PASSWORD = "lanolin-forty-two-cups"


@pytest.fixture
def nurse(db: None) -> Person:
    return Person.objects.create_user(
        "sample.nurse", PASSWORD, full_name="Sample IR nurse", role="ir_nurse", is_sample=True
    )

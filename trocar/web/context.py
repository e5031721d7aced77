"""What every page shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from trocar import RESEARCH_NOTICE, __version__
from trocar.errors import TrocarError
from trocar.web.accounts.break_glass import all_opened
from trocar.web.accounts.models import Person
from trocar.web.cases.department import department
from trocar.web.navigation import menu


def house(request: HttpRequest) -> dict[str, Any]:
    """The notice that every screen carries, whose department it is, the menu, and the version."""
    person = getattr(request, "user", None)
    return {
        "research_notice": RESEARCH_NOTICE,
        "trocar_version": __version__,
        "navigation": menu(request),
        "emergency_accesses": all_opened(person) if isinstance(person, Person) else [],
        **_department(),
    }


def _department() -> dict[str, str]:
    try:
        mine = department()
    except TrocarError:
        # the page that says what is wrong with the file must still be drawn
        return {"department_name": "", "department_stamp": "The department's file cannot be read"}
    return {
        "department_name": mine.name,
        "department_stamp": ". ".join(stamp for stamp in mine.stamps if stamp != RESEARCH_NOTICE),
    }

"""What every page shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from trocar import RESEARCH_NOTICE, __version__
from trocar.web.navigation import menu


def house(request: HttpRequest) -> dict[str, Any]:
    """The notice that every screen carries, the menu, and the version."""
    return {"research_notice": RESEARCH_NOTICE, "trocar_version": __version__, "navigation": menu(request)}

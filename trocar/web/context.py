"""What every page shows."""

from __future__ import annotations

from django.http import HttpRequest

from trocar import RESEARCH_NOTICE, __version__


def house(request: HttpRequest) -> dict[str, str]:
    """The notice that every screen carries, and the version."""
    return {"research_notice": RESEARCH_NOTICE, "trocar_version": __version__}

"""Registers the app with Django, its section with the cases, and planning with the jobs."""

from __future__ import annotations

from django.apps import AppConfig


class PlansConfig(AppConfig):
    name = "trocar.web.plans"
    label = "plans"

    def ready(self) -> None:
        from trocar.web.jobs import kinds
        from trocar.web.plans import planning, section

        kinds.register(planning.PLANNING)
        section.register_section()

"""Registers the app with Django and its sections with the cases."""

from __future__ import annotations

from django.apps import AppConfig


class ProcedureConfig(AppConfig):
    name = "trocar.web.procedure"
    label = "procedure"

    def ready(self) -> None:
        from trocar.web.procedure import sections

        sections.register_sections()

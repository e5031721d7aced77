from __future__ import annotations

from django.apps import AppConfig


class VettingConfig(AppConfig):
    name = "trocar.web.vetting"
    label = "vetting"

    def ready(self) -> None:
        from trocar.web.vetting import sections

        sections.register_sections()

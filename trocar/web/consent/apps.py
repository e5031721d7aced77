from __future__ import annotations

from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "trocar.web.consent"
    label = "consent"

    def ready(self) -> None:
        from trocar.web.consent import section

        section.register_section()

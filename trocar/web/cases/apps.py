from __future__ import annotations

from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "trocar.web.cases"
    label = "cases"

    def ready(self) -> None:
        from trocar.web.cases import referral

        referral.register_section()

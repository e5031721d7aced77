from __future__ import annotations

from django.apps import AppConfig


class LaboratoryConfig(AppConfig):
    name = "trocar.web.laboratory"
    label = "laboratory"

    def ready(self) -> None:
        from trocar.web import navigation
        from trocar.web.laboratory import sections

        sections.register_sections()
        navigation.add(
            navigation.Item(
                "Laboratory", "laboratory:worklist", 40, ("see_cases", "see_own_referrals", "see_specimens")
            )
        )

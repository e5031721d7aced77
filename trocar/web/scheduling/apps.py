"""Registers the app with Django and its section with the cases."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SchedulingConfig(AppConfig):
    name = "trocar.web.scheduling"
    label = "scheduling"

    def ready(self) -> None:
        from trocar.web import navigation
        from trocar.web.cases import registry
        from trocar.web.scheduling import on_paper, section
        from trocar.web.scheduling.rooms import sync_rooms

        section.register_section()
        registry.give_day_list(on_paper.lines)
        navigation.add(navigation.Item("Day list", "scheduling:day", 10))
        navigation.add(navigation.Item("Week", "scheduling:week", 12, "see_cases"))
        navigation.add(navigation.Item("To tell", "scheduling:to_tell", 14, "schedule"))
        post_migrate.connect(sync_rooms, sender=self, dispatch_uid="scheduling.rooms")

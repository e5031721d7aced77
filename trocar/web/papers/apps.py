"""Registers the app with Django, its jobs, its part of the case page and its menu item."""

from __future__ import annotations

from django.apps import AppConfig


class PapersConfig(AppConfig):
    name = "trocar.web.papers"
    label = "papers"

    def ready(self) -> None:
        from trocar.web import navigation
        from trocar.web.accounts.roles import Permission
        from trocar.web.cases.registry import Section, SectionState, register
        from trocar.web.jobs import kinds
        from trocar.web.papers import printing

        for kind in printing.KINDS:
            kinds.register(kind)
        words = "The complete record, and the reply to the referrer"
        register(
            Section(
                "papers", "Papers", 95, Permission.PRINT_PAPERS, "papers:of_case",
                lambda case: SectionState("not needed", words), shown_to_referrer=True,
            )
        )  # fmt: skip
        navigation.add(navigation.Item("Papers", "papers:papers", 70, (Permission.PRINT_PAPERS,)))

"""Registers the app with Django, and listens."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "trocar.web.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from trocar.web.audit import listening, triggers

        listening.start()
        # A migration that remakes a table on SQLite loses its triggers; every migrate puts them back.
        post_migrate.connect(triggers.install_after_migrate, sender=self, dispatch_uid="audit triggers")

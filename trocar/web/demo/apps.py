from __future__ import annotations

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "trocar.web.demo"
    label = "demo"

    def ready(self) -> None:
        from trocar.web.demo import job

        job.register_kind()

"""Registers the app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class PlansConfig(AppConfig):
    name = "trocar.web.plans"
    label = "plans"

"""Registers the app with Django."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "trocar.web.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

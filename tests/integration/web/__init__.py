"""The pages, with Django set up before any of them is imported; each test then has a data folder of its own."""

from __future__ import annotations

import os
import tempfile

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "trocar.web.settings"
os.environ["TROCAR_DATA"] = tempfile.mkdtemp(prefix="trocar-test-")
os.environ["TROCAR_SECRET_KEY"] = "only for tests"
django.setup()

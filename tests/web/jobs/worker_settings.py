"""Settings of the worker processes in these tests: the jobs and the slow work, on the database of the test."""

from __future__ import annotations

import os

import dj_database_url

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django_tasks",
    "django_tasks_db",
    "trocar.web.jobs",
    "tests.web.jobs.slow_work",
]
DATABASES = {"default": dj_database_url.parse(os.environ["TEST_DATABASE_URL"])}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
TROCAR_JOB_LEASE_S = 2.0
SECRET_KEY = "only for tests"
USE_TZ = True

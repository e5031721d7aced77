"""Settings of the web application, from the environment.

TROCAR_DATA: the data folder (plans, secret key); by default the user's data folder.
TROCAR_SECRET_KEY: signs what the browser keeps; made once and kept in the data folder where it is not given.
TROCAR_ALLOWED_HOSTS: host names, separated by commas, that may be asked for; by default only this machine's own.
"""

from __future__ import annotations

import os
from pathlib import Path

from trocar.web.data_folder import default_data_folder, secret_key

TROCAR_DATA = Path(os.environ.get("TROCAR_DATA") or default_data_folder())
SECRET_KEY = os.environ.get("TROCAR_SECRET_KEY") or secret_key(TROCAR_DATA)

# Never on: its error pages show settings and local variables, and those may hold patient data.
DEBUG = False

ALLOWED_HOSTS = [
    host.strip()
    for host in os.environ.get("TROCAR_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
    if host.strip()
]

INSTALLED_APPS = ["django.contrib.staticfiles", "trocar.web.plans"]

MIDDLEWARE = [
    # first, so that pictures, style sheets and error pages carry the headers too
    "trocar.web.middleware.ContentSecurityPolicy",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "trocar.web.middleware.StaticFiles",
    "django.middleware.common.CommonMiddleware",
    "trocar.web.middleware.KnownErrors",
]

ROOT_URLCONF = "trocar.web.urls"
ASGI_APPLICATION = "trocar.web.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "trocar.web.context.house",
            ],
        },
    }
]

# Plans are folders, and nobody signs in yet: nothing to keep in a database.
DATABASES: dict[str, dict[str, str]] = {}

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "Europe/London"

STATIC_URL = "/static/"
STATICFILES_DIRS = [Path(__file__).parent / "static"]
# Straight from the package, so that no copying step stands between a clone and a page.
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"terminal": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        # A wrong address is the visitor's mistake and has its page; only our own faults are worth a line.
        "django": {"handlers": ["terminal"], "level": "ERROR", "propagate": False},
        "django.security.DisallowedHost": {"handlers": [], "level": "CRITICAL", "propagate": False},
        "trocar": {"handlers": ["terminal"], "level": "WARNING", "propagate": False},
    },
}

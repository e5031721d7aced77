"""Settings of the web application, from the environment; docs/running.md has the table of them.

No secret stands here: keys and passwords come from the environment, and the signing key of a department that is tried
out on one machine is made once and kept in its data folder.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from trocar.web.data_folder import default_data_folder, secret_key
from trocar.web.database_settings import databases


def _switched_on(name: str) -> bool:
    """Whether a variable says yes. Anything but yes or no is a mistake, as a guess could leave a lock open."""
    value = os.environ.get(name, "").strip().lower()
    if value not in ("", "0", "no", "false", "off", "1", "yes", "true", "on"):
        raise ImproperlyConfigured(f"{name} is {value!r}; write 1 or 0.")
    return value in ("1", "yes", "true", "on")


def _minutes(name: str, default: int) -> timedelta:
    return timedelta(minutes=_number(name, default, 24 * 60))


def _number(name: str, default: int, at_most: int) -> int:
    value = os.environ.get(name, "").strip() or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= at_most:
        raise ImproperlyConfigured(f"{name} is {value!r}; write a whole number from 1 to {at_most}.")
    return int(value)


def _list(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


PRODUCTION = _switched_on("TROCAR_PRODUCTION")
TROCAR_DATA = Path(os.environ.get("TROCAR_DATA") or default_data_folder())

SECRET_KEY = os.environ.get("TROCAR_SECRET_KEY", "")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured("TROCAR_PRODUCTION needs TROCAR_SECRET_KEY: 50 random characters or more.")
    SECRET_KEY = secret_key(TROCAR_DATA)
SECRET_KEY_FALLBACKS = _list("TROCAR_OLD_SECRET_KEYS")

# Never on: its error pages show settings and local variables, and those may hold patient data.
DEBUG = False

ALLOWED_HOSTS = _list("TROCAR_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if PRODUCTION]

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "trocar.web.accounts",
    "trocar.web.audit",
    "django_tasks",
    "django_tasks_db",
    "trocar.web.jobs",
    "trocar.web.cases",
    "trocar.web.vetting",
    "trocar.web.consent",
    "trocar.web.laboratory",
    "trocar.web.scheduling",
    "trocar.web.plans",
    "trocar.web.procedure",
    "trocar.web.demo",
    "trocar.web.papers",
]

MIDDLEWARE = [
    # first, so that pictures, style sheets and error pages carry the headers too
    "trocar.web.middleware.ContentSecurityPolicy",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "trocar.web.middleware.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "trocar.web.accounts.sessions.EndIdleSessions",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "trocar.web.accounts.sessions.FirstThingsFirst",
    "trocar.web.middleware.NotKept",
    "trocar.web.middleware.KnownErrors",
    "axes.middleware.AxesMiddleware",
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
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "trocar.web.context.house",
            ],
        },
    }
]

DATABASES = databases(TROCAR_DATA, os.environ.get("TROCAR_DATABASE_URL"))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- who signs in, and for how long

AUTH_USER_MODEL = "accounts.Person"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "trocar.web.accounts.backends.PasswordBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "full_name")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_AGE = 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "trocar-session"
TROCAR_IDLE = _minutes("TROCAR_IDLE_MINUTES", 30)
TROCAR_ROOM_IDLE = _minutes("TROCAR_ROOM_IDLE_MINUTES", 240)
TROCAR_SESSION_AT_MOST = timedelta(hours=12)

CSRF_COOKIE_NAME = "trocar-csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "trocar.web.views.csrf_failure"

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Guessing: five wrong passwords for one name from one address lock that pair for a quarter of an hour.
# By name alone, anybody could lock the doctor out of the room.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "trocar.web.accounts.lockout.locked_out"
AXES_USERNAME_CALLABLE = "trocar.web.accounts.lockout.name_tried"
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True  # the audit log keeps it
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "trocar.web.accounts.lockout.address_of"

# The second factor: an app on the phone that shows six digits.
TROCAR_SECOND_FACTOR = _switched_on("TROCAR_SECOND_FACTOR")
OTP_TOTP_ISSUER = "Trocar"
OTP_LOGIN_URL = "accounts:second_factor"

# A hospital's single sign-on; its addresses exist only where it is configured.
TROCAR_SIGN_ON = bool(os.environ.get("TROCAR_OIDC_CLIENT_ID"))
if TROCAR_SIGN_ON:
    from trocar.web.accounts.sign_on_settings import *  # noqa: F403

    INSTALLED_APPS += ["mozilla_django_oidc"]
    AUTHENTICATION_BACKENDS += ["trocar.web.accounts.sign_on.HospitalSignOn"]

# --- the department's own files

TROCAR_DEPARTMENT = os.environ.get("TROCAR_DEPARTMENT") or None
"""The department's file; without one the "Sample department", which says so everywhere."""

# --- long work

TROCAR_WORKERS = _number("TROCAR_WORKERS", 1, 64)
"""Processes that `trocar serve` starts for long work; on SQLite, which has one writer, one is enough."""

# --- the record

TROCAR_AUDIT_SEAL_S: float | None = 1.0
"""Reads are written and sealed so often; None: only when somebody asks for it, as tests do."""

# --- long work

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
TROCAR_JOB_LEASE_S = 30.0
"""A worker that says nothing for so long is taken for dead, and its job is given to another one."""

# --- forms

DATA_UPLOAD_MAX_MEMORY_SIZE = 40 * 2**20
"""A text that is far too long is answered at its field, so it has to be read; 10 MB take up to 30 in a form."""

# --- language, files, headers

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

if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-trocar-session"
    CSRF_COOKIE_NAME = "__Host-trocar-csrf"

# Only where a proxy of the hospital's own stands in front and sets these headers itself.
TROCAR_BEHIND_PROXY = _switched_on("TROCAR_BEHIND_PROXY")
if TROCAR_BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"terminal": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        # A wrong address is the visitor's mistake and has its page; only our own faults are worth a line.
        "django": {"handlers": ["terminal"], "level": "ERROR", "propagate": False},
        "django.security.DisallowedHost": {"handlers": [], "level": "CRITICAL", "propagate": False},
        # its lines hold the names that people typed, now and then a password
        "axes": {"handlers": [], "level": "CRITICAL", "propagate": False},
        "trocar": {"handlers": ["terminal"], "level": "WARNING", "propagate": False},
    },
}

"""Django's settings for the tests: the application's own, with a database and a data folder made for this run."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from tests.web.database import test_databases

_temporary = tempfile.TemporaryDirectory(prefix="trocar-tests-", ignore_cleanup_errors=True)
_folder = Path(_temporary.name)
_own = {"TROCAR_DATA": str(_folder), "TROCAR_SECRET_KEY": secrets.token_urlsafe(50)}
_before = {name: os.environ.get(name) for name in _own}
os.environ.update(_own)
try:
    from trocar.web.settings import *  # noqa: F403
    from trocar.web.settings import INSTALLED_APPS
finally:
    # not for the programs that tests start
    for _name, _value in _before.items():
        if _value is None:
            del os.environ[_name]
        else:
            os.environ[_name] = _value

DATABASES = test_databases(_folder)
INSTALLED_APPS = ["tests.web.flushing", *INSTALLED_APPS]

# Guessing is no danger here, and a proper hash takes half a second.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A test asks for its reads to be written when it looks at them.
TROCAR_AUDIT_SEAL_S = None

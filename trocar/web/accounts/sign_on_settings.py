"""Settings of a hospital's single sign-on (OpenID Connect), read only where TROCAR_OIDC_CLIENT_ID is given."""

from __future__ import annotations

import os

from django.core.exceptions import ImproperlyConfigured

from trocar.web.accounts.roles import ROLES


def _needed(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"Single sign-on needs {name}.")
    return value


def read_roles(text: str) -> dict[str, str]:
    """``group=role,group=role``: which value of the role claim gives which role. Raises ImproperlyConfigured."""
    roles = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        group, equals, role = (piece.strip() for piece in part.rpartition("="))
        if not equals or not group or role not in ROLES:
            raise ImproperlyConfigured(
                f"TROCAR_OIDC_ROLES: {part!r} does not say group=role; roles: {', '.join(ROLES)}."
            )
        roles[group] = role
    return roles


OIDC_RP_CLIENT_ID = _needed("TROCAR_OIDC_CLIENT_ID")
OIDC_RP_CLIENT_SECRET = _needed("TROCAR_OIDC_CLIENT_SECRET")
OIDC_OP_AUTHORIZATION_ENDPOINT = _needed("TROCAR_OIDC_AUTHORIZATION_URL")
OIDC_OP_TOKEN_ENDPOINT = _needed("TROCAR_OIDC_TOKEN_URL")
OIDC_OP_USER_ENDPOINT = _needed("TROCAR_OIDC_USER_URL")
OIDC_OP_JWKS_ENDPOINT = _needed("TROCAR_OIDC_JWKS_URL")
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_RP_SCOPES = os.environ.get("TROCAR_OIDC_SCOPES", "openid profile")
OIDC_USE_PKCE = True
OIDC_TIMEOUT = 10
OIDC_STORE_ID_TOKEN = False
LOGIN_REDIRECT_URL_FAILURE = "/accounts/login/?sign-on=refused"

TROCAR_OIDC_USERNAME_CLAIM = os.environ.get("TROCAR_OIDC_USERNAME_CLAIM", "preferred_username")
TROCAR_OIDC_ROLE_CLAIM = os.environ.get("TROCAR_OIDC_ROLE_CLAIM", "roles")
TROCAR_OIDC_ROLES = read_roles(os.environ.get("TROCAR_OIDC_ROLES", ""))

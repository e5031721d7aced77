"""A small OpenID Connect server, as a hospital's would answer: real keys, real tokens, over HTTP on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "trocar", "a secret of the hospital's"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Hospital(ThreadingHTTPServer):
    """claims: what it says of whoever signs in next. forged: signs with a key that is not its own."""

    claims: dict[str, Any]
    forged = False
    codes: dict[str, dict[str, str]]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def sign_in(self, address: str) -> str:
        """What the person's browser does: follow the way in, and come back with a code."""
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        back = urllib.parse.urlsplit(asked["redirect_uri"])
        return f"{back.path}?{urllib.parse.urlencode({'code': code, 'state': asked['state']})}"


class _Answers(BaseHTTPRequestHandler):
    server: Hospital

    def do_GET(self) -> None:
        if self.path == "/keys":
            key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            self._say({"keys": [key | {"kid": "1", "alg": "RS256", "use": "sig"}]})
        elif self.path == "/user" and self.headers["Authorization"] == "Bearer access":
            self._say(self.server.claims)

    def do_POST(self) -> None:
        sent = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        asked = self.server.codes.pop(sent["code"])
        proof = base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest()).rstrip(b"=")
        assert (sent["client_id"], sent["client_secret"]) == (CLIENT, SECRET)
        assert proof.decode() == asked["code_challenge"]
        token = jwt.encode(
            {
                "iss": self.server.address,
                "aud": CLIENT,
                "nonce": asked["nonce"],
                "exp": time.time() + 60,
                "sub": "1",
            },
            OTHER_KEY if self.server.forged else KEY,
            "RS256",
            {"kid": "1"},
        )
        self._say({"access_token": "access", "id_token": token, "token_type": "Bearer"})

    def _say(self, content: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def hospital() -> Iterator[Hospital]:
    """The server, until the end of the block."""
    server = Hospital(("127.0.0.1", 0), _Answers)
    server.claims, server.codes = {}, {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def environment_for(server: Hospital) -> dict[str, str]:
    """What the department sets to use it."""
    return {
        "TROCAR_OIDC_CLIENT_ID": CLIENT,
        "TROCAR_OIDC_CLIENT_SECRET": SECRET,
        "TROCAR_OIDC_AUTHORIZATION_URL": f"{server.address}/authorise",
        "TROCAR_OIDC_TOKEN_URL": f"{server.address}/token",
        "TROCAR_OIDC_USER_URL": f"{server.address}/user",
        "TROCAR_OIDC_JWKS_URL": f"{server.address}/keys",
        "TROCAR_OIDC_ROLES": "IR-Consultants=ir_doctor,IR-Nurses=ir_nurse,Biopsy-Managers=manager",
    }


def visit(server: Hospital, claims: dict[str, Any], forged: bool = False) -> str:
    """Somebody signs in at the hospital and comes back; returns what Trocar then says of them."""
    from django.test import Client

    from trocar.web.accounts.models import Person

    server.claims, server.forged = claims, forged
    client = Client(SERVER_NAME="127.0.0.1")
    way = client.get("/accounts/sign-on/start/?next=/accounts/password/")
    assert way.status_code == 302
    back = client.get(server.sign_in(way["Location"]))
    inside = client.get("/accounts/password/").status_code == 200
    person = Person.objects.filter(pk=client.session.get("_auth_user_id")).first()
    who = f"{person.username}/{person.role}/{person.full_name}" if person and inside else "nobody"
    return f"{who} -> {back.headers.get('Location', back.status_code)}"


def main() -> None:
    """Run as a program of its own, as the switch is read when Django starts; prints a line for each visit."""
    import os

    with hospital() as server:
        os.environ |= environment_for(server)
        import django

        django.setup()
        from django.core.management import call_command

        from trocar.web.accounts.actions import add_person, set_active
        from trocar.web.accounts.models import Person
        from trocar.web.audit.models import AuditEvent
        from trocar.web.audit.verify import verify

        call_command("migrate", verbosity=0)
        add_person(by=None, username="known", full_name="Sample radiographer", role="radiographer")
        Person.objects.update(must_change_password=False)
        gone, _ = add_person(by=None, username="gone", full_name="Sample gone", role="ir_nurse")
        set_active(gone, False, by=None)
        new = {
            "preferred_username": "New.Doctor",
            "name": "Sample new doctor",
            "roles": ["IR-Consultants", "Staff"],
        }
        for claims in (
            new,
            new | {"roles": ["IR-Nurses"]},
            {"preferred_username": "known", "roles": []},
            {"preferred_username": "stranger", "roles": ["Staff"]},
            {"preferred_username": "two", "roles": ["IR-Consultants", "IR-Nurses"]},
            {"preferred_username": "gone", "roles": ["IR-Nurses"]},
            {"roles": ["IR-Consultants"]},
        ):
            print(visit(server, claims))
        print(visit(server, new, forged=True))
        print(
            *AuditEvent.objects.filter(subject="Person new.doctor")
            .order_by("pk")
            .values_list("action", flat=True),
            sep=", ",
        )
        print(verify().broken)


if __name__ == "__main__":
    sys.exit(main())

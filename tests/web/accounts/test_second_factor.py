"""The second factor, where it is switched on."""

from __future__ import annotations

import re
import time
from base64 import b32decode

import pytest
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.web.accounts.conftest import PASSWORD
from trocar.web.accounts.models import Person

PAGE = "/accounts/second-factor/"


@pytest.fixture
def browser(client: Client, nurse: Person, settings) -> Client:
    settings.TROCAR_SECOND_FACTOR = True
    client.post("/accounts/login/", {"username": "sample.nurse", "password": PASSWORD})
    return client


def digits(device: TOTPDevice, steps: int = 0) -> str:
    return f"{totp(device.bin_key, drift=steps):06d}"


def set_up(browser: Client) -> TOTPDevice:
    browser.get(PAGE)
    device = TOTPDevice.objects.get()
    assert browser.post(PAGE, {"digits": digits(device)}).status_code == 302
    device.refresh_from_db()
    return device


def test_it_works(browser: Client, nurse: Person) -> None:
    before = browser.get("/accounts/password/")
    assert (before.status_code, before["Location"].split("?")[0]) == (302, PAGE)
    page = browser.get(PAGE).content.decode()
    device = TOTPDevice.objects.get(user=nurse)
    shown = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert shown
    assert b32decode(shown[1].replace(" ", "")) == device.bin_key
    assert device.confirmed is False
    answer = browser.post(
        PAGE, {"digits": f" {digits(device)[:3]} {digits(device)[3:]} ", "next": "/accounts/password/"}
    )
    assert answer["Location"] == "/accounts/password/"
    assert browser.get("/accounts/password/").status_code == 200


def test_the_key_is_not_shown_again(browser: Client, nurse: Person) -> None:
    device = set_up(browser)
    other = Client()
    other.post("/accounts/login/", {"username": "sample.nurse", "password": PASSWORD})
    assert "<code>" not in other.get(PAGE).content.decode()
    assert other.get("/accounts/password/").status_code == 302
    assert other.post(PAGE, {"digits": digits(device, 1)}).status_code == 302
    assert other.get("/accounts/password/").status_code == 200


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("", "required"), ("12345", "six digits"), ("abcdef", "six digits"), ("000 000", "not right")],
)
def test_wrong_digits(browser: Client, typed: str, sentence: str) -> None:
    browser.get(PAGE)
    device = TOTPDevice.objects.get()
    if typed == "000 000" and digits(device) == "000000":
        time.sleep(31)
    assert sentence in browser.post(PAGE, {"digits": typed}).content.decode()
    assert browser.get("/accounts/password/").status_code == 302


def test_the_same_digits_serve_once(browser: Client, nurse: Person) -> None:
    device = set_up(browser)
    other = Client()
    other.post("/accounts/login/", {"username": "sample.nurse", "password": PASSWORD})
    assert other.post(PAGE, {"digits": digits(device)}).status_code == 200
    assert other.get("/accounts/password/").status_code == 302


def test_guessing_digits_is_slowed_down(browser: Client, nurse: Person) -> None:
    device = set_up(browser)
    other = Client()
    other.post("/accounts/login/", {"username": "sample.nurse", "password": PASSWORD})
    wrong = "111111" if digits(device, 1) != "111111" else "222222"
    for _ in range(3):
        other.post(PAGE, {"digits": wrong})
    assert "Too many wrong digits" in other.post(PAGE, {"digits": digits(device, 1)}).content.decode()


def test_signing_out_needs_none(browser: Client) -> None:
    assert browser.post("/accounts/logout/")["Location"] == "/accounts/login/"

"""What every test may ask for: the sample CTs and the folder of real test data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser_program import chromium_path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, with the reason, what this machine cannot run."""
    no_browser = None if not any(i.get_closest_marker("browser") for i in items) else chromium_path()
    data = os.environ.get("TROCAR_TEST_DATA")
    for item in items:
        if item.get_closest_marker("test_data") and not (data and Path(data).is_dir()):
            item.add_marker(pytest.mark.skip(reason="needs real test data: TROCAR_TEST_DATA is not set"))
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))
            if no_browser is None:
                item.add_marker(pytest.mark.skip(reason="needs Chromium, and none was found"))


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real CT, RTSTRUCT, SEG and dose reports (mark the test ``test_data``)."""
    return Path(os.environ["TROCAR_TEST_DATA"])


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser (mark the test ``browser``)."""
    path = chromium_path()
    assert path is not None
    return path

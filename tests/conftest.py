"""What every test may ask for: the sample CTs and the folder of real test data."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests import samples_data
from tests.browser_program import chromium_path
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, with the reason, what this machine cannot run."""
    no_browser = None if not any(i.get_closest_marker("browser") for i in items) else chromium_path()
    data = os.environ.get("TROCAR_TEST_DATA")
    have_samples = samples_data.have_samples()
    for item in items:
        if item.get_closest_marker("samples") and not have_samples:
            item.add_marker(pytest.mark.skip(reason="needs the sample CTs: run `trocar samples get`"))
        if item.get_closest_marker("test_data") and not (data and Path(data).is_dir()):
            item.add_marker(pytest.mark.skip(reason="needs real test data: TROCAR_TEST_DATA is not set"))
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))
            if no_browser is None:
                item.add_marker(pytest.mark.skip(reason="needs Chromium, and none was found"))


@pytest.fixture(autouse=True)
def _no_reads_of_an_earlier_test() -> None:
    """Reads wait in the process until somebody asks for them; those of a database that was undone must not."""
    streams = sys.modules.get("trocar.web.audit.stream")
    if streams is not None:
        streams.stream.forget()


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


@pytest.fixture(scope="session")
def sample_ct() -> Volume:
    """The abdomen CT (mark the test ``samples``)."""
    return samples_data.kidney_ct()


@pytest.fixture(scope="session")
def sample_structures() -> StructureSet:
    """The abdomen CT's labels (mark the test ``samples``)."""
    return samples_data.kidney_structures()


@pytest.fixture(scope="session")
def chest_ct() -> Volume:
    """The full-size chest CT (mark the test ``samples``)."""
    return samples_data.chest_ct()


@pytest.fixture(scope="session")
def chest_structures() -> StructureSet:
    """The chest CT's labels (mark the test ``samples``)."""
    return samples_data.chest_structures()

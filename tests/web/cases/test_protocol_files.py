"""A procedure is a file: the department's own stand beside the built-in ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from tests.unit.clinical.protocol_files import LIVER
from trocar.errors import ProtocolMistake, UsageError
from trocar.web.cases.protocols import check_files, protocol_named, protocol_names, protocol_source


@pytest.fixture
def own(tmp_path: Path, settings: object) -> Path:
    settings.TROCAR_PROTOCOLS = str(tmp_path)  # type: ignore[attr-defined]
    (tmp_path / "liver_biopsy.yaml").write_bytes(LIVER)
    return tmp_path


def test_it_works(own: Path, as_role: Callable[[str], Client]) -> None:
    assert protocol_names() == ("bone_biopsy", "kidney_biopsy", "liver_biopsy")
    assert protocol_named("liver_biopsy").title == "Liver biopsy"
    assert protocol_source("liver_biopsy") == str(own / "liver_biopsy.yaml")
    assert protocol_source("kidney_biopsy") == "kidney_biopsy"
    assert "Liver biopsy" in as_role("referrer").get("/cases/new/").content.decode()


def test_a_procedure_that_is_not_there_is_refused(own: Path) -> None:
    with pytest.raises(UsageError, match="no protocol 'lung_biopsy'"):
        protocol_source("lung_biopsy")


def test_mistakes_are_named_with_file_line_and_key(own: Path) -> None:
    check_files(None)
    (own / "liver_biopsy.yaml").write_bytes(LIVER.replace(b"title: Liver biopsy", b"titel: Liver biopsy"))
    with pytest.raises(ProtocolMistake, match=r"liver_biopsy\.yaml:\d+: titel"):
        check_files(None)

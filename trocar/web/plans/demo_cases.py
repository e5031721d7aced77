"""The sample cases of the demo: what each asks the planner, and where its answer goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trocar.web.plans.plan_folder import Card

Tell = Callable[[str, float], None]
"""Told what is being done, and the fraction (0 to 1) of it that is done."""


@dataclass(frozen=True)
class PlannedOn:
    """The files that a case was planned on; its pictures are cut from them."""

    ct: Path
    structures: tuple[Path, ...]


@dataclass(frozen=True)
class DemoCase:
    """id: name of its folder. plan: writes plan.json, the sheets and the DICOM files into a folder."""

    id: str
    card: Card
    plan: Callable[[Path, Tell], PlannedOn]

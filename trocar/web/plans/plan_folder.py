"""A plan on disk: one folder a plan, DATA/plans/<id>/.

It holds what the planner wrote (plan.json, plan.html, plan.pdf, dicom/) and card.json: what the case is called, how
far its planning has come, and where the CT and structures lie that its pictures are cut from.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from trocar.errors import InputRefused

State = Literal["waiting", "planning", "planned", "failed"]
STATES: tuple[State, ...] = ("waiting", "planning", "planned", "failed")
ID_PATTERN = "[a-z0-9][a-z0-9-]{0,63}"
CARD_FILE = "card.json"


@dataclass(frozen=True)
class Card:
    """What the list of plans shows of a case before (and after) it is planned.

    fraction: of the planning that is done, 0 to 1. message: what is being done, or why it failed.
    ct, structures: the files or folders that were planned on; None until they are known.
    """

    title: str
    sample: bool
    order: int = 0
    state: State = "waiting"
    message: str = ""
    fraction: float = 0.0
    ct: str | None = None
    structures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"unknown state {self.state!r}")
        object.__setattr__(self, "fraction", min(1.0, max(0.0, float(self.fraction))))
        object.__setattr__(self, "structures", tuple(self.structures))


@dataclass(frozen=True)
class PlanFolder:
    """One plan's folder and card."""

    path: Path
    card: Card

    @property
    def id(self) -> str:
        return self.path.name

    def file(self, name: str) -> Path:
        return self.path / name

    def dicom_files(self) -> list[Path]:
        """Every DICOM file of the plan, by name."""
        return sorted(p for p in (self.path / "dicom").rglob("*.dcm") if p.is_file())

    def with_card(self, **changes: object) -> PlanFolder:
        """Write the card with ``changes`` and return the folder as it is now."""
        card = replace(self.card, **changes)  # type: ignore[arg-type]
        write_card(self.path, card)
        return replace(self, card=card)


def plans_folder(data: Path) -> Path:
    return data / "plans"


def find(data: Path, plan_id: str) -> PlanFolder | None:
    """The plan of that id, or None. An id that is not one (``..``, a path) is no plan."""
    if not re.fullmatch(ID_PATTERN, plan_id):
        return None
    folder = plans_folder(data) / plan_id
    # A link may not lead to a folder elsewhere.
    if folder.is_symlink() or not (folder / CARD_FILE).is_file():
        return None
    return PlanFolder(folder, read_card(folder))


def every(data: Path, wanted: Callable[[str], bool] = lambda _: True) -> list[PlanFolder]:
    """All plans whose id is ``wanted``, in the order of their cards; a folder whose card is broken is left out."""

    def folders() -> Iterator[PlanFolder]:
        root = plans_folder(data)
        for entry in sorted(root.iterdir()) if root.is_dir() else ():
            if not wanted(entry.name):
                continue
            try:
                found = find(data, entry.name)
            except InputRefused:
                continue
            if found is not None:
                yield found

    return sorted(folders(), key=lambda plan: (plan.card.order, plan.id))


def read_card(folder: Path) -> Card:
    """Raises InputRefused where the card is broken."""
    try:
        return Card(**json.loads((folder / CARD_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputRefused(
            "The card of this plan is damaged; delete the plan's folder and plan it again."
        ) from error


def write_card(folder: Path, card: Card) -> None:
    """Replace the card in one step, so that a page never reads half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (CARD_FILE + ".part")
    part.write_text(json.dumps(asdict(card), indent=1), encoding="utf-8")
    os.replace(part, folder / CARD_FILE)

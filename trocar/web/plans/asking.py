"""Ask for a plan of a case: what is planned on, kept where the worker finds it, and the job."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from trocar.errors import TrocarError
from trocar.web.cases import clock
from trocar.web.cases.change import Change
from trocar.web.cases.models import Case
from trocar.web.jobs.asking import ask
from trocar.web.plans.models import PlanOfCase
from trocar.web.plans.plan_folder import Card, plans_folder, read_card, write_card

KIND = "plan_ct"
INCOMING = "incoming"
UPLOADS = "uploads"


def incoming_folder(data: Path) -> Path:
    """Where whoever runs the server puts scans that are too large for a browser."""
    return data / INCOMING


def incoming_names(data: Path) -> list[str]:
    """What lies there: folders, zips and NIfTI files, by name. A link that leads elsewhere is left out."""
    root = incoming_folder(data)
    if not root.is_dir():
        return []
    return sorted(
        entry.name
        for entry in root.iterdir()
        if not entry.name.startswith(".") and not entry.is_symlink() and (entry.is_dir() or entry.is_file())
    )


def keep_uploads(files: Iterable[UploadedFile], folder: Path) -> list[str]:
    """Write uploaded files into ``folder`` under harmless names and return where they are.

    The order and the ending are kept, the rest of a name only as far as it is letters and digits: no name can lead
    elsewhere, and two of the same name do not meet.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = []
    for number, file in enumerate(files, start=1):
        path = folder / f"{number:04d}-{_harmless(file.name or '')}"
        with open(path, "xb") as out:
            for chunk in file.chunks():
                out.write(chunk)
        kept.append(str(path))
    return kept


def new_uploads_folder(data: Path) -> Path:
    return data / UPLOADS / uuid.uuid4().hex


def drop_uploads(folder: Path) -> None:
    """Take the uploads of a question that was not asked after all away again."""
    shutil.rmtree(folder, ignore_errors=True)


def _harmless(name: str) -> str:
    words = re.sub(r"[^A-Za-z0-9.]+", "-", os.path.basename(name.replace("\\", "/"))).strip("-.")
    return words[-80:] or "file"


def card_is_planned(path: Path) -> bool:
    """Whether the folder holds a finished plan."""
    try:
        return read_card(path).state == "planned" and (path / "plan.json").is_file()
    except TrocarError:
        return False


def ask_for_plan(
    ch: Change, case: Case, arguments: dict[str, Any], asked: Sequence[tuple[str, str]]
) -> PlanOfCase:
    """Put the planning of a case's CT into the queue, within the change ``ch``.

    arguments: those of ``planning.plan_ct`` without plan_id, title and sample. asked: the same in words.
    """
    count = PlanOfCase.objects.filter(case=case).count() + 1
    plan_id = f"{case.number.lower()}-{count}"
    title = f"{case.number}: {case.what}"
    card = Card(title=title[:200], sample=case.is_sample, order=1000)
    write_card(plans_folder(settings.TROCAR_DATA) / plan_id, card)
    job = ask(
        KIND,
        f"Planning the needle path of case {case.number}",
        ch.by,
        {**arguments, "plan_id": plan_id, "title": card.title, "sample": card.sample},
        case_number=case.number,
        key=f"{KIND} {plan_id}",
    )
    row = PlanOfCase.objects.create(
        case=case,
        plan_id=plan_id,
        job=job,
        asked=[list(pair) for pair in asked],
        asked_at=clock.now(),
        asked_by=ch.by,
    )
    ch.note(f"plan {plan_id}", {label: (None, words) for label, words in asked})
    return row

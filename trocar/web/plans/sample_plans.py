"""The plans that the demo shows: each sample scan, planned by a worker, of no case."""

from __future__ import annotations

from pathlib import Path

from trocar.web.jobs.asking import ask
from trocar.web.jobs.models import Job
from trocar.web.plans import plan_folder
from trocar.web.plans.asking import KIND, card_is_planned
from trocar.web.plans.plan_folder import Card, plans_folder, write_card
from trocar.web.plans.sample_scans import SAMPLE_SCANS

TITLES = {
    "kidney-left": "Kidney biopsy, left lower pole",
    "bone-l3": "Bone biopsy, synthetic lesion in L3",
    "bone-iliac-crest": "Bone biopsy, synthetic lesion in the iliac crest",
}
SIDES = {"kidney-left": "left", "bone-l3": None, "bone-iliac-crest": "left"}
INTERRUPTED = (
    "The planning of this case was interrupted; ask for it again (the samples: start Trocar with --demo)."
)


def ask_for_sample_plans(data: Path) -> list[Job]:
    """Ask for those sample plans that are not there yet; a start of the demo asks again for what has failed."""
    jobs = []
    for order, scan in enumerate(SAMPLE_SCANS.values(), start=1):
        path = plans_folder(data) / scan.key
        if card_is_planned(path):
            continue
        key = f"{KIND} {scan.key}"
        if not Job.objects.filter(key=key, state__in=(Job.State.WAITING, Job.State.WORKING)).exists():
            write_card(path, Card(TITLES[scan.key], sample=True, order=order))
        arguments = {
            "plan_id": scan.key,
            "title": TITLES[scan.key],
            "sample": True,
            "order": order,
            "sample_scan": scan.key,
            "protocol": scan.protocol,
            "side": SIDES[scan.key],
        }
        jobs.append(ask(KIND, f"Planning a sample: {TITLES[scan.key]}", None, arguments, key=key))
    return jobs


def mark_interrupted(data: Path) -> None:
    """Say so on the cards of plans that wait for a job that is not there any more."""
    open_keys = set(
        Job.objects.filter(state__in=(Job.State.WAITING, Job.State.WORKING)).values_list("key", flat=True)
    )
    for folder in plan_folder.every(data):
        if folder.card.state in ("waiting", "planning") and f"{KIND} {folder.id}" not in open_keys:
            folder.with_card(state="failed", fraction=0.0, message=INTERRUPTED)

"""The sample cases of the demo: what each asks the planner."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import click

from trocar.samples.fetch import get_samples, sample_named, sample_path, stored_path
from trocar.samples.lesions import lesion_files
from trocar.web.plans.plan_folder import Card
from trocar.web.plans.planning_thread import CaseToPlan, PlannedOn, Tell
from trocar.workflow.plan_case import CaseQuestion, plan_case, write_case

PLANNING_SHARE = 0.6
"""Of a case's time; the rest goes into pictures, sheets and DICOM files."""

NEEDED = ("abdomen_ct", "abdomen_labels")


def demo_cases() -> tuple[CaseToPlan, ...]:
    """The demo's cases in the order of the list."""
    return (
        CaseToPlan("kidney-left", _card("Kidney biopsy, left lower pole", 1), _planned(_kidney)),
        CaseToPlan("bone-l3", _card("Bone biopsy, synthetic lesion in L3", 2), _planned(_l3)),
        CaseToPlan(
            "bone-iliac-crest", _card("Bone biopsy, synthetic lesion in the iliac crest", 3), _planned(_crest)
        ),
    )


def fetch_samples(tell: Tell) -> None:
    """Bring the sample CT onto this machine where it is not there yet. Raises SampleUnavailable."""
    if all(stored_path(sample_named(name)).exists() for name in NEEDED):
        return

    def say(line: str) -> None:
        click.echo(line)
        tell(line, 0.0)

    get_samples(say, NEEDED)


def _card(title: str, order: int) -> Card:
    return Card(title, sample=True, order=order)


def _kidney() -> CaseQuestion:
    return CaseQuestion(
        pictures=(sample_path("abdomen_ct"),),
        structures=(str(sample_path("abdomen_labels")),),
        protocol="kidney_biopsy",
        side="left",
    )


def _l3() -> CaseQuestion:
    return _lesion("l3", None)


def _crest() -> CaseQuestion:
    return _lesion("iliac_crest", "left")


def _lesion(name: str, side: str | None) -> CaseQuestion:
    files = lesion_files(name)
    return CaseQuestion(
        pictures=(files.ct,),
        structures=(str(files.structures), str(files.lesion)),
        protocol="bone_biopsy",
        side=side,  # type: ignore[arg-type]
        target_mask=str(files.lesion),
    )


def _planned(question_of: Callable[[], CaseQuestion]) -> Callable[[Path, Tell], PlannedOn]:
    def plan(out: Path, tell: Tell) -> PlannedOn:
        started = time.monotonic()
        # only now: the sample's files are there from here on
        question = question_of()

        def planning(what: str, share: float) -> None:
            tell(what if share < 1 else "Drawing the sheet", PLANNING_SHARE * share)

        case = plan_case(question, date.today(), planning)
        seconds = time.monotonic() - started
        write_case(
            case,
            out,
            datetime.now(UTC),
            lambda what, share: tell(what, PLANNING_SHARE + (1 - PLANNING_SHARE) * share),
            seconds,
        )
        return PlannedOn(question.pictures[0], question.structures)

    return plan

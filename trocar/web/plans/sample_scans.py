"""The sample scans that can be planned on: real CT from packages, with synthetic lesions for the bone cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trocar.clinical.protocol import Side
from trocar.samples.fetch import get_samples, sample_named, sample_path, stored_path
from trocar.samples.lesions import lesion_files
from trocar.workflow.plan_case import CaseQuestion

NEEDED = ("abdomen_ct", "abdomen_labels")

Tell = Callable[[str, float], None]


@dataclass(frozen=True)
class SampleScan:
    """key: as stored with a plan. title: as people choose it. protocol: of the procedure that it serves."""

    key: str
    title: str
    protocol: str
    question: Callable[[], CaseQuestion]


def _kidney() -> CaseQuestion:
    return CaseQuestion(
        pictures=(sample_path("abdomen_ct"),),
        structures=(str(sample_path("abdomen_labels")),),
        protocol="kidney_biopsy",
        side="left",
    )


def _lesion(name: str, side: Side | None) -> CaseQuestion:
    files = lesion_files(name)
    return CaseQuestion(
        pictures=(files.ct,),
        structures=(str(files.structures), str(files.lesion)),
        protocol="bone_biopsy",
        side=side,
        target_mask=str(files.lesion),
    )


SAMPLE_SCANS: Mapping[str, SampleScan] = {
    scan.key: scan
    for scan in (
        SampleScan("kidney-left", "Sample CT of the abdomen", "kidney_biopsy", _kidney),
        SampleScan(
            "bone-l3",
            "Sample CT with a synthetic lesion in L3",
            "bone_biopsy",
            lambda: _lesion("l3", None),
        ),
        SampleScan(
            "bone-iliac-crest",
            "Sample CT with a synthetic lesion in the left iliac crest",
            "bone_biopsy",
            lambda: _lesion("iliac_crest", "left"),
        ),
    )
}


def sample_question(key: str, tell: Tell) -> CaseQuestion:
    """The question that a sample scan is planned by; its files are fetched where they are not there yet.

    Raises SampleUnavailable, KeyError for an unknown key.
    """
    scan = SAMPLE_SCANS[key]
    if not all(stored_path(sample_named(name)).exists() for name in NEEDED):
        get_samples(lambda line: tell(line, 0.0), NEEDED)
    return scan.question()

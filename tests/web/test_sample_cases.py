"""The demo's cases: each comes as far as it says, and a second start makes none again."""

from __future__ import annotations

import pytest

from trocar.clinical.stages import Stage
from trocar.web.accounts.models import Person
from trocar.web.audit.verify import verify
from trocar.web.cases.models import Case
from trocar.web.demo.sample_cases import SAMPLE_CASES, make

STAGES = {
    "explained": Stage.BOOKED,
    "booked": Stage.BOOKED,
    "referred": Stage.REFERRED,
    "assessed": Stage.REFERRED,
    "accepted": Stage.ACCEPTED,
    "arrived": Stage.ARRIVED,
    "signed in": Stage.SIGNED_IN,
    "signed out": Stage.SIGNED_OUT,
    "left": Stage.DISCHARGED,
    "reported": Stage.REPORTED,
    "closed": Stage.CLOSED,
}
ENDINGS = {"returned": Stage.RETURNED, "declined": Stage.DECLINED}


@pytest.mark.prove
def test_every_sample_case_comes_as_far_as_it_says(people: dict[str, Person]) -> None:
    assert list(make(people)) == list(SAMPLE_CASES)
    for sample in SAMPLE_CASES:
        case = Case.objects.get(patient__hospital_number=f"SAMPLE-{sample.key}")
        assert case.at_stage is ENDINGS.get(sample.ending, STAGES[sample.until]), sample.key
        assert case.is_sample
    assert list(make(people)) == []
    assert verify().broken is None

"""The demo's cases: what each is, and how far it has come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from trocar.clinical.working_time import LONDON
from trocar.web.accounts.models import Person
from trocar.web.cases import clock
from trocar.web.cases.models import Case
from trocar.web.demo.walk import Walk
from trocar.web.scheduling.rooms import scheduling

KIDNEY: Mapping[str, Any] = {
    "indication": "Proteinuria and falling kidney function, cause not known",
    "question": "Which glomerular disease, and how active is it?",
}
BONE: Mapping[str, Any] = {
    "indication": "Lesion in bone on CT, cause not known",
    "question": "Metastasis, myeloma or infection?",
    "weight_bearing_bone": True,
}
ROOMS = {"ultrasound": "Ultrasound room", "ct": "CT room 1", "fluoroscopy": "Angiography room"}
STEPS = ("referred", "assessed", "accepted", "booked", "explained", "arrived", "signed in", "needle out", "signed out",
         "left", "received", "reported", "closed")  # fmt: skip
"""How far a sample case can have come, in order."""


@dataclass(frozen=True)
class SampleCase:
    """One case. until: one of STEPS, or an ending. day: of the slot, in open days from today; time: of the slot."""

    key: str
    protocol: str
    site: str
    side: str
    until: str
    birth_date: str = "04/05/1961"
    sex: str = "female"
    guidance: str = "ultrasound"
    day: int = 0
    time: str = "09:00"
    referral: Mapping[str, Any] = field(default_factory=dict)
    scan: str = ""
    ending: str = ""


SAMPLE_CASES = (
    SampleCase("01", "kidney_biopsy", "lower pole", "left", "explained", guidance="ct", day=1, time="09:00",
               scan="kidney-left", referral=KIDNEY),
    SampleCase("02", "bone_biopsy", "L3", "none", "explained", "17/11/1958", "male", "ct", 1, "11:00",
               scan="bone-l3", referral=BONE),
    SampleCase("03", "bone_biopsy", "iliac crest", "left", "booked", "30/01/1970", "female", "ct", 2, "10:00",
               scan="bone-iliac-crest", referral=BONE),
    SampleCase("04", "kidney_biopsy", "lower pole", "right", "referred", "12/12/1983", "male", referral=KIDNEY),
    SampleCase("05", "kidney_biopsy", "lower pole", "left", "assessed", "09/09/1949", "female",
               referral={**KIDNEY, "urgency": "urgent"}),
    SampleCase("06", "bone_biopsy", "T11", "none", "accepted", "01/03/1966", "female", "ct", referral=BONE),
    SampleCase("07", "kidney_biopsy", "lower pole", "left", "arrived", "22/07/1990", "male", day=0, time="13:00",
               referral=KIDNEY),
    SampleCase("08", "kidney_biopsy", "lower pole", "right", "signed in", "15/06/1977", "female", day=0, time="11:00",
               referral=KIDNEY),
    SampleCase("09", "kidney_biopsy", "lower pole", "left", "signed out", "28/02/1955", "male", day=0, time="09:00",
               referral=KIDNEY),
    SampleCase("10", "kidney_biopsy", "lower pole", "left", "left", "05/10/1969", "female", day=-1, time="09:00",
               referral=KIDNEY),
    SampleCase("11", "kidney_biopsy", "lower pole", "right", "reported", "19/04/1944", "male", day=-4, time="10:00",
               referral=KIDNEY),
    SampleCase("12", "kidney_biopsy", "lower pole", "left", "closed", "23/08/1988", "female", day=-8, time="09:00",
               referral=KIDNEY),
    SampleCase("13", "bone_biopsy", "left femur", "left", "referred", "11/11/2001", "male", "ct", referral=BONE,
               ending="returned"),
    SampleCase("14", "kidney_biopsy", "lower pole", "left", "booked", "02/02/1972", "female", day=3, time="09:00",
               referral=KIDNEY, ending="declined"),
)  # fmt: skip


def make(people: Mapping[str, Person]) -> Iterator[SampleCase]:
    """Make the cases that are not there yet, one by one; each is yielded when it is made. Raises ``Stopped``."""
    for sample in SAMPLE_CASES:
        if not Case.objects.filter(patient__hospital_number=f"SAMPLE-{sample.key}").exists():
            _Making(people, sample).run()
            yield sample


def open_day(number: int) -> date:
    """The department's open day that lies ``number`` open days after today, 0 being today or the next open one."""
    rooms = scheduling()
    assert rooms is not None, "the sample department has rooms"
    day, step = clock.today(), 1 if number >= 0 else -1
    while rooms.hours.closed_why(day):
        day += timedelta(days=1)
    for _ in range(abs(number)):
        day += timedelta(days=step)
        while rooms.hours.closed_why(day):
            day += timedelta(days=step)
    return day


class _Making:
    """One sample case on its way."""

    def __init__(self, people: Mapping[str, Person], sample: SampleCase) -> None:
        self.walk, self.sample = Walk(people), sample
        hour, minute = map(int, sample.time.split(":"))
        day = open_day(sample.day)
        self.start = datetime(day.year, day.month, day.day, hour, minute, tzinfo=LONDON)
        self.now = clock.now()

    def reaches(self, step: str) -> bool:
        return STEPS.index(self.sample.until) >= STEPS.index(step)

    def run(self) -> None:
        """Each part at the time at which it would have happened."""
        before = min(self.now, self.start) - timedelta(days=2, hours=1)
        with clock.at(before):
            self._before()
        if self.reaches("arrived"):
            self._in_the_room()
        with clock.at(self.start + timedelta(hours=7)):
            if self.reaches("left"):
                self.walk.leave()
                self.walk.send_samples()
        with clock.at(self.start + timedelta(hours=24)):
            if self.reaches("received"):
                self.walk.receive()
        with clock.at(self.start + timedelta(hours=48)):
            if self.reaches("reported"):
                self.walk.report(f"SAMPLE-{self.sample.key}", "Sample report: IgA nephropathy")
        if self.reaches("closed"):
            with clock.at(self.start + timedelta(hours=72)):
                self.walk.read_result("Sample plan: seen in clinic, treatment agreed")
                self.walk.close()

    def _before(self) -> None:
        walk, sample = self.walk, self.sample
        patient = {
            "hospital_number": f"SAMPLE-{sample.key}", "family_name": "Sample", "given_name": f"Patient {sample.key}",
            "birth_date": sample.birth_date, "sex": sample.sex,
        }  # fmt: skip
        walk.begin(sample.protocol, patient)
        walk.refer(site=sample.site, side=sample.side, **sample.referral)
        if sample.ending == "returned":
            walk.give_back("Please send the report of the last MRI.")
        if self.reaches("assessed"):
            walk.assess()
        if self.reaches("accepted"):
            walk.accept()
        if self.reaches("booked"):
            walk.book(ROOMS[sample.guidance], sample.guidance, self.start)
            walk.tell()
            if sample.scan:
                walk.ask_for_plan(sample.scan, sample.guidance)
            else:
                walk.plan_at_the_table(sample.guidance)
        if sample.ending == "declined":
            walk.decline("Wants to wait for the result of treatment")
        if self.reaches("explained"):
            walk.explain()

    def _in_the_room(self) -> None:
        """Each step some minutes after the one before, as seen from the slot's start."""
        walk, guidance = self.walk, self.sample.guidance
        with clock.at(self.start - timedelta(minutes=40)):
            walk.arrive()
        with clock.at(self.start - timedelta(minutes=20)):
            walk.confirm()
        if not self.reaches("signed in"):
            return
        with clock.at(self.start):
            walk.check("sign-in")
            walk.prepare_room(guidance)
        if not self.reaches("needle out"):
            return
        with clock.at(self.start + timedelta(minutes=8)):
            walk.check("time-out")
            cores = walk.order()
        for number, what in enumerate(["needle_in", *["pass_sample"] * cores, "image", "needle_out"]):
            with clock.at(self.start + timedelta(minutes=12 + 2 * number)):
                walk.press(what, modality=guidance)
        with clock.at(self.start + timedelta(minutes=30)):
            walk.take_samples()
            if self.reaches("signed out"):
                walk.finish()

"""The way of a case, step by step, as the people of a department take it; each step is a page with its form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from trocar.web.accounts.models import Person
from trocar.web.cases import clock
from trocar.web.cases.models import Case
from trocar.web.demo.page import Page, PageForm
from trocar.web.demo.visitor import Visitor
from trocar.web.laboratory.models import NamedReader
from trocar.web.scheduling.models import ToTell

GOOD_WITH_YES = frozenset({"question_can_lie_still", "question_group_and_save", "medicines_complete"})
"""Questions to which yes is the answer that stops nothing."""

RESULTS = {
    "platelets": "210", "inr": "1.0", "pt_over_control": "1", "aptt_over_control": "1", "haemoglobin": "128",
    "creatinine": "92", "egfr": "68", "systolic": "128", "diastolic": "76", "kidney_length": "105", "weight": "71",
}  # fmt: skip
"""Results within every limit of the protocols, in the units of the form."""


def typed(moment: datetime) -> str:
    """A moment as people type it."""
    local = timezone.localtime(moment)
    zone = (
        f" {local.tzname()}" if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset() else ""
    )
    return f"{local:%d/%m/%Y %H:%M}{zone}"


class Walk:
    """One case on its way. ``people``: role -> person. Steps raise ``Stopped`` where a page does not take them."""

    def __init__(self, people: Mapping[str, Person]) -> None:
        self._visitors = {role: Visitor(person) for role, person in people.items()}
        self.number = ""
        self.guidance = ""

    @property
    def case(self) -> Case:
        """The case as it is stored now."""
        return Case.objects.get(number=self.number)

    @property
    def _with_x_rays(self) -> bool:
        return self.guidance in ("ct", "fluoroscopy")

    def at(self, role: str, part: str = "") -> Page:
        """A page of the case, opened by somebody of that role."""
        return self._visitors[role].open(f"/cases/{self.number}/{part}")

    def do(self, role: str, part: str, values: Mapping[str, Any], button: str = "") -> Page:
        """Open a page of the case, fill in the form that has these fields, and send it."""
        return self._visitors[role].fill(f"/cases/{self.number}/{part}", values, button)

    def send(
        self, role: str, page: Page, form: PageForm, values: Mapping[str, Any], button: str = ""
    ) -> Page:
        """Send one form of a page that is open."""
        return self._visitors[role].send(page, form, values, button)

    def _pots(self) -> list[str]:
        page = self.at("ir_nurse", "specimen/")
        return sorted(
            {n.removeprefix("cores_") for f in page.forms for n in f.fields if n.startswith("cores_")}
        )

    # --- before ---------------------------------------------------------------------------------------------------

    def begin(self, protocol: str, patient: Mapping[str, str]) -> None:
        """A referrer begins a case."""
        page = self._visitors["referrer"].fill("/cases/new/", {"protocol_name": protocol, **patient})
        self.number = page.address.split("/")[2]

    def refer(self, **values: Any) -> None:
        """The referral, complete."""
        filled = {
            "urgency": "routine", "tests_done": "Blood and urine tests, imaging", "no_known_allergies": True,
            "takes_blood_thinners": False, **values,
        }  # fmt: skip
        page = self.at("referrer", "referral/")
        form = page.form_with("indication")
        for name in ("weight_bearing_bone", "suspected_primary_bone_tumour"):
            if name in form.fields:
                filled.setdefault(name, False)
        self.send("referrer", page, form, filled)

    def assess(self) -> None:
        """Results, questions and the medicines' list: everything that the assessment asks, within its limits."""
        page = self.at("ir_doctor", "vetting/results/add/")
        form = page.form_with("taken_at")
        given = {name: value for name, value in RESULTS.items() if name in form.fields}
        self.send("ir_doctor", page, form, {"taken_at": typed(clock.now() - timedelta(hours=20)), **given})
        page = self.at("ir_doctor", "vetting/questions/")
        form = page.form_with("medicines_complete")
        self.send("ir_doctor", page, form, _answers(form))

    def accept(self) -> None:
        """The referral is accepted."""
        self.do("ir_doctor", "vetting/decision/", {"outcome": "accepted"})

    def give_back(self, words: str) -> None:
        """The referral goes back with questions."""
        self.do("ir_doctor", "vetting/decision/", {"outcome": "returned", "words": words})

    def book(self, room: str, guidance: str, start: datetime, minutes: int = 60) -> None:
        """A slot is booked."""
        values = {"room": room, "guidance": guidance, "start": typed(start), "minutes": minutes}
        self.do("coordinator", "scheduling/slot/", values)
        self.guidance = guidance

    def tell(self) -> None:
        """Everyone who has to hear of the slot was reached."""
        for task in ToTell.objects.filter(case__number=self.number, outcome="open"):
            page = self.at("coordinator", f"scheduling/told/{task.pk}/")
            form = page.form_with("remark")
            self.send("coordinator", page, form, {n: "yes" for n in form.fields if n == "reached"})

    def plan_at_the_table(self, guidance: str) -> None:
        """No CT is planned on: side, site, position and needle are decided at the table."""
        self.do("ir_doctor", "plan/at-the-table/", {"guidance": guidance, "images_saved": True})

    def ask_for_plan(self, scan: str, guidance: str) -> None:
        """A sample CT is to be planned; a worker does it."""
        page = self.at("ir_doctor", "plan/ask/")
        form = page.form_with("sample_scan")
        self.send("ir_doctor", page, form, {"source": "sample", "sample_scan": scan, "guidance": guidance})

    def decline(self, words: str) -> None:
        """The patient decides against the biopsy."""
        values = {
            "words": words, "explained": "Treatment without a biopsy, and that the cause may stay unknown",
            "follow_up": "The referrer sees the patient in clinic",
        }  # fmt: skip
        self.do("ir_doctor", "consent/decline/", values)

    def explain(self) -> None:
        """Leaflet and stage 1 of consent: everything explained, and agreed to."""
        self.do("ir_nurse", "consent/leaflet/", {"channel": "paper"})
        page = self.at("ir_doctor", "consent/stage-1/")
        form = page.form_with("agrees")
        values: dict[str, Any] = {
            "explained_by": next(v for v in form.fields["explained_by"].options if v),
            "explained_at": typed(clock.now() - timedelta(minutes=5)),
            "indication": "To find the cause and choose the treatment", "site_said": "as referred",
            "side": self.case.side or "none", "matters": "To be back at work soon", "benefits_explained": True,
            "without_explained": True, "blood_products": "accepts", "sedation": "agreed",
            "sample_use": "diagnosis only", "leaflet": next(v for v in form.fields["leaflet"].options if v),
            "leaflet_read": True, "interpreter": "not needed", "information_needs": "none",
            "information_needs_met": True,
            "capacity": "has capacity", "agrees": True, "x_rays": self._with_x_rays,
        }  # fmt: skip
        if self._with_x_rays:
            values["radiation_explained"] = True
        values |= {
            name: next(iter(one.options))
            for name, one in form.fields.items()
            if name.startswith(("risk_", "alternative_"))
        }
        self.send("ir_doctor", page, form, {name: v for name, v in values.items() if name in form.fields})

    # --- on the day -----------------------------------------------------------------------------------------------

    def arrive(self) -> None:
        """The patient is here; questions and blood pressure of the day are asked again."""
        page = self.at("ir_nurse")
        self.send("ir_nurse", page, page.form_with(button="Patient has arrived"), {})
        page = self.at("ir_nurse", "vetting/day/")
        form = page.form_with("happened_at")
        pressure = {"systolic": "131", "diastolic": "78"}
        self.send(
            "ir_nurse", page, form, _answers(form) | {n: v for n, v in pressure.items() if n in form.fields}
        )

    def confirm(self) -> None:
        """Stage 2 of consent."""
        page = self.at("ir_doctor", "consent/stage-2/")
        form = page.form_with("still_agrees")
        values = dict.fromkeys(
            (n for n, one in form.fields.items() if set(one.options) == {"yes", "no"}), "yes"
        )
        values |= {"side": self.case.side or "none", "site_said": "as planned"}
        self.send("ir_doctor", page, form, values)

    def check(self, stage: str) -> None:
        """A stage of the checklist (``sign-in``, ``time-out``, ``sign-out``): every answer that stops nothing."""
        page = self.at("ir_nurse", f"checklist/{stage}/")
        form = page.form_with("item_0")
        side = {"none": "no side"}.get(self.case.side, self.case.side)
        answers = {
            name: side if side in one.options else next(iter(one.options))
            for name, one in form.fields.items()
            if name.startswith("item_") and one.kind == "radio"
        }
        self.send("ir_nurse", page, form, answers, button="Complete")

    def prepare_room(self, guidance: str) -> None:
        """The team, the needle, and the observations before sedation."""
        page = self.at("ir_nurse", "procedure/team/")
        form = page.form_with("operator")

        def who(name: str, role: str) -> str:
            return next(value for value, words in form.fields[name].options.items() if f"({role})" in words)

        values = {
            "operator": who("operator", "IR doctor"), "monitor": who("monitor", "IR nurse"), "guidance": guidance,
            "radiographer": who("radiographer", "Radiographer"), "needle_lot": "SAMPLE-LOT-1", "sedation": "none",
            "iv_access": "Cannula, left forearm",
        }  # fmt: skip
        self.send("ir_nurse", page, form, values)
        page = self.at("ir_nurse", "procedure/baseline/")
        form = page.form_with("systolic_mmhg")
        observed = {
            "systolic_mmhg": "131", "diastolic_mmhg": "78", "heart_rate_per_min": "72", "spo2_percent": "98",
            "respiratory_rate_per_min": "14", "temperature_c": "36.7", "consciousness": "alert", "pain_0_to_10": "0",
            "urine": "clear", "legs": "normal",
        }  # fmt: skip
        values = {n: v for n, v in observed.items() if n in form.fields}
        for name, one in form.fields.items():
            if one.options and values.get(name) not in one.options:
                values[name] = next(iter(one.options))  # the first is the one to be wished for
        self.send("ir_nurse", page, form, values)
        if self._with_x_rays:
            self._authorise_x_rays()

    def _authorise_x_rays(self) -> None:
        page = self.at("radiographer", "radiation/")
        form = page.form_with("justification")
        values = {
            "name_matches": True, "birth_matches": True, "third_point": "Address", "third_matches": True,
            "practitioner": next(v for v in form.fields["practitioner"].options if v),
            "operator": next(v for v, w in form.fields["operator"].options.items() if "(Radiographer)" in w),
            "justification": "The needle has to be seen on its way", "pregnancy": "not applicable",
            "position": next(iter(form.fields["position"].options)), "laterality": self.case.side or "none",
            "authorise": "on",
        }  # fmt: skip
        self.send("radiographer", page, form, values)

    def order(self) -> int:
        """The tests that the protocol asks for first; how many there are."""
        page = self.at("ir_nurse", "specimen/")
        page = self.send("ir_nurse", page, page.form_with("tests"), {})
        return sum(any("New pot" in words for *_, words in form.buttons) for form in page.forms)

    def sample(self, guidance: str, cores: int) -> None:
        """Needle in, a pass for each core, a picture, needle out."""
        for what in ("needle_in", *["pass_sample"] * cores, "image", "needle_out"):
            self.press(what, modality=guidance)

    def press(self, what: str, **values: Any) -> Page:
        """One of the large buttons of the room."""
        page = self.at("ir_doctor", "procedure/")
        return self.send("ir_doctor", page, page.form_with("modality"), values, button=what)

    def take_samples(self) -> None:
        """One pot of the first right medium for each test, one core in each, then the count."""
        page = self.at("ir_nurse", "specimen/")
        while True:
            without = [f for f in page.forms if any("New pot" in words for *_, words in f.buttons)]
            if not without:
                break
            page = self.send("ir_nurse", page, without[0], {}, button=without[0].buttons[0][1])
        side = self.case.side or "none"
        for place in range(sum("length_mm" in f.fields for f in page.forms)):
            form = [f for f in page.forms if "length_mm" in f.fields][place]
            page = self.send("ir_nurse", page, form, {"length_mm": "14", "side": side})
        form = page.form_with("pots")
        counted = {name: "1" for name in form.fields if name.startswith("cores_")}
        self.send("ir_nurse", page, form, {"pots": str(len(counted)), **counted})

    def finish(self) -> None:
        """The dose, no complication so far, and the sign out."""
        if self._with_x_rays:
            page = self.at("radiographer", "radiation/dose/")
            dose = {"what": "CT scans of the biopsy", "ctdi_vol_mgy": "7.3", "dlp_mgy_cm": "210", "kap_gy_cm2": "4",
                    "fluoroscopy_s": "60"}  # fmt: skip
            form = page.form_with("what")
            of_ct = ("what", "ctdi_vol_mgy", "dlp_mgy_cm")
            of_x_rays = ("what", "kap_gy_cm2", "fluoroscopy_s")
            given = of_ct if self.guidance == "ct" else of_x_rays
            self.send("radiographer", page, form, {n: dose[n] for n in given if n in form.fields})
        page = self.at("ir_doctor", "procedure/complications/")
        self.send("ir_doctor", page, page.form_with(button="There were none"), {})
        self.check("sign-out")

    def leave(self) -> None:
        """The patient leaves the department."""
        page = self.at("ir_nurse")
        self.send("ir_nurse", page, page.form_with(button="Patient has left"), {})

    # --- samples and result ---------------------------------------------------------------------------------------

    def send_samples(self) -> None:
        """The pots leave for the laboratory."""
        page = self.at("ir_nurse", "specimen/")
        form = page.form_with("laboratory", "taken_by")
        self.send("ir_nurse", page, form, {"laboratory": "Sample laboratory", "taken_by": "Porter"})

    def receive(self) -> None:
        """Every pot has reached the laboratory."""
        bench = self._visitors["laboratory"]
        for pot in self._pots():
            page = bench.open(f"/laboratory/pots/{pot}/")
            bench.send(page, page.form_with(button="This pot is here"), {})

    def report(self, number: str, diagnosis: str, outcome: str = "", adequate: bool = True) -> None:
        """One report on all tests. outcome: the protocol's first where none is given."""
        bench = self._visitors["laboratory"]
        page = bench.open(f"/laboratory/orders/{self.number}-1/report/")
        form = page.form_with("report_number")
        values: dict[str, Any] = {
            "report_number": number, "reporter": "Sample pathologist", "diagnosis": diagnosis,
            "adequate_said": adequate, "outcome": outcome or next(iter(form.fields["outcome"].options)),
        }  # fmt: skip
        if "orders" in form.fields:
            values["orders"] = list(form.fields["orders"].options)
        for name, one in form.fields.items():
            if name.startswith("finding ") and "if the report says it" not in one.label:
                first = next((value for value in one.options if value), "")
                values[name] = first or ("12" if one.kind == "text" else "Sample finding")
        bench.send(page, form, values)

    def read_result(self, plan: str) -> None:
        """The named reader acknowledges the report, and everyone is told who has to be."""
        reader = NamedReader.objects.get(case__number=self.number).person.role
        page = self.at(reader, "laboratory/")
        page = self.send(reader, page, page.form_with("result", "plan"), {"plan": plan})
        for _ in range(2):  # the referrer, who may be the reader, and the patient
            page = self.at(reader, "laboratory/")
            form = next((f for f in page.forms if "audience" in f.fields), None)
            if form is None:
                break
            values = {
                "how": next(iter(form.fields["how"].options)),
                "words": "The report and what follows from it",
            }
            self.send(reader, page, form, values)

    def close(self) -> None:
        """Nothing is left to do."""
        page = self.at("ir_doctor", "laboratory/")
        self.send("ir_doctor", page, page.form_with(button="Close"), {})


def _answers(form: PageForm, *, yes: frozenset[str] = GOOD_WITH_YES) -> dict[str, str]:
    """The answer that stops nothing, to every question with yes and no."""
    found = {
        name: "yes" if name in yes else "no"
        for name, one in form.fields.items()
        if set(one.options) == {"yes", "no"}
    }
    if "stent" in form.fields:
        found["stent"] = "none"
    return found


Step = Callable[[Walk], None]

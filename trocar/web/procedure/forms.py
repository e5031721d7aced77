"""Forms of the room."""

from __future__ import annotations

import re
from typing import Any, get_args

from django import forms

from trocar.clinical.checklist import STAGE_TITLES
from trocar.clinical.checklist_rules import ChecklistStage
from trocar.clinical.procedure_record import HARM, OBSERVATIONS, DrugGiven, Point, deviation, drug_problems
from trocar.clinical.procedure_rules import DrugRoute, DrugUnit
from trocar.clinical.radiation import DOSE
from trocar.web.accounts.models import Person
from trocar.web.cases import clock
from trocar.web.cases.forms import (
    CaseForm,
    ChoiceField,
    HappenedField,
    LongWordsField,
    MomentField,
    NumberField,
    TickField,
    WordsField,
    YesNoField,
)
from trocar.web.procedure.models import GUIDANCE

ANOTHER = "another"
POSITIONS = (
    ("prone", "Prone (face down)"),
    ("supine", "Supine (face up)"),
    ("left_lateral", "On the left side (right side up)"),
    ("right_lateral", "On the right side (left side up)"),
)
"""Positions with their words on every page, the plan's too."""


class StageForm(CaseForm):
    """All questions of one stage of the checklist, as the protocol asks them."""

    happened_at = HappenedField()

    def __init__(self, *args: Any, stage: ChecklistStage, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = self.case.protocol.checklist.of(stage)
        self.title = STAGE_TITLES[stage]
        for number, item in enumerate(self.items):
            self.fields[f"item_{number}"] = ChoiceField(
                label=item.question.value, choices=[(answer, answer.capitalize()) for answer in item.answers]
            )

    def given(self) -> dict[str, str]:
        """Item -> answer, of those that were answered."""
        return {
            item.name: self.cleaned_data[f"item_{n}"]
            for n, item in enumerate(self.items)
            if self.cleaned_data.get(f"item_{n}")
        }


class ResolutionForm(CaseForm):
    """How an answer that stops was resolved."""

    resolution = LongWordsField(label="What was decided, and why", max_length=1000, rows=2, required=True)


class RoomForm(CaseForm):
    """The large buttons: which one was pressed, and when, if not now."""

    KINDS = (
        ("needle_in", "Needle in"),
        ("pass_sample", "Pass: sample came"),
        ("pass_empty", "Pass: no sample"),
        ("image", "Image saved"),
        ("needle_out", "Needle out"),
    )
    pressed = ChoiceField(choices=KINDS, label="Button", required=True)
    modality = ChoiceField(label="Guidance", choices=GUIDANCE)
    happened_at = HappenedField()
    reason = WordsField(label="Why, if something is missing or it is beyond the protocol", max_length=400)


class UndoForm(CaseForm):
    """Takes back the entry that its sender saw as the last one."""

    last = forms.IntegerField(widget=forms.HiddenInput, required=True)


class EventForm(CaseForm):
    """Corrects an entry: its time and what belongs to its kind."""

    at = MomentField(label="When it happened", past=24 * 31, future=0, required=True)
    modality = ChoiceField(label="Guidance", choices=GUIDANCE)
    sample_came = YesNoField(label="Did a sample come?")
    cores = NumberField(label="Cores in this pass", low=0, high=9)
    reason = WordsField(label="Why it is corrected", max_length=400, required=True)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("sample_came") is False and values.get("cores"):
            self.add_error("cores", "No sample came, and yet cores are counted.")
        if values.get("sample_came") and values.get("cores") == 0:
            self.add_error("cores", "A sample came; count the cores.")
        return values


class DrugForm(CaseForm):
    """One dose."""

    drug = ChoiceField(label="Drug", choices=[], required=True)
    other_drug = WordsField(label="Name of another drug", max_length=60)
    amount = NumberField(label="Amount", low=0, high=100_000, decimals=3, required=True)
    unit = ChoiceField(label="Unit", choices=[(u, u) for u in get_args(DrugUnit)], required=True)
    route = ChoiceField(
        label="Given by", choices=[(r, r.capitalize()) for r in get_args(DrugRoute)], required=True
    )
    checked = TickField(label="I have checked: this is what was given, although it looks like a slip")
    happened_at = HappenedField()
    reason = WordsField(label="Why sedation was given although something was missing", max_length=400)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rules = self.case.protocol.procedure_record
        listed = [(drug.name, f"{drug.name.capitalize()} ({drug.use})") for drug in self.rules.drugs]
        self.fields["drug"].choices = [*listed, (ANOTHER, "Another drug")]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        name = values.get("drug")
        if name == ANOTHER:
            name = values.get("other_drug") or ""
            if not name and "other_drug" not in self.errors:
                self.add_error("other_drug", "Give the name of the drug.")
        if any(values.get(field) is None for field in ("amount", "unit", "route")) or not name:
            return values
        given = DrugGiven(
            name,
            float(values["amount"]),
            values["unit"],
            values["route"],
            values.get("happened_at") or clock.now(),
        )
        problems = drug_problems(self.rules.drug(name), given)
        if problems and (not values.get("checked") or values["amount"] <= 0):
            for problem in problems:
                self.add_error("amount", problem)
        values["name"] = name
        return values


def person_choices(*roles: str) -> list[tuple[str, str]]:
    """Active people of these roles."""
    people = Person.objects.filter(role__in=roles, is_active=True)
    return [(str(p.pk), f"{p.full_name} ({p.role_title})") for p in people]


class DetailsForm(CaseForm):
    """Team, needle, sedation, access."""

    operator = ChoiceField(label="Operator (an IR doctor)", choices=[], many=True)
    assistant = ChoiceField(label="Assistant", choices=[], many=True)
    monitor = ChoiceField(label="Who watches the patient (never the operator)", choices=[], many=True)
    radiographer = ChoiceField(label="Radiographer", choices=[], many=True)
    guidance = ChoiceField(label="Guidance", choices=[])
    needle = ChoiceField(label="Needle", choices=[], many=True)
    needle_lot = WordsField(label="Lot of the needle", max_length=60)
    sedation = ChoiceField(label="Sedation planned", choices=[])
    iv_access = WordsField(label="IV access", hint="For example, 20G, back of the left hand", max_length=120)
    PEOPLE = ("operator", "assistant", "monitor", "radiographer")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        protocol = self.case.protocol
        room = ("ir_doctor", "ir_nurse")
        for name, roles in (
            ("operator", ("ir_doctor",)), ("assistant", room), ("monitor", room), ("radiographer", ("radiographer",)),
        ):  # fmt: skip
            self.fields[name].choices = [("", "Choose"), *person_choices(*roles)]
        titles = dict(GUIDANCE)
        self.fields["guidance"].choices = [(g, titles[g]) for g in protocol.guidance]
        self.fields["needle"].choices = [
            ("", "Choose"),
            *(
                (n.name, f"{n.name}: {n.gauge}G, length {n.length_mm:g} mm, throw {n.throw_mm:g} mm")
                for n in protocol.needles
            ),
        ]
        self.fields["sedation"].choices = [(s, s.capitalize()) for s in protocol.procedure_record.sedation]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in self.PEOPLE:
            values[name] = int(values[name]) if values.get(name) else None
        if values["monitor"] and values["monitor"] == values["operator"]:
            self.add_error(
                "monitor", "Who operates cannot watch the patient at the same time; choose another person."
            )
        return values


class BaselineForm(CaseForm):
    """Observations before sedation: those that the protocol asks for, all of them."""

    happened_at = HappenedField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in self.case.protocol.procedure_record.baseline:
            rule = OBSERVATIONS[kind]
            if rule.words:
                self.fields[kind] = ChoiceField(
                    label=rule.title, choices=[(w, w.capitalize()) for w in rule.words], required=True
                )
            else:
                self.fields[kind] = NumberField(
                    label=rule.title, unit=rule.unit, low=rule.low, high=rule.high,
                    decimals=1 if kind == "temperature_c" else 0, required=True,
                )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        low, high = values.get("diastolic_mmhg"), values.get("systolic_mmhg")
        if low is not None and high is not None and low >= high:
            self.add_error("diastolic_mmhg", "The diastolic pressure must be lower than the systolic one.")
        return values


_POINT = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*[,; ]\s*(-?\d+(?:\.\d+)?)\s*[,; ]\s*(-?\d+(?:\.\d+)?)\s*")


class PointField(WordsField):
    """Three coordinates in millimetres."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        if text and (not _POINT.fullmatch(text) or any(abs(n) > 5000 for n in point(text) or ())):
            raise forms.ValidationError("Write three numbers in millimetres, such as 12.5, -80, 410.")
        return text


def point(text: str) -> Point | None:
    """The point that was typed; None where none was."""
    match = _POINT.fullmatch(text) if text else None
    return (float(match[1]), float(match[2]), float(match[3])) if match else None


class AchievedForm(CaseForm):
    """Where the needle came to lie, against where it was planned."""

    planned_entry = PointField(
        label="Planned entry, mm", hint="x, y, z in patient coordinates (LPS)", max_length=60
    )
    planned_tip = PointField(label="Planned tip, mm", hint="Before the throw", max_length=60)
    entry = PointField(label="Achieved entry, mm", hint="In the same coordinates", max_length=60)
    tip = PointField(label="Achieved tip, mm", max_length=60)
    tip_mm = NumberField(
        label="Tip from the plan", unit="mm", low=0, high=300, decimals=1,
        hint="Only where it was measured on the screen; with points it is computed",
    )  # fmt: skip
    angle_deg = NumberField(label="Angle to the plan", unit="degrees", low=0, high=180, decimals=1)
    achieved_words = LongWordsField(label="How it went", max_length=2000)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        planned, tip = point(values.get("planned_tip", "")), point(values.get("tip", ""))
        if (planned is None) != (tip is None):
            self.add_error("tip", "Give both tips, the planned and the achieved one, or neither.")
        elif planned and tip:
            try:
                found = deviation(
                    point(values.get("planned_entry", "")), planned, point(values.get("entry", "")), tip
                )
            except ValueError:
                self.add_error("entry", "Entry and tip are the same point.")
                return values
            values["tip_mm"] = round(found.tip_mm, 1)
            values["angle_deg"] = None if found.angle_deg is None else round(found.angle_deg, 1)
        return values


class ComplicationForm(CaseForm):
    """What went wrong."""

    kind = ChoiceField(label="What happened", choices=[], required=True)
    seen_at = MomentField(label="When it was seen", past=24 * 365, future=0, required=True)
    harm = ChoiceField(label="Harm", choices=[(h, h.capitalize()) for h in HARM], required=True)
    description = LongWordsField(label="In words", max_length=2000, required=True)
    plan = LongWordsField(label="What is done about it", max_length=2000, required=True)
    told = LongWordsField(label="What the patient was told", max_length=2000, required=True)
    incident = WordsField(label="Number of the incident report", max_length=40)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [
            (c.name, f"{c.name.capitalize()}: {c.words.value}")
            for c in self.case.protocol.procedure_record.complications
        ]


class ButtonForm(CaseForm):
    """A single button, with nothing to fill in."""


class ExposureForm(CaseForm):
    """The radiographer's page."""

    name_matches = YesNoField(label="The patient said the name, and it matches?")
    birth_matches = YesNoField(label="The patient said the date of birth, and it matches?")
    third_point = WordsField(
        label="Third point of identity", hint="For example, address or NHS number", max_length=60
    )
    third_matches = YesNoField(label="It was asked, and it matches?")
    exposure_referrer = WordsField(label="Referrer of the exposure", max_length=120)
    practitioner = ChoiceField(label="Practitioner who justified it", choices=[], many=True)
    operator = ChoiceField(label="Operator of the exposure", choices=[], many=True)
    justification = LongWordsField(label="Justification", max_length=1000, rows=2)
    pregnancy = ChoiceField(
        label="Pregnancy enquiry",
        choices=[
            ("not applicable", "Not applicable: age or sex"),
            ("not pregnant", "Asked: not pregnant"),
            ("possible", "Asked: possible"),
            ("pregnant", "Pregnant"),
        ],
    )
    position = ChoiceField(label="Position on the table", choices=[])
    laterality = ChoiceField(
        label="Side that is exposed",
        choices=[("left", "Left"), ("right", "Right"), ("none", "No side: the midline")],
    )
    authorise = TickField(
        label="Authorise the exposure", hint="Possible only when everything above is complete"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["practitioner"].choices = [("", "Choose"), *person_choices("ir_doctor")]
        self.fields["operator"].choices = [("", "Choose"), *person_choices("radiographer", "ir_doctor")]
        self.fields["position"].choices = [
            (p, words) for p, words in POSITIONS if p in self.case.protocol.positions
        ]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in ("practitioner", "operator"):
            values[name] = int(values[name]) if values.get(name) else None
        return values


class DoseForm(CaseForm):
    """The dose of one scan or one stretch of fluoroscopy."""

    what = WordsField(
        label="Scan or fluoroscopy",
        hint="For example, grid scan, guidance, check",
        max_length=120,
        required=True,
    )
    happened_at = HappenedField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = {
            "kap_gy_cm2": {"mGy·cm²": "divide by 1000", "Gy·m²": "multiply by 10000"},
            "fluoroscopy_s": {"min": "multiply by 60"},
            "air_kerma_mgy": {"Gy": "multiply by 1000"},
        }
        decimals = {
            "ctdi_vol_mgy": 3,
            "dlp_mgy_cm": 2,
            "kap_gy_cm2": 4,
            "air_kerma_mgy": 3,
            "fluoroscopy_s": 0,
        }
        for quantity, kind in DOSE.items():
            self.fields[quantity] = NumberField(
                label=kind.title.partition(",")[0], unit=kind.unit, low=kind.low, high=kind.high,
                decimals=decimals[quantity], other_units=others.get(quantity),
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and all(values.get(quantity) is None for quantity in DOSE):
            self.add_error(None, "Enter one dose value at least.")
        return values

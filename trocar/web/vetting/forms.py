"""Forms of vetting; which fields they have follows from the protocol."""

from __future__ import annotations

from typing import Any

from django import forms

from trocar.clinical.labs import QUANTITIES, Quantity, read_value
from trocar.clinical.vetting_rules import Question, Record
from trocar.web.cases.forms import (
    CaseForm,
    ChoiceField,
    DayField,
    HappenedField,
    LongWordsField,
    MomentField,
    NumberField,
    TickField,
    WordsField,
    YesNoField,
)
from trocar.web.vetting.known import rules_of

FOR_CLEARANCE = ("creatinine", "weight")
"""Quantities that no gate may ask for and that doses depend on."""

HOURS_OF_RESULTS = 24 * 365


AS_THE_PROTOCOL = "protocol"


class QuantityField(NumberField):
    """A value of one quantity in its own unit; another unit is recognised, named and refused."""

    def __init__(self, quantity: Quantity, **kwargs: Any) -> None:
        super().__init__(
            label=quantity.title,
            unit=quantity.unit,
            low=quantity.low,
            high=quantity.high,
            decimals=quantity.decimals,
            **kwargs,
        )
        self.quantity = quantity
        self.widget.attrs.update(inputmode="decimal")

    def read(self, text: str) -> float:
        return read_value(self.quantity, text)

    def prepare_value(self, value: Any) -> Any:
        return f"{value:g}" if isinstance(value, float) else value


def quantities_of(case: Any) -> tuple[Quantity, ...]:
    """What can be entered for a case: what its protocol looks at, and what clearance needs."""
    asked = rules_of(case).protocol.vetting.quantities
    return tuple(QUANTITIES[key] for key in dict.fromkeys((*asked, *FOR_CLEARANCE)) if key != "age")


class ResultsForm(CaseForm):
    """Any of the values that the protocol looks at, taken at one time."""

    taken_at = MomentField(
        label="When were the sample or the reading taken?", past=HOURS_OF_RESULTS, future=0, required=True
    )
    laboratory_number = WordsField(label="Laboratory number", max_length=40)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for quantity in quantities_of(self.case):
            self.fields[quantity.key] = QuantityField(quantity)

    def values(self) -> dict[str, float]:
        """Quantity -> value, for those that were filled in."""
        return {
            quantity.key: self.cleaned_data[quantity.key]
            for quantity in quantities_of(self.case)
            if self.cleaned_data.get(quantity.key) is not None
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not self.values():
            raise forms.ValidationError("Fill in at least one value.")
        low, high = cleaned.get("diastolic"), cleaned.get("systolic")
        if low is not None and high is not None and low >= high:
            self.add_error(
                "diastolic", "Diastolic pressure must be below systolic; are they the wrong way round?"
            )
        return cleaned


class CorrectionForm(CaseForm):
    """One value corrected, or taken out because it was entered by mistake."""

    taken_at = MomentField(
        label="When were the sample or the reading taken?", past=HOURS_OF_RESULTS, future=0, required=True
    )
    laboratory_number = WordsField(label="Laboratory number", max_length=40)
    mistaken = TickField(label="Entered by mistake: it must not count", hint="It stays on the record.")
    reason = LongWordsField(label="Reason", max_length=1000, rows=2, required=True)


def correction_form(quantity: Quantity) -> type[CorrectionForm]:
    """The correction of a value of one quantity."""
    fields = {"value": QuantityField(quantity, required=True), "field_order": ["value"]}
    return type("CorrectionOfOne", (CorrectionForm,), fields)


class MedicineForm(CaseForm):
    """A medicine that the patient takes."""

    name = WordsField(
        label="Medicine",
        hint="One name, such as apixaban. For heparins say LMWH prophylactic or LMWH treatment.",
        max_length=120,
        required=True,
    )
    dose = WordsField(label="Dose and how often", max_length=120)
    stopped = TickField(label="Not taken any more, or entered by mistake", hint="It stays on the record.")


class AdviceForm(CaseForm):
    """What a specialist or pharmacist says of a medicine, in place of the automatic plan."""

    adviser = WordsField(label="Who advised: name and post", max_length=120, required=True)
    advice = LongWordsField(label="What was advised", max_length=2000, required=True)
    advised_hold_days = NumberField(
        label="Full days with no dose before the day",
        hint="Leave empty if the medicine goes on; 0 means none on the day only",
        high=30,
    )
    advised_restart_days = NumberField(
        label="Restart how many days after the day", hint="Leave empty if the adviser will say", high=30
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("advised_hold_days") is None and cleaned.get("advised_restart_days") is not None:
            self.add_error("advised_restart_days", "Only a medicine that is held is restarted.")
        return cleaned


class QuestionsForm(CaseForm):
    """The protocol's questions before a slot is booked, the stent, and whether all medicines are listed."""

    medicines_complete = YesNoField(label="Is the list of medicines complete (also where it is empty)?")
    stent = ChoiceField(
        label="Does the patient have a coronary stent?",
        choices=[
            ("none", "No"),
            ("bare metal", "Yes, bare metal"),
            ("drug eluting", "Yes, drug eluting"),
            ("unknown kind", "Yes, kind not known"),
        ],
    )
    stent_on = DayField(label="When was the last stent placed?", past=365 * 60, future=0)
    chosen_class = ChoiceField(
        label="Bleeding class, where the protocol does not know the site or is too low",
        choices=[(AS_THE_PROTOCOL, "As the protocol says"), ("low", "Low"), ("high", "High")],
        initial=AS_THE_PROTOCOL,
    )
    chosen_class_reason = LongWordsField(label="Reason for that class", max_length=1000, rows=2)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first: dict[str, forms.Field] = {}
        for question in self.questions():
            first[answer_field(question)] = YesNoField(label=question.text)
            for record in question.lifted_by:
                first[record_field(question, record)] = LongWordsField(
                    label=record.text, hint="If the answer is yes", max_length=1000, rows=2
                )
        self.fields = {**first, **self.fields}

    def questions(self) -> tuple[Question, ...]:
        """The questions of this form, in order."""
        return rules_of(self.case).protocol.vetting.questions_at("vetting")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("chosen_class") == AS_THE_PROTOCOL:
            cleaned["chosen_class"] = cleaned["chosen_class_reason"] = ""
        if cleaned.get("chosen_class") and not cleaned.get("chosen_class_reason"):
            self.add_error("chosen_class_reason", "Say why this class was chosen.")
        if cleaned.get("stent") == "none" and cleaned.get("stent_on"):
            self.add_error("stent_on", "There is a day, and yet the answer to the stent is no.")
        return cleaned

    def answers(self) -> dict[str, bool]:
        """Question -> answer, for those answered."""
        return _answers(self, self.questions())

    def records(self) -> dict[str, str]:
        """What was written down to lift blocks."""
        return {
            f"{question.name}/{record.name}": self.cleaned_data[record_field(question, record)]
            for question in self.questions()
            for record in question.lifted_by
            if self.cleaned_data.get(record_field(question, record))
        }


class DayForm(CaseForm):
    """What is asked and measured again when the patient has come, and the last doses actually taken."""

    happened_at = HappenedField(past=24)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first: dict[str, forms.Field] = {
            answer_field(question): YesNoField(label=question.text) for question in self.questions()
        }
        for key in self.quantities():
            first[key] = QuantityField(QUANTITIES[key])
        self.fields = {**first, **self.fields}

    def questions(self) -> tuple[Question, ...]:
        """The questions of the day, in order."""
        return rules_of(self.case).protocol.vetting.questions_at("day")

    def quantities(self) -> tuple[str, ...]:
        """What is measured at the bedside on the day: each quantity with an age limit of that day."""
        gates = rules_of(self.case).protocol.vetting.gates
        return tuple(
            dict.fromkeys(g.of for g in gates if "day" in g.phases and g.on_the_day_hours is not None)
        )

    def answers(self) -> dict[str, bool]:
        """Question -> answer, for those answered."""
        return _answers(self, self.questions())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        low, high = cleaned.get("diastolic"), cleaned.get("systolic")
        if low is not None and high is not None and low >= high:
            self.add_error(
                "diastolic", "Diastolic pressure must be below systolic; are they the wrong way round?"
            )
        return cleaned


def _answers(form: CaseForm, questions: tuple[Question, ...]) -> dict[str, bool]:
    given = {question.name: form.cleaned_data.get(answer_field(question)) for question in questions}
    return {name: answer for name, answer in given.items() if answer is not None}


class LastDoseForm(CaseForm):
    """The last dose of one medicine that the patient actually took."""

    last_dose_at = MomentField(label="Last dose actually taken", past=24 * 90, future=0, required=True)


class OverrideForm(CaseForm):
    """Why somebody goes on in spite of a block."""

    gate = forms.CharField(widget=forms.HiddenInput, max_length=200)
    value = forms.CharField(widget=forms.HiddenInput, max_length=200)
    reason = LongWordsField(label="Why do you override this?", max_length=2000, required=True)


class DecisionForm(CaseForm):
    """Accept the referral, or send it back with questions."""

    outcome = ChoiceField(
        label="Decision",
        choices=[
            ("accepted", "Accept the referral"),
            ("returned", "Return it to the referrer with questions"),
        ],
        required=True,
    )
    words = LongWordsField(label="Questions to the referrer, or a remark", max_length=4000)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("outcome") == "returned" and not cleaned.get("words"):
            self.add_error("words", "Say what the referrer should answer.")
        return cleaned


class SignForm(CaseForm):
    """A prescriber's signature under the plan as shown. start: the appointment for which it was shown."""

    start = forms.CharField(widget=forms.HiddenInput, max_length=40, required=False)
    shown = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)
    confirmed = TickField(
        label="I have checked every line, and sign this plan for the patient", required=True
    )


def answer_field(question: Question) -> str:
    """Name of a question's field: of the question, not of its place, so that an old page answers what it asked."""
    return f"question_{question.name.replace(' ', '_')}"


def record_field(question: Question, record: Record) -> str:
    """Name of the field of what lifts a block."""
    return f"record_{question.name}_{record.name}".replace(" ", "_")

"""Forms of samples and results."""

from __future__ import annotations

from typing import Any

from django import forms

from trocar.clinical.specimen import LONGEST_CORE_MM, Finding
from trocar.web.cases.forms import (
    CaseForm,
    ChoiceField,
    DayField,
    HappenedField,
    LongWordsField,
    ManyField,
    MomentField,
    NumberField,
    WordsField,
    YesNoField,
)
from trocar.web.laboratory.models import Order, Result
from trocar.web.laboratory.models.transit import KINDS
from trocar.web.laboratory.sample_record import SampleRecord, readers_for

SIDES = [("left", "Left"), ("right", "Right"), ("none", "No side: the midline")]


class SlotForm(CaseForm):
    """One of several forms on a page. slot: its name there, which makes the ids of its fields."""

    def __init__(self, *args: Any, slot: str = "field", record: SampleRecord, **kwargs: Any) -> None:
        self.slot, self.record = slot, record
        super().__init__(*args, case=record.case, auto_id=f"{slot}-%s", **kwargs)


class OrderForm(SlotForm):
    """Which tests, and what the laboratory is asked."""

    tests = ManyField(choices=[], label="Tests", required=True)
    question = LongWordsField(label="Question to the laboratory", max_length=2000, rows=3, required=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules = self.record.rules
        self.fields["tests"].choices = [(test.name, test.title) for test in rules.tests]
        if not self.record.orders:
            self.initial.setdefault("tests", [test.name for test in rules.tests if test.usual])


class PotForm(SlotForm):
    """A pot on an order; the medium is the button that was pressed."""

    order = forms.IntegerField(widget=forms.HiddenInput)
    medium = forms.CharField(max_length=60, widget=forms.HiddenInput)


class CoreForm(SlotForm):
    """A core for the pot whose card it stands on."""

    pot = forms.IntegerField(widget=forms.HiddenInput)
    length_mm = NumberField(
        label="Length of the core", unit="mm", low=0.5, high=LONGEST_CORE_MM, decimals=1, required=True,
        other_units={"cm": "multiply by 10"},
    )  # fmt: skip
    site = WordsField(label="Site", max_length=120, required=True)
    side = ChoiceField(label="Side", choices=SIDES, required=True)
    happened_at = HappenedField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.case.protocol.side_required:
            self.fields["side"].choices = SIDES[:2]


class TakeBackForm(SlotForm):
    """Which order, pot or core was a mistake."""

    what = forms.ChoiceField(choices=[(w, w) for w in ("order", "pot", "core")], widget=forms.HiddenInput)
    pk = forms.IntegerField(widget=forms.HiddenInput)


class CountForm(SlotForm):
    """What is in the hand: pots, and the cores in each."""

    pots = NumberField(label="Pots in the hand", low=0, high=24, required=True)
    happened_at = HappenedField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        happened = self.fields.pop("happened_at")
        for pot in self.record.pots:
            self.fields[f"cores_{pot.number}"] = NumberField(
                label=f"Cores in pot {pot.number}", low=0, high=50, required=True
            )
        self.fields["happened_at"] = happened

    def cores_in(self) -> dict[str, int]:
        """Pot number -> cores counted in it."""
        return {pot.number: int(self.cleaned_data[f"cores_{pot.number}"]) for pot in self.record.pots}


class ReasonForm(SlotForm):
    """A reason, which has to be given."""

    reason = LongWordsField(label="Reason", max_length=1000, rows=2, required=True)
    happened_at = HappenedField()


class SendForm(SlotForm):
    """Which orders leave, to where, with whom."""

    orders = ManyField(choices=[], label="Orders that leave now", required=True)
    laboratory = WordsField(label="To which laboratory", max_length=120, required=True)
    taken_by = WordsField(label="Taken by (porter, van, tube system)", max_length=120, required=True)
    happened_at = HappenedField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        waiting = [order for order in self.record.orders if order.pk not in self.record.dispatches]
        self.fields["orders"].choices = [
            (str(order.pk), f"{order.number}: {self.record.test_title(order)}") for order in waiting
        ]
        self.initial.setdefault("orders", [str(order.pk) for order in waiting])


class ReaderForm(SlotForm):
    """Who reads the result."""

    person = ChoiceField(label="Named reader of the result", choices=[], many=True, required=True)
    reason = WordsField(label="Why it is handed over, if somebody was named", max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(person.pk): person for person in readers_for(self.case)}
        self.fields["person"].choices = [
            ("", "Choose"),
            *((pk, f"{person.full_name}, {person.role_title}") for pk, person in self.people.items()),
        ]


class PotNumberForm(forms.Form):
    """A pot's number, scanned or typed. It looks up and writes nothing."""

    number = WordsField(
        label="Number on the pot",
        hint="Scan the barcode, or type it: T-26-000123-A",
        max_length=40,
        required=True,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        kwargs.setdefault("auto_id", "field-%s")
        super().__init__(*args, **kwargs)
        self.fields["number"].widget.attrs.update(
            autocomplete="off", autofocus=True, autocapitalize="characters"
        )


class ReceiveForm(SlotForm):
    """This pot is here."""

    happened_at = HappenedField(label="When it came, if not now")


class DiscrepancyForm(SlotForm):
    """What is wrong with a pot."""

    kind = ChoiceField(label="What is wrong?", choices=KINDS, required=True)
    words = LongWordsField(label="What you see, and whom you rang", max_length=1000, rows=2)


class SettleForm(SlotForm):
    """What was done about it."""

    settled = LongWordsField(label="What was done about it", max_length=1000, rows=2, required=True)


class ReportForm(SlotForm):
    """A laboratory's report: on which orders, what it says, and what the protocol asks of these tests."""

    orders = ManyField(choices=[], label="The report is on", required=True)
    report_number = WordsField(label="Report number", max_length=40, required=True)
    reporter = WordsField(label="Reported by", max_length=120, required=True)
    reported_at = MomentField(label="When it was reported, if not now", future=0, past=24 * 92)
    outcome = ChoiceField(choices=[], label="What it comes to", required=True)
    diagnosis = LongWordsField(
        label="Diagnosis, in the report's words", max_length=8000, rows=6, required=True
    )
    adequate_said = YesNoField(label="Is the sample adequate, in the laboratory's own word?", required=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        record = self.record
        here = [
            order for order in record.orders if not order.ended_without_result and record.received_at(order)
        ]
        self.fields["orders"].choices = [
            (str(order.pk), f"{order.number}: {record.test_title(order)}") for order in here
        ]
        self.by_pk: dict[str, Order] = {str(order.pk): order for order in here}
        self.fields["outcome"].choices = [(outcome.name, outcome.title) for outcome in record.rules.outcomes]
        self.asked = record.rules.fields_of({order.test for order in here})
        for field in self.asked:
            name = f"finding {field.name}"
            label = field.title + ("" if field.required else " (if the report says it)")
            if field.kind == "count":
                self.fields[name] = NumberField(label=label, low=0, high=1000)
            elif field.kind == "yes_no":
                self.fields[name] = YesNoField(label=label)
            else:
                self.fields[name] = LongWordsField(label=label, max_length=2000, rows=2)

    def chosen(self) -> list[Order]:
        """The orders on which the report is."""
        return [self.by_pk[pk] for pk in self.cleaned_data["orders"]]

    def findings(self) -> dict[str, Finding]:
        """What was filled in of the protocol's fields."""
        return {
            field.name: answer
            for field in self.asked
            if (answer := self.cleaned_data.get(f"finding {field.name}")) not in (None, "")
        }

    def clean(self) -> dict[str, Any]:
        from trocar.clinical.specimen import finding_problems

        values = super().clean() or {}
        if "orders" in values:
            tests = {order.test for order in self.chosen()}
            for name, sentence in finding_problems(self.findings(), tests, self.record.rules).items():
                if f"finding {name}" not in self.errors:
                    self.add_error(f"finding {name}", sentence)
        return values


class AcknowledgeForm(SlotForm):
    """The reader has read it, and says what follows."""

    result = forms.IntegerField(widget=forms.HiddenInput)
    plan = LongWordsField(label="What follows from this report", max_length=2000, rows=3, required=True)


HOW = [
    ("in person", "In person"),
    ("telephone", "By telephone"),
    ("video", "By video"),
    ("letter", "By letter"),
]


class TellForm(SlotForm):
    """Who was told, how, and in which words."""

    result = forms.IntegerField(widget=forms.HiddenInput)
    audience = forms.ChoiceField(
        choices=[("referrer", "referrer"), ("patient", "patient")], widget=forms.HiddenInput
    )
    how = ChoiceField(label="How", choices=HOW)
    words = LongWordsField(label="What was said", max_length=2000, rows=2)
    not_told = WordsField(label="Or why the patient could not be told", max_length=400)
    happened_at = HappenedField()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("audience") == "referrer" and values.get("not_told"):
            self.add_error("not_told", "The referrer has to know; this is only for the patient.")
        elif not values.get("how") and not values.get("not_told") and "not_told" not in self.errors:
            self.add_error("how", "Choose how it was told, or say why it could not be.")
        elif values.get("how") and values.get("not_told"):
            self.add_error("not_told", "Either it was told, or it could not be; keep one of the two.")
        elif values.get("audience") == "patient" and values.get("how") and not values.get("words"):
            self.add_error("words", "Write down what the patient was told.")
        return values


class RepeatForm(SlotForm):
    """Repeat the biopsy or not."""

    decision = ChoiceField(
        label="Repeat the biopsy?",
        choices=[("repeat", "Repeat it: begin a new case"), ("no repeat", "Do not repeat it")],
        required=True,
    )
    reason = LongWordsField(label="Why", max_length=2000, rows=3, required=True)


class FollowUpForm(SlotForm):
    """What was agreed to happen."""

    what = WordsField(
        label="What", hint="For example, MRI of the spine, clinic visit", max_length=200, required=True
    )
    due = DayField(label="By when", past=0, future=5 * 365, required=True)
    who = WordsField(label="Who sees to it", max_length=120, required=True)


class FinishForm(SlotForm):
    """What came of a follow-up."""

    done = LongWordsField(label="What came of it", max_length=1000, rows=2, required=True)


def report_start(record: SampleRecord, order: Order) -> dict[str, Any]:
    """What a report's form begins with: this order, or, where it is amended, what the report says now."""
    result = record.result_of(order)
    if result is None:
        same = [o for o in record.orders if o.result_id is None and record.received_at(o)]
        return {"orders": [str(o.pk) for o in same if o.pk == order.pk]}
    return _amended(record, result)


def _amended(record: SampleRecord, result: Result) -> dict[str, Any]:
    start: dict[str, Any] = {f"finding {name}": answer for name, answer in result.findings.items()}
    return {
        **start,
        "orders": [str(o.pk) for o in record.orders_of(result)],
        "reporter": result.reporter,
        "outcome": result.outcome,
        "diagnosis": result.diagnosis,
        "adequate_said": result.adequate_said,
    }

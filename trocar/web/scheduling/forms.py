"""Forms of slots, beds and people to tell."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from trocar.clinical.slots import (
    GRAIN_MINUTES,
    GUIDANCE_IN_WORDS,
    LONGEST_SLOT_MINUTES,
    Scheduling,
    Slot,
)
from trocar.web.cases import clock
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
)
from trocar.web.cases.models import Case
from trocar.web.scheduling.models import Booking

A_YEAR_H = 366 * 24
A_MONTH_H = 31 * 24


class SlotForm(CaseForm):
    """Room, guidance, start and length. A slot that has passed, or another than before, needs a reason."""

    room = ChoiceField(label="Room", choices=[], required=True)
    guidance = ChoiceField(label="Guidance", choices=[], required=True)
    start = MomentField(label="Start", past=A_MONTH_H, future=A_YEAR_H, required=True)
    minutes = NumberField(
        label="Length of the slot",
        unit="minutes",
        low=GRAIN_MINUTES,
        high=LONGEST_SLOT_MINUTES,
        required=True,
    )
    reason = LongWordsField(
        label="Reason",
        hint="Needed when the slot is moved, and for a time that has passed (entered from paper)",
        max_length=1000,
        rows=2,
    )

    def __init__(
        self, *args: Any, case: Case, known: Scheduling | None, booking: Booking | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, case=case, **kwargs)
        self.booking = booking
        rooms = known.rooms if known else ()
        able = {guidance for room in rooms for guidance in room.modalities}
        self.fields["room"].choices = [(room.name, _room_words(room.name, room.modalities)) for room in rooms]
        self.fields["guidance"].choices = [
            (g, GUIDANCE_IN_WORDS[g]) for g in case.protocol.guidance if g in able
        ]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        start, minutes = values.get("start"), values.get("minutes")
        if start is None or minutes is None:
            return values
        try:
            values["slot"] = Slot(values.get("room") or "", start, int(minutes))
        except ValueError as error:
            said = str(error)
            self.add_error("start" if "begins" in said else "minutes", f"{said[0].upper()}{said[1:]}.")
            return values
        if not values.get("reason"):
            if self.booking is not None and values["slot"] != self.booking.slot:
                self.add_error("reason", "Say why the slot is moved; the people concerned will ask.")
            elif self.afterwards:
                self.add_error(
                    "reason", "This time has passed; say why it is entered now, or correct the start."
                )
        return values

    @property
    def afterwards(self) -> bool:
        """Whether the start has passed, so that the slot is entered from paper."""
        start = self.cleaned_data.get("start")
        return isinstance(start, datetime) and start <= clock.now()


def _room_words(name: str, modalities: tuple[Any, ...]) -> str:
    return f"{name} ({', '.join(GUIDANCE_IN_WORDS[m] for m in modalities)})"


class ReasonForm(CaseForm):
    """A move's reason."""

    reason = LongWordsField(label="Reason", max_length=1000, rows=3, required=True)
    happened_at = HappenedField()


class BedForm(CaseForm):
    """A bed that a ward keeps."""

    ward = WordsField(label="Ward", max_length=120, required=True)
    accepted_by = WordsField(label="Who on the ward accepted", max_length=120, required=True)
    first_night = DayField(label="For the night of", past=31, future=366, required=True)


class ArrangementsForm(CaseForm):
    """What else hangs on the slot."""

    transport = TickField(label="Transport is booked")
    interpreter = TickField(label="An interpreter is booked")


class ToldForm(CaseForm):
    """How it went."""

    reached = ChoiceField(
        label="How did it go?",
        choices=[("yes", "They were told"), ("no", "Nobody was reached: to be tried again")],
        required=True,
    )
    remark = LongWordsField(label="Remark", max_length=1000, rows=2)
    happened_at = HappenedField()


def day_asked(text: str) -> date:
    """The day in an address, or today where it is none; from 2000 to a hundred years on."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return clock.today()
    today = clock.today()
    return day if date(2000, 1, 1) <= day <= today + timedelta(days=36525) else today


def at_noon(day: date) -> datetime:
    """A moment that lies on the day whatever the clocks do."""
    return timezone.make_aware(datetime(day.year, day.month, day.day, 12))

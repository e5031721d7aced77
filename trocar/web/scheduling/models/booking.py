from __future__ import annotations

from django.db import models
from django.utils import timezone

from trocar.clinical.slots import GUIDANCE_IN_WORDS, Slot
from trocar.web.cases.models import VersionedRecord
from trocar.web.scheduling.models.room import Room


class Booking(VersionedRecord):
    """A case's time in a room. A case has at most one that holds; others were given up and stay on the record."""

    class Status(models.TextChoices):
        HOLDS = "holds", "Booked"
        POSTPONED = "postponed", "Postponed"
        CANCELLED = "cancelled", "Cancelled"

    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="bookings")
    start = models.DateTimeField()
    end = models.DateTimeField()
    guidance = models.CharField(max_length=20, choices=list(GUIDANCE_IN_WORDS.items()))
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.HOLDS)
    transport = models.BooleanField(default=False, help_text="transport is booked")
    interpreter = models.BooleanField(default=False, help_text="an interpreter is booked")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(status="holds"), name="one_slot_per_case"
            ),
            models.CheckConstraint(
                condition=models.Q(end__gt=models.F("start")), name="slot_ends_after_start"
            ),
        )
        indexes = (models.Index(fields=["start", "room"], name="booking_day"),)

    def __str__(self) -> str:
        return f"booking {self.pk}"

    @property
    def slot(self) -> Slot:
        """The same as a value of the rules, in London time."""
        start = timezone.localtime(self.start)
        return Slot(self.room.name, start, round((self.end - self.start).total_seconds() / 60))


class TakenTime(models.Model):
    """Five minutes of a room that a booking holds: the database itself refuses a second one.

    tick: five minutes since 1970, as ``Slot.ticks`` counts them.
    """

    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="+")
    tick = models.PositiveIntegerField()
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="taken")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["room", "tick"], name="one_patient_per_room"),)

    def __str__(self) -> str:
        return f"{self.room_id} {self.tick}"

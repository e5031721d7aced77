from __future__ import annotations

from django.db import models


class Room(models.Model):
    """A room of the department file. One that is in the file no more keeps its bookings and gets no new ones."""

    name = models.CharField(max_length=60, unique=True)
    place = models.PositiveSmallIntegerField(help_text="place in the department file, and on the day list")
    in_use = models.BooleanField(default=True)

    class Meta:
        ordering = ("place", "name")

    def __str__(self) -> str:
        return self.name

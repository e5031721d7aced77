from __future__ import annotations

from django.db import models

from trocar.web.cases.models import VersionedRecord

CHANNELS = [
    ("paper", "On paper"),
    ("post", "By post"),
    ("email", "By e-mail"),
    ("read aloud", "Read aloud"),
]


class LeafletGiven(VersionedRecord):
    """One version of the leaflet, given to the patient. ``happened_at`` is when."""

    identifier = models.CharField(max_length=20)
    channel = models.CharField(max_length=12, choices=CHANNELS)
    form = models.CharField(max_length=120, blank=True)

    class Meta:
        verbose_name = "leaflet given"
        ordering = ("happened_at", "id")

    def __str__(self) -> str:
        return self.identifier

"""Samples on their way: sent, received, and what was not as it should be."""

from __future__ import annotations

from django.db import models

from trocar.web.cases.models import VersionedRecord
from trocar.web.laboratory.models.sample import Order, Pot

KINDS = [
    ("missing", "The pot did not come"),
    ("broken", "Broken or leaking"),
    ("wrong medium", "Wrong medium"),
    ("label", "Label missing, unreadable or of somebody else"),
    ("count", "Other number of cores than on the label"),
]


class Dispatch(VersionedRecord):
    """The pots of one order left the department."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="dispatch")
    taken_by = models.CharField(max_length=120)
    laboratory = models.CharField(max_length=120)

    class Meta:
        verbose_name = "dispatch"

    def __str__(self) -> str:
        return f"dispatch of {self.order_id}"


class Receipt(VersionedRecord):
    """A pot reached its laboratory; each pot is received once."""

    pot = models.OneToOneField(Pot, on_delete=models.PROTECT, related_name="receipt")

    class Meta:
        verbose_name = "receipt"

    def __str__(self) -> str:
        return f"receipt of {self.pot_id}"


class Discrepancy(VersionedRecord):
    """Something is wrong with a pot. settled: what was done about it, "" while it is open."""

    pot = models.ForeignKey(Pot, on_delete=models.PROTECT, related_name="discrepancies")
    kind = models.CharField(max_length=16, choices=KINDS)
    words = models.TextField(blank=True)
    settled = models.TextField(blank=True)

    class Meta:
        verbose_name = "discrepancy"
        verbose_name_plural = "discrepancies"
        indexes = (models.Index(fields=["case"], condition=models.Q(settled=""), name="discrepancy_open"),)

    def __str__(self) -> str:
        return f"{self.kind}, pot {self.pot_id}"

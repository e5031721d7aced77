from __future__ import annotations

from django.db import models

from trocar.clinical.labs import QUANTITIES, Measured
from trocar.web.cases.models import VersionedRecord


class Result(VersionedRecord):
    """One value of a quantity, in its own unit (see ``clinical.labs``), and when the sample or reading was taken.

    mistaken: entered by mistake (the wrong patient, say); it stays on the record and counts for nothing.
    """

    quantity = models.CharField(max_length=30, choices=[(q.key, q.title) for q in QUANTITIES.values()])
    value = models.FloatField()
    taken_at = models.DateTimeField()
    laboratory_number = models.CharField(max_length=40, blank=True)
    mistaken = models.BooleanField(default=False)

    class Meta:
        verbose_name = "result"
        indexes = (models.Index(fields=["case", "quantity", "taken_at"], name="result_of_case"),)

    def __str__(self) -> str:
        return f"{self.quantity} of {self.case_id}"

    @property
    def title(self) -> str:
        """Name of the quantity."""
        return QUANTITIES[self.quantity].title

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return QUANTITIES[self.quantity].shown(self.value)

    @property
    def measured(self) -> Measured:
        """The same as a plain value."""
        return Measured(self.quantity, self.value, self.taken_at, self.laboratory_number)

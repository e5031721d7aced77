"""What is taken in the room: orders, pots on exactly one order each, cores in exactly one pot each, and the count."""

from __future__ import annotations

from django.db import models

from trocar.web.cases.models import VersionedRecord

STEPS = [
    ("dispatch", "To be sent"),
    ("receipt", "On the way"),
    ("result", "At the laboratory"),
    ("acknowledgement", "To be read"),
    ("telling", "To be told"),
    ("done", "Done"),
]


class Order(VersionedRecord):
    """A request to a laboratory for one test. Nothing is deleted: what was recorded by mistake is withdrawn.

    awaits: the step that comes next, kept with every write so that a worklist finds it by an index.
    ended_without_result: why no result will come ("" where one is expected).
    """

    number = models.CharField(max_length=24, unique=True)
    test = models.CharField(max_length=60)
    question = models.TextField()
    ordered_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    ordered_at = models.DateTimeField()
    withdrawn = models.BooleanField(default=False)
    ended_without_result = models.TextField(blank=True)
    result = models.ForeignKey(
        "laboratory.Result", on_delete=models.PROTECT, null=True, blank=True, related_name="orders"
    )
    awaits = models.CharField(max_length=16, choices=STEPS, default="dispatch", db_index=True)

    class Meta:
        verbose_name = "order"
        indexes = (models.Index(fields=["case", "number"], name="order_of_case"),)

    def __str__(self) -> str:
        return self.number


class Pot(VersionedRecord):
    """A pot on exactly one order. number: what the label's barcode says."""

    number = models.CharField(max_length=24, unique=True)
    in_barcode = models.CharField(max_length=24, unique=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="pots")
    medium = models.CharField(max_length=60)
    withdrawn = models.BooleanField(default=False)

    class Meta:
        verbose_name = "pot"
        indexes = (models.Index(fields=["case", "number"], name="pot_of_case"),)

    def __str__(self) -> str:
        return self.number


class Core(VersionedRecord):
    """A piece of tissue in one pot. side: left, right or none. length_mm: as measured before it went in."""

    number = models.PositiveSmallIntegerField()
    pot = models.ForeignKey(Pot, on_delete=models.PROTECT, related_name="cores")
    site = models.CharField(max_length=120)
    side = models.CharField(max_length=8)
    length_mm = models.DecimalField(max_digits=4, decimal_places=1)
    withdrawn = models.BooleanField(default=False)

    class Meta:
        verbose_name = "core"
        constraints = (models.UniqueConstraint(fields=["case", "number"], name="core_number_of_case"),)

    def __str__(self) -> str:
        return f"core {self.number}"


class SampleCount(VersionedRecord):
    """What was counted in the hand at sign out. cores_in: pot number -> cores. no_sample: why none was taken."""

    pots = models.PositiveSmallIntegerField(null=True)
    cores_in = models.JSONField(default=dict)
    no_sample = models.TextField(blank=True)

    class Meta:
        verbose_name = "count of samples"
        constraints = (models.UniqueConstraint(fields=["case"], name="one_count_per_case"),)

    def __str__(self) -> str:
        return f"count of {self.case_id}"


class NamedReader(VersionedRecord):
    """Whose the result is until it is acknowledged and told."""

    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="results_to_read")
    reason = models.TextField(blank=True)

    class Meta:
        verbose_name = "named reader"
        constraints = (models.UniqueConstraint(fields=["case"], name="one_reader_per_case"),)

    def __str__(self) -> str:
        return f"reader of {self.case_id}"

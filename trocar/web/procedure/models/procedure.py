from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from trocar.web.cases.models import VersionedRecord

GUIDANCE = (("ultrasound", "Ultrasound"), ("ct", "CT"), ("fluoroscopy", "X-ray (fluoroscopy)"))


class RoomEvent(VersionedRecord):
    """Something that happened with the needle or to the patient, with its time. Never deleted: ``undone`` says that it
    was entered by mistake.

    at: when it happened. modality, images_saved, sample_came, cores: of a pass or picture. drug to route: of a dose.
    deviation: why it was done although something was missing. checked: an amount outside the expected range was
    confirmed as given.
    """

    class Kind(models.TextChoices):
        NEEDLE_IN = "needle_in", "Needle in"
        PASS = "pass", "Pass"
        IMAGE = "image", "Image saved"
        DRUG = "drug", "Drug given"
        NEEDLE_OUT = "needle_out", "Needle out"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    at = models.DateTimeField()
    entered_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    modality = models.CharField(max_length=12, blank=True, choices=GUIDANCE)
    sample_came = models.BooleanField(null=True)
    cores = models.PositiveSmallIntegerField(null=True)
    drug = models.CharField(max_length=60, blank=True)
    amount = models.DecimalField(max_digits=10, decimal_places=3, null=True)
    unit = models.CharField(max_length=12, blank=True)
    route = models.CharField(max_length=20, blank=True)
    checked = models.BooleanField(default=False)
    deviation = models.TextField(blank=True)
    undone = models.BooleanField(default=False)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "event in the room"
        ordering: ClassVar[list[str]] = ["at", "id"]
        constraints = (
            models.CheckConstraint(
                condition=models.Q(undone=False, undone_at=None)
                | models.Q(undone=True, undone_at__isnull=False, undone_by__isnull=False),
                name="an_undone_event_has_time_and_person",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.case_id}"

    @property
    def words(self) -> str:
        """What it was, as one line."""
        said = self.get_kind_display()
        if self.kind == self.Kind.PASS:
            said = (
                f"Pass: {self.cores} core{'' if self.cores == 1 else 's'}"
                if self.sample_came
                else "Pass: no sample came"
            )
        if self.kind == self.Kind.DRUG:
            said = (
                f"{self.drug} {self.amount.normalize():f} {self.unit}, {self.route}"
                if self.amount
                else self.drug
            )
        return f"{said}, {self.get_modality_display()}" if self.modality else said


class ProcedureDetails(VersionedRecord):
    """Who did the procedure, with what, and how it ended; once per case.

    needle: name in the protocol's catalogue. planned_*, entry_*, tip_* as typed: points "x, y, z" in millimetres of the
    same patient coordinates (LPS). tip_mm, angle_deg: how far the needle lay from its plan. complications: whether any
    came, "" while nobody said.
    """

    operator = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")
    assistant = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")
    monitor = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")
    radiographer = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, null=True, related_name="+")
    guidance = models.CharField(max_length=12, blank=True, choices=GUIDANCE)
    needle = models.CharField(max_length=80, blank=True)
    needle_lot = models.CharField(max_length=60, blank=True)
    sedation = models.CharField(max_length=20, blank=True)
    iv_access = models.CharField(max_length=120, blank=True)
    planned_entry = models.CharField(max_length=60, blank=True)
    planned_tip = models.CharField(max_length=60, blank=True)
    entry = models.CharField(max_length=60, blank=True)
    tip = models.CharField(max_length=60, blank=True)
    tip_mm = models.DecimalField(max_digits=6, decimal_places=1, null=True)
    angle_deg = models.DecimalField(max_digits=5, decimal_places=1, null=True)
    achieved_words = models.TextField(blank=True)
    complications = models.CharField(
        max_length=8, blank=True, choices=[("none", "None seen"), ("some", "There were some")]
    )

    class Meta:
        verbose_name = "procedure"
        constraints = (models.UniqueConstraint(fields=["case"], name="one_procedure_per_case"),)

    def __str__(self) -> str:
        return f"procedure of {self.case_id}"


class Baseline(VersionedRecord):
    """Observations from before sedation; every later trigger compares with the last set."""

    taken_at = models.DateTimeField()
    taken_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    systolic_mmhg = models.PositiveSmallIntegerField(null=True)
    diastolic_mmhg = models.PositiveSmallIntegerField(null=True)
    heart_rate_per_min = models.PositiveSmallIntegerField(null=True)
    spo2_percent = models.PositiveSmallIntegerField(null=True)
    respiratory_rate_per_min = models.PositiveSmallIntegerField(null=True)
    temperature_c = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    pain_0_to_10 = models.PositiveSmallIntegerField(null=True)
    consciousness = models.CharField(max_length=20, blank=True)
    urine = models.CharField(max_length=20, blank=True)
    legs = models.CharField(max_length=20, blank=True)

    class Meta:
        verbose_name = "observations before sedation"
        ordering: ClassVar[list[str]] = ["id"]

    def __str__(self) -> str:
        return f"baseline of {self.case_id}"

    def observed(self) -> dict[str, Any]:
        """Observation -> number or word; None where it was not taken."""
        values = {
            name: value for name, value in self.values().items() if name not in ("taken_at", "taken_by")
        }
        return {
            name: float(v) if hasattr(v, "normalize") else v or (v if v == 0 else None)
            for name, v in values.items()
        }


class Complication(VersionedRecord):
    """Something that went wrong, at once or later."""

    kind = models.CharField(max_length=60)
    seen_at = models.DateTimeField()
    harm = models.CharField(max_length=10)
    description = models.TextField(blank=True)
    plan = models.TextField(blank=True)
    told = models.TextField(blank=True)
    incident = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name = "complication"
        ordering: ClassVar[list[str]] = ["seen_at", "id"]

    def __str__(self) -> str:
        return f"{self.kind} in {self.case_id}"

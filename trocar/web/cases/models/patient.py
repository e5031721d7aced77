from __future__ import annotations

from datetime import date

from django.db import models


class Patient(models.Model):
    """A person who has a biopsy. Identified by NHS number, or by the hospital's number where there is none yet."""

    nhs_number = models.CharField(max_length=10, blank=True, db_index=True)
    hospital_number = models.CharField(max_length=30, blank=True, db_index=True)
    family_name = models.CharField(max_length=120)
    given_name = models.CharField(max_length=120)
    birth_date = models.DateField()
    sex = models.CharField(max_length=8, choices=[("female", "Female"), ("male", "Male"), ("other", "Other")])
    phone = models.CharField(max_length=40, blank=True)
    address = models.TextField(blank=True)
    general_practice = models.CharField(max_length=200, blank=True)
    interpreter_language = models.CharField(max_length=80, blank=True)
    information_needs = models.TextField(blank=True)
    is_sample = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["nhs_number"], condition=~models.Q(nhs_number=""), name="one_patient_per_nhs_number"
            ),
        )

    def __str__(self) -> str:
        return f"patient {self.pk}"

    @property
    def name(self) -> str:
        """Family name first, as on every list of the ward."""
        return f"{self.family_name.upper()}, {self.given_name}"

    @property
    def nhs_number_shown(self) -> str:
        """In groups of three, three and four digits."""
        n = self.nhs_number
        return f"{n[:3]} {n[3:6]} {n[6:]}" if n else "not known"

    def age_on(self, day: date) -> int:
        """Whole years on a day."""
        had_birthday = (day.month, day.day) >= (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - (not had_birthday)

from __future__ import annotations

from django.db import models

from trocar.web.cases.models.versioned import VersionedRecord

NOT_ASKED = "ALLERGIES NOT ASKED"


class Referral(VersionedRecord):
    """What the referrer asks and says."""

    indication = models.TextField(blank=True)
    question = models.TextField(blank=True)
    tests_done = models.TextField(blank=True)
    alternatives_considered = models.TextField(blank=True)
    allergies = models.TextField(blank=True)
    no_known_allergies = models.BooleanField(null=True)
    takes_blood_thinners = models.BooleanField(null=True)
    medicines = models.TextField(blank=True)
    weight_bearing_bone = models.BooleanField(null=True)
    suspected_primary_bone_tumour = models.BooleanField(null=True)
    information_needs = models.TextField(blank=True)
    interpreter_language = models.CharField(max_length=80, blank=True)
    contact = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["case"], name="one_referral_per_case"),)

    @property
    def allergies_words(self) -> str:
        """What it says of allergies; loudly where there are any, or where nobody asked."""
        if self.no_known_allergies is None:
            return NOT_ASKED
        return "No known allergies" if self.no_known_allergies else f"ALLERGIES: {self.allergies}"

    def __str__(self) -> str:
        return f"referral of {self.case_id}"

"""Patients, cases, and what every record on a case has in common."""

from __future__ import annotations

from trocar.web.cases.models.case import Case
from trocar.web.cases.models.form_token import FormToken
from trocar.web.cases.models.patient import Patient
from trocar.web.cases.models.referral import Referral
from trocar.web.cases.models.stage_change import StageChange
from trocar.web.cases.models.versioned import VersionedRecord

__all__ = ["Case", "FormToken", "Patient", "Referral", "StageChange", "VersionedRecord"]

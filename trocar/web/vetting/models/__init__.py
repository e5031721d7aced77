"""What is recorded before a biopsy."""

from __future__ import annotations

from trocar.web.vetting.models.answers import DayAnswers, VettingAnswers
from trocar.web.vetting.models.decision import Override, VettingDecision
from trocar.web.vetting.models.medicine import Medicine, MedicinePlan
from trocar.web.vetting.models.result import Result

__all__ = [
    "DayAnswers",
    "Medicine",
    "MedicinePlan",
    "Override",
    "Result",
    "VettingAnswers",
    "VettingDecision",
]

"""What is written down in the room."""

from __future__ import annotations

from trocar.web.procedure.models.checklist import ChecklistAnswer, ChecklistRound
from trocar.web.procedure.models.procedure import (
    GUIDANCE,
    Baseline,
    Complication,
    ProcedureDetails,
    RoomEvent,
)
from trocar.web.procedure.models.radiation import DoseEvent, Exposure

__all__ = [
    "GUIDANCE",
    "Baseline",
    "ChecklistAnswer",
    "ChecklistRound",
    "Complication",
    "DoseEvent",
    "Exposure",
    "ProcedureDetails",
    "RoomEvent",
]

"""What is stored of samples and results."""

from __future__ import annotations

from trocar.web.laboratory.models.result import (
    Acknowledgement,
    FollowUp,
    RepeatDecision,
    Result,
    Telling,
)
from trocar.web.laboratory.models.sample import Core, NamedReader, Order, Pot, SampleCount
from trocar.web.laboratory.models.transit import Discrepancy, Dispatch, Receipt

__all__ = [
    "Acknowledgement",
    "Core",
    "Discrepancy",
    "Dispatch",
    "FollowUp",
    "NamedReader",
    "Order",
    "Pot",
    "Receipt",
    "RepeatDecision",
    "Result",
    "SampleCount",
    "Telling",
]

"""The protocol's rules on samples, as this department may use them today."""

from __future__ import annotations

from trocar.clinical.specimen_rules import SpecimenRules
from trocar.web.cases.department import effective_protocol


def rules_of(protocol_name: str) -> SpecimenRules:
    """The rules for samples of a procedure; values that nobody approved are None in them."""
    used = effective_protocol(protocol_name)
    return used.protocol.specimen.without(used.not_configured)

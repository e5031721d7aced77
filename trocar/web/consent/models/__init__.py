"""What is stored about consent."""

from __future__ import annotations

from trocar.web.consent.models.ended import ConsentEnded
from trocar.web.consent.models.leaflet_given import LeafletGiven
from trocar.web.consent.models.question import PatientQuestion
from trocar.web.consent.models.stage_one import ConsentStageOne
from trocar.web.consent.models.stage_two import ConsentStageTwo

__all__ = ["ConsentEnded", "ConsentStageOne", "ConsentStageTwo", "LeafletGiven", "PatientQuestion"]

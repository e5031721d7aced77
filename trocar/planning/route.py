"""The route agreed for a suspected primary bone tumour: where on the skin a needle may go in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trocar.errors import InputRefused, UsageError
from trocar.planning.access import SkinEntries

LARGEST_MM = 60.0
"""A circle wider than this is no agreed route."""


@dataclass(frozen=True)
class AgreedRoute:
    """Entries within ``radius_mm`` of a point on the skin (patient LPS mm), agreed with ``agreed_by``.

    The tract of a biopsy of a primary bone tumour is taken out with the tumour; it has to lie where the surgeon will
    cut. Raises UsageError for a
    radius of no use or without the name of who agreed.
    """

    entry_lps_mm: tuple[float, float, float]
    radius_mm: float
    agreed_by: str

    def __post_init__(self) -> None:
        if not 0 < self.radius_mm <= LARGEST_MM:
            raise UsageError(
                f"The agreed route's radius is {self.radius_mm:g} mm; give more than 0 and at most {LARGEST_MM:g} mm."
            )
        if not self.agreed_by.strip():
            raise UsageError(
                "Say who agreed the route, such as the sarcoma MDT with its date: --route-agreed-by TEXT."
            )

    def only(self, skin: SkinEntries) -> SkinEntries:
        """The entries in the route. Raises InputRefused where there are none."""
        away = np.linalg.norm(skin.points_lps_mm - np.array(self.entry_lps_mm), axis=1)
        inside = away <= self.radius_mm
        if not inside.any():
            nearest = f"; the nearest lies {away.min():.0f} mm from its middle" if len(away) else ""
            raise InputRefused(
                "No skin that is free and within reach lies in the agreed route"
                f"{nearest}. Check its point (patient LPS mm) and the patient's position, or agree another route."
            )
        return replace(
            skin, points_lps_mm=skin.points_lps_mm[inside], inward_normals_lps=skin.inward_normals_lps[inside]
        )


def check_route(suspected: bool | None, route: AgreedRoute | None) -> None:
    """A suspected primary bone tumour is planned only along an agreed route. Raises InputRefused."""
    if suspected and route is None:
        raise InputRefused(
            "A primary bone tumour is suspected: agree the route with the sarcoma MDT or surgeon first, and give it "
            "with --route X,Y,Z,RADIUS and --route-agreed-by TEXT."
        )

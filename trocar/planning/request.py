"""The question put to the planner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from trocar.clinical.laterality import decide_side
from trocar.clinical.protocol import Guidance, Protocol, Side, TablePosition
from trocar.errors import UsageError
from trocar.planning.plan import PositionSource
from trocar.planning.route import AgreedRoute, check_route

SEED = 20_240_401
"""Of every choice that is drawn; fixed, so that the same input gives the same plan."""


@dataclass(frozen=True, eq=False)
class PlanRequest:
    """What to biopsy, how, and by which rules.

    protocol: with the department's values; stamps: sentences that stand on every page (the department's, mostly).
    target_name: a structure; target_point_lps_mm: (3,); target_mask: name and mask ``[k, j, i]`` on the CT's grid.
        At most one of the three; none means the protocol's own target.
    position: how the patient lies when the needle goes in. scan_position: how the scan was made, if known.
    today: the day of planning, against which the scan's age is counted.
    samples: points that stand for the target; entry_spacing_mm: distance of candidate points on the skin.
    side: filled in from the target's name where it states one (``rib_left_12``).
    suspected_primary_tumour: of bone; then only paths in the agreed ``route`` are looked at.
    Raises InputRefused where such a route is missing, UsageError where the protocol does not know the guidance or
        position, a side is missing, or the side and the target's name contradict each other.
    """

    protocol: Protocol
    today: date
    side: Side | None = None
    guidance: Guidance | None = None
    position: TablePosition | None = None
    needle_name: str | None = None
    target_name: str | None = None
    target_point_lps_mm: tuple[float, float, float] | None = None
    target_mask: tuple[str, NDArray[np.bool_]] | None = None
    scan_position: TablePosition | None = None
    position_source: PositionSource = "unknown"
    stamps: tuple[str, ...] = ()
    samples: int = 64
    entry_spacing_mm: float = 2.0
    seed: int = SEED
    suspected_primary_tumour: bool = False
    route: AgreedRoute | None = None

    def __post_init__(self) -> None:
        protocol = self.protocol
        object.__setattr__(self, "guidance", self.guidance or protocol.default_guidance)
        object.__setattr__(self, "position", self.position or protocol.default_position)
        if self.guidance not in protocol.guidance:
            raise UsageError(
                f"{protocol.title} is done under {_either(protocol.guidance)}, not under {self.guidance}."
            )
        if self.position not in protocol.positions:
            raise UsageError(
                f"{protocol.title} is done with the patient {_either(protocol.positions)}, not {self.position}."
            )
        object.__setattr__(self, "side", decide_side(protocol, self.side, self.target_name))
        if sum(t is not None for t in (self.target_name, self.target_point_lps_mm, self.target_mask)) > 1:
            raise UsageError("Give one target: a name, a point or a mask.")
        if self.samples < 1 or not 0.2 <= self.entry_spacing_mm <= 2.0:
            raise UsageError("At least one sample point and an entry spacing of 0.2 to 2 mm are needed.")
        protocol.needle(self.needle_name)
        check_route(self.suspected_primary_tumour, self.route)

    @property
    def in_position(self) -> bool:
        """Whether the scan is known to show the patient as they will lie for the needle."""
        return self.scan_position == self.position


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(name.replace("_", " ") for name in names)

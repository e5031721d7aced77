"""What a protocol samples when it is given no lesion: a pole of an organ, a named bone, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from trocar.clinical.sourced import Sourced

Side = Literal["left", "right"]


@dataclass(frozen=True)
class OrganPole:
    """The outer layer of one pole of an organ.

    organ: the structure, may hold ``{side}``. fraction: the share of the organ's own long axis, from the end of
    the pole, that counts as the pole. cortex_mm: depth of the layer under the capsule that counts as cortex.
    """

    organ: str
    pole: Literal["lower", "upper"]
    fraction: Sourced[float]
    cortex_mm: Sourced[float]
    kind: Literal["organ_pole"] = "organ_pole"


@dataclass(frozen=True)
class BoneGroup:
    """Bones that are reached in the same way.

    bones: globs over structure names. paired: the bone exists on both sides, so its side must be known.
    pedicle: the way through a pedicle is measured. to_cortex_min_deg, to_cortex_max_deg: advised angle between
    the needle and the outer normal of the cortex where it goes in (0 is straight in). route: the advice in words.
    """

    name: str
    bones: tuple[str, ...]
    paired: bool
    pedicle: bool
    route: Sourced[str]
    to_cortex_min_deg: Sourced[float] | None
    to_cortex_max_deg: Sourced[float] | None

    def __post_init__(self) -> None:
        low, high = self.to_cortex_min_deg, self.to_cortex_max_deg
        if low and high and low.value > high.value:
            raise ValueError("to_cortex_min_deg is larger than to_cortex_max_deg")


@dataclass(frozen=True)
class NamedBone:
    """A bone chosen by its structure's name, or a lesion in it.

    groups: the first group with a matching glob counts. thick_cortex_mm: from this thickness of cortex on, the
    sheet says that a drill may be needed.
    """

    groups: tuple[BoneGroup, ...]
    thick_cortex_mm: Sourced[float]
    kind: Literal["bone"] = "bone"

    def group_of(self, structure: str) -> BoneGroup | None:
        """The group of a structure, or None where the protocol does not know it as a bone."""
        for group in self.groups:
            if any(fnmatchcase(structure, glob) for glob in group.bones):
                return group
        return None


@dataclass(frozen=True)
class LesionOnly:
    """The protocol has no target of its own: a mask or a point must be given, inside ``organ``.

    organ: structure that holds the lesion, may hold ``{side}``.
    """

    organ: str
    kind: Literal["lesion"] = "lesion"


TargetRule = OrganPole | NamedBone | LesionOnly
"""Every protocol also takes a mask or a point; the rule says what is sampled without one."""

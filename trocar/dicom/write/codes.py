"""Codes for structures and for what a plan says of a path.

A SNOMED CT code is used only where pydicom's copy of DICOM's own dictionary holds it under the keyword named here; the
look-up fails on import otherwise. Everything else has a code of our own scheme, with the name as its meaning.

All are pydicom's ``Code``, which cannot be changed; highdicom's ``CodedConcept`` is a data set, and one shared by two
segments would pass the side of the last one on to the first.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

SCHEME = "99TROCAR"
SCHEME_NAME = "Trocar private codes"

ANATOMY = codes.SCT.AnatomicalStructure
ABNORMAL = codes.SCT.MorphologicallyAbnormalStructure
LEFT = codes.SCT.Left
RIGHT = codes.SCT.Right

# Structure's name without its side and, for ribs, without its number -> keyword in the dictionary. Left out on
# purpose, since the nearest code means something else or none exists there: hip (the dictionary's "Hip" is the
# region, the label is the bone), S1 vertebra, gluteal muscles, iliopsoas, autochthon, atrial appendage, portal and
# splenic vein in one, renal cortex and sinus.
_SNOMED_KEYWORD = {
    "spleen": "Spleen",
    "kidney": "Kidney",
    "gallbladder": "Gallbladder",
    "liver": "Liver",
    "stomach": "Stomach",
    "pancreas": "Pancreas",
    "adrenal_gland": "AdrenalGland",
    "lung_upper_lobe": "UpperLobeOfLung",
    "lung_lower_lobe": "LowerLobeOfLung",
    "esophagus": "Esophagus",
    "trachea": "Trachea",
    "thyroid_gland": "Thyroid",
    "small_bowel": "SmallIntestine",
    "duodenum": "Duodenum",
    "colon": "Colon",
    "urinary_bladder": "Bladder",
    "prostate": "Prostate",
    "kidney_cyst": "Cyst",
    "sacrum": "Sacrum",
    "heart": "Heart",
    "aorta": "Aorta",
    "pulmonary_vein": "PulmonaryVein",
    "brachiocephalic_trunk": "BrachiocephalicTrunk",
    "subclavian_artery": "SubclavianArtery",
    "common_carotid_artery": "CommonCarotidArtery",
    "brachiocephalic_vein": "BrachiocephalicVein",
    "superior_vena_cava": "SuperiorVenaCava",
    "inferior_vena_cava": "InferiorVenaCava",
    "iliac_artery": "IliacArtery",
    "iliac_vena": "IliacVein",
    "humerus": "Humerus",
    "scapula": "Scapula",
    "clavicula": "Clavicle",
    "femur": "Femur",
    "spinal_cord": "SpinalCord",
    "brain": "Brain",
    "skull": "Skull",
    "rib": "Rib",
    "sternum": "Sternum",
    "costal_cartilages": "CostalCartilage",
    "skin": "Skin",
    "bone": "Bone",
    "lung": "Lung",
    "pleura": "Pleura",
    "spinal_canal": "VertebralCanal",
    "renal_pelvis": "RenalPelvis",
    "renal_artery": "RenalArtery",
    "renal_vein": "RenalVein",
    "rectum": "Rectum",
    "ureter": "Ureter",
    "lesion": "Lesion",
    "mass": "Mass",
} | {
    f"vertebrae_{level}": f"{level}Vertebra"
    for level in [f"C{n}" for n in range(1, 8)]
    + [f"T{n}" for n in range(1, 13)]
    + [f"L{n}" for n in range(1, 6)]
}
_SNOMED = {name: getattr(codes.SCT, key) for name, key in _SNOMED_KEYWORD.items()}
# The right lung alone has a middle lobe, so the dictionary names it with its side.
_SNOMED_WITH_SIDE = {"lung_middle_lobe_right": codes.SCT.MiddleLobeOfRightLung}
_ABNORMAL_NAMES = {"lesion", "mass", "kidney_cyst"}
_SITE = {"kidney_cyst": codes.SCT.Kidney}


@dataclass(frozen=True)
class StructureCode:
    """How a structure's name is coded.

    category, kind: Segmented Property Category and Type. laterality: left, right or None.
    site: anatomic region, where ``kind`` says only what it is and not where.
    """

    category: Code
    kind: Code
    laterality: Code | None = None
    site: Code | None = None


def structure_code(name: str) -> StructureCode:
    """The code of a structure as it is named in the label file (``kidney_left``, ``rib_right_11``, any other name)."""
    if name in _SNOMED_WITH_SIDE:
        return StructureCode(ANATOMY, _SNOMED_WITH_SIDE[name], RIGHT)
    words = name.split("_")
    sides = [word for word in words if word in ("left", "right")]
    laterality = (LEFT if sides[0] == "left" else RIGHT) if len(sides) == 1 else None
    plain = "_".join(word for word in words if word not in ("left", "right"))
    plain = re.sub(r"^rib_\d+$", "rib", plain)
    if len(sides) <= 1 and plain in _SNOMED:
        category = ABNORMAL if plain in _ABNORMAL_NAMES else ANATOMY
        return StructureCode(category, _SNOMED[plain], laterality, _SITE.get(plain))
    return StructureCode(ANATOMY, private_code(name), laterality)


def private_code(meaning: str) -> Code:
    """A code of our own scheme; its value follows from its meaning, which is cut to 64 characters."""
    value = hashlib.sha256(meaning.encode()).hexdigest()[:12].upper()
    return Code(value, SCHEME, label(meaning))


def label(name: str) -> str:
    """A structure's name as DICOM's LO allows it: 64 characters, no backslash (it would part two values)."""
    return "".join(c for c in name.replace("\\", "/") if c.isprintable())[:64].strip() or "unnamed"


def our_code(value: str, meaning: str) -> Code:
    """A code of our own scheme with a value that people can read."""
    return Code(value, SCHEME, meaning)

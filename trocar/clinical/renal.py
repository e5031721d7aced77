"""Kidney function for doses: creatinine clearance by Cockcroft and Gault."""

from __future__ import annotations

from trocar.clinical.labs import QUANTITIES

MICROMOL_PER_MG_DL = 88.42
"""Creatinine of 1 mg/dL in umol/L (molar mass 113.12 g/mol)."""

YOUNGEST = 18
"""The formula was made from adults (18 to 92 years)."""

SOURCE = "Cockcroft and Gault, Nephron 1976;16:31-41"


def cockcroft_gault(
    age_years: int, sex: str, weight_kg: float, creatinine_umol_l: float, steady: bool | None
) -> float:
    """Creatinine clearance in ml/min: (140 - age) x weight / (72 x creatinine in mg/dL), x 0.85 for women.

    steady: whether creatinine is in a steady state; the formula holds for nothing else. Raises ValueError with one
    sentence where the formula cannot be used: an age under 18 or over 120, a sex other than male or female, a weight
    or creatinine that cannot be, kidneys whose function is changing, or where nobody said whether it is.

    Source: Cockcroft and Gault 1976. Its use for anticoagulants in place of eGFR is status U (reference, 2.2).
    """
    if steady is None:
        raise ValueError(
            "Creatinine clearance is not worked out: nobody said whether kidney function is steady."
        )
    if not steady:
        raise ValueError("Creatinine clearance cannot be worked out while kidney function is changing.")
    if not YOUNGEST <= age_years <= 120:
        raise ValueError(
            f"The formula of Cockcroft and Gault takes ages from {YOUNGEST} to 120, not {age_years}."
        )
    if sex not in ("male", "female"):
        raise ValueError(
            "The formula of Cockcroft and Gault needs the sex recorded at birth; ask a pharmacist."
        )
    for key, value in (("weight", weight_kg), ("creatinine", creatinine_umol_l)):
        quantity = QUANTITIES[key]
        if not quantity.low <= value <= quantity.high:
            raise ValueError(
                f"{quantity.title} must lie between {quantity.shown(quantity.low)} and "
                f"{quantity.shown(quantity.high)}; {quantity.shown(value)} cannot be."
            )
    clearance = (140 - age_years) * weight_kg / (72 * creatinine_umol_l / MICROMOL_PER_MG_DL)
    return clearance * (0.85 if sex == "female" else 1.0)

"""What a value can be at all: a guard against slips of unit and decimal point, not clinical advice.

A margin of 0.5 where millimetres are meant as centimetres lies inside its range and is not caught here; one of
500 is. The key's last part names the value and carries its unit.
"""

from __future__ import annotations

from collections.abc import Mapping

PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    # needles
    "length_mm": (20, 400),
    "throw_mm": (0, 60),
    "notch_start_mm": (0, 30),
    "notch_length_mm": (1, 60),
    "outer_diameter_mm": (0.3, 6),
    # target
    "fraction": (0.05, 1),
    "cortex_mm": (2, 30),
    "to_cortex_min_deg": (0, 90),
    "to_cortex_max_deg": (0, 90),
    "thick_cortex_mm": (1, 30),
    # what to keep clear
    "margin_mm": (0, 60),
    # limits
    "max_to_skin_deg": (5, 90),
    "max_out_of_axial_deg": (0, 90),
    "max_to_cortex_deg": (5, 90),
    "min_sample_mm": (1, 40),
    "min_tip_inside_mm": (-20, 20),
    "max_tip_inside_mm": (0, 60),
    "min_to_scan_edge_mm": (0, 50),
    # derived zones
    "height_mm": (1, 40),
    "closing_mm": (1, 40),
    "reach_mm": (5, 60),
    "lateral_mm": (1, 40),
    "clearance_mm": (0, 10),
    "deeper_than_mm": (4, 40),
    "inner_share": (0.3, 1),
    # preferences
    "weight": (0, 100),
    "scale": (0.001, 500),
    "ideal": (0, 500),
    # the scan
    "max_slice_thickness_mm": (0.3, 10),
    "max_age_days": (1, 730),
    # checklist and procedure record
    "time_out_minutes": (1, 120),
    "warn_at_pass": (1, 20),
    "most_passes": (1, 30),
    "baseline_minutes": (5, 24 * 60),
    "least_amount": (0.001, 10_000),
    "most_amount": (0.001, 10_000),
    "total_amount": (0.001, 50_000),
    "level": (0.001, 20_000),
    # targeting errors
    "mean": (0, 50),
    "sd": (0, 50),
    # samples and results
    "dispatch_h": (0.25, 72),
    "transport_h": (0.25, 240),
    "result_working_days": (1, 60),
    "urgent_result_working_days": (1, 60),
    "adequate_from": (1, 100),
    "acknowledge_working_days": (1, 20),
    "tell_working_days": (1, 40),
    "repeat_working_days": (1, 20),
    # rates out of at most 10,000 people, words for them, and doses
    "low": (0, 10_000),
    "high": (0, 10_000),
    "at_least": (0, 1),
    "low_msv": (0, 100),
    "high_msv": (0, 100),
    # vetting
    "limit": (0, 2500),
    "stable_days": (1, 90),
    "unstable_hours": (1, 168),
    "on_the_day_hours": (1, 24),
    "hold_days": (0, 30),
    "hold_hours": (1, 96),
    "restart_days": (0, 14),
    "restart_to_days": (0, 14),
    "restart_hours": (1, 96),
    "restart_to_hours": (1, 96),
    "bare_metal_months": (0, 24),
    "drug_eluting_months": (0, 36),
    # the stay afterwards
    "minimum_h": (0.5, 72),
}
"""Last part of a key -> smallest and largest value that is accepted, both included."""


def implausible(key: str, value: float) -> str | None:
    """What is wrong with ``value`` under the dotted ``key``, in words; None where it can be."""
    low, high = PLAUSIBLE[key.rpartition(".")[2]]
    if low <= value <= high:
        return None
    return f"must be between {low:g} and {high:g}, not {value:g}"

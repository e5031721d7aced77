"""A third protocol that Trocar's code has never heard of, and a way to spoil one line of it."""

from __future__ import annotations

LIVER = b"""\
format: 1
protocol: liver_biopsy
title: Liver biopsy
version: "1"
guidance: [ultrasound, ct]
default_guidance: ultrasound
positions: [supine, left_lateral]
default_position: supine
side: none
catalogue:
  - name: 18G gun
    gauge: 18
    length_mm: {value: 160, source: J, status: U}
    throw_mm: {value: 22, source: P1, status: R}
    notch_start_mm: {value: 1, source: J, status: U}
    notch_length_mm: {value: 18, source: P1, status: R}
    outer_diameter_mm: {value: 1.27, source: J, status: U}
default_needle: 18G gun
target:
  kind: lesion
  organ: liver
limits:
  max_to_skin_deg: {value: 60, source: J, status: U}
  max_out_of_axial_deg: {value: 30, source: J, status: U}
  min_sample_mm: {value: 10, source: J, status: U}
  min_to_scan_edge_mm: {value: 5, source: J, status: U}
keep_clear:
  - name: bowel
    structures: [colon, "small_*"]
    margin_mm: {value: 10, source: J, status: U}
    crossing: forbidden
    mobile: true
    wanted: true
    harm: true
    why: perforation
preferences:
  - criterion: margin
    prefer: more
    weight: {value: 1, source: J, status: U}
    scale: {value: 10, source: J, status: U}
scan:
  max_slice_thickness_mm: {value: 3, source: J, status: U}
  max_age_days: {value: 60, source: J, status: U}
  position_must_match: {value: true, source: J, status: U}
errors:
  ultrasound: null
  ct:
    setting: a phantom
    entry_mm: {mean: {value: 6.1, source: P1, status: R}, dimensions: 2, cases: 60}
    angle_deg: {mean: {value: 3.4, source: P1, status: R}, dimensions: 2, cases: 60}
not_judged: [branches of the hepatic artery]
sources:
  P1: {citation: a paper, about: needles, read: abstract}
  J: {citation: judgement, about: what nobody measured, read: none}
"""


def spoiled(old: str, new: str) -> tuple[bytes, int]:
    """The liver protocol with ``old`` (which must stand there once) replaced, and the line where it stands."""
    text = LIVER.decode()
    assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
    return text.replace(old, new).encode(), text[: text.index(old)].count("\n") + 1

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
stay:
  minimum_h: {value: 6, source: J, status: U}
sources:
  P1: {citation: a paper, about: needles, read: abstract}
  J: {citation: judgement, about: what nobody measured, read: none}
"""

# The part of the file that says what happens to its samples.
LIVER += b"""\
specimen:
  media:
    - {name: formalin, title: Formalin}
    - {name: dry pot, title: Dry sterile pot}
  tests:
    - name: liver histology
      title: Liver histology
      usual: true
      media:
        - {name: formalin, accepted: {value: true, source: J, status: U}}
      dispatch_h: {value: 3, source: J, status: U}
      transport_h: {value: 6, source: J, status: U}
      result_working_days: {value: 4, source: J, status: U}
      urgent_result_working_days: {value: 2, source: J, status: U}
    - name: copper
      title: Copper by weight
      usual: false
      media:
        - {name: dry pot, accepted: {value: true, source: J, status: U}}
      blocked: [formalin]
      why_blocked: it washes copper out.
      dispatch_h: {value: 3, source: J, status: U}
      transport_h: {value: 24, source: J, status: U}
      result_working_days: {value: 20, source: J, status: U}
      urgent_result_working_days: {value: 20, source: J, status: U}
  result_fields:
    - name: portal tracts
      title: Portal tracts
      kind: count
      test: liver histology
      required: true
      adequate_from: {value: 11, source: J, status: U}
  outcomes:
    - {name: diagnosis, title: Diagnosis made, diagnostic: true}
    - {name: insufficient, title: Insufficient sample, diagnostic: false}
  acknowledge_working_days: {value: 2, source: J, status: U}
  tell_working_days: {value: 4, source: J, status: U}
  repeat_working_days: {value: 3, source: J, status: U}
checklist:
  time_out_minutes: {value: 10, source: J, status: U}
  resolved_by: {value: ir_doctor, source: J, status: U}
  items:
    - name: marked side
      stage: sign_in
      question: {value: Which side is marked?, source: J, status: U}
      answers: [left, right, no side, not marked]
      stops: [not marked]
      states: mark
    - name: shown side
      stage: time_out
      question: {value: Which side do the images show?, source: J, status: U}
      answers: [left, right, no side, another site]
      stops: [another site]
      states: images
      shows: [plan]
    - name: one side
      stage: time_out
      question: {value: Does everything name one side?, source: J, status: U}
      answers: ["yes", "no"]
      stops: ["no"]
      needs: sides
    - name: pots
      stage: sign_out
      question: {value: Do the pots match the orders?, source: J, status: U}
      answers: ["yes", "no"]
      stops: ["no"]
      needs: specimens
procedure_record:
  warn_at_pass: {value: 2, source: J, status: U}
  most_passes: {value: 3, source: J, status: U}
  baseline_minutes: {value: 30, source: J, status: U}
  baseline: [systolic_mmhg, heart_rate_per_min]
  sedation: [none, minimal]
  drugs:
    - name: lidocaine
      use: local anaesthetic
      unit: mL
      routes: [infiltration]
      least_amount: {value: 1, source: J, status: U}
      most_amount: {value: 15, source: J, status: U}
  complications:
    - name: bleeding
      words: {value: into the belly, source: J, status: U}
"""

# The part of the file that says what a patient is told.
LIVER += b"""\
consent:
  denominator: 1000
  leaflet:
    number: "0999"
    title: About a biopsy of the liver
    versions: [{version: VER1, last_reviewed: 2025-01, next_review: 2028-01}]
  scale:
    labels:
    - {name: often, at_least: {value: 0.01, source: J, status: U}}
    - {name: seldom, at_least: {value: 0, source: J, status: U}}
  benefits: [{name: diagnosis, title: A diagnosis, words: {value: What is wrong with the liver., source: J, status: U}}]
  without: {value: Nobody knows what is wrong., source: J, status: U}
  risks:
    - name: bleeding
      title: Bleeding into the belly
      harm: serious
      words: {value: It may need a transfusion., source: J, status: U}
      leaflet: {says: {value: It is seldom., source: P1, status: R}, word: seldom}
      rate: {low: 3, high: 12, denominator: 1000, basis: a paper, source: P1, status: R}
    - name: bile leak
      title: Bile leak
      harm: serious
      words: {value: It may need a drain., source: J, status: U}
      leaflet: null
      rate: null
  alternatives: [{name: no biopsy, title: No biopsy, words: {value: Wait and see., source: J, status: U}}]
  blood_products: {value: Would you accept blood?, source: J, status: U}
  sedation: {value: Mostly none., source: J, status: U}
  sample_use: {value: For the diagnosis., source: J, status: U}
  radiation: null
"""

# The part of the file that says what is asked before.
LIVER += b"""\
vetting:
  sites:
    - name: liver
      also: [right lobe, left lobe]
      structures: [liver]
      bleeding_class: {value: high, source: J, status: U}
  result_age:
    options:
      - name: a week
        stable_days: {value: 7, source: J, status: U}
        unstable_hours: {value: 24, source: J, status: U}
    unstable_question: unwell
  kidneys_changing_question: kidneys changing
  last_dose_override: nobody
  gates:
    - name: platelets
      of: platelets
      comparator: at_least
      options:
        - {name: one paper, limit: {value: 60, source: P1, status: R}}
        - {name: judgement, limit: {value: 80, source: J, status: U}}
      chosen: {value: judgement, source: J, status: U}
      severity: block
      override: ir_doctor
      classes: [high]
      phases: [vetting, day]
      need: always
      why: platelets make the first plug
  questions:
    - name: unwell
      text: Is the patient acutely unwell?
      phases: [vetting, day]
      counts_when: true
      severity: {value: warn, source: J, status: U}
      override: nobody
      why: results change
    - name: kidneys changing
      text: Is kidney function changing?
      phases: [vetting]
      counts_when: true
      severity: {value: warn, source: J, status: U}
      override: nobody
      why: medicines last longer
    - name: ascites
      text: Is there ascites?
      phases: [vetting, day]
      counts_when: true
      severity: {value: block, source: J, status: U}
      override: ir_doctor
      why: blood is not held by the abdominal wall
    - name: mechanical valve
      text: Is there a mechanical heart valve?
      phases: [vetting]
      counts_when: true
      severity: {value: specialist, source: J, status: U}
      override: nobody
      why: it clots
  stents:
    bare_metal_months: {value: 3, source: J, status: U}
    drug_eluting_months: {value: 12, source: J, status: U}
    go_on: [aspirin]
    ask: [warfarin]
  medicines:
    - name: aspirin
      clotting: true
      high:
        options:
          - name: go on
            steps: [{name: any, goes_on: {value: true, source: J, status: U}}]
    - name: warfarin
      also: [coumadin]
      clotting: true
      high:
        options:
          - name: five days
            steps:
              - name: any
                hold_days: {value: 5, source: J, status: U}
                restart_days: {value: 1, source: J, status: U}
"""


def spoiled(old: str, new: str) -> tuple[bytes, int]:
    """The liver protocol with ``old`` (which must stand there once) replaced, and the line where it stands."""
    text = LIVER.decode()
    assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
    return text.replace(old, new).encode(), text[: text.index(old)].count("\n") + 1

"""What stands on the sheet, and what never does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.documents.hand_plans import NEEDLE, phantom, plan, planned
from trocar.documents.composing import compose
from trocar.documents.content import Table
from trocar.documents.tables import clearance_table, moved
from trocar.planning.plan import PathRisk, PlanWarning

PROVENANCE = {
    "versions": {"trocar": "0.1.0"},
    "run": {"made_at": "2026-11-23T10:00:00", "host": "ct-workstation"},
}


def words(sheet) -> str:
    """Every word of a sheet."""
    found = [
        sheet.title,
        sheet.subtitle,
        sheet.identity,
        sheet.standing,
        sheet.rehearsal,
        *sheet.stamps,
        *sheet.warnings,
    ]
    for figure in sheet.key_figures:
        found += [figure.label, figure.value, figure.note]
    for step in sheet.steps:
        found += [step.do, step.how]
    for facts in [*sheet.facts, *([sheet.entry] if sheet.entry else [])]:
        found += [facts.title, *facts.sentences, *(a + " " + b for a, b in facts.pairs)]
    for table in sheet.tables:
        found += [
            table.title,
            table.caption,
            *table.columns,
            *table.notes,
            *(c for row in table.rows for c in row),
        ]
    return "\n".join(found)


def composed(made=None, volume=None, structures=None, **changes):
    default_volume, default_structures, default_plan = phantom()
    return compose(
        made or default_plan,
        volume or default_volume,
        structures if structures is not None else default_structures,
        PROVENANCE,
        {},
        **changes,
    )


def table(sheet, role) -> Table:
    return next(t for t in sheet.tables if t.role == role)


def figure(sheet, label):
    return next(f for f in sheet.key_figures if f.label == label)


def test_the_key_figures_are_the_plans():
    _, _, made = phantom()
    sheet = composed(made)
    path = made.paths[0].path
    assert figure(sheet, "Depth, skin to tip").value == f"{path.length_mm:.0f} mm"
    assert (
        figure(sheet, "Depth, skin to tip").note
        == f"{NEEDLE.length_mm - path.length_mm:.0f} mm of the needle stays outside"
    )
    assert figure(sheet, "Depth after the throw").value == f"{path.length_mm + 22:.0f} mm"
    # entry at x = 75, target at 70: the tip points to the right; it rises from z = -25 to -12
    assert figure(sheet, "Angle in the axial slice").value == "5°"
    assert figure(sheet, "Angle in the axial slice").note == "from vertical, tip towards the patient's right"
    assert figure(sheet, "Tilt out of the axial slice").value == "13°"
    assert figure(sheet, "Tilt out of the axial slice").note == "tip towards the head"
    assert figure(sheet, "Needle").value == "18 G"
    assert figure(sheet, "Patient lies").value == "prone"


def test_the_title_names_procedure_side_and_target():
    sheet = composed()
    assert sheet.title == "Kidney biopsy, left"
    assert sheet.subtitle == "Target: left kidney"


def test_no_sheet_says_safe():
    volume, structures, made = phantom()
    none = replace(made, paths=(), nearest=(replace(made.paths[0], relaxed="nearer than 5 mm to colon"),))
    for guidance in ("ct", "ultrasound", "fluoroscopy"):
        for one in (made, none):
            text = words(composed(replace(one, guidance=guidance), volume, structures)).lower()
            assert "safe" not in text
    assert "within the protocol's limits" in words(composed())


def test_stamps_and_notice_stand_first():
    sheet = composed()
    assert sheet.stamps[0] == "Research software, not for clinical use"
    assert sheet.stamps[1] == "Sample values: no department has approved them"


def test_the_loudest_warning_comes_first_and_all_are_there():
    _, _, made = phantom()
    made = replace(
        made,
        warnings=(PlanWarning("thick_slices", "Thick."), PlanWarning("not_in_position", "Not in position.")),
    )
    assert composed(made).warnings == ("Not in position.", "Thick.")


def test_a_scan_in_another_position_makes_the_figures_a_rehearsal():
    _, _, made = phantom()
    made = replace(made, paths=(replace(made.paths[0], needs_check_scan=True),), warnings=())
    sheet = composed(made)
    assert sheet.rehearsal == "For rehearsal: measure again on a scan in position"
    assert any("check scan" in w for w in sheet.warnings)
    assert any("Measure entry, depth and angles again" in s.how for s in sheet.steps)
    assert composed().rehearsal == ""


def test_table_position_only_within_the_sitting():
    assert "431" not in words(composed(table_position_mm=-431.0))
    assert "-431.0 mm" in words(composed(same_sitting=True, table_position_mm=-431.0))
    assert figure(composed(), "Table position, laser offset").value == "today"


def test_clearances_show_both_lengths_limit_and_judgement():
    rows = table(composed(), "clearances").rows
    colon = next(row for row in rows if row[1] == "Colon")
    assert colon[2:] == ("33 mm", "31 mm", "5 mm", "within the limit")


def test_a_clearance_below_its_limit_and_a_crossing_stand_out():
    path = planned(
        (0, 90, 0), (0, 0, 0), {"colon": 4.99, "aorta": 12.0, "kidney_left": 0.0}, crosses=("aorta",)
    )
    found = clearance_table(path, {"aorta": 1, "colon": 2, "kidney_left": 3})
    by_name = {row[1]: (n, row) for n, row in enumerate(found.rows)}
    assert by_name["Colon"][1][3:] == ("4.9 mm", "5 mm", "BELOW THE LIMIT")
    assert by_name["Aorta"][1][5] == "CROSSED, AGAINST THE LIMIT"
    assert {by_name["Colon"][0], by_name["Aorta"][0]} <= set(found.strong_rows)


def test_what_was_not_judged_is_one_loud_row():
    path = planned((0, 90, 0), (0, 0, 0), {"colon": None, "small_bowel": None, "aorta": 12.0})
    found = clearance_table(path, {"colon": 3, "small_bowel": 4, "aorta": 2})
    last = found.rows[-1]
    assert last[1] == "3 colon and 4 small bowel"
    assert last[5] == "NOT JUDGED"
    assert len(found.rows) - 1 in found.strong_rows


def test_forty_structures_are_all_accounted_for():
    clearances = {f"structure_{n}": 6.0 + 2 * n for n in range(40)}
    path = planned((0, 90, 0), (0, 0, 0), clearances)
    found = clearance_table(path, {name: n + 1 for n, name in enumerate(clearances)})
    assert len(found.rows) <= 25
    left = int(found.notes[0].split()[0])
    assert len(found.rows) + left == 40
    nearest_left = min(
        v
        for name, v in clearances.items()
        if not any(r[1].lower() == name.replace("_", " ") for r in found.rows)
    )
    assert f"none nearer than {nearest_left:.0f} mm" in found.notes[0]


def test_risk_is_labelled_as_a_model_for_staff():
    found = table(composed(), "risk")
    assert "Model, not outcome" in found.caption
    assert "One uncorrected pass" in found.caption
    assert "staff only" in found.caption
    assert ("Enough target tissue in the notch", "83 %") in found.rows
    assert any(row == ("Needle enters any one of 2 others", "each < 1 %") for row in found.rows)


def test_no_figure_is_borrowed_where_the_guidance_has_none():
    _, _, made = phantom()
    risk = PathRisk(None, {"colon": None}, None, "no sourced figures")
    sheet = composed(replace(made, paths=(replace(made.paths[0], risk=risk),)))
    rows = table(sheet, "risk").rows
    assert rows[0][1] == "no sourced error figures for this guidance"
    assert rows[1] == ("Needle enters colon", "NOT JUDGED")


def test_alternatives_keep_rank_and_say_where_the_entry_moves():
    rows = table(composed(), "alternatives").rows
    assert [row[0] for row in rows] == ["1 (this)", "2"]
    assert rows[0][1] == "same"
    assert rows[1][1] == "10 mm to left, 4 mm to front, 5 mm to head"
    second = table(composed(path_index=1), "alternatives").rows
    assert [row[0] for row in second] == ["1", "2 (this)"]


def test_offsets_name_the_patients_sides():
    assert moved(np.array([-12.0, 0.4, 6.0])) == "12 mm to right, 6 mm to head"
    assert moved(np.zeros(3)) == "same"


def test_rejected_shares_are_in_words():
    text = words(composed())
    assert "71 %: cross the colon" in text
    assert "12 %: are longer than the needle" in text
    assert "< 1 %: pass too near to a rib" in text
    assert "1.2 million pairs" in text


def test_unverified_values_are_flagged_by_name():
    values = next(f for f in composed().facts if f.role == "values")
    assert "1 read in a source, 1 UNVERIFIED (U)" in values.sentences[0]
    assert "clearance: colon 5 mm" in values.sentences[1]
    assert "throw" not in values.sentences[1]


def test_an_approved_value_is_not_called_unapproved():
    _, _, made = phantom()
    value = {
        "value": 5,
        "status": "U",
        "source": "J",
        "approved_by": "the department",
        "approved_on": "2026-01-01",
    }
    values = next(
        f for f in composed(replace(made, parameters={"a": {"b_mm": value}})).facts if f.role == "values"
    )
    assert len(values.sentences) == 1


def test_the_time_of_making_and_the_host_stand_nowhere():
    text = words(composed())
    assert "2026-11-23" not in text
    assert "ct-workstation" not in text
    assert "versions trocar 0.1.0" in text


def test_a_whole_report_may_serve_as_provenance():
    volume, structures, made = phantom()
    inner = compose(made, volume, structures, PROVENANCE, {})
    outer = compose(made, volume, structures, {"paths": [1, 2, 3], "provenance": PROVENANCE}, {})
    assert words(inner) == words(outer)


def test_the_identity_changes_with_the_path_and_not_with_the_scores():
    _, _, made = phantom()
    same = replace(made, paths=tuple(replace(p, score=0.1) for p in made.paths))
    other = replace(made, paths=made.paths[::-1])
    assert composed(made).identity == composed(same).identity
    assert composed(made).identity != composed(other).identity


@pytest.mark.parametrize("guidance", ["ct", "ultrasound", "fluoroscopy"])
def test_every_guidance_has_its_steps(guidance):
    _, _, made = phantom()
    sheet = composed(replace(made, guidance=guidance))
    text = " ".join(s.do + " " + s.how for s in sheet.steps)
    depth = f"{made.paths[0].path.length_mm:.0f} mm"
    assert depth in text
    assert "Check the tip before the sample" in text
    assert "vertebra" in text or "colon" in text, "what is nearest is named where it matters"
    assert ("grid" in text) == (guidance == "ct")
    assert ("LAO" in text or "RAO" in text) == (guidance == "fluoroscopy")
    assert any(t.role == "c_arm" for t in sheet.tables) == (guidance == "fluoroscopy")
    assert ("Table position" in words(sheet)) == (guidance == "ct")


def test_the_nearest_structure_in_the_step_is_the_one_with_least_room():
    path = planned(
        (75, 86, -25), (70, 28, -12), {"colon": 12.0, "aorta": 8.0}, required_mm={"colon": 10.0, "aorta": 2.0}
    )
    step = next(s for s in composed(plan(path)).steps if s.do == "Check the tip before the sample")
    assert "colon, 12 mm" in step.how


def test_a_needle_without_a_throw_has_no_second_depth():
    needle = replace(NEEDLE, throw_mm=20.0, notch_start_mm=0.0, notch_length_mm=20.0)
    path = planned((75, 86, -25), (70, 28, -12), needle=needle)
    path = replace(path, path=replace(path.path, throw_mm=0.0))
    sheet = composed(plan(path))
    assert not any(f.label == "Depth after the throw" for f in sheet.key_figures)


def test_no_path_is_said_plainly_and_offers_nothing_to_carry_out():
    _, _, made = phantom()
    relaxed = replace(made.paths[0], relaxed="nearer than 10 mm to colon")
    sheet = composed(replace(made, paths=(), nearest=(relaxed,)))
    assert sheet.kind == "no_path"
    assert sheet.standing.startswith("No path keeps every limit")
    assert sheet.key_figures == ()
    assert sheet.steps == ()
    assert sheet.entry is None
    nearest = table(sheet, "nearest")
    assert nearest.title.startswith("NOT A PLAN")
    assert all(t.title.startswith("NOT A PLAN") for t in sheet.tables)
    assert nearest.rows[0][1] == "Nearer than 10 mm to colon"
    text = words(sheet)
    assert "In the way, most first: colon and left rib 12." in text
    assert "within the protocol's limits" not in text


def test_no_path_and_nothing_near_is_a_sheet_too():
    _, _, made = phantom()
    sheet = composed(replace(made, paths=(), nearest=(), in_the_way=()))
    assert sheet.tables == ()
    assert "No single structure stands in the way." in words(sheet)


def test_without_structures_the_sheet_says_so():
    volume, _, made = phantom()
    sheet = compose(made, volume, None, {}, {})
    assert "No landmark is known" in " ".join(sheet.entry.sentences)


def test_a_table_refuses_ragged_rows():
    with pytest.raises(ValueError, match="2 cells"):
        Table("risk", "t", "c", ("a", "b"), (("1",),))


def test_the_points_are_those_of_the_chosen_path():
    _, _, made = phantom()
    for index in (0, 1):
        origin = dict(next(f for f in composed(made, path_index=index).facts if f.role == "origin").pairs)
        entry = made.paths[index].path.entry_lps_mm
        assert origin["Skin entry, LPS mm"] == ", ".join(f"{c:.1f}" for c in entry)

"""What the needle path of a case tells the rest of the application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse

from trocar.clinical.stages import ENDED, Stage
from trocar.documents.naming import capital, spoken
from trocar.errors import InputRefused
from trocar.web.accounts.roles import Permission
from trocar.web.cases.models import Case
from trocar.web.cases.registry import Entry, NextAction, RecordPicture, Section, SectionState, once, register
from trocar.web.jobs.models import Job
from trocar.web.plans import slice_view, wording
from trocar.web.plans.models import PlanOfCase
from trocar.web.plans.shown_path import ShownPath
from trocar.web.plans.standing import Standing, Way, not_judged, standing

BEFORE_TIME_OUT = (Stage.REFERRED, Stage.ACCEPTED, Stage.BOOKED, Stage.ARRIVED, Stage.SIGNED_IN)
"""Time out is done for the plan as it stands; from then on the plan does not change."""
IN_THE_ROOM = (Stage.ARRIVED, Stage.SIGNED_IN)

NEAR = 12
"""Structures that consent and checklist may name; after them come dozens that matter to nobody."""
LEAST_HARM = 0.005
SIDES = {"left": "Left", "right": "Right", "none": "No side"}


def plans_of(case: Case) -> list[PlanOfCase]:
    return list(PlanOfCase.objects.filter(case=case).select_related("job", "asked_by"))


def state(case: Case) -> SectionState:
    """How far the decision on the needle path is. A CT is never asked for: most are planned at the table."""
    now = once(case, standing)
    decision = now.decision
    if decision is not None and now.way != Way.NONE:
        if now.problems:
            return SectionState(
                "blocked", "Decided, but it does not hold any more", now.problems,
                NextAction("Decide the needle path again", "ir_doctor"),
            )  # fmt: skip
        if now.for_rehearsal_only:
            shown_in_the_way = [name for name, clear in decision.check_scan.items() if not clear]
            problem = (
                f"The scan in position shows in the way: {', '.join(shown_in_the_way)}."
                if shown_in_the_way
                else "Accepted for rehearsal only: a scan in position has still to show the path clear."
            )
            action = (
                NextAction("Look at a scan in position", "ir_doctor")
                if case.at_stage in IN_THE_ROOM
                else None
            )
            return SectionState("to do", in_one_line(now), (problem,), action)
        return SectionState("done", in_one_line(now))
    plans = once(case, plans_of)
    if case.at_stage in ENDED or case.at_stage not in BEFORE_TIME_OUT:
        return SectionState("not needed" if case.at_stage in ENDED else "not started")
    latest = plans[-1].job if plans else None
    if latest is not None and latest.is_open:
        return SectionState("to do", f"Being planned: {latest.percent} %")
    if latest is not None and latest.state == Job.State.FAILED:
        return SectionState("to do", "The CT could not be planned", (latest.sentence,), _decide())
    if plans:
        return SectionState(
            "to do",
            "Planned; no path is accepted yet",
            ("No path is accepted yet.",),
            _decide("Accept a path"),
        )
    if case.at_stage == Stage.REFERRED:
        return SectionState("not started")
    return SectionState("to do", "", ("How the needle is to go is not decided.",), _decide())


def _decide(text: str = "Decide the needle path: a plan, or at the table") -> NextAction:
    return NextAction(text, "ir_doctor")


def in_one_line(now: Standing) -> str:
    """The decision in words."""
    decision = now.decision
    if decision is None or now.way == Way.NONE:
        return "Not decided"
    place = ", ".join(part for part in (SIDES.get(decision.side, ""), decision.site) if part)
    if now.way == Way.TABLE:
        return f"Planned at the table: {place}; {decision.needle}"
    what = f"Path {decision.path_number} of {decision.plan_id}: {place}"
    return f"{what} (for rehearsal only)" if now.for_rehearsal_only else what


def facts(case: Case) -> Mapping[str, Any]:
    """For the guards of moves, consent, checklist and papers. Names begin with ``plan.``.

    accepted_or_at_table: the needle may go as decided. accepted: identity of the decision; another one re-opens stage 2
    of consent; None where there is none or it does not hold. side: left, right, none; site, level: as in the referral,
    held against the target. target: the planner's words. entry_lps_mm, tip_lps_mm: ends of the accepted path before
    the throw, to hold what was achieved against. structures_near: (name in words, mm), nearest first.
    risks: (name in words, probability, in words): model, not outcome; for staff only. crosses, not_judged: names.
    """
    now = once(case, standing)
    decision, path = now.decision, now.path
    decided = decision is not None and now.way != Way.NONE
    found: dict[str, Any] = {
        "plan.accepted_or_at_table": now.holds,
        "plan.accepted": now.identity,
        "plan.way": now.way,
        "plan.rehearsal_only": now.for_rehearsal_only,
        "plan.words": in_one_line(now),
        "plan.side": decision.side if decision and decided else None,
        "plan.site": decision.site if decision and decided else None,
        "plan.level": decision.site if decision and decided else None,
        "plan.needle": decision.needle if decision and decided else None,
        "plan.position": decision.get_position_display() if decision and decided else None,
        "plan.guidance": decision.get_guidance_display() if decision and decided else None,
        "plan.target": None,
        "plan.entry_lps_mm": None,
        "plan.tip_lps_mm": None,
        "plan.structures_near": [],
        "plan.crosses": [],
        "plan.not_judged": [],
        "plan.risks": [],
        "plan.sample_chance": None,
        "plan.picture": None,
        "plan.page": None,
    }
    if now.plan is not None and path is not None and now.folder is not None and not now.problems:
        found |= {
            "plan.target": now.plan.target,
            "plan.entry_lps_mm": path.raw["entry_lps_mm"],
            "plan.tip_lps_mm": path.raw["target_lps_mm"],
            "plan.structures_near": structures_near(path),
            "plan.crosses": [capital(spoken(name)) for name in path.crossed_structures],
            "plan.not_judged": not_judged(path),
            "plan.risks": risks(path),
            "plan.sample_chance": path.sample_chance,
            "plan.page": reverse("plans:plan", args=[now.folder.id]) + f"?path={path.number}",
        }
        if now.folder.card.ct is not None:
            found["plan.picture"] = slice_view.picture_url(
                now.folder, now.plan, path.number, "along", 0, slice_view.default_window(now.plan), True
            )
    return found


def structures_near(path: ShownPath) -> list[tuple[str, float]]:
    """(name in words, mm from the needle's axis after the throw), nearest first; not what the needle goes through."""
    judged = [
        (c.name, round(c.after_throw_mm, 1))
        for c in path.clearances
        if c.after_throw_mm is not None and not c.crossed
    ]
    return sorted(judged, key=lambda pair: (pair[1], pair[0]))[:NEAR]


def risks(path: ShownPath) -> list[tuple[str, float, str]]:
    """(name in words, modelled probability of entering it, in words), likeliest first: model, not outcome."""
    found = [
        (c.name, c.harm, wording.percent(c.harm))
        for c in path.clearances
        if c.harm is not None and not c.crossed and c.harm >= LEAST_HARM
    ]
    return sorted(found, key=lambda one: (-one[1], one[0]))[:NEAR]


def entries(case: Case) -> Sequence[Entry]:
    """The decision and every plan that was asked for, in words."""
    now = once(case, standing)
    found = []
    if now.decision is not None:
        rows = tuple(_rows(now))
        found.append(Entry("Needle path", rows, now.decision.changed_by.full_name, now.decision.happened_at))
    for plan in once(case, plans_of):
        outcome = plan.job.get_state_display() if plan.job else "not known"
        if plan.job is not None and plan.job.sentence:
            outcome += f": {plan.job.sentence}"
        asked = tuple((str(label), str(value)) for label, value in plan.asked)
        found.append(
            Entry(
                f"Plan {plan.plan_id}", (*asked, ("Outcome", outcome)), plan.asked_by.full_name, plan.asked_at
            )
        )
    return found


def _rows(now: Standing) -> list[tuple[str, str]]:
    decision = now.decision
    assert decision is not None
    if now.way == Way.NONE:
        return [("Decision", "Withdrawn")]
    rows = [
        ("Decision", in_one_line(now)),
        ("Side", SIDES.get(decision.side, "not given")),
        ("Site", decision.site),
        ("Position", decision.get_position_display()),
        ("Guidance", decision.get_guidance_display()),
        ("Needle", decision.needle),
    ]
    rows += [("Problem", problem) for problem in now.problems]
    if now.way == Way.TABLE:
        saved = {True: "Yes", False: "No", None: "not said"}[decision.images_saved]
        return [*rows, ("Images saved", saved), ("Notes", decision.notes or "none")]
    if now.plan is not None and now.path is not None:
        rows += path_rows(now.plan.target, now.path)
    rows += [("Warning confirmed", text) for _, text in decision.confirmed]
    if decision.rehearsal_only:
        scan = "; ".join(f"{n}: {'clear' if ok else 'IN THE WAY'}" for n, ok in decision.check_scan.items())
        rows.append(("Scan in position", scan or "not yet: for rehearsal only"))
    return rows


def path_rows(target: str, path: ShownPath) -> list[tuple[str, str]]:
    """A path in figures."""
    near = [f"{name} {wording.millimetres(mm)}" for name, mm in structures_near(path)[:6]]
    likely = [f"{name} {words}" for name, _, words in risks(path)[:4]]
    return [
        ("Target", target),
        ("Depth to the tip before the throw", path.length),
        ("Throw", path.throw),
        ("Angle to the skin", path.to_skin),
        ("Tilt out of the axial plane", path.out_of_axial),
        ("Direction in the axial plane", path.in_axial),
        ("Goes through", path.crosses),
        ("Nearest structures, from the needle's axis", "; ".join(near) or "none judged"),
        ("Not judged", wording.listed(not_judged(path)) or "nothing"),
        ("Chance of a sample (model, not outcome; for staff only)", path.sample_chance),
        (
            "Likeliest to be entered (model, not outcome; for staff only)",
            "; ".join(likely) or "nothing above 0.5 %",
        ),
    ]


def pictures(case: Case) -> Sequence[RecordPicture]:
    """The accepted path for papers: along the needle, and the slice through the notch. Slow: it reads the scan."""
    now = once(case, standing)
    if now.folder is None or now.plan is None or now.path is None or now.problems:
        return ()
    window = slice_view.default_window(now.plan)
    found = []
    try:
        outlined = "; ".join(
            f"{one.number} {one.name}" for one in slice_view.legend(now.folder, now.plan, now.path)
        )
        for name in ("along", "axial"):
            stack = slice_view.stack_of(now.folder, now.plan, now.path, name)  # type: ignore[arg-type]
            png = slice_view.slice_png(now.folder, now.plan, now.path, name, stack.start, window, True)  # type: ignore[arg-type]
            words = f"{stack.title}: {stack.label(stack.start)}"
            alt = f"CT slice of path {now.path.number} with the needle drawn in. {words}"
            found.append(RecordPicture(f"Path {now.path.number}. {words}. Outlined: {outlined}.", alt, png))
    except InputRefused:
        # the scan is gone; the figures still stand in the entries
        return ()
    return found


def register_section() -> None:
    """Called once as the application starts."""
    register(
        Section(
            "plan",
            "Needle path",
            40,
            Permission.SEE_CASES,
            "case_plan:plan",
            state,
            facts,
            entries,
            pictures=pictures,
        )
    )

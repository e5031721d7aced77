"""What consent tells the other parts of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from trocar.clinical.consent import Status
from trocar.clinical.stages import ENDED, Stage
from trocar.web.accounts.roles import Permission
from trocar.web.cases.models import Case
from trocar.web.cases.registry import Entry, NextAction, Section, SectionState, once, register
from trocar.web.consent.models import ConsentStageOne, ConsentStageTwo
from trocar.web.consent.standing import Standing, standing

KEY = "consent"
IN_THE_ROOM = (Stage.ARRIVED, Stage.SIGNED_IN, Stage.TIMED_OUT)
AFTERWARDS = (Stage.NEEDLE_OUT, Stage.SIGNED_OUT, Stage.DISCHARGED, Stage.REPORTED)


def _state(case: Case) -> SectionState:
    now = once(case, standing)
    found = now.state
    words = found.status.capitalize()
    problems = (*found.cautions, *found.missing)
    if found.status is Status.DECLINED:
        return SectionState("done", words, found.cautions)
    if found.status is Status.WITHDRAWN and case.at_stage not in (*ENDED, *AFTERWARDS):
        action = NextAction("Consent is withdrawn: stop, and talk with the patient", "ir_doctor")
        return SectionState("blocked", words, problems, action)
    if found.status is Status.CONFIRMED:
        return SectionState("done", words, found.cautions)
    if case.at_stage in (*ENDED, *AFTERWARDS):
        return SectionState("not needed", words)
    if case.at_stage is Stage.REFERRED:
        return SectionState("not started", "Begins once the referral is accepted.")
    if found.status in (Status.NOT_STARTED, Status.STAGE_ONE_OPEN):
        unanswered = sum(not question.answer for question in now.questions)
        if unanswered == len(found.missing) > 0:
            return SectionState(
                "to do", words, problems, NextAction("Answer the patient's question", "ir_nurse")
            )
        return SectionState("to do", words, problems, NextAction("Explain, and record stage 1", "ir_doctor"))
    # Stage 2 is confirmed with the patient there; before they arrive it is nobody's next action.
    ready = case.at_stage in IN_THE_ROOM and found.status is not Status.WAITS_FOR_PLAN
    action = NextAction("Confirm consent for the plan (stage 2)", "ir_doctor") if ready else None
    return SectionState(
        "blocked" if found.status is Status.PLAN_CHANGED else "to do", words, problems, action
    )


def _facts(case: Case) -> Mapping[str, Any]:
    now = once(case, standing)
    one = now.one
    return {
        **now.state.facts,
        "consent.status": str(now.state.status),
        "consent.side": (one.side or None) if one else None,
        "consent.site": (one.site or None) if one else None,
        "consent.blood_products": (one.blood_products or None) if one else None,
        "consent.instead_of_blood": one.instead_of_blood if one else "",
        "consent.sedation": (one.sedation or None) if one else None,
        "consent.capacity": (one.capacity or None) if one else None,
        "consent.matters": one.matters if one else "",
        "consent.cautions": list(now.state.cautions),
        "consent.questions_open": sum(not question.answer for question in now.questions),
    }


def _entries(case: Case) -> Sequence[Entry]:
    now = once(case, standing)
    found = [
        Entry(
            "Leaflet given",
            (
                ("Leaflet", given.identifier),
                ("How", given.get_channel_display()),
                ("Form", given.form or "usual"),
            ),
            given.changed_by.full_name,
            given.happened_at,
        )
        for given in now.leaflets
    ]
    if now.one is not None:
        found.append(
            Entry(
                "Consent, stage 1",
                stage_one_rows(now, now.one),
                now.one.changed_by.full_name,
                now.one.changed_at,
            )
        )
    found += [
        Entry(
            "Question of the patient",
            (("Asked", question.asked), ("Answer", _answer(question))),
            question.heard_by.full_name,
            question.asked_at,
        )
        for question in now.questions
    ]
    if now.two is not None:
        found.append(
            Entry(
                "Consent, stage 2", stage_two_rows(now.two), now.two.changed_by.full_name, now.two.changed_at
            )
        )
    found += [
        Entry(
            f"Consent {end.get_kind_display().lower()}",
            tuple(
                (label, words)
                for label, words in (
                    ("In the patient's words", end.words or "no reason given"),
                    ("Explained", end.explained),
                    ("Goes on with", end.follow_up),
                )
                if words
            ),
            end.heard_by.full_name,
            end.happened_at,
        )
        for end in now.ends
    ]
    return found


def _answer(question: Any) -> str:
    if not question.answer:
        return "not answered yet"
    return f"{question.answer} ({question.answered_by.full_name}, {moment(question.answered_at)})"


def moment(at: Any) -> str:
    """A time as people read it."""
    return f"{timezone.localtime(at):%d/%m/%Y %H:%M}" if at else "not recorded"


def _said(value: Any) -> str:
    return {None: "not asked", True: "Yes", False: "No", "": "not recorded"}.get(value, str(value))


def stage_one_rows(now: Standing, one: ConsentStageOne) -> tuple[tuple[str, str], ...]:
    """Stage 1 in words."""
    titles = {risk.name: risk.title for risk in now.rules.risks}
    others = {told.name: told.title for told in now.rules.alternatives}
    rows = [
        ("Explained by", one.explained_by.full_name if one.explained_by else "not recorded"),
        ("Explained at", moment(one.explained_at)),
        ("Why", _said(one.indication)),
        ("Site", _said(one.site)),
        ("Side", {"none": "no side"}.get(one.side, _said(one.side))),
        ("What matters to the patient", _said(one.matters)),
        ("Benefits explained", _said(one.benefits_explained)),
        ("Risks explained", "; ".join(titles.get(name, name) for name in one.risks) or "none"),
    ]
    rows += [(f"Does not apply: {titles.get(name, name)}", why) for name, why in one.not_here.items()]
    rows += [
        ("Without it explained", _said(one.without_explained)),
        ("Alternatives explained", "; ".join(others.get(name, name) for name in one.alternatives) or "none"),
        ("Blood products", _said(one.blood_products)),
    ]
    if one.instead_of_blood:
        rows.append(("Instead of blood", one.instead_of_blood))
    rows += [
        ("Sedation", _said(one.sedation)),
        ("X-rays or CT used", _said(one.x_rays)),
        ("Radiation explained", _said(one.radiation_explained)),
        ("Use of the sample", _said(one.sample_use)),
        ("Capacity", _said(one.capacity)),
    ]
    if one.capacity == "lacks capacity":
        rows += [
            ("How capacity was assessed", _said(one.capacity_assessed)),
            ("Decided by", _said(one.decided_by)),
            ("Consulted", _said(one.consulted)),
            ("Why in the patient's best interests", _said(one.best_interests_reasons)),
            ("No advance refusal, attorney or deputy against it", _said(one.no_refusal_known)),
        ]
    rows += [
        ("Interpreter", _said(one.interpreter) + (f": {one.interpreter_who}" if one.interpreter_who else "")),
        ("Information needs", _said(one.information_needs)),
        ("Needs met", _said(one.information_needs_met)),
        ("Leaflet", _said(one.leaflet)),
        ("Leaflet read", _said(one.leaflet_read)),
        ("Agrees", _said(one.agrees)),
    ]
    return tuple(rows)


def stage_two_rows(two: ConsentStageTwo) -> tuple[tuple[str, str], ...]:
    """Stage 2 in words."""
    return (
        ("Confirmed by", two.confirmed_by.full_name if two.confirmed_by else "not recorded"),
        ("Confirmed at", moment(two.confirmed_at)),
        ("Plan", _said(two.plan)),
        ("Side the patient names", {"none": "no side"}.get(two.side, _said(two.side))),
        ("Site the patient names", _said(two.site)),
        ("What lies near, as told", " ".join(two.nearby) or "no CT: nothing was measured"),
        ("That was explained", _said(two.nearby_explained)),
        ("Nothing has changed", _said(two.nothing_changed)),
        ("Before sedation", _said(two.before_sedation)),
        ("Still agrees", _said(two.still_agrees)),
    )


def register_section() -> None:
    """Called once as the application starts."""
    register(
        Section(
            KEY, "Consent", 45, Permission.SEE_CASES, "consent:consent", _state, _facts, _entries,
            shown_to_referrer=True,
        )
    )  # fmt: skip

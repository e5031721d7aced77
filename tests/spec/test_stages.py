"""The way of a case: nothing skips a stage, and what is not assessed is not enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from trocar.clinical.stages import ENDED, MOVES, NEXT, WHOSE, Need, Stage, moves_from
from trocar.clinical.stages_page import with_table
from trocar.web.accounts.roles import ROLES, Permission

PAGE = Path(__file__).parents[2] / "docs" / "cases.md"


def test_the_page_shows_the_table_that_runs() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_table(text) == text


def test_a_fact_that_nobody_gives_is_not_enough() -> None:
    """Clinical rules: a missing value fails closed, for a fact that must be true and for one that must be false."""
    for value in (True, False):
        need = Need("consent.withdrawn", "sentence", value)
        assert not need.met({})
        assert not need.met({"consent.withdrawn": None})
        assert need.met({"consent.withdrawn": value})
        assert not need.met({"consent.withdrawn": not value})


def test_the_first_move_of_each_stage_leads_on() -> None:
    """From referred to closed in ten moves, none of which starts or ends anywhere else."""
    stage, way = Stage.REFERRED, [Stage.REFERRED]
    while stage in NEXT:
        move = MOVES[NEXT[stage]]
        assert stage in move.origins
        stage = move.to
        way.append(stage)
    assert stage is Stage.CLOSED
    assert len(way) == 11


@pytest.mark.parametrize("name", MOVES)
def test_from_any_other_stage_a_move_is_refused_whatever_the_facts(name: str) -> None:
    move = MOVES[name]
    everything = {need.fact: need.value for need in move.needs}
    for stage in Stage:
        refusals = move.refusals(stage, everything, "a reason")
        assert (not refusals) == (stage in move.origins), stage


@pytest.mark.parametrize("name", MOVES)
def test_each_need_stops_its_move_alone(name: str) -> None:
    move = MOVES[name]
    everything = {need.fact: need.value for need in move.needs}
    for need in move.needs:
        assert move.refusals(move.origins[0], {**everything, need.fact: None}, "a reason") == (need.sentence,)
    if move.reason:
        assert move.refusals(move.origins[0], everything, "  ") == ("Give a reason.",)


def test_consent_stands_before_sign_in_and_time_out() -> None:
    for name in ("sign_in", "time_out"):
        assert {"consent.confirmed", "consent.withdrawn"} <= {need.fact for need in MOVES[name].needs}


def test_no_stage_asks_for_a_ct() -> None:
    """Most kidney biopsies have no planning CT; planned at the table goes the whole way (clinical rules, "Before")."""
    facts = {need.fact for move in MOVES.values() for need in move.needs}
    assert "plan.accepted_or_at_table" in facts
    assert not any(fact.startswith("plan.") and fact != "plan.accepted_or_at_table" for fact in facts)


def test_every_move_is_somebodys() -> None:
    for move in MOVES.values():
        assert any(Permission(move.permission) in role.permissions for role in ROLES.values())
        assert WHOSE[move.permission] in ROLES


def test_what_has_ended_is_only_taken_up_again() -> None:
    for stage in ENDED:
        assert {move.name for move in moves_from(stage)} <= {"reopen"}

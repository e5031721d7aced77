"""The thread that plans cases: one after the other, none twice, and a failure stops nothing."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from trocar.errors import InputRefused, SampleUnavailable
from trocar.web.plans.plan_folder import Card, every, find, plans_folder, write_card
from trocar.web.plans.planning_thread import (
    FAULT,
    CaseToPlan,
    PlannedOn,
    PlanningThread,
    Tell,
    mark_interrupted,
)


def case(case_id: str, order: int, done: list[str], error: Exception | None = None) -> CaseToPlan:
    def plan(out: Path, tell: Tell) -> PlannedOn:
        tell("Judging", 0.5)
        if error:
            raise error
        (out / "plan.json").write_text("{}")
        done.append(case_id)
        return PlannedOn(out / "ct.nii.gz", (str(out / "labels.nii.gz"),))

    return CaseToPlan(case_id, Card(case_id, sample=True, order=order), plan)


def nothing(_: Tell) -> None:
    """All samples are there."""


def run(data: Path, cases: list[CaseToPlan], fetch=nothing) -> list[str]:
    said: list[str] = []
    thread = PlanningThread(data, cases, fetch, said.append)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    return said


def states(data: Path) -> dict[str, str]:
    return {folder.id: folder.card.state for folder in every(data)}


def test_plans_every_case_in_order(tmp_path: Path) -> None:
    done: list[str] = []
    said = run(tmp_path, [case("b", 1, done), case("a", 2, done)])
    assert done == ["b", "a"]
    assert states(tmp_path) == {"b": "planned", "a": "planned"}
    assert said[0] == "Planning: b"
    planned = find(tmp_path, "a")
    assert planned is not None
    assert planned.card.ct == str(tmp_path / "plans" / "a" / "ct.nii.gz")


def test_what_is_planned_is_not_planned_again(tmp_path: Path) -> None:
    done: list[str] = []
    run(tmp_path, [case("a", 1, done)])
    run(tmp_path, [case("a", 1, done), case("b", 2, done)])
    assert done == ["a", "b"]


def test_what_was_interrupted_is_planned_anew_in_an_empty_folder(tmp_path: Path) -> None:
    folder = plans_folder(tmp_path) / "a"
    write_card(folder, Card("a", sample=True, state="planning", fraction=0.5))
    (folder / "half.dcm").write_bytes(b"half")
    done: list[str] = []
    run(tmp_path, [case("a", 1, done)])
    assert done == ["a"]
    assert not (folder / "half.dcm").exists()


def test_a_case_that_fails_says_why_and_the_next_is_planned(tmp_path: Path) -> None:
    done: list[str] = []
    refused = InputRefused("The structure file has no left kidney.")
    run(tmp_path, [case("a", 1, done, refused), case("b", 2, done)])
    assert states(tmp_path) == {"a": "failed", "b": "planned"}
    failed = find(tmp_path, "a")
    assert failed is not None
    assert failed.card.message == "The structure file has no left kidney."


def test_a_fault_of_ours_is_not_shown_with_its_inner_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, [case("a", 1, [], ZeroDivisionError("inner words"))])
    failed = find(tmp_path, "a")
    assert failed is not None
    assert failed.card.message == FAULT


def test_without_samples_every_case_says_so(tmp_path: Path) -> None:
    def fetch(_: Tell) -> None:
        raise SampleUnavailable("No package index can be reached.")

    done: list[str] = []
    run(tmp_path, [case("a", 1, done), case("b", 2, done)], fetch)
    assert done == []
    assert {folder.card.message for folder in every(tmp_path)} == {"No package index can be reached."}


def test_stops_at_the_next_sign_of_progress(tmp_path: Path) -> None:
    started = threading.Event()

    def plan(out: Path, tell: Tell) -> PlannedOn:
        while True:
            tell("Judging", 0.1)
            started.set()
            time.sleep(0.01)

    thread = PlanningThread(
        tmp_path, [CaseToPlan("a", Card("a", sample=True), plan)], nothing, lambda _: None
    )
    thread.start()
    assert started.wait(5)
    thread.stop()
    assert not thread.is_alive()
    assert states(tmp_path) == {"a": "planning"}
    mark_interrupted(every(tmp_path))
    assert states(tmp_path) == {"a": "failed"}

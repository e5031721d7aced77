"""Plans cases one after the other beside the server, and says on their cards how far it is."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trocar.errors import TrocarError
from trocar.web.plans.plan_folder import Card, PlanFolder, State, plans_folder, read_card, write_card

log = logging.getLogger("trocar.web")

CARD_PAUSE_S = 0.2
"""A planner tells of its progress many times a second; the card is written at most so often."""

FAULT = "Trocar has a fault and could not plan this case; the terminal in which it runs says more."


Tell = Callable[[str, float], None]
"""Told what is being done, and the fraction (0 to 1) of it that is done."""


@dataclass(frozen=True)
class PlannedOn:
    """The files that a case was planned on; its pictures are cut from them."""

    ct: Path
    structures: tuple[str, ...]


@dataclass(frozen=True)
class CaseToPlan:
    """id: name of its folder. plan: writes plan.json, the sheets and the DICOM files into a folder."""

    id: str
    card: Card
    plan: Callable[[Path, Tell], PlannedOn]


class Stopped(BaseException):
    """Raised in the planning thread when the server ends. Not an Exception, so that nothing takes it for a failure."""


class PlanningThread(threading.Thread):
    """Plans those of ``cases`` that are not planned yet, in their order.

    fetch: brings the sample scans onto this machine before the first case; told of its progress as a planner is.
    say: writes a line for the person at the terminal.
    """

    def __init__(
        self,
        data: Path,
        cases: Sequence[CaseToPlan],
        fetch: Callable[[Tell], None],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(name="planning", daemon=True)
        self.data = data
        self.fetch = fetch
        self.say = say
        self._ending = threading.Event()
        self.todo = [
            (case, folder) for case, folder in map(self._enlist, cases) if folder.card.state != "planned"
        ]

    def stop(self, wait_s: float = 1.0) -> None:
        """End at the next sign of progress; what is not finished is planned at the next start."""
        self._ending.set()
        if self.is_alive():
            self.join(wait_s)

    def run(self) -> None:
        try:
            if self.todo and self._fetched():
                for case, folder in self.todo:
                    self._plan(case, folder)
        except Stopped:
            pass

    def _enlist(self, case: CaseToPlan) -> tuple[CaseToPlan, PlanFolder]:
        """The case's folder; anything but a finished plan is made anew, with what an interrupted start left removed."""
        path = plans_folder(self.data) / case.id
        try:
            card = read_card(path)
            done = card.state == "planned" and (path / "plan.json").is_file()
        except TrocarError:
            done = False
        if done:
            return case, PlanFolder(path, card)
        shutil.rmtree(path, ignore_errors=True)
        write_card(path, case.card)
        return case, PlanFolder(path, case.card)

    def _fetched(self) -> bool:
        first = self.todo[0][1]
        try:
            self.fetch(self._teller(replace_state(first, "planning", "Fetching the sample CTs")))
        except TrocarError as error:
            self.say(f"The sample CTs could not be fetched: {error}")
            self._fail_all(str(error))
            return False
        except Exception:
            log.exception("fetching the sample CTs")
            self._fail_all(FAULT)
            return False
        return True

    def _fail_all(self, sentence: str) -> None:
        for _, folder in self.todo:
            replace_state(folder, "failed", sentence)

    def _plan(self, case: CaseToPlan, folder: PlanFolder) -> None:
        started = time.monotonic()
        self.say(f"Planning: {case.card.title}")
        folder = replace_state(folder, "planning", "Reading the CT")
        try:
            inputs = case.plan(folder.path, self._teller(folder))
        except TrocarError as error:
            self.say(f"Not planned: {case.card.title}: {error}")
            replace_state(folder, "failed", str(error))
        except Exception:
            log.exception("planning %s", case.id)
            replace_state(folder, "failed", FAULT)
        else:
            folder.with_card(
                state="planned",
                message="",
                fraction=1.0,
                ct=str(inputs.ct),
                structures=inputs.structures,
            )
            self.say(f"Planned in {time.monotonic() - started:.0f} s: {case.card.title}")

    def _teller(self, folder: PlanFolder) -> Tell:
        last_s = 0.0

        def tell(message: str, fraction: float) -> None:
            nonlocal last_s
            if self._ending.is_set():
                raise Stopped
            now_s = time.monotonic()
            if now_s - last_s >= CARD_PAUSE_S:
                last_s = now_s
                folder.with_card(state="planning", message=message, fraction=fraction)

        return tell


def replace_state(folder: PlanFolder, state: State, message: str) -> PlanFolder:
    return folder.with_card(state=state, message=message, fraction=0.0)


def mark_interrupted(folders: Sequence[PlanFolder]) -> None:
    """Say so on the cards of cases that nobody is planning any more."""
    for folder in folders:
        if folder.card.state in ("waiting", "planning"):
            write_card(
                folder.path,
                replace(
                    folder.card,
                    state="failed",
                    fraction=0.0,
                    message="The planning of this case was interrupted; start Trocar with --demo to plan it.",
                ),
            )

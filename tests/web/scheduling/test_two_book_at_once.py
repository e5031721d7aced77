"""Two people book at the same moment: one room, one patient, on either database."""

from __future__ import annotations

import contextvars
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from tests.web.conftest import referred
from trocar.clinical.opening_hours import LONDON
from trocar.clinical.slots import Slot
from trocar.web.accounts.models import Person
from trocar.web.audit.verify import verify
from trocar.web.cases.change import MoveRefused, change
from trocar.web.cases.models import Case
from trocar.web.scheduling.actions import give_slot, holding
from trocar.web.scheduling.models import Booking, Room, TakenTime

from .conftest import accepted

pytestmark = pytest.mark.django_db(transaction=True)

NHS_NUMBERS = ("4010232137", "9434765919", "9876543210", "9990000018", "9990000026", "9990000034")
NINE = datetime(2026, 11, 24, 9, tzinfo=LONDON)
ULTRASOUND = "Ultrasound room"


@pytest.fixture
def cases(people: dict[str, Person]) -> list[Case]:
    """Six accepted kidney biopsies."""
    with transaction.atomic():
        return [accepted(referred(people, "kidney_biopsy", n, "lower pole", "left")) for n in NHS_NUMBERS]


def at_once(work: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """``work`` on every item, each in a thread and with a connection of its own, all begun at the same moment."""
    begin = threading.Barrier(len(items))

    def one(item: Any) -> Any:
        begin.wait()
        try:
            return work(item)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(items)) as pool:
        futures = [pool.submit(contextvars.copy_context().run, one, item) for item in items]
        return [future.result() for future in futures]


def try_to_book(case: Case, slot: Slot, by: Person) -> str:
    try:
        with change(by, case, "Booked a slot") as ch:
            held = holding(case)
            give_slot(
                ch, slot, "ct" if slot.room.startswith("CT") else "ultrasound", held.version if held else 0
            )
    except MoveRefused as error:
        return error.reasons[0]
    return "booked"


def nobody_shares_a_room() -> None:
    by_room: dict[int, list[Booking]] = {}
    for booking in Booking.objects.filter(status="holds").select_related("room").order_by("start"):
        by_room.setdefault(booking.room_id, []).append(booking)
        assert set(booking.slot.ticks()) == set(booking.taken.values_list("tick", flat=True))
    for bookings in by_room.values():
        for first, second in pairwise(bookings):
            assert first.end <= second.start


def test_of_six_who_want_one_slot_one_gets_it(cases: list[Case], people: dict[str, Person]) -> None:
    said = at_once(lambda case: try_to_book(case, Slot(ULTRASOUND, NINE, 45), people["coordinator"]), cases)
    assert sorted(said)[-1] == "booked"
    assert said.count("booked") == 1
    assert all("taken" in words for words in said if words != "booked")
    assert Booking.objects.count() == 1
    assert Case.objects.filter(stage="booked").count() == 1
    nobody_shares_a_room()
    assert verify().broken is None


def test_many_who_book_and_move_never_share_a_room(cases: list[Case], people: dict[str, Person]) -> None:
    """Each moves its case to a random time in either room, again and again, back and forth between the rooms."""

    def work(case: Case) -> int:
        chance = random.Random(case.number)
        booked = 0
        for _ in range(8):
            room = chance.choice([ULTRASOUND, "CT room 1"])
            start = NINE + timedelta(minutes=5 * chance.randrange(24))
            booked += try_to_book(case, Slot(room, start, 45), people["coordinator"]) == "booked"
        return booked

    assert sum(at_once(work, cases)) >= 2
    nobody_shares_a_room()
    assert verify().broken is None


def test_the_database_itself_refuses_a_time_that_is_taken(
    cases: list[Case], people: dict[str, Person]
) -> None:
    """Also for a writer who asks neither the rule nor the lock."""
    assert try_to_book(cases[0], Slot(ULTRASOUND, NINE, 45), people["coordinator"]) == "booked"
    taken = TakenTime.objects.order_by("tick").last()
    assert taken is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        TakenTime.objects.create(room=taken.room, tick=taken.tick, booking=taken.booking)
    TakenTime.objects.create(room=taken.room, tick=taken.tick + 1, booking=taken.booking)
    other = Room.objects.exclude(pk=taken.room_id).first()
    assert other is not None
    TakenTime.objects.create(room=other, tick=taken.tick, booking=taken.booking)

"""The rooms of the department file, as rows that bookings refer to."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from trocar.clinical.slots import Scheduling
from trocar.web.audit import log as audit
from trocar.web.cases.department import department
from trocar.web.scheduling.models import Room


def scheduling() -> Scheduling | None:
    """Rooms and hours of the department file; None where it says nothing of them."""
    return department().scheduling


def sync_rooms(**_: Any) -> None:
    """Give every room of the department file its row, and take those that it names no more out of use.

    Runs after each ``migrate``. What changes is on the record.
    """
    found = scheduling()
    wanted = {room.name: place for place, room in enumerate(found.rooms if found else ())}
    with transaction.atomic():
        changes: dict[str, tuple[Any, Any]] = {}
        for room in Room.objects.select_for_update():
            before = (room.in_use, room.place)
            room.in_use, room.place = room.name in wanted, wanted.get(room.name, room.place)
            if (room.in_use, room.place) != before:
                room.save()
                changes[room.name] = (_words(*before), _words(room.in_use, room.place))
            wanted.pop(room.name, None)
        for name, place in wanted.items():
            Room.objects.create(name=name, place=place)
            changes[name] = (None, _words(True, place))
        if changes:
            audit.write(None, "Took rooms from the department file", None, "rooms", changes)


def _words(in_use: bool, place: int) -> str:
    return f"in use, place {place}" if in_use else "not in use"

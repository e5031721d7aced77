"""Rooms, bookings of rooms and beds, and people to tell."""

from __future__ import annotations

from trocar.web.scheduling.models.bed import BedBooking
from trocar.web.scheduling.models.booking import Booking, TakenTime
from trocar.web.scheduling.models.room import Room
from trocar.web.scheduling.models.to_tell import ToTell

__all__ = ["BedBooking", "Booking", "Room", "TakenTime", "ToTell"]

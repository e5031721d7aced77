"""Rooms, slots and beds; the day list; and whom to tell when something moves."""

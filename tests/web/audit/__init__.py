"""Tests of the record of who saw and who changed what."""

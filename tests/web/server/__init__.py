"""Tests of what keeps the department running: health, backup, migrations."""

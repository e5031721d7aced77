"""Tests of people, roles and signing in."""

"""Consent in two stages, and how it can end."""

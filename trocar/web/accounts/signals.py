"""What happens to people, told to whoever keeps the record.

Accounts stand below the audit log and cannot call it; the log listens here.
"""

from __future__ import annotations

from django.dispatch import Signal

recorded = Signal()
"""Sent inside the transaction: action, by (Person or None), subject, changes, reason, case_number.

Whoever receives it writes in the same transaction; an error there undoes the change.
"""

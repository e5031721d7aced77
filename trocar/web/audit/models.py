"""The tables of the record. The database refuses to change or delete what is in them (triggers.py).

No row points at another table: the record outlives what it describes.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

DEPARTMENT = ""
"""``case_number`` of what belongs to no case; all of it is one chain."""

SEALS = "(seals)"
"""``ChainHead.chain`` of the chain of seals; no case number looks like it."""

HASH_LENGTH = 64
FIRST = "0" * HASH_LENGTH
"""``previous_hash`` of a chain's first row."""


class Actor(models.Model):
    """Who did it, in words of that moment: names and roles change later, the record does not."""

    actor_username = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=120)
    actor_role = models.CharField(max_length=40)

    class Meta:
        abstract = True


class AuditEvent(Actor):
    """One change. sequence counts from 1 within the case's chain.

    at: when it was recorded. happened_at: when it happened, where that was said to be earlier (written on paper first).
    changes: name of what changed to [old, new]. hash: over everything here, see canonical.py.
    """

    case_number = models.CharField(max_length=40, blank=True)
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField()
    happened_at = models.DateTimeField(null=True, blank=True)
    action = models.CharField(max_length=200)
    subject = models.CharField(max_length=300)
    changes = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    previous_hash = models.CharField(max_length=HASH_LENGTH)
    hash = models.CharField(max_length=HASH_LENGTH)

    class Meta:
        default_permissions = ()
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["case_number", "sequence"], name="audit_event_place")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["actor_username", "at"], name="audit_event_person"),
            models.Index(fields=["at"], name="audit_event_at"),
        ]

    def __str__(self) -> str:
        return f"{self.case_number or 'department'}, row {self.sequence}"


class SeenEvent(Actor):
    """One read: which case (or none), when, what page. Written together with its seal, a second's worth at a time.

    seal: sequence of the Seal. position: counts from 1 within the seal.
    """

    seal = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    case_number = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()
    what = models.CharField(max_length=300)

    class Meta:
        default_permissions = ()
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["seal", "position"], name="audit_seen_place")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["case_number", "at"], name="audit_seen_case"),
            models.Index(fields=["actor_username", "at"], name="audit_seen_person"),
        ]

    def __str__(self) -> str:
        return f"seal {self.seal}, read {self.position}"


class Seal(models.Model):
    """Closes a batch of reads. rows_hash: over the reads in their order. hash: over everything here."""

    sequence = models.PositiveIntegerField(unique=True)
    at = models.DateTimeField()
    count = models.PositiveIntegerField()
    rows_hash = models.CharField(max_length=HASH_LENGTH)
    previous_hash = models.CharField(max_length=HASH_LENGTH)
    hash = models.CharField(max_length=HASH_LENGTH)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"seal {self.sequence}"


class ChainHead(models.Model):
    """Where each chain ends: how many rows it has, and the hash of the last. Locked by whoever adds a row."""

    chain = models.CharField(max_length=40, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    hash = models.CharField(max_length=HASH_LENGTH, default=FIRST)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.chain or 'department'}: {self.count} rows"

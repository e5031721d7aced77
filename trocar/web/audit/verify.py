"""Is the record as it was written? Every row's hash, every chain's order, and where each chain ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from django.db import connection
from django.db.models import Q

from trocar.web.audit import triggers
from trocar.web.audit.canonical import ReadsHash, event_hash, seal_hash
from trocar.web.audit.models import FIRST, SEALS, AuditEvent, ChainHead, Seal, SeenEvent

AT_ONCE = 2000
"""Rows read at a time."""


@dataclass(frozen=True)
class Verdict:
    """rows: how many were checked. broken: the first row that is not as written, in words; None where all are."""

    rows: int
    broken: str | None = None


class _Broken(Exception):
    """Ends the check at the first broken row."""


@dataclass
class _End:
    """How far a chain was followed."""

    count: int = 0
    hash: str = FIRST


class _Check:
    def __init__(self) -> None:
        self.rows = 0

    def follow(self, end: _End, row: AuditEvent | Seal, expected_hash: str, name: str) -> None:
        """Add ``row`` to a chain. Raises _Broken where it does not continue it."""
        place = f"{name}, row {row.sequence}"
        if row.sequence != end.count + 1:
            raise _Broken(f"{name}, row {end.count + 1}: it is missing")
        if row.previous_hash != end.hash:
            raise _Broken(f"{place}: it does not follow from the row before it")
        if row.hash != expected_hash:
            raise _Broken(f"{place}: its content is not what was written")
        end.count, end.hash = row.sequence, row.hash
        self.rows += 1

    def closed(self, end: _End, head: ChainHead, name: str) -> None:
        """Compare with where the chain should end."""
        if end.count < head.count:
            raise _Broken(f"{name}, row {end.count + 1}: it is missing")
        if end.count > head.count:
            raise _Broken(_added(name, head.count + 1))
        if end.hash != head.hash:
            raise _Broken(f"{name}, row {end.count}: it is not the row that the chain ends with")

    def events(self) -> None:
        """Every chain of changes.

        Others may write meanwhile: a chain is followed as far as it was read, then up to its head as it is later.
        """
        ends: dict[str, _End] = {}
        for event in AuditEvent.objects.order_by("case_number", "sequence").iterator(AT_ONCE):
            self._event(ends, event)
        for head in ChainHead.objects.exclude(chain=SEALS).order_by("chain").iterator(AT_ONCE):
            end = ends.setdefault(head.chain, _End())
            chain = AuditEvent.objects.filter(case_number=head.chain).order_by("sequence")
            if end.count < head.count:
                for event in chain.filter(sequence__gt=end.count, sequence__lte=head.count):
                    self._event(ends, event)
                last = chain.last()
                # read in this order, an honest writer's head is never behind the rows
                if last and last.sequence > ChainHead.objects.get(chain=head.chain).count:
                    raise _Broken(_added(_name(head.chain), last.sequence))
            self.closed(end, head, _name(head.chain))
            del ends[head.chain]
        for chain in ends:
            if not ChainHead.objects.filter(chain=chain).exists():
                raise _Broken(f"{_name(chain)}, row 1: the chain has no end any more")

    def _event(self, ends: dict[str, _End], event: AuditEvent) -> None:
        end = ends.setdefault(event.case_number, _End())
        self.follow(end, event, event_hash(event), _name(event.case_number))

    def seals(self) -> None:
        """The chain of seals, and the reads under each."""
        head = ChainHead.objects.filter(chain=SEALS).first() or ChainHead(chain=SEALS)
        reads = _by_seal(head.count)
        upcoming = next(reads, None)
        end = _End()
        for seal in Seal.objects.filter(sequence__lte=head.count).order_by("sequence").iterator(AT_ONCE):
            self.follow(end, seal, seal_hash(seal), "Seals of reads")
            name = f"Reads under seal {seal.sequence}"
            over, count = ReadsHash(), 0
            if upcoming and upcoming[0] < seal.sequence:
                raise _Broken(f"Reads under seal {upcoming[0]}: there is no such seal")
            if upcoming and upcoming[0] == seal.sequence:
                for read in upcoming[1]:
                    over.add(read)
                    count += 1
                self.rows += count
                upcoming = next(reads, None)
            if count != seal.count:
                raise _Broken(f"{name}: there are {count}, and {seal.count} were written")
            if over.hexdigest() != seal.rows_hash:
                raise _Broken(f"{name}: their content is not what was written")
        self.closed(end, head, "Seals of reads")
        stray = Q(seal__gt=head.count) | Q(seal=0)
        if not self._still_sealed(stray):
            raise _Broken("Reads: one has no seal")

    @staticmethod
    def _still_sealed(stray: Q) -> bool:
        """Whether every read beyond the seals checked belongs to a seal made since."""
        numbers = set(SeenEvent.objects.filter(stray).values_list("seal", flat=True).distinct())
        return numbers <= set(Seal.objects.filter(sequence__in=numbers).values_list("sequence", flat=True))


def _by_seal(last: int) -> Iterator[tuple[int, Iterator[SeenEvent]]]:
    rows = SeenEvent.objects.filter(seal__lte=last).order_by("seal", "position").iterator(AT_ONCE)
    return groupby(rows, key=lambda read: read.seal)


def _added(name: str, sequence: int) -> str:
    return f"{name}, row {sequence}: it was added by something other than Trocar"


def _name(chain: str) -> str:
    return f"Case {chain}" if chain else "Department"


def verify() -> Verdict:
    """Check everything. Finds rows altered, added, missing or moved, and a chain that was cut at its end.

    What it cannot find alone: a database whose owner has rewritten a chain and its head from some row on; backups
    that are kept elsewhere show that (docs/audit.md).
    """
    check = _Check()
    try:
        check.events()
        check.seals()
        gone = triggers.missing(connection)
        if gone:
            raise _Broken(f"The database does not refuse changes any more: {', '.join(gone)} missing")
    except _Broken as broken:
        return Verdict(check.rows, str(broken))
    return Verdict(check.rows)

"""Where a chain ends, and the lock on it."""

from __future__ import annotations

from trocar.web.audit.models import ChainHead


def lock_head(chain: str) -> ChainHead:
    """The chain's end, locked until the transaction ends; begun where there is none."""
    locked = ChainHead.objects.select_for_update().filter(chain=chain).first()
    if locked is None:
        # of two who begin a chain at once, one makes the row and the other waits for it
        ChainHead.objects.bulk_create([ChainHead(chain=chain)], ignore_conflicts=True)
        locked = ChainHead.objects.select_for_update().get(chain=chain)
    return locked

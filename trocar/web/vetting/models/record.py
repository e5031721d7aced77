from __future__ import annotations

from typing import Any

from trocar.web.cases.models import VersionedRecord


class VettingRecord(VersionedRecord):
    """A record of this app; writing one forgets what was read of the case before."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.case.__dict__.pop("_vetting_known", None)
        super().save(*args, **kwargs)

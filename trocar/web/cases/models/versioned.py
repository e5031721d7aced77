from __future__ import annotations

from typing import Any

from django.db import models

from trocar.web.cases.models.case import Case


class VersionedRecord(models.Model):
    """A record on a case. Written only by ``trocar.web.cases.change``; ``version`` counts its writes from 1.

    ``happened_at`` is when it happened, which may be before it was written down: paper is entered afterwards.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=0, editable=False)
    happened_at = models.DateTimeField()
    changed_at = models.DateTimeField(editable=False)
    changed_by = models.ForeignKey(
        "accounts.Person", on_delete=models.PROTECT, related_name="+", editable=False
    )

    class Meta:
        abstract = True

    def values(self) -> dict[str, Any]:
        """Every clinical column by its name, those of the version left out."""
        own = {f.name for f in VersionedRecord._meta.get_fields()} | {"id"}
        return {f.name: getattr(self, f.attname) for f in self._meta.concrete_fields if f.name not in own}

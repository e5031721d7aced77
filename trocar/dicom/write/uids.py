"""DICOM UIDs that follow from what an object was made from."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydicom.uid import UID


def derived_uid(*parts: Any) -> UID:
    """The UID that always belongs to these parts (anything JSON can hold): the same parts, the same UID.

    It has the form 2.25.N of ISO/IEC 9834-8, where N is the integer of a UUID. The UUID is of version 8 (RFC 9562):
    its 122 free bits are the first of the SHA-256 of the parts.
    """
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    number = number & ~(0xF << 76) | 8 << 76  # version
    number = number & ~(0x3 << 62) | 2 << 62  # variant
    return UID(f"2.25.{number}")


IMPLEMENTATION_CLASS_UID = derived_uid("trocar", "implementation class")
DEVICE_UID = derived_uid("trocar", "device")
"""Trocar as the observer in a report; the same for every installation, since results do not depend on it."""

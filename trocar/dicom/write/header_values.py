"""Copies values out of foreign DICOM headers so that they may be written again.

Scanners, archives and de-identifiers write values that break the rules of their own value representation: a study
ID of 17 characters, a sex of "U", a date with dots. Copied as they are, they would make our objects wrong too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DataSequence
from pydicom.uid import UID
from pydicom.valuerep import format_number_as_ds

from trocar.dicom.quiet import quiet_pydicom

TEXT_LIMIT = {"SH": 16, "LO": 64, "ST": 1024, "LT": 10240, "PN": 64 * 3 + 2, "UC": 4096, "UT": 4096}
"""Longest text of each value representation, in characters (PS3.5 6.2; the last two have no limit but ours)."""
NUMBERS = ("US", "SS", "UL", "SL", "FL", "FD")


def copied(source: Dataset, keywords: Iterable[str]) -> Dataset:
    """A new data set with those of ``keywords`` that ``source`` has, each made fit to be written.

    Text is decoded and cut to its length; dates, times, numbers, codes and UIDs that break their form are left empty;
    sequences are copied item by item without private elements. Everything else (bulk data) is left out.
    """
    with quiet_pydicom():
        return _copied(source, keywords)


def _copied(source: Dataset, keywords: Iterable[str]) -> Dataset:
    result = Dataset()
    for keyword in keywords:
        if keyword in source:
            _copy(source, keyword, result)
    return result


def _copy(source: Dataset, keyword: str, result: Dataset) -> None:
    try:
        element = source[keyword]
    except (ValueError, TypeError, ArithmeticError):  # a number that is none: pydicom converts on access
        setattr(result, keyword, None)
        return
    vr = element.VR
    if vr == "SQ":
        items = [_copied(item, _standard_keywords(item)) for item in element.value]
        setattr(result, keyword, DataSequence(item for item in items if len(item)))
    elif element.value is None or element.value == "":
        setattr(result, keyword, None)
    elif vr in NUMBERS:
        setattr(result, keyword, element.value)
    else:
        values = [_fit(v, vr) for v in (element.value if element.VM > 1 else [element.value])]
        if all(v is not None for v in values):
            setattr(result, keyword, values if element.VM > 1 else values[0])
        else:
            setattr(result, keyword, None)


def _standard_keywords(item: Dataset) -> list[str]:
    return [k for k in (keyword_for_tag(tag) for tag in item.keys() if not tag.is_private) if k]  # noqa: SIM118


def _fit(value: Any, vr: str) -> Any:
    """``value`` in a form that its value representation allows, or None."""
    text = str(value).strip()
    if vr in TEXT_LIMIT:
        text = "".join(c for c in text if c.isprintable() or (vr in ("ST", "LT", "UT") and c in "\r\n\t"))
        return text[: TEXT_LIMIT[vr]].rstrip() or None
    if vr == "CS":
        text = text.upper()
        return text if re.fullmatch(r"[A-Z0-9_ ]{1,16}", text) else None
    if vr == "DA":
        text = text.replace(".", "").replace("-", "")
        return text if re.fullmatch(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", text) else None
    if vr == "TM":
        text = text.replace(":", "")
        return text if re.fullmatch(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?", text) else None
    if vr == "AS":
        return text if re.fullmatch(r"\d{3}[DWMY]", text) else None
    if vr in ("DS", "IS"):
        number = r"[+-]?\d+" if vr == "IS" else r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
        if not re.fullmatch(number, text):
            return None
        if vr == "DS" and len(text) > 16 and math.isfinite(float(text)):
            return format_number_as_ds(float(text))
        return text if len(text) <= 16 else None
    if vr == "UI":
        return text if UID(text).is_valid else None
    return None

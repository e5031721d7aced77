"""Content items of a structured report (PS3.3 C.17.3), as plain data sets.

highdicom's own classes check and copy the tree several times over; for a report of twenty paths and fifteen
structures that took longer than the planning. Its reader is what the tests read the report with.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from numpy.typing import ArrayLike
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.valuerep import format_number_as_ds

Relationship = Literal[
    "CONTAINS", "HAS PROPERTIES", "HAS CONCEPT MOD", "HAS OBS CONTEXT", "HAS ACQ CONTEXT", "INFERRED FROM"
]


def coded(code: Code) -> Dataset:
    """One item of a code sequence."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def container(
    name: Code,
    children: Iterable[Dataset],
    relationship: Relationship | None = "CONTAINS",
    template: str | None = None,
) -> Dataset:
    """A heading with what stands under it; ``template`` is its TID."""
    item = _item("CONTAINER", name, relationship)
    item.ContinuityOfContent = "SEPARATE"
    if template is not None:
        identification = Dataset()
        identification.MappingResource = "DCMR"
        identification.TemplateIdentifier = template
        item.ContentTemplateSequence = [identification]
    return _with(item, children)


def code(
    name: Code, value: Code, relationship: Relationship = "CONTAINS", children: Iterable[Dataset] = ()
) -> Dataset:
    """A coded answer."""
    item = _item("CODE", name, relationship)
    item.ConceptCodeSequence = [coded(value)]
    return _with(item, children)


def text(name: Code, value: str, relationship: Relationship = "CONTAINS") -> Dataset:
    """A sentence."""
    item = _item("TEXT", name, relationship)
    item.TextValue = value
    return item


def uid(name: Code, value: str, relationship: Relationship) -> Dataset:
    """A UID that names something outside the report."""
    item = _item("UIDREF", name, relationship)
    item.UID = value
    return item


def number(name: Code, value: float, unit: Code, children: Iterable[Dataset] = ()) -> Dataset:
    """A measurement. The double beside the decimal string keeps what 16 characters cannot."""
    item = _item("NUM", name, "CONTAINS")
    measured = Dataset()
    measured.NumericValue = str(value) if isinstance(value, int) else format_number_as_ds(value)
    if not isinstance(value, int):
        measured.FloatingPointValue = value
    measured.MeasurementUnitsCodeSequence = [coded(unit)]
    item.MeasuredValueSequence = [measured]
    return _with(item, children)


def image(name: Code, header: Dataset) -> Dataset:
    """A reference to an image."""
    item = _item("IMAGE", name, "CONTAINS")
    item.ReferencedSOPSequence = [reference(header)]
    return item


def points(
    name: Code,
    graphic_type: Literal["POINT", "POLYLINE"],
    points_lps_mm: Iterable[ArrayLike],
    frame_of_reference_uid: str,
    relationship: Relationship,
) -> Dataset:
    """Points (3,) in LPS mm of a frame of reference, one after another. DICOM stores them as 32-bit floats."""
    item = _item("SCOORD3D", name, relationship)
    item.GraphicType = graphic_type
    item.GraphicData = [float(v) for point in points_lps_mm for v in point]
    item.ReferencedFrameOfReferenceUID = frame_of_reference_uid
    return item


def reference(header: Dataset) -> Dataset:
    """SOP class and instance of an object."""
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    return item


def _item(value_type: str, name: Code, relationship: Relationship | None) -> Dataset:
    item = Dataset()
    if relationship is not None:
        item.RelationshipType = relationship
    item.ValueType = value_type
    item.ConceptNameCodeSequence = [coded(name)]
    return item


def _with(item: Dataset, children: Iterable[Dataset]) -> Dataset:
    children = list(children)
    if children:
        item.ContentSequence = children
    return item

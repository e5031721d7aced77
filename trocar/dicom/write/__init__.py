"""DICOM out: what a plan leaves in the patient's study."""

from trocar.dicom.write.capture import Capture
from trocar.dicom.write.plan_objects import derive_study, write_plan_objects
from trocar.dicom.write.study import SourceStudy

__all__ = ["Capture", "SourceStudy", "derive_study", "write_plan_objects"]

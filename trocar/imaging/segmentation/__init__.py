"""Structures found in a CT without any labels: body, bone, lung, bowel gas, a kidney or lesion from a click."""

from trocar.imaging.segmentation.body import body_mask, unscanned_mask
from trocar.imaging.segmentation.structures import segment

__all__ = ["body_mask", "segment", "unscanned_mask"]

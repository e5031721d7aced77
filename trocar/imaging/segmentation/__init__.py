"""Structures found in a CT without any labels: body, bone, lung, bowel gas, a kidney or lesion from a click."""

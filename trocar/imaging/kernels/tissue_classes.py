"""Loops that turn labels and masks into one map of classes. Arrays ``[k, j, i]`` and numbers only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange


@njit(cache=True, nogil=True, parallel=True)
def labels_to_classes(labels: Any, class_of_label: Any, classes: Any) -> Any:
    """Write the class of every voxel's label into ``classes``; labels beyond the table are class 0.

    Returns bool (256 or 65536,): which classes occur.
    """
    seen = np.zeros((labels.shape[0], class_of_label.max() + 1), dtype=np.bool_)
    for k in prange(labels.shape[0]):
        for j in range(labels.shape[1]):
            for i in range(labels.shape[2]):
                label = labels[k, j, i]
                c = class_of_label[label] if label < class_of_label.size else class_of_label[0]
                classes[k, j, i] = c
                seen[k, c] = True
    return seen


@njit(cache=True, nogil=True, parallel=True)
def classes_under(classes: Any, mask: Any, n_class: int) -> Any:
    """bool (K, n_class): which classes occur in each slice where ``mask`` is true."""
    seen = np.zeros((classes.shape[0], n_class), dtype=np.bool_)
    for k in prange(classes.shape[0]):
        for j in range(classes.shape[1]):
            for i in range(classes.shape[2]):
                if mask[k, j, i]:
                    seen[k, classes[k, j, i]] = True
    return seen


@njit(cache=True, nogil=True, parallel=True)
def reclass_under(classes: Any, mask: Any, new_class: Any) -> None:
    """Replace each class by ``new_class[class]`` where ``mask`` is true."""
    for k in prange(classes.shape[0]):
        for j in range(classes.shape[1]):
            for i in range(classes.shape[2]):
                if mask[k, j, i]:
                    classes[k, j, i] = new_class[classes[k, j, i]]

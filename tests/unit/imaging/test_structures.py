"""Structure sets: labels and masks side by side."""

from __future__ import annotations

import numpy as np
import pytest

from trocar.errors import InputRefused
from trocar.geometry.grid import Box, Grid
from trocar.imaging.structures import StructureSet

SHAPE = (4, 5, 6)
GRID = Grid(SHAPE, np.diag([1.0, 1.5, 2.5, 1.0]))
BOX = Box((1, 1, 0), (5, 4, 3))


def labels() -> np.ndarray:
    found = np.zeros(SHAPE, np.uint8)
    found[0, 1], found[1, 2], found[2, :, 3] = 1, 2, 9
    return found


def both() -> StructureSet:
    mask = np.zeros(SHAPE, bool)
    mask[1:3, 2:4, 2:5] = True
    return StructureSet(GRID, labels(), {1: "liver", 2: "colon"}, {"lesion": mask}, "ab", ("a notice",))


def test_masks_of_labels_and_of_masks_whole_and_in_a_box() -> None:
    found = both()
    assert found.names == ("liver", "colon", "lesion")
    assert np.array_equal(found.mask("colon"), labels() == 2)
    assert np.array_equal(found.mask("colon", BOX), (labels() == 2)[0:3, 1:4, 1:5])
    assert np.array_equal(found.mask("lesion", BOX), found.masks["lesion"][0:3, 1:4, 1:5])
    with pytest.raises(KeyError):
        found.mask("spleen")


def test_a_label_without_a_name_belongs_to_nothing() -> None:
    found = both()
    assert not found.union(found.names)[2, 0, 3]
    assert found.labels is not None
    assert found.labels[2, 0, 3] == 9


@pytest.mark.parametrize("box", [None, BOX])
def test_a_union_is_any_of_them_and_unknown_names_are_empty(box: Box | None) -> None:
    found = both()
    where = box.slices_kji if box else ...
    expected = ((labels() == 1) | found.masks["lesion"])[where]
    assert np.array_equal(found.union(("liver", "lesion", "spleen"), box), expected)
    assert not found.union(("spleen",), box).any()
    bare = StructureSet(GRID, None, {}, {"lesion": found.masks["lesion"]})
    assert np.array_equal(bare.union(("lesion",), box), found.masks["lesion"][where])
    assert bare.union((), box).shape == expected.shape


def test_merging_lets_the_second_win_and_keeps_the_rest() -> None:
    first = both()
    other = np.zeros(SHAPE, np.uint8)
    other[3] = 4
    second = StructureSet(GRID, other, {4: "colon"}, {}, "cd", ("another",))
    merged = first.merged(second)
    assert set(merged.names) == {"liver", "colon", "lesion"}
    assert np.array_equal(merged.mask("colon"), other == 4)
    assert np.array_equal(merged.mask("liver"), first.mask("liver"))
    assert merged.notices == ("a notice", "another")
    assert merged.sha256 not in (first.sha256, second.sha256)
    assert np.array_equal(first.mask("colon"), labels() == 2)  # and the first is as it was


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(InputRefused, match="same name"):
        StructureSet(GRID, labels(), {1: "liver"}, {"liver": labels() == 1})
    with pytest.raises(InputRefused, match="same name"):
        StructureSet(GRID, labels(), {1: "liver", 2: "liver"}, {})
    with pytest.raises(InputRefused, match="same size"):
        StructureSet(GRID, labels()[:3], {1: "liver"}, {})
    moved = Grid(SHAPE, np.array([[1, 0, 0, 5], [0, 1.5, 0, 0], [0, 0, 2.5, 0], [0, 0, 0, 1.0]]))
    with pytest.raises(InputRefused, match="different grids"):
        both().merged(StructureSet(moved, None, {}, {}))

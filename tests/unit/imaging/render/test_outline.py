"""Contour lines of a field."""

from __future__ import annotations

import numpy as np

from trocar.imaging.render.reslicing import contour_lines


def test_a_disc_gives_one_closed_line_on_its_edge():
    rows, columns = np.mgrid[:80, :100]
    field = (20.5 - np.hypot(columns - 60.3, rows - 33.7)).astype(np.float32)
    (line,) = contour_lines(field, (0, 0))
    assert np.array_equal(line[0], line[-1])
    # linear between pixels: a circle of 20 pixels bends by less than 0.01 pixel between two of them
    assert np.abs(np.hypot(line[:, 0] - 60.3, line[:, 1] - 33.7) - 20.0).max() < 0.01


def test_lines_end_at_the_edge_or_where_they_began_and_never_jump():
    field = np.random.default_rng(3).random((61, 47)).astype(np.float32)
    for line in contour_lines(field, (0, 0)):
        assert np.abs(np.diff(line, axis=0)).max() <= 1
        if not np.array_equal(line[0], line[-1]):
            for column, row in (line[0], line[-1]):
                assert column in (0, 46) or row in (0, 60)


def test_every_crossing_between_neighbours_is_on_a_line():
    field = np.random.default_rng(4).random((30, 40)).astype(np.float32)
    inside = field >= 0.5
    crossings = (inside[:, 1:] != inside[:, :-1]).sum() + (inside[1:] != inside[:-1]).sum()
    points = np.vstack(contour_lines(field, (0, 0)))
    assert len(np.unique(points.round(6), axis=0)) == crossings


def test_the_corner_moves_the_lines():
    field = np.zeros((5, 5), dtype=np.float32)
    field[2, 3] = 1
    (line,) = contour_lines(field, (10, 20))
    np.testing.assert_allclose(line[:-1].mean(axis=0), [13, 22])


def test_an_empty_field_has_no_lines():
    assert contour_lines(np.zeros((4, 4), dtype=np.float32), (0, 0)) == ()

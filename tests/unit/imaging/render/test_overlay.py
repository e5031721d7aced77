"""What is drawn stands where it is in the patient, and every picture carries its notice."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.render.lettering import fitted, lettering, printable
from trocar.imaging.render.overlay import Canvas, NeedleMarks, dashed, legend_strip
from trocar.imaging.render.palette import NEEDLE, NOTCH, outline_styles
from trocar.imaging.render.plane import along_needle, down_needle, standard
from trocar.imaging.render.window import SOFT_TISSUE, Window

PATH = NeedlePath(np.array([40.0, 70.0, 10.0]), np.array([20.0, 0.0, 30.0]), 22.0)
TRUCUT = Needle("18G", 18, 150.0, 22.0, 4.0, 16.0, 1.27)
MIDDLE = (PATH.entry_lps_mm + PATH.fired_tip_lps_mm) / 2
VIEW = along_needle(PATH, MIDDLE, (600, 600), 0.3, "prone")


def drawn(view=VIEW, marks=None, hu=0.0):
    canvas = Canvas(np.full((view.height_px, view.width_px), hu, dtype=np.float32), SOFT_TISSUE, view)
    canvas.needle(marks or NeedleMarks(PATH, TRUCUT, 2.0), labels=False)
    return canvas.finish("Title", "CT 12345678", "caption", "alt")


def near(pixels, at, colour, reach=3):
    """Whether a colour like ``colour`` is found within ``reach`` pixels of (column, row)."""
    column, row = np.rint(at).astype(int)
    part = pixels[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1].astype(
        int
    )
    return bool((np.abs(part - np.array(colour)).max(axis=-1) < 40).any())


def test_the_needle_lies_where_it_is_in_the_patient():
    pixels = drawn().pixels()
    for depth in (5.0, 33.0, PATH.length_mm - 2):
        assert near(pixels, VIEW.to_pixel(PATH.at(depth)), NEEDLE)
    # nothing of it before the skin or beyond the throw
    for depth in (-12.0, PATH.length_mm + PATH.throw_mm + 12.0):
        assert not near(pixels, VIEW.to_pixel(PATH.at(depth)), NEEDLE)


def test_the_notch_is_drawn_over_the_notch_only():
    pixels = drawn().pixels().astype(int)
    pink = np.argwhere(np.abs(pixels - np.array(NOTCH)).max(axis=-1) < 40)
    points = VIEW.to_patient(pink[:, ::-1])
    depth = (points - PATH.entry_lps_mm) @ PATH.direction_lps - PATH.length_mm
    assert depth.min() == pytest.approx(4.0, abs=1.2)
    assert depth.max() == pytest.approx(20.0, abs=1.2)


def test_the_throw_is_dashed():
    pixels = drawn().pixels()
    samples = VIEW.to_pixel(PATH.at(np.arange(0.5, PATH.length_mm + PATH.throw_mm, 0.3)))
    lit = np.array([near(pixels, at, NEEDLE, reach=0) for at in samples])
    throw = np.arange(0.5, PATH.length_mm + PATH.throw_mm, 0.3) > PATH.length_mm + 1
    assert lit[~throw].mean() > 0.85  # ticks have dark rims
    assert 0.3 < lit[throw].mean() < 0.8


def test_a_needle_away_from_the_slice_is_dotted():
    slice_at_entry = standard("axial", PATH.entry_lps_mm, (600, 600), 0.3)
    pixels = drawn(slice_at_entry).pixels()
    depths = np.arange(20.0, PATH.length_mm - 5, 0.3)
    lit = np.array([near(pixels, at, NEEDLE, 0) for at in slice_at_entry.to_pixel(PATH.at(depths))])
    assert 0.05 < lit.mean() < 0.6


def test_a_needle_straight_into_the_picture_is_a_cross():
    view = down_needle(PATH, PATH.tip_lps_mm, (400, 400), 0.3)
    pixels = drawn(view).pixels()
    middle = view.to_pixel(PATH.entry_lps_mm)
    assert near(pixels, middle + np.array([20, 0]), NEEDLE)
    assert near(pixels, middle - np.array([0, 20]), NEEDLE)


def test_the_research_notice_is_in_the_pixels():
    canvas_pixels = drawn().pixels()
    strip = canvas_pixels[600 - 34 : 600 - 6, 10:400]
    assert (strip.max(axis=-1) > 230).sum() > 400, "light letters at the lower edge"


def test_outside_the_scan_is_hatched_not_black():
    hu = np.zeros((300, 300), dtype=np.float32)
    hu[:, 200:] = np.nan
    view = standard("axial", np.zeros(3), (300, 300), 1.0)
    pixels = Canvas(hu, SOFT_TISSUE, view).finish("", "", "", "").pixels()
    part = pixels[120:180, 220:260].reshape(-1, 3)
    assert len(np.unique(part, axis=0)) == 2
    assert (part[:, 2] > part[:, 0]).all(), "bluish, as no tissue is"


def test_the_scale_bar_has_its_length():
    view = standard("axial", np.zeros(3), (600, 600), 0.5)
    pixels = (
        Canvas(np.full((600, 600), -2000, dtype=np.float32), SOFT_TISSUE, view)
        .finish("", "", "", "")
        .pixels()
    )
    row = pixels[600 - 46, :, 0] > 200
    length = np.flatnonzero(row)[-1] - np.flatnonzero(row)[0]
    assert length * 0.5 == pytest.approx(50, abs=2)


def test_same_input_same_bytes():
    assert drawn().png == drawn().png


def test_every_structure_has_its_own_number_and_neighbours_differ_in_more_than_colour():
    names = [f"structure_{n}" for n in range(40)]
    styles = outline_styles(names, target="structure_0")
    assert [styles[n].number for n in names] == list(range(1, 41))
    for one, other in pairwise(names[1:9]):
        assert styles[one].colour != styles[other].colour
        assert styles[one].dashes != styles[other].dashes


def test_forty_long_names_fit_the_legend():
    names = [f"structure with quite a long name indeed, number {n}" for n in range(40)]
    strip = legend_strip([(style, name) for name, style in outline_styles(names).items()], 900)
    assert strip.width == 900
    assert strip.height < 1700
    assert legend_strip([], 900).height == 0


def test_words_the_font_lacks_are_marked_and_long_ones_cut():
    assert printable("k\u00f6rper \u05db\u05d1\u05d3 12\u00b0") == "k?rper ??? 12\u00b0"
    short = fitted("x" * 500, 20, 200)
    assert short.endswith("...")
    assert lettering(20).getlength(short) <= 200


def test_dashes_follow_the_line():
    line = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    parts = dashed(line, (6, 4))
    assert [len(p) for p in parts] == [2, 2]
    np.testing.assert_allclose(parts[0], [[0, 0], [6, 0]])
    np.testing.assert_allclose(parts[1], [[10, 0], [10, 6]])


def test_a_window_is_linear_and_clips():
    window = Window("w", 40, 400)
    assert window.grey(np.array([-500.0, -160.0, 40.0, 240.0, 900.0, np.nan])).tolist() == [
        0,
        0,
        128,
        255,
        255,
        0,
    ]
    with pytest.raises(ValueError, match="width"):
        Window("w", 0, 0)

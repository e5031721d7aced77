"""What is drawn on a picture: outlines, the needle with its depths, letters, scale and stamp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from trocar.geometry.needle_path import Needle, NeedlePath
from trocar.imaging.render.lettering import fitted, lettering, printable
from trocar.imaging.render.palette import INK, NEEDLE, NOTCH, QUIET, Colour, OutlineStyle
from trocar.imaging.render.picture import RESEARCH_NOTICE, Picture, encode
from trocar.imaging.render.plane import PicturePlane, direction_letters
from trocar.imaging.render.reslicing import Line
from trocar.imaging.render.window import Window

FINE = 2
"""Lines are drawn this many times larger and scaled down, so that their edges are smooth."""

OUTSIDE: tuple[Colour, Colour] = ((22, 30, 44), (40, 52, 74))
"""Hatching where there is no scan, so that nobody takes it for air."""


@dataclass(frozen=True)
class NeedleMarks:
    """The needle as it is drawn. Points within ``near_mm`` of the picture's plane are solid, the rest dotted."""

    path: NeedlePath
    needle: Needle
    near_mm: float


class Canvas:
    """A grey picture on a plane, to be drawn on and finished once. Positions are LPS mm unless named pixels."""

    def __init__(self, hu: NDArray[np.floating], window: Window, plane: PicturePlane) -> None:
        if hu.shape != (plane.height_px, plane.width_px):
            raise ValueError("the picture and its plane do not have the same size")
        self.plane = plane
        self.window = window
        grey = window.grey(hu)
        picture = np.repeat(grey[:, :, None], 3, axis=2)
        outside = np.isnan(hu)
        if outside.any():
            rows, columns = np.nonzero(outside)
            hatch = ((rows + columns) // 5) % 3 == 0
            picture[rows, columns] = np.where(hatch[:, None], OUTSIDE[1], OUTSIDE[0])
        self._picture = Image.fromarray(picture)
        self._layer = Image.new("RGBA", (plane.width_px * FINE, plane.height_px * FINE), (0, 0, 0, 0))
        self._pen = ImageDraw.Draw(self._layer)
        self._legend: list[tuple[OutlineStyle, str]] = []
        w, h = plane.width_px, plane.height_px
        # kept free for the letters at the edges, the title and the words below
        self._taken: list[tuple[float, float, float, float]] = [
            (0, h / 2 - 32, 70, h / 2 + 32),
            (w - 70, h / 2 - 32, w, h / 2 + 32),
            (w / 2 - 44, 40, w / 2 + 44, 110),
            (w / 2 - 44, h - 100, w / 2 + 44, h - 40),
            (0, 0, w, 48),
            (0, h - 84, w, h),
        ]

    # -- structures ------------------------------------------------------------------------------------------------

    def outline(self, lines: Sequence[Line], style: OutlineStyle, name: str) -> None:
        """Draw one structure's outline; it joins the legend."""
        shown = [line for line in lines if len(line) > 1]
        if not shown:
            return
        for line in shown:
            points = line[:: max(int(1.5 * FINE), 1)] if len(line) > 40 else line
            points = points if np.array_equal(points[-1], line[-1]) else np.vstack([points, line[-1:]])
            self._stroke(points, (0, 0, 0), style.width_px + 1.6, style.dashes, alpha=130)
            self._stroke(points, style.colour, style.width_px, style.dashes)
        self._legend.append((style, name))

    def badges(self, lines_of: Mapping[int, tuple[Sequence[Line], OutlineStyle]]) -> None:
        """Write each structure's number at its longest outline, where there is room. Call after the needle is drawn."""
        for number, (lines, style) in sorted(lines_of.items()):
            longest = max(lines, key=len, default=None)
            if longest is None or len(longest) < 2:
                continue
            place = self._free_place(longest, 19)
            if place is not None:
                self._badge(place, style)
                self._taken.append((place[0] - 19, place[1] - 19, place[0] + 19, place[1] + 19))
            del number

    def _free_place(self, line: Line, half: float) -> tuple[float, float] | None:
        """A spot on an outline that keeps clear of what is written already and of the picture's edge."""
        step = max(len(line) // 48, 1)
        best: tuple[float, float, float] | None = None
        for x, y in line[::step]:
            if not (half + 40 <= x <= self.plane.width_px - half - 40):
                continue
            if not (half + 56 <= y <= self.plane.height_px - half - 64):
                continue
            clear = min(
                (max(max(a - x, x - c), max(b - y, y - d)) for a, b, c, d in self._taken), default=1e9
            )
            if clear < half:
                continue
            score = min(clear, 60.0)
            if best is None or score > best[0]:
                best = (score, float(x), float(y))
        return None if best is None else (best[1], best[2])

    def _badge(self, at: tuple[float, float], style: OutlineStyle) -> None:
        x, y = at[0] * FINE, at[1] * FINE
        text = str(style.number)
        half = 17 * FINE
        wide = half if len(text) == 1 else half + 7 * FINE
        self._pen.rounded_rectangle(
            (x - wide, y - half, x + wide, y + half),
            half,
            fill=(0, 0, 0, 215),
            outline=style.colour,
            width=2 * FINE,
        )
        self._pen.text((x, y), text, font=lettering(24 * FINE), fill=(255, 255, 255, 255), anchor="mm")

    # -- the needle ------------------------------------------------------------------------------------------------

    def needle(self, marks: NeedleMarks, labels: bool = True) -> None:
        """Draw the needle: shaft with depth ticks every 10 mm, entry, tip, throw (dashed) and notch (outlined)."""
        path, needle = marks.path, marks.needle
        end = path.length_mm + path.throw_mm
        self._shaft(marks, 0.0, path.length_mm, NEEDLE, 4.0, ())
        self._shaft(marks, path.length_mm, end, NEEDLE, 3.4, (9, 6))
        start = path.length_mm + needle.notch_start_mm
        self._notch(marks, start, start + needle.notch_length_mm)
        if self._foreshortened(path):
            self._cross(path.entry_lps_mm, "Entry" if labels else "", NEEDLE)
            return
        self._ticks(marks, end)
        self._bar(marks, 0.0, 26)
        self._bar(marks, path.length_mm, 20)
        self._bar(marks, end, 14)
        if labels:
            self._name(marks, 0.0, "ENTRY")
            self._name(marks, path.length_mm, f"TIP {path.length_mm:.0f} mm")
            if path.throw_mm > 0:
                self._name(marks, end, f"after throw {end:.0f} mm")

    def cross(self, lps_mm: ArrayLike, label: str, colour: Colour = NEEDLE) -> None:
        """A cross hair with a gap in the middle at a point."""
        self._cross(np.asarray(lps_mm, dtype=np.float64), label, colour)

    def ring(
        self, lps_mm: ArrayLike, radius_mm: float, label: str, colour: Colour = QUIET, dashed: bool = True
    ) -> None:
        """A circle in the picture's plane round a point."""
        x, y = self.plane.to_pixel(lps_mm)
        turn = np.linspace(0, 2 * np.pi, 181)
        r = radius_mm / self.plane.mm_per_pixel
        circle = np.stack([x + r * np.cos(turn), y + r * np.sin(turn)], axis=1)
        self._stroke(circle, (0, 0, 0), 3.2, (8, 6) if dashed else (), alpha=120)
        self._stroke(circle, colour, 1.8, (8, 6) if dashed else ())
        if label:
            self._text((x + r * 0.7071 + 4, y - r * 0.7071 - 4), label, 24, colour, "ls")

    def line(
        self, ends_lps_mm: ArrayLike, label: str, colour: Colour, dashes: tuple[float, ...] = ()
    ) -> None:
        """A straight line between two points, with words at its far end."""
        ends = self.plane.to_pixel(ends_lps_mm)
        self._stroke(ends, (0, 0, 0), 4.4, dashes, alpha=140)
        self._stroke(ends, colour, 2.6, dashes)
        if label:
            x, y = ends[1]
            rightwards = ends[1][0] >= ends[0][0]
            self._text(
                (x - 8 if rightwards else x + 8, y - 6), label, 29, colour, "rs" if rightwards else "ls"
            )

    def shaft(self, path: NeedlePath) -> None:
        """Only where the needle runs, for overviews: an unbroken line and a dot at the tip after the throw."""
        ends = self.plane.to_pixel([path.entry_lps_mm, path.fired_tip_lps_mm])
        self._stroke(ends, (0, 0, 0), 8.0, (), alpha=190)
        self._stroke(ends, NEEDLE, 5.0, ())
        x, y = (ends[1] + 0.5) * FINE - 0.5
        half = 8 * FINE
        self._pen.ellipse(
            (x - half, y - half, x + half, y + half), fill=(*NOTCH, 255), outline=(0, 0, 0, 255), width=FINE
        )

    def _foreshortened(self, path: NeedlePath) -> bool:
        """Whether the needle runs so nearly into the picture that it shows as a point."""
        ends = self.plane.to_pixel([path.entry_lps_mm, path.fired_tip_lps_mm])
        return bool(np.linalg.norm(ends[1] - ends[0]) < 40)

    def _shaft(
        self,
        marks: NeedleMarks,
        low_mm: float,
        high_mm: float,
        colour: Colour,
        width: float,
        dashes: tuple[float, ...],
    ) -> None:
        """One stretch of the needle; solid near the plane, dotted and thinner away from it."""
        if high_mm <= low_mm:
            return
        depths = np.linspace(low_mm, high_mm, max(int((high_mm - low_mm) * 2), 2))
        points = marks.path.at(depths)
        near = np.abs(self.plane.depth_mm(points)) <= marks.near_mm
        pixels = self.plane.to_pixel(points)
        edges = np.flatnonzero(np.diff(near.astype(np.int8))) + 1
        for part in np.split(np.arange(len(depths)), edges):
            reach = np.arange(part[0], min(part[-1] + 2, len(depths)))
            style = dashes if near[part[0]] else (3.0, 8.0)
            thick = width if near[part[0]] else width * 0.7
            self._stroke(pixels[reach], (0, 0, 0), thick + 3, style, alpha=190)
            self._stroke(pixels[reach], colour, thick, style)
        for x, y in pixels[::12]:
            self._taken.append((x - 16, y - 16, x + 16, y + 16))

    def _notch(self, marks: NeedleMarks, low_mm: float, high_mm: float) -> None:
        """The part that takes the sample: a hollow bar along the needle."""
        ends = self.plane.to_pixel(marks.path.at([low_mm, high_mm]))
        along = ends[1] - ends[0]
        length = float(np.linalg.norm(along))
        if length < 6:
            return
        side = np.array([-along[1], along[0]]) / length * 8
        corners = np.array([ends[0] + side, ends[1] + side, ends[1] - side, ends[0] - side, ends[0] + side])
        self._stroke(corners, (0, 0, 0), 5.0, (), alpha=170)
        self._stroke(corners, NOTCH, 3.0, ())

    def _side(self, path: NeedlePath) -> NDArray[np.float64]:
        """Unit vector in pixels at right angles to the drawn needle, towards the roomier side for words."""
        ends = self.plane.to_pixel([path.entry_lps_mm, path.fired_tip_lps_mm])
        along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
        side = np.array([-along[1], along[0]])
        middle = ends.mean(axis=0)
        room = np.array([self.plane.width_px, self.plane.height_px]) / 2 - middle
        return side if side @ room >= 0 else -side

    def _ticks(self, marks: NeedleMarks, end_mm: float) -> None:
        side = self._side(marks.path)
        for depth in range(10, int(end_mm) + 1, 10):
            x, y = self.plane.to_pixel(marks.path.at(float(depth)))
            half = 11 if depth % 50 == 0 else 6
            ends = np.array([(x, y) - side * half, (x, y) + side * half])
            self._stroke(ends, (0, 0, 0), 4.0, (), alpha=170)
            self._stroke(ends, NEEDLE, 2.0, ())
            if depth % 50 == 0 and min(abs(depth - marks.path.length_mm), abs(depth - end_mm)) > 9:
                at = (x, y) - side * 18
                self._text((at[0], at[1]), str(depth), 25, NEEDLE, "rm" if side[0] > 0 else "lm")

    def _bar(self, marks: NeedleMarks, depth_mm: float, half: float) -> None:
        """A cross bar on the needle."""
        x, y = self.plane.to_pixel(marks.path.at(depth_mm))
        side = self._side(marks.path)
        ends = np.array([(x, y) - side * half, (x, y) + side * half])
        self._stroke(ends, (0, 0, 0), 6.5, (), alpha=190)
        self._stroke(ends, NEEDLE, 3.6, ())

    def _name(self, marks: NeedleMarks, depth_mm: float, text: str) -> None:
        """Words beside a point of the needle, on its roomier side."""
        x, y = self.plane.to_pixel(marks.path.at(depth_mm))
        side = self._side(marks.path)
        at = np.array([x, y]) + side * 34
        self._text((float(at[0]), float(at[1])), text, 30, NEEDLE, "lm" if side[0] > 0 else "rm")

    def _cross(self, lps_mm: NDArray[np.float64], label: str, colour: Colour) -> None:
        x, y = self.plane.to_pixel(lps_mm)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            ends = np.array([(x + 9 * dx, y + 9 * dy), (x + 30 * dx, y + 30 * dy)])
            self._stroke(ends, (0, 0, 0), 5.5, (), alpha=190)
            self._stroke(ends, colour, 3.0, ())
        self._taken.append((x - 32, y - 32, x + 32, y + 32))
        if label:
            self._text((x + 36, y - 14), label, 29, colour, "ls")

    # -- the frame -------------------------------------------------------------------------------------------------

    def letters(self) -> None:
        """Which side of the patient each edge of the picture shows: R, L, A, P, H, F."""
        w, h = self.plane.width_px, self.plane.height_px
        right, down = self.plane.right_lps, self.plane.down_lps
        for at, anchor, direction in (
            ((14, h / 2), "lm", -right),
            ((w - 14, h / 2), "rm", right),
            ((w / 2, 56), "mt", -down),
            ((w / 2, h - 46), "mb", down),
        ):
            text = direction_letters(direction)
            self._text(at, text, 40, INK, anchor)

    def scale_bar(self) -> None:
        """A bar of a round length in mm, about a fifth of the picture, at the lower left."""
        wanted = self.plane.width_px * self.plane.mm_per_pixel / 5
        length = max((n for n in (5, 10, 20, 50, 100) if n <= wanted), default=5)
        x, y = 18.0, self.plane.height_px - 46.0
        end = x + length / self.plane.mm_per_pixel
        for colour, width, alpha in (((0, 0, 0), 6.0, 200), (INK, 3.0, 255)):
            for ends in (((x, y), (end, y)), ((x, y - 7), (x, y + 7)), ((end, y - 7), (end, y + 7))):
                self._stroke(np.array(ends), colour, width, (), alpha=alpha)
        self._text((x, y - 12), f"{length} mm", 26, INK, "ls")

    def finish(self, title: str, identity: str, caption: str, alt: str, listed: bool = True) -> Picture:
        """Write letters, scale, title, identity and the research notice, add the legend, and close the picture.

        listed: whether the legend's strip is added below; without it pictures of one plane's size stay of one size.
        """
        w, h = self.plane.width_px, self.plane.height_px
        self.letters()
        self.scale_bar()
        self._text((16, 14), fitted(title, 30, w - 32), 30, INK, "lt")
        self._text((16, h - 12), RESEARCH_NOTICE, 23, INK, "ls")
        if identity:
            self._text((w - 14, h - 12), fitted(identity, 19, w - 480), 19, QUIET, "rs")
        window = f"{self.window.name} C {self.window.centre_hu:g} W {self.window.width_hu:g}"
        self._text((w - 14, h - 40), window, 19, QUIET, "rs")
        drawn = self._layer.reduce(FINE)
        self._picture.paste(drawn, (0, 0), drawn)
        strip = legend_strip(self._legend if listed else [], w)
        whole = Image.new("RGB", (w, h + strip.height), (0, 0, 0))
        whole.paste(self._picture, (0, 0))
        whole.paste(strip, (0, h))
        names = {style.number: name for style, name in self._legend}
        return Picture(encode(whole), w, whole.height, title, caption, alt, self.plane, names)

    # -- pens ------------------------------------------------------------------------------------------------------

    def _stroke(
        self,
        points: NDArray[np.float64],
        colour: Colour,
        width: float,
        dashes: tuple[float, ...],
        alpha: int = 255,
    ) -> None:
        # pixel centres are whole numbers here and half numbers on the fine layer
        fine = (np.asarray(points, dtype=np.float64) + 0.5) * FINE - 0.5
        thick = max(round(width * FINE), 1)
        for part in dashed(fine, [d * FINE for d in dashes]) if dashes else [fine]:
            self._pen.line(
                [(float(x), float(y)) for x, y in part], fill=(*colour, alpha), width=thick, joint="curve"
            )

    def _text(self, at: tuple[float, float], text: str, size: float, colour: Colour, anchor: str) -> None:
        """Words with a dark rim, kept inside the picture."""
        text = printable(text)
        font = lettering(size * FINE)
        x, y = at[0] * FINE, at[1] * FINE
        left, top, right, bottom = self._pen.textbbox((x, y), text, font=font, anchor=anchor)
        width, height = self.plane.width_px * FINE, self.plane.height_px * FINE
        x += max(12 - left, 0) - max(right - width + 12, 0)
        y += max(12 - top, 0) - max(bottom - height + 12, 0)
        self._pen.text(
            (x, y),
            text,
            font=font,
            fill=(*colour, 255),
            anchor=anchor,
            stroke_width=2 * FINE,
            stroke_fill=(0, 0, 0, 200),
        )
        box = self._pen.textbbox((x, y), text, font=font, anchor=anchor)
        self._taken.append((box[0] / FINE, box[1] / FINE, box[2] / FINE, box[3] / FINE))


def dashed(points: NDArray[np.float64], lengths: Sequence[float]) -> list[NDArray[np.float64]]:
    """The drawn stretches of a line (N, 2) when line and gap have ``lengths`` by turns, in the points' own units."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    keep = np.concatenate([[True], steps > 0])
    along, points = along[keep], points[keep]
    parts: list[NDArray[np.float64]] = []
    at = 0.0
    turn = 0
    while at < along[-1]:
        end = min(at + lengths[turn % len(lengths)], float(along[-1]))
        if turn % 2 == 0:
            inner = points[(along > at) & (along < end)]
            ends = [[np.interp(a, along, points[:, 0]), np.interp(a, along, points[:, 1])] for a in (at, end)]
            parts.append(np.vstack([ends[:1], inner, ends[1:]]))
        at, turn = end, turn + 1
    return parts


def legend_strip(entries: Sequence[tuple[OutlineStyle, str]], width_px: int) -> Image.Image:
    """Number, piece of line and name of each structure, in as many rows as they need."""
    size, row, gap = 25, 38, 28
    font = lettering(size)
    places: list[tuple[int, int, OutlineStyle, str]] = []
    x, y = 16, 8
    for style, name in sorted(entries, key=lambda entry: entry[0].number):
        text = fitted(name, size, width_px - 150)
        needed = 88 + int(font.getlength(text))
        if x > 16 and x + needed > width_px - 8:
            x, y = 16, y + row
        places.append((x, y, style, text))
        x += needed + gap
    height = (places[-1][1] + row + 6) if places else 0
    strip = Image.new("RGB", (width_px * FINE, max(height, 1) * FINE), (0, 0, 0))
    pen = ImageDraw.Draw(strip)
    for x, y, style, text in places:
        middle = (y + row / 2) * FINE
        pen.text((x * FINE, middle), str(style.number), font=lettering(size * FINE), fill=INK, anchor="lm")
        start = x + 14 + 15 * len(str(style.number))
        stretch = np.array([(start * FINE, middle), ((start + 40) * FINE, middle)])
        for part in dashed(stretch, [d * FINE for d in style.dashes]) if style.dashes else [stretch]:
            points = [(float(a), float(b)) for a, b in part]
            pen.line(points, fill=style.colour, width=round((style.width_px + 0.6) * FINE))
        pen.text(((start + 48) * FINE, middle), text, font=lettering(size * FINE), fill=INK, anchor="lm")
    return strip.reduce(FINE) if height else Image.new("RGB", (width_px, 0))

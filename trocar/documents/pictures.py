"""The pictures of a plan: where the needle goes in, where it ends, and what lies beside it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from trocar.documents.naming import capital, spoken
from trocar.documents.numbering import BONE_NAMES, NEAR_MM, host_of, numbered_structures, window_for
from trocar.geometry.grid import Box
from trocar.imaging.render import overlay, plane, reslicing, surface
from trocar.imaging.render.lettering import fitted, lettering
from trocar.imaging.render.palette import INK, NEEDLE, OutlineStyle, outline_styles
from trocar.imaging.render.picture import RESEARCH_NOTICE, Picture, encode
from trocar.imaging.render.window import Window
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import Volume
from trocar.planning.plan import Plan, PlannedPath

SIZE_PX = 900
"""Width of every picture; printed 85 mm wide, its smallest words are 5 point."""
SURFACE_PX = 700
"""The ray caster's own size; its shapes are no finer than this."""
LISTED = 18
"""At most so many structures are outlined; more hide what matters."""


def sheet_pictures(
    plan: Plan,
    path_index: int,
    volume: Volume,
    structures: StructureSet | None,
    error_radius_mm: float | None = None,
    not_a_plan: bool = False,
    only: Collection[str] | None = None,
) -> dict[str, Picture]:
    """All pictures of one path, by name, or those named in ``only``.

    axial_entry, axial_target: axial slices, the patient's right on the left. lying_entry, lying_target: the same
    slices turned as the patient lies on the table when the needle goes in (only where that is not on the back).
    oblique: the plane nearest to axial that holds the whole needle, as the patient lies. across: the plane through
    the needle at right angles to it. needle_view: down the needle, from its hub. coronal, sagittal: locators with the
    entry's slice. surface: three dimensions.

    ``path_index`` counts ``plan.paths``, or ``plan.nearest`` with ``not_a_plan``, which is then written on each.
    ``error_radius_mm`` draws the error cone's ring round the tip in needle_view.
    """
    path = (plan.nearest if not_a_plan else plan.paths)[path_index]
    studio = _Studio(plan, path, volume, structures, error_radius_mm, not_a_plan)
    jobs = {
        "surface": studio.in_three_dimensions,
        "oblique": studio.oblique,
        "needle_view": studio.down_the_needle,
        "across": studio.across,
        "axial_entry": lambda: studio.axial("entry"),
        "axial_target": lambda: studio.axial("target"),
        "coronal": lambda: studio.locator("coronal"),
        "sagittal": lambda: studio.locator("sagittal"),
    }
    if plan.position != "supine":
        jobs["lying_entry"] = lambda: studio.axial("entry", turned=True)
        jobs["lying_target"] = lambda: studio.axial("target", turned=True)
    # drawing and packing release the lock, so two threads use both cores; each picture is made by one of them
    with ThreadPoolExecutor(max_workers=2) as pool:
        made = {name: pool.submit(job) for name, job in jobs.items() if only is None or name in only}
        return {name: future.result() for name, future in made.items()}


class _Studio:
    """One path with all that its pictures share."""

    def __init__(
        self,
        plan: Plan,
        path: PlannedPath,
        volume: Volume,
        structures: StructureSet | None,
        error_radius_mm: float | None,
        not_a_plan: bool,
    ) -> None:
        self.plan, self.planned, self.path = plan, path, path.path
        self.volume, self.structures = volume, structures
        self.error_radius_mm = error_radius_mm
        self.window = window_for(plan, volume, structures)
        numbers = numbered_structures(plan, path, structures)
        self.host = host_of(plan, structures)
        self.styles = outline_styles(list(numbers), self.host)
        blind = [n for n in numbers if path.clearances_mm.get(n) is None]
        near = [n for n in numbers if n not in blind and path.clearances_mm[n] <= NEAR_MM]  # type: ignore[operator]
        # what nobody judged must at least be seen
        self.drawn = [*blind[:LISTED], *near][:LISTED]
        self.marks = overlay.NeedleMarks(self.path, plan.needle, near_mm=max(2.0, self._slice_mm() / 2))
        self.prefix = "NOT A PLAN: " if not_a_plan else ""
        image = plan.inputs.get("image", volume.source.sha256)
        day = volume.source.acquired_on
        self.identity = " ".join(
            part
            for part in (f"CT {image[:8]}" if image else "", day.isoformat() if day else "", plan.protocol)
            if part
        )

    def _slice_mm(self) -> float:
        """Distance of the scan's slices, along the axis nearest to the head."""
        axis = int(np.argmax(np.abs(self.volume.grid.directions[2])))
        return float(self.volume.grid.spacing_mm[axis])

    def _body_mm(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centre and size (3,) of the scan along the patient's axes."""
        corners = self.volume.grid.corners_lps_mm()
        low, high = corners.min(axis=0), corners.max(axis=0)
        return (low + high) / 2, high - low

    def _sample(self) -> NDArray[np.float64]:
        return np.asarray(self.path.at(self.path.length_mm + self.plan.needle.notch_centre_mm))

    def _canvas(self, view: plane.PicturePlane) -> overlay.Canvas:
        return overlay.Canvas(reslicing.reslice(self.volume, view), self.window, view)

    def _outline(self, canvas: overlay.Canvas, found: dict[str, tuple[reslicing.Line, ...]]) -> None:
        for name, lines in found.items():
            canvas.outline(lines, self.styles[name], spoken(name))

    def _badges(self, canvas: overlay.Canvas, found: dict[str, tuple[reslicing.Line, ...]]) -> None:
        canvas.badges({self.styles[n].number: (lines, self.styles[n]) for n, lines in found.items()})

    def _structures_on(self, view: plane.PicturePlane) -> dict[str, tuple[reslicing.Line, ...]]:
        if self.structures is None:
            return {}
        return reslicing.outlines(self.structures, view, self.drawn)

    def _needle_picture(self, view: plane.PicturePlane, title: str, caption: str, alt: str) -> Picture:
        """Slice, outlines, needle, numbers."""
        canvas = self._canvas(view)
        found = self._structures_on(view)
        self._outline(canvas, found)
        canvas.needle(self.marks)
        self._badges(canvas, found)
        return canvas.finish(self.prefix + title, self.identity, self.prefix + caption, self._alt(alt, found))

    def _alt(self, text: str, found: dict[str, tuple[reslicing.Line, ...]]) -> str:
        if not found:
            return text + " No structure is outlined."
        listed = ", ".join(f"{self.styles[n].number} {spoken(n)}" for n in found)
        return f"{text} Outlined: {listed}."

    def _field_mm(self, margin_mm: float, least_mm: float) -> float:
        """Width of a square that holds the whole needle with a margin."""
        return max(self.path.length_mm + self.path.throw_mm + 2 * margin_mm, least_mm)

    def oblique(self) -> Picture:
        field = self._field_mm(34, 150)
        view = plane.along_needle(
            self.path,
            (self.path.entry_lps_mm + self.path.fired_tip_lps_mm) / 2,
            (SIZE_PX, SIZE_PX),
            field / SIZE_PX,
            self.plan.position,
        )
        tilted = view.tilt_deg > plane.AXIAL_TILT_TOLERANCE_DEG
        what = f"Oblique slice holding the whole needle, tilted {view.tilt_deg:.0f}° from axial"
        title = what if tilted else "Axial slice holding the whole needle"
        caption = (
            f"{title}. Shown as the patient lies on the table, seen from the feet. Ticks every 10 mm from the skin; "
            "dashed: the throw; box: where the sample is taken."
        )
        return self._needle_picture(
            view, title, caption, f"CT slice with the needle from the skin to the target. {title}."
        )

    def across(self) -> Picture:
        field = self._field_mm(34, 150)
        view = plane.across_needle(
            self.path,
            (self.path.entry_lps_mm + self.path.fired_tip_lps_mm) / 2,
            (SIZE_PX, SIZE_PX),
            field / SIZE_PX,
            self.plan.position,
        )
        title = "The other slice holding the needle, head to the right"
        caption = (
            "At right angles to the oblique slice: tilt to head or feet, ribs and pleura are judged here."
        )
        return self._needle_picture(
            view, title, caption, "CT slice along the needle, at right angles to the oblique slice."
        )

    def axial(self, which: str, turned: bool = False) -> Picture:
        centre, size = self._body_mm()
        at = self.path.entry_lps_mm if which == "entry" else self._sample()
        lying = self.plan.position if turned else None
        if which == "entry":
            sideways = max(size[0], size[1]) if turned else size[0]
            width_mm, middle = max(float(sideways), 200.0) + 10, np.array([centre[0], centre[1], at[2]])
            height_mm = min(float(size[1] if lying in (None, "prone") else size[0]) + 10, width_mm)
            shape = (SIZE_PX, max(int(SIZE_PX * height_mm / width_mm), SIZE_PX // 2))
        else:
            width_mm, middle, shape = 170.0, at, (SIZE_PX, SIZE_PX)
        view = plane.standard("axial", middle, shape, width_mm / SIZE_PX, lying)
        words = {
            "entry": "Axial slice at the skin entry",
            "target": "Axial slice at the sample",
        }[which]
        how = {
            None: "anterior up, patient's right on the left",
            "prone": "turned as the patient lies, face down",
            "left_lateral": "turned as the patient lies, on the left side",
            "right_lateral": "turned as the patient lies, on the right side",
            "supine": "as the patient lies",
        }[lying]
        canvas = self._canvas(view)
        found = self._structures_on(view)
        self._outline(canvas, found)
        canvas.needle(self.marks, labels=False)
        canvas.cross(at, "ENTRY" if which == "entry" else "SAMPLE")
        self._badges(canvas, found)
        title = f"{words}, as the patient lies" if turned else f"{words}, anterior up"
        caption = f"{words}, {how}. Dotted: parts of the needle in other slices."
        alt = self._alt(f"{words}, {how}.", found)
        return canvas.finish(self.prefix + title, self.identity, self.prefix + caption, alt)

    def down_the_needle(self) -> Picture:
        view = plane.down_needle(self.path, self.path.tip_lps_mm, (SIZE_PX, SIZE_PX), 110.0 / SIZE_PX)
        canvas = self._canvas(view)
        found: dict[str, tuple[reslicing.Line, ...]] = {}
        if self.structures is not None:
            from_skin = plane.down_needle(
                self.path, self.path.entry_lps_mm, (SIZE_PX, SIZE_PX), 110.0 / SIZE_PX
            )
            reach = self.path.length_mm + self.path.throw_mm
            names = self.drawn
            found = reslicing.shadow_outlines(self.structures, from_skin, reach, names)
        self._outline(canvas, found)
        for radius in (10.0, 20.0, 40.0):
            canvas.ring(self.path.tip_lps_mm, radius, f"{radius:.0f} mm")
        if self.error_radius_mm is not None:
            canvas.ring(self.path.tip_lps_mm, self.error_radius_mm, "", NEEDLE, dashed=False)
        canvas.cross(self.path.tip_lps_mm, "")
        self._badges(canvas, found)
        title = "Down the needle, from its hub"
        caption = (
            "Looking along the needle from the hub. Outlines: all that lies beside the path from the skin to the end "
            "of the throw; the needle goes in at the cross. Background: the slice at the tip."
        )
        if self.error_radius_mm is not None:
            caption += f" Yellow ring: modelled error at the tip, {self.error_radius_mm:.0f} mm."
        alt = self._alt("View along the needle from its hub, with rings at 10, 20 and 40 mm.", found)
        return canvas.finish(self.prefix + title, self.identity, self.prefix + caption, alt)

    def locator(self, kind: str) -> Picture:
        centre, size = self._body_mm()
        across, through = (size[0], size[1]) if kind == "coronal" else (size[1], size[0])
        width_mm = max(float(across), 120.0) + 10
        height_mm = float(np.clip(size[2] + 10, width_mm * 0.5, width_mm * 1.6))
        shape = (SIZE_PX, int(SIZE_PX * height_mm / width_mm))
        front = centre.copy()
        front[1 if kind == "coronal" else 0] += through / 2 * (-1 if kind == "coronal" else 1)
        if size[2] + 10 > height_mm:
            front[2] = self.path.entry_lps_mm[2]
        view = plane.standard(
            "coronal" if kind == "coronal" else "sagittal", front, shape, width_mm / SIZE_PX
        )
        shadow = reslicing.projection(self.volume, view, float(through))
        canvas = overlay.Canvas(shadow, _fitted_window(shadow), view)
        far = view.width_px * view.mm_per_pixel / 2 - 2
        for point, label, dashes in (
            (self.path.entry_lps_mm, "ENTRY slice", ()),
            (self._sample(), "SAMPLE slice", (10.0, 7.0)),
        ):
            middle = view.to_patient(view.to_pixel(point))
            middle = middle + (view.centre_lps_mm - middle) @ view.right_lps * view.right_lps
            same = abs(self.path.entry_lps_mm[2] - self._sample()[2]) < self._slice_mm() / 2
            if same and label.startswith("SAMPLE"):
                continue
            ends = [middle - far * view.right_lps, middle + far * view.right_lps]
            first = label.startswith("ENTRY")
            canvas.line(ends if first else ends[::-1], label, NEEDLE if first else INK, dashes)
        canvas.shaft(self.path)
        seen = "from the front" if kind == "coronal" else "from the patient's left"
        title = f"Where to scan, {seen}"
        caption = f"Mean of the whole CT, {seen}. The line is the slice of the skin entry: the table line."
        return canvas.finish(
            self.prefix + title,
            self.identity,
            self.prefix + caption,
            f"Overview {seen} with the needle and the entry's slice.",
        )

    def in_three_dimensions(self) -> Picture:
        middle = (self.path.entry_lps_mm + self.path.fired_tip_lps_mm) / 2
        box = Box.around(self.volume.grid, np.array([middle]), 150.0)
        names = self.drawn
        held = self.structures.names if self.structures is not None else ()
        bones = tuple(n for n in held if n.startswith(BONE_NAMES) and n != self.host)
        shapes = [surface.Shape(bones, surface.BONE_COLOUR)]
        for name in names:
            if name in held and name not in bones:
                shown = name == self.host
                shapes.append(surface.Shape((name,), self.styles[name].colour, shows_through=shown))
        world = surface.scene(self.volume, self.structures, shapes, box)
        view = surface.view_of(self.path, middle, SURFACE_PX, 260.0)
        drawn = surface.render(world, view, 520.0, self.path, self.plan.needle)
        drawn = drawn.resize((SIZE_PX, SIZE_PX), Image.Resampling.LANCZOS)
        legend = [(self.styles[s.names[0]], spoken(s.names[0])) for s in shapes[1:]]
        title = self.prefix + "The needle in the body"
        image = _framed(drawn, view, title, self.identity, legend)
        caption = (
            "Seen from the needle's side, head up. Bone is cream, the target green and seen through what lies in front "
            "of it. The needle is drawn thicker than it is; dark: outside the skin; purple: where the sample is taken."
        )
        listed = ", ".join(f"{style.number} {name}" for style, name in legend)
        alt = f"Three-dimensional view of the needle with bone and skin. Shown: {listed or 'no structure'}."
        numbers = {style.number: name for style, name in legend}
        return Picture(
            encode(image),
            image.width,
            image.height,
            title,
            self.prefix + caption,
            capital(alt),
            None,
            numbers,
        )


def _fitted_window(shadow: NDArray[np.floating]) -> Window:
    """A window that shows the middle 98 % of a projection."""
    seen = shadow[~np.isnan(shadow)]
    low, high = (float(v) for v in np.percentile(seen, (30, 99.5))) if seen.size else (-500.0, 300.0)
    return Window("Overview", round((low + high) / 2), max(round(high - low), 100))


def _framed(
    drawn: Image.Image,
    view: plane.PicturePlane,
    title: str,
    identity: str,
    legend: Sequence[tuple[OutlineStyle, str]],
) -> Image.Image:
    """Words, axes and legend round a picture in three dimensions, black on white."""
    picture = drawn.copy()
    pen = ImageDraw.Draw(picture)
    w, h = picture.size
    ink, quiet = (16, 24, 32), (90, 102, 116)
    pen.rounded_rectangle((12, h - 218, 176, h - 52), 10, fill=(255, 255, 255))
    for at, text, size, colour, anchor in (
        ((16, 14), fitted(title, 30, w - 32), 30, ink, "lt"),
        ((16, h - 12), RESEARCH_NOTICE, 23, ink, "ls"),
        ((w - 14, h - 12), fitted(identity, 19, w - 480), 19, quiet, "rs"),
    ):
        white = (255, 255, 255)
        font = lettering(size)
        pen.text(at, text, font=font, fill=colour, anchor=anchor, stroke_width=4, stroke_fill=white)
    centre = np.array([92.0, h - 132.0])
    for letter, direction in (
        ("L", (1, 0, 0)),
        ("R", (-1, 0, 0)),
        ("P", (0, 1, 0)),
        ("A", (0, -1, 0)),
        ("H", (0, 0, 1)),
    ):
        vector = np.array([np.dot(direction, view.right_lps), np.dot(direction, view.down_lps)])
        if np.linalg.norm(vector) < 0.25:
            continue
        tip = centre + vector * 46
        pen.line([tuple(centre), tuple(tip)], fill=quiet, width=2)
        name = centre + vector * 46 + vector / np.linalg.norm(vector) * 18
        pen.text(tuple(name), letter, font=lettering(28), fill=ink, anchor="mm")
    strip = overlay.legend_strip(legend, w)
    whole = Image.new("RGB", (w, h + strip.height), (0, 0, 0))
    whole.paste(picture, (0, 0))
    whole.paste(strip, (0, h))
    return whole

"""The slice views of a plan page: what each offers, and its pictures kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.http import urlencode

from trocar.web.plans.choice import Choice
from trocar.web.plans.plan_folder import PlanFolder
from trocar.web.plans.scan import scan_of
from trocar.web.plans.shown_path import ShownPath
from trocar.web.plans.shown_plan import ShownPlan
from trocar.web.plans.slice_picture import LegendEntry, draw_slice, legend_of
from trocar.web.plans.slice_stack import STACK_NAMES, SliceStack, StackName, slice_stack

KEPT_BYTES = 64 * 1024 * 1024
"""Of pictures in memory: some 400."""

PATTERN_INDEX = 999999
"""Stands for any slice in an address; the slider's script puts the number in."""

_pictures: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
_pictures_bytes = 0
_keeping = threading.Lock()


@dataclass(frozen=True)
class SliceView:
    """One picture with its slider, and the links that do the slider's work without a script."""

    stack: SliceStack
    index: int
    picture: str
    picture_pattern: str
    previous: str
    following: str
    form_fields: list[tuple[str, str]]
    width_px: int
    height_px: int

    @property
    def label(self) -> str:
        return self.stack.label(self.index)

    @property
    def last(self) -> int:
        return self.stack.count - 1

    @property
    def labels(self) -> str:
        """Every slice's label, for the slider's script."""
        return "|".join(self.stack.label(index) for index in range(self.stack.count))


def default_window(plan: ShownPlan) -> str:
    """The grey scale that the pictures open with."""
    return "bone" if plan.is_bone else "soft"


def choice_of_path(choice: Choice, number: int) -> Choice:
    """The same look on another path; its slices open where its own needle is."""
    return replace(choice, path=number, slices=())


def slice_views(folder: PlanFolder, plan: ShownPlan, choice: Choice) -> list[SliceView]:
    """All views of the chosen path; an index beyond a stack's end shows its last slice."""
    path = plan.paths[choice.path - 1]
    return [_view(folder, plan, path, choice, name) for name in STACK_NAMES]


def _view(folder: PlanFolder, plan: ShownPlan, path: ShownPath, choice: Choice, name: StackName) -> SliceView:
    stack = stack_of(folder, plan, path, name)
    last = stack.count - 1
    asked = choice.slice_of(name)
    index = stack.start if asked is None else min(asked, last)
    plane = stack.plane(index)

    def page_at(other: int) -> str:
        return choice.with_slice(name, min(max(other, 0), last)).query() + f"#view-{name}"

    def picture_at(other: int) -> str:
        return picture_url(folder, plan, path.number, name, other, choice.window, choice.outlines)

    return SliceView(
        stack=stack,
        index=index,
        picture=picture_at(index),
        picture_pattern=picture_at(PATTERN_INDEX),
        previous=page_at(index - 1),
        following=page_at(index + 1),
        form_fields=choice.fields(without=(name,)),
        width_px=plane.width_px,
        height_px=plane.height_px,
    )


def legend(folder: PlanFolder, plan: ShownPlan, path: ShownPath) -> list[LegendEntry]:
    """The outlined structures of a path with their number and line."""
    _, structures = scan_of(folder)
    return legend_of(path.shown_structures, plan.target_structure, structures)


def stack_of(folder: PlanFolder, plan: ShownPlan, path: ShownPath, name: StackName) -> SliceStack:
    volume, _ = scan_of(folder)
    return slice_stack(name, volume.grid, path.needle_path, plan.notch_depth_mm(path), plan.lying)


def picture_url(
    folder: PlanFolder, plan: ShownPlan, path: int, name: StackName, index: int, window: str, outlines: bool
) -> str:
    where = reverse("plans:slice", args=(folder.id, path, name, index))
    query = {"v": plan.version, "window": window, "outlines": "on" if outlines else "off"}
    return f"{where}?{urlencode(query)}"


def list_picture(folder: PlanFolder, plan: ShownPlan) -> str | None:
    """Address of the picture on the plan's card: the plane that holds the best path's needle."""
    if plan.best is None or folder.card.ct is None:
        return None
    return picture_url(folder, plan, 1, "along", 0, default_window(plan), True)


def slice_png(
    folder: PlanFolder,
    plan: ShownPlan,
    path: ShownPath,
    name: StackName,
    index: int,
    window: str,
    outlines: bool,
) -> bytes:
    """One slice as PNG. Raises IndexError for a slice that the stack does not have."""
    key = (folder.path, plan.version, path.number, name, index, window, outlines)
    with _keeping:
        if key in _pictures:
            _pictures.move_to_end(key)
            return _pictures[key]
    stack = stack_of(folder, plan, path, name)
    plane = stack.plane(index)
    volume, structures = scan_of(folder)
    # A slice shows the needle where it runs within half a step of it; planes along it hold it whole.
    near_mm = 2.0 if name == "along" else stack.step_value / 2
    png = draw_slice(
        volume,
        structures,
        plane,
        path.needle_path,
        plan.planned_needle,
        near_mm=near_mm,
        whole_needle=name == "along",
        title=f"{stack.title}: {stack.label(index)}",
        window=window,
        legend=legend(folder, plan, path) if outlines else [],
        sample=folder.card.sample,
    )
    _keep(key, png)
    return png


def _keep(key: tuple[object, ...], png: bytes) -> None:
    global _pictures_bytes
    with _keeping:
        _pictures_bytes += len(png) - len(_pictures.pop(key, b""))
        _pictures[key] = png
        while _pictures_bytes > KEPT_BYTES:
            _pictures_bytes -= len(_pictures.popitem(last=False)[1])

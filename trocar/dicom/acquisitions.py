"""Sorts frames into what one could plan on: each series, and each acquisition or phase of a series."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from trocar.dicom.frames import NEVER_MIXED, TOLD_APART, Frame
from trocar.errors import InputRefused, SeriesChoice

SAME_PLACE_MM = 0.01
"""Positions closer than this are one; writers round to hundredths or thousandths."""
SAME_DIRECTION = 2e-4
"""Largest difference between direction cosines of slices that count as parallel: 0.1 mm across a body."""


@dataclass(frozen=True, eq=False)
class Acquisition:
    """Frames of one series that belong together. suffix: what tells it from others of the series, or ""."""

    frames: tuple[Frame, ...]
    suffix: str = ""

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID."""
        return self.frames[0].series_uid

    @property
    def identifier(self) -> str:
        """What a user may choose it by."""
        return f"{self.series_uid}#{self.suffix}" if self.suffix else self.series_uid

    @property
    def series_number(self) -> str:
        """SeriesNumber as text, or ""."""
        return str(self.frames[0].file.header.get("SeriesNumber") or "").strip()

    @cached_property
    def places(self) -> int:
        """How many different slice positions there are."""
        return len({_place(frame) for frame in self.frames if frame.has_geometry})

    @property
    def description(self) -> str:
        """One line for a list to choose from; names no patient."""
        first = self.frames[0]
        header = first.file.header
        day = str(header.get("AcquisitionDate") or header.get("SeriesDate") or header.get("StudyDate") or "")
        parts = [f"series {self.series_number}" if self.series_number else "series without a number"]
        if title := str(header.get("SeriesDescription") or "").strip():
            parts[0] += f" '{title}'"
        if self.suffix:
            parts.append(self.suffix.replace("-", " ", 1).replace("+", ", "))
        if re.fullmatch(r"\d{8}", day):
            parts.append(f"{day[:4]}-{day[4:6]}-{day[6:]}")
        parts.append(f"{len(self.frames)} slices of {first.columns} x {first.rows}")
        if first.has_geometry:
            parts.append(_plane(first))
        if first.thickness_mm:
            parts.append(f"{first.thickness_mm:g} mm thick")
        if kernel := first.marks.get("kernel"):
            parts.append(f"kernel {kernel}")
        return ", ".join(parts)


def _plane(frame: Frame) -> str:
    lps = int(np.argmax(np.abs(frame.normal)))
    name = ("sagittal", "coronal", "axial")[lps]
    return name if abs(frame.normal[lps]) > 0.99 else f"oblique, nearest to {name}"


def acquisitions(frames: Sequence[Frame]) -> tuple[list[Acquisition], tuple[str, ...]]:
    """All acquisitions in ``frames``, ordered by series number, and sentences about what was set aside.

    Localizers and colour pictures are set aside; a file that is there twice counts once. Raises InputRefused
    where nothing is left.
    """
    slices = [frame for frame in frames if not frame.is_localizer and not frame.is_colour]
    notices = []
    if localizers := sum(frame.is_localizer for frame in frames):
        notices.append(f"{_pictures(localizers)} set aside: localizer.")
    if colours := sum(frame.is_colour and not frame.is_localizer for frame in frames):
        notices.append(f"{_pictures(colours)} set aside: in colour, so no CT slice.")
    if not slices:
        raise InputRefused(
            "There are only localizers or colour pictures, no CT slices; name the scan itself."
        )
    slices, copies = _without_copies(slices)
    if copies:
        notices.append("1 file was there twice." if copies == 1 else f"{copies} files were there twice.")
    by_series: dict[str, list[Frame]] = {}
    for frame in slices:
        by_series.setdefault(frame.series_uid, []).append(frame)
    found = [part for members in by_series.values() for part in _split(Acquisition(tuple(members)))]
    return sorted(found, key=_listing_order), tuple(notices)


def _pictures(count: int) -> str:
    return "1 picture was" if count == 1 else f"{count} pictures were"


def _listing_order(part: Acquisition) -> tuple[object, ...]:
    number = int(part.series_number) if part.series_number.isdigit() else 10**9
    return (
        number,
        part.series_uid,
        [int(t) if t.isdigit() else 0 for t in re.split(r"(\d+)", part.suffix)],
        part.suffix,
    )


def _without_copies(frames: list[Frame]) -> tuple[list[Frame], int]:
    """Leave out files that are byte for byte the same as another; returns how many."""
    files = {id(frame.file): frame.file for frame in frames}
    uids = Counter(str(file.header.get("SOPInstanceUID")) for file in files.values())
    seen: set[tuple[str, str]] = set()
    copies: set[int] = set()
    for key, file in files.items():
        uid = str(file.header.get("SOPInstanceUID"))
        if uids[uid] > 1:
            content = (uid, file.source.sha256())
            if content in seen:
                copies.add(key)
            seen.add(content)
    return [frame for frame in frames if id(frame.file) not in copies], len(copies)


def _place(frame: Frame) -> tuple[int, ...]:
    assert frame.position_lps_mm is not None
    return tuple(np.rint(frame.position_lps_mm / SAME_PLACE_MM).astype(np.int64).tolist())


def _collisions(frames: Sequence[Frame]) -> int:
    placed = [_place(frame) for frame in frames if frame.has_geometry]
    return len(placed) - len(set(placed))


def _split(whole: Acquisition) -> list[Acquisition]:
    """Acquisitions and phases of one series, by what their headers say."""
    parts = [whole]
    for mark in NEVER_MIXED:
        parts = [piece for part in parts for piece in _split_by(part, mark)]
    return [piece for part in parts for piece in _told_apart(part)]


def _by_value(part: Acquisition, mark: str) -> dict[str, list[Frame]]:
    values: dict[str, list[Frame]] = {}
    for frame in part.frames:
        values.setdefault(frame.marks.get(mark, "none"), []).append(frame)
    return values


def _piece(part: Acquisition, frames: Sequence[Frame], word: str) -> Acquisition:
    safe = re.sub(r"[^A-Za-z0-9.%_-]+", "-", word).strip("-")
    return Acquisition(tuple(frames), f"{part.suffix}+{safe}" if part.suffix else safe)


def _split_by(part: Acquisition, mark: str) -> list[Acquisition]:
    """Split where slices with different values cover the same part of the body, or lie apart.

    Scanners that move the table step by step count an acquisition for each step; those lie one behind the other
    and are one scan.
    """
    values = _by_value(part, mark)
    if len(values) == 1:
        return [part]
    blocks = _blocks(list(values.values()))
    if blocks is None:
        return [_piece(part, members, f"{mark}-{value}") for value, members in values.items()]
    if len(blocks) == 1:
        return [part]
    return [_piece(part, members, f"part-{n}") for n, members in enumerate(blocks, start=1)]


def _blocks(parts: list[list[Frame]]) -> list[list[Frame]] | None:
    """``parts`` joined where one follows the other without a gap; None where they overlap or do not match."""
    everything = [frame for part in parts for frame in part]
    first = everything[0]
    if any(not frame.has_geometry for frame in everything):
        return None
    normal = first.normal
    for frame in everything:
        same = (frame.rows, frame.columns, frame.frame_of_reference_uid, frame.spacing_mm)
        if same != (first.rows, first.columns, first.frame_of_reference_uid, first.spacing_mm):
            return None
        if np.abs(frame.normal - normal).max() > SAME_DIRECTION:
            return None
    depths = [np.sort([float(frame.position_lps_mm @ normal) for frame in part]) for part in parts]
    order = sorted(range(len(parts)), key=lambda n: float(depths[n][0]))
    gaps = [float(depths[b][0] - depths[a][-1]) for a, b in pairwise(order)]
    if min(gaps) < SAME_PLACE_MM:
        return None
    steps = np.diff(np.sort(np.concatenate(depths)))
    usual = float(np.sort(steps)[(len(steps) - 1) // 2])
    blocks = [list(parts[order[0]])]
    for gap, n in zip(gaps, order[1:], strict=True):
        if gap > 1.5 * usual:
            blocks.append([])
        blocks[-1].extend(parts[n])
    return blocks


def _told_apart(part: Acquisition) -> list[Acquisition]:
    """Where slices lie on one another, split by the first mark that explains it."""
    collisions = _collisions(part.frames)
    if not collisions:
        return [part]
    trials = []
    for mark in TOLD_APART:
        values = _by_value(part, mark)
        if len(values) > 1 and min(len(members) for members in values.values()) > 1:
            left = sum(_collisions(members) for members in values.values())
            trials.append((left, mark, values))
    if not trials:
        return [part]
    left, mark, values = min(trials, key=lambda trial: trial[0])
    if left == collisions:
        return [part]
    pieces = [_piece(part, members, f"{mark}-{value}") for value, members in values.items()]
    return [smaller for piece in pieces for smaller in _told_apart(piece)]


def choose(found: Sequence[Acquisition], series: str | None) -> tuple[Acquisition, tuple[str, ...]]:
    """The one to use, and sentences about what was set aside for it.

    ``series``: SeriesInstanceUID or its beginning (8 characters at least), or the series number, each with
    "#suffix" where a series has several acquisitions. Without it, the only one that is a volume. Raises
    SeriesChoice, listing them, where several would serve or ``series`` names none or several.
    """
    volumes = [part for part in found if part.places > 1]
    listed = volumes or list(found)
    if series is not None and series.strip():
        return _named(found, listed, series.strip()), ()
    if len(listed) > 1:
        if not volumes:
            raise InputRefused(
                "There are only single slices, no volume; name a folder that holds a whole series."
            )
        raise _choice(f"There are {len(listed)} CT series or phases; choose one of them.", listed)
    others = [part for part in found if part is not listed[0]]
    return listed[0], tuple(f"Set aside, as it is no volume: {part.description}." for part in others)


def _choice(message: str, listed: Sequence[Acquisition]) -> SeriesChoice:
    return SeriesChoice(message, tuple((part.identifier, part.description) for part in listed))


def _named(found: Sequence[Acquisition], listed: Sequence[Acquisition], series: str) -> Acquisition:
    name, _, suffix = series.partition("#")
    matches = [part for part in found if part.identifier == series]
    if not matches:
        matches = [part for part in found if part.series_uid == name]
    if not matches and name.isdigit():
        matches = [
            part for part in found if part.series_number == name.lstrip("0") or part.series_number == name
        ]
    if not matches and len(name) >= 8:
        matches = [part for part in found if part.series_uid.startswith(name)]
    if suffix:
        matches = [part for part in matches if part.suffix == suffix]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise _choice(f"'{series}' fits {len(matches)} CT series or phases; choose one of them.", matches)
    raise _choice(f"No CT series or phase is named '{series}'; choose one of those that are there.", listed)

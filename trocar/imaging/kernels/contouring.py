"""Loops that find the outline of a shape in a picture, as lines between pixels (marching squares)."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _link(links, one, other):  # type: ignore[no-untyped-def]
    links[one, 0 if links[one, 0] < 0 else 1] = other
    links[other, 0 if links[other, 0] < 0 else 1] = one


@njit(cache=True, nogil=True)
def contours(field, level):  # type: ignore[no-untyped-def]
    """Lines where ``field`` (rows, columns) crosses ``level``, in reading order of their first point.

    Returns points (N, 2) as (column, row) in pixels from pixel centres, linear between pixels, and starts (M + 1,):
    line m has the points starts[m] up to, not including, starts[m + 1]. A closed line repeats its first point.
    Edges of the grid are numbered 2 * pixel for the one to the right, 2 * pixel + 1 for the one below.
    """
    rows, columns = field.shape
    links = np.full((2 * rows * columns, 2), -1, np.int32)
    found = 0
    for r in range(rows - 1):
        for c in range(columns - 1):
            case = 0
            if field[r, c] >= level:
                case |= 1
            if field[r, c + 1] >= level:
                case |= 2
            if field[r + 1, c + 1] >= level:
                case |= 4
            if field[r + 1, c] >= level:
                case |= 8
            if case == 0 or case == 15:
                continue
            top = 2 * (r * columns + c)
            left = top + 1
            right = 2 * (r * columns + c + 1) + 1
            bottom = 2 * ((r + 1) * columns + c)
            found += 2
            if case == 1 or case == 14:
                _link(links, left, top)
            elif case == 2 or case == 13:
                _link(links, top, right)
            elif case == 4 or case == 11:
                _link(links, right, bottom)
            elif case == 8 or case == 7:
                _link(links, bottom, left)
            elif case == 3 or case == 12:
                _link(links, left, right)
            elif case == 6 or case == 9:
                _link(links, top, bottom)
            else:
                # two opposite corners: they belong together where the middle of the cell is inside
                middle = (field[r, c] + field[r, c + 1] + field[r + 1, c] + field[r + 1, c + 1]) / 4
                if (case == 5) == (middle >= level):
                    _link(links, left, bottom)
                    _link(links, top, right)
                else:
                    _link(links, left, top)
                    _link(links, right, bottom)
    # every link has two ends; a line has one point more than links, at most twice as many points as links
    points = np.empty((2 * found + 1, 2), np.float64)
    starts = np.empty(found + 2, np.int64)
    starts[0] = 0
    lines = 0
    used = 0
    for closed in range(2):
        for first in range(links.shape[0]):
            if links[first, 0] < 0 or (closed == 0 and links[first, 1] >= 0):
                continue
            edge = first
            while edge >= 0:
                pixel = edge // 2
                r = pixel // columns
                c = pixel % columns
                down = edge % 2
                a = field[r, c]
                b = field[r + 1, c] if down else field[r, c + 1]
                share = (level - a) / (b - a)
                points[used, 0] = c + (0.0 if down else share)
                points[used, 1] = r + (share if down else 0.0)
                used += 1
                after = links[edge, 0] if links[edge, 0] >= 0 else links[edge, 1]
                links[edge, 0] = -1
                links[edge, 1] = -1
                if after >= 0:
                    if links[after, 0] == edge:
                        links[after, 0] = -1
                    elif links[after, 1] == edge:
                        links[after, 1] = -1
                    # the far end of a closed line is the first point, whose links are already spent
                    if links[after, 0] < 0 and links[after, 1] < 0 and closed == 1:
                        pixel = after // 2
                        r = pixel // columns
                        c = pixel % columns
                        down = after % 2
                        a = field[r, c]
                        b = field[r + 1, c] if down else field[r, c + 1]
                        share = (level - a) / (b - a)
                        points[used, 0] = c + (0.0 if down else share)
                        points[used, 1] = r + (share if down else 0.0)
                        used += 1
                        break
                edge = after
            lines += 1
            starts[lines] = used
    return points[:used].copy(), starts[: lines + 1].copy()

"""Timing: every contender once a round, the rounds one after another, medians of wall time."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Timing:
    """Wall times in seconds of one contender; ``work`` says how many units one call did."""

    seconds: tuple[float, ...]
    work: float = 1.0

    @property
    def median_s(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.seconds)

    @property
    def rate(self) -> float:
        """Units of work per second."""
        return self.work / self.median_s

    @property
    def spread(self) -> float:
        """Slowest over fastest round: how noisy the machine was."""
        return max(self.seconds) / min(self.seconds)


def interleaved(
    contenders: Mapping[str, tuple[Callable[[], Any], float]], rounds: int, warm: bool = True
) -> dict[str, Timing]:
    """Run all contenders (call, units of work) once a round, so that a slow spell of the machine hits them alike.

    warm: call each once before, so that compiling and first touches of files are not timed.
    """
    if warm:
        for call, _ in contenders.values():
            call()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (call, _) in contenders.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: Timing(tuple(times), contenders[name][1]) for name, times in seconds.items()}


def ratio(slower: Timing, faster: Timing) -> float:
    """How many times the rate of ``slower`` that of ``faster`` is: the median over rounds of the ratio in a round."""
    pairs = zip(slower.seconds, faster.seconds, strict=True)
    return statistics.median(a / b for a, b in pairs) * faster.work / slower.work


def machine() -> str:
    """The machine and the versions, in one line."""
    names = ("numpy", "numba", "scipy", "SimpleITK", "edt", "vtk")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    return (
        f"{_processor()}, {os.cpu_count()} cores, {_memory_gb():.0f} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return float("nan")

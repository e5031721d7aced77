"""One process, one size of scan: ``python -m benchmarks.growth TIMES ROUNDS`` prints time and memory as JSON."""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from dataclasses import replace

from benchmarks.cases import request
from benchmarks.planner import PeakMemory, laid_end_to_end, resident_mb
from trocar.planning.planner import Planner
from trocar.workflow.warming import warm


def main(times: int, rounds: int) -> None:
    """Measure and print."""
    warm()
    volume, structures = laid_end_to_end(times)
    gc.collect()
    before = resident_mb()
    asked = request("bone_biopsy", "vertebrae_T11")
    seconds, moved = [], []
    with PeakMemory() as memory:
        for _ in range(rounds):
            planner = Planner(volume, structures)
            start = time.perf_counter()
            plan = planner.plan(asked)
            seconds.append(time.perf_counter() - start)
            x, y, z = (float(v) for v in plan.target.centre_lps_mm)
            near = replace(asked, target_name=None, target_point_lps_mm=(x + 3.0, y, z + 4.0))
            start = time.perf_counter()
            planner.plan(near)
            moved.append(time.perf_counter() - start)
            del planner
            gc.collect()
    print(
        json.dumps(
            {
                "voxels": volume.hu.size,
                "seconds": statistics.median(seconds),
                "moved_s": statistics.median(moved),
                "input_mb": (volume.hu.nbytes + structures.labels.nbytes) / 2**20,  # type: ignore[union-attr]
                "planning_mb": memory.peak_mb - before,
                "peak_mb": memory.peak_mb,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

"""The measurements: judging of pairs, distance maps, whole plans, a moved target, and growth with the scan."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from benchmarks import peers
from benchmarks.cases import PAIRS, TARGETS, TODAY, case, request, structures, volume
from benchmarks.rounds import Timing, interleaved, ratio
from trocar.geometry.grid import Grid
from trocar.imaging.distance import distance_mm
from trocar.imaging.kernels.traversal import structures_crossed
from trocar.imaging.structures import StructureSet
from trocar.imaging.volume import ImageSource, Volume
from trocar.planning.planner import Planner
from trocar.samples.fetch import sample_path
from trocar.workflow.plan_case import CaseQuestion, plan_case

SLOW_PAIRS = 4_000
"""Pairs for scipy's linear lookup, which needs half a minute for 100,000."""
LINE_TESTS = 300
"""Pairs for VTK's line tests; their rate is far lower still."""
WHOLE = ("chest, T11", "chest, rib 9 left", "abdomen, left kidney", "abdomen, L3")
"""Targets of the whole plans; the peers need minutes for each."""
MAPPED = {
    "chest": ("aorta", "lung_lower_lobe_left", "kidney_left", "vertebrae_T11"),
    "abdomen": ("liver", "colon"),
}


@dataclass(frozen=True)
class Row:
    """One line of a table: cells as written, and the ratios that have goals."""

    cells: tuple[str, ...]
    ratios: tuple[tuple[str, float], ...] = ()


def judging(rounds: int) -> list[Row]:
    """Pairs per second: Trocar with fields built, against lookups in ten maps of the whole scan."""
    rows = []
    for name in TARGETS:
        one = case(name)
        grid = volume(one.scan).grid
        maps = [
            np.ascontiguousarray(peers.edt_map(structures(one.scan).mask(n), grid), dtype=np.float32)
            for n in one.names
        ]
        trees = peers.ObbTrees({n: structures(one.scan).mask(n) for n in one.names}, grid)
        judge = one.judge()
        starts, ends = one.entries, one.fired_tips
        few, fewest = slice(None, None, PAIRS // SLOW_PAIRS), slice(None, None, PAIRS // LINE_TESTS)
        tissue = judge.tissue
        first, last = tissue.to_grid_mm(starts), tissue.to_grid_mm(ends)
        judged = partial(judge.judge, starts, one.normals, one.samples, one.needle, one.limits, paired=True)
        times = interleaved(
            {
                "trocar": (judged, PAIRS),
                "all": (partial(judge.clearances, starts, ends), PAIRS),
                "crossings": (
                    partial(
                        structures_crossed, tissue.classes, tissue.members, tissue.spacing_mm, first, last
                    ),
                    PAIRS,
                ),
                "numpy": (partial(peers.numpy_gather, maps, grid, starts, ends), PAIRS),
                "flat": (partial(peers.numpy_flat, maps, grid, starts, ends), PAIRS),
                "scipy": (partial(peers.scipy_linear, maps, grid, starts[few], ends[few]), len(starts[few])),
                "vtk": (partial(trees.crossed, starts[fewest], ends[fewest]), len(starts[fewest])),
            },
            rounds,
        )
        found = (("judging / NumPy", ratio(times["numpy"], times["trocar"])),
                 ("judging / scipy", ratio(times["scipy"], times["trocar"])))  # fmt: skip
        cells = (
            name,
            f"{100 * len(judged().survivors) / PAIRS:.0f} %",
            *(
                f"{times[n].rate:,.0f}"
                for n in ("trocar", "all", "crossings", "numpy", "flat", "scipy", "vtk")
            ),
            *(f"{value:.0f}" for _, value in found),
        )
        rows.append(Row(cells, found))
        del maps, trees
        gc.collect()
    return rows


def distance_maps(rounds: int) -> list[Row]:
    """Seconds for one exact map of the whole scan, voxel centre to voxel centre, whole scan."""
    rows = []
    for scan, names in MAPPED.items():
        grid = volume(scan).grid
        for name in names:
            mask = np.ascontiguousarray(structures(scan).mask(name))
            times = interleaved(
                {
                    "trocar": (partial(distance_mm, mask, grid.spacing_mm), 1),
                    "edt": (partial(peers.edt_map, mask, grid), 1),
                    "simpleitk": (partial(peers.simpleitk_map, mask, grid), 1),
                },
                rounds,
            )
            slow = interleaved({"scipy": (partial(peers.scipy_map, mask, grid), 1)}, 1, warm=False)["scipy"]
            worst = float(np.abs(distance_mm(mask, grid.spacing_mm) - peers.scipy_map(mask, grid)).max())
            found = ("map / edt", ratio(times["edt"], times["trocar"]))
            rows.append(
                Row(
                    (
                        f"{scan}, {name}",
                        *(f"{times[n].median_s:.2f}" for n in ("trocar", "edt", "simpleitk")),
                        f"{slow.median_s:.1f}",
                        f"{found[1]:.1f}",
                        f"{ratio(times['simpleitk'], times['trocar']):.1f}",
                        f"{worst:.5f}",
                    ),
                    (found,),
                )
            )
    return rows


def fields(rounds: int) -> list[Row]:
    """Seconds until 100,000 pairs are judged from labels in memory: Trocar builds what the survivors can meet."""
    rows = []
    for name in TARGETS:
        one = case(name)
        grid = volume(one.scan).grid

        def trocar() -> None:
            one.judge().judge(one.entries, one.normals, one.samples, one.needle, one.limits, paired=True)  # noqa: B023

        def by_edt() -> None:
            maps = [peers.edt_map(structures(one.scan).mask(n), grid) for n in one.names]  # noqa: B023
            peers.numpy_gather(maps, grid, one.entries, one.fired_tips)  # noqa: B023

        times = interleaved({"trocar": (trocar, 1), "peer": (by_edt, 1)}, max(1, rounds // 2))
        rows.append(
            Row(
                (
                    name,
                    f"{times['trocar'].median_s:.2f}",
                    f"{times['peer'].median_s:.1f}",
                    f"{ratio(times['peer'], times['trocar']):.0f}",
                )
            )
        )
    return rows


def whole_plans(rounds: int) -> list[Row]:
    """Seconds from files to the content of plan.json, and for a target moved by 5 mm with everything kept."""
    rows = []
    for name in WHOLE:
        scan, protocol, target = TARGETS[name]
        question = CaseQuestion(
            pictures=(sample_path(f"{scan}_ct"),),
            protocol=protocol,
            side="left" if target is None else None,
            structures=(str(sample_path(f"{scan}_labels")),),
            target_name=target,
        )
        case(name)  # found before the clock runs

        def trocar(question: CaseQuestion = question) -> None:
            text = json.dumps(plan_case(question, TODAY, lambda _what, _share: None).report)
            assert len(text) > 1000

        trocar()
        times = interleaved(
            {
                "trocar": (trocar, 1),
                "edt": (partial(_peer_whole, name, peers.edt_map, peers.numpy_gather, slice(None)), 1),
                "sitk": (
                    partial(_peer_whole, name, peers.simpleitk_map, peers.scipy_linear, slice(None, None, 25)), 1
                ),
            },
            max(1, rounds // 2), warm=False,
        )  # fmt: skip
        lookups = _lookups(name)
        sitk_s = times["sitk"].median_s + lookups["scipy"].median_s * 24  # 4 of 100 pairs were looked up
        planner = Planner(volume(scan), structures(scan))
        asked = request(protocol, target)
        plan = planner.plan(asked)
        centre = plan.target.centre_lps_mm
        moves: list[float] = []
        for turn in range(rounds + 1):
            around = centre + np.array([3.0, 0.0, 4.0]) * (1 if turn % 2 else -1)
            point = (float(around[0]), float(around[1]), float(around[2]))
            at_point = replace(asked, target_name=None, target_point_lps_mm=point)
            start = time.perf_counter()
            planner.plan(at_point)
            moves.append(time.perf_counter() - start)
        moved = float(np.median(moves[1:]))
        per_pair = lookups["numpy"].median_s / PAIRS
        slow_pair = lookups["scipy"].median_s * 25 / PAIRS
        trocar_s, edt_s, more = times["trocar"].median_s, times["edt"].median_s, plan.judged - PAIRS
        found = (
            ("files to plan, same pairs: edt + NumPy", (edt_s + per_pair * more) / trocar_s),
            ("files to plan, same pairs: SimpleITK + scipy", (sitk_s + slow_pair * more) / trocar_s),
            ("moved target: NumPy", per_pair * plan.judged / moved),
        )
        rows.append(
            Row(
                (
                    name,
                    f"{plan.judged:,}",
                    f"{times['trocar'].median_s:.1f}",
                    f"{times['edt'].median_s:.1f}",
                    f"{sitk_s:.1f}",
                    f"{edt_s / trocar_s:.1f}",
                    f"{sitk_s / trocar_s:.1f}",
                    f"{found[0][1]:.0f}",
                    f"{found[1][1]:.0f}",
                    f"{moved:.2f}",
                    f"{found[2][1]:.0f}",
                ),
                found,
            )
        )
    return rows


def _peer_whole(
    name: str, one_map: Callable[..., object], lookup: Callable[..., object], some: slice
) -> None:
    """Read the files with nibabel, map ten structures over the whole scan, look every pair up."""
    import nibabel

    one = case(name)
    np.asarray(nibabel.load(sample_path(f"{one.scan}_ct")).dataobj)
    image = nibabel.load(sample_path(f"{one.scan}_labels"))
    labels = np.ascontiguousarray(np.asarray(image.dataobj).T)
    grid = Grid(labels.shape, np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine)
    values = {n: v for v, n in structures(one.scan).label_names.items()}
    maps = [np.ascontiguousarray(one_map(labels == values[n], grid), dtype=np.float32) for n in one.names]
    lookup(maps, grid, one.entries[some], one.fired_tips[some])


def _lookups(name: str) -> dict[str, Timing]:
    """Time of the lookups alone: NumPy for all pairs, scipy for every 25th."""
    one = case(name)
    grid = volume(one.scan).grid
    maps = [np.ascontiguousarray(peers.edt_map(structures(one.scan).mask(n), grid)) for n in one.names]
    few = slice(None, None, 25)
    return interleaved(
        {
            "numpy": (partial(peers.numpy_gather, maps, grid, one.entries, one.fired_tips), PAIRS),
            "scipy": (partial(peers.scipy_linear, maps, grid, one.entries[few], one.fired_tips[few]), 1),
        },
        2,
    )


def growth(rounds: int) -> list[Row]:
    """Time and memory of planning after reading, the chest CT laid end to end 1, 2 and 4 times at equal spacing."""
    rows = []
    for times in (1, 2, 4):
        command = [sys.executable, "-m", "benchmarks.growth", str(times), str(max(1, rounds // 2))]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rows.append(
            Row(
                (
                    f"{times}x",
                    f"{answer['voxels'] / 1e6:.0f} million",
                    f"{answer['seconds']:.1f}",
                    f"{answer['moved_s']:.2f}",
                    f"{answer['input_mb'] / 1000:.2f}",
                    f"{answer['planning_mb'] / 1000:.2f}",
                    f"{answer['peak_mb'] / 1000:.2f}",
                ),
                (("memory, GB", answer["peak_mb"] / 1000),) if times == 1 else (),
            )
        )
    return rows


def laid_end_to_end(times: int) -> tuple[Volume, StructureSet]:
    """The chest CT ``times`` times over, head on feet: the first copy stays in place and keeps its labels' names."""
    scan, labels = volume("chest"), structures("chest")
    assert labels.labels is not None
    shape = (scan.grid.shape_kji[0] * times, *scan.grid.shape_kji[1:])
    grid = Grid(shape, scan.grid.voxel_to_patient)
    hu = np.concatenate([scan.hu] * times)
    again = np.concatenate([labels.labels] + [np.zeros_like(labels.labels)] * (times - 1))
    return Volume(hu, grid, ImageSource("synthetic", "")), StructureSet(grid, again, labels.label_names, {})


class PeakMemory:
    """The largest resident size, in MB, while the block runs."""

    def __enter__(self) -> PeakMemory:
        self.peak_mb = resident_mb()
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._stop.wait(0.005):
            self.peak_mb = max(self.peak_mb, resident_mb())


def resident_mb() -> float:
    """Resident size of this process in MB (Linux)."""
    with open("/proc/self/status", encoding="utf-8") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024

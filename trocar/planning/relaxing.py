"""Where no path keeps every limit: the best that would be left if one limit, and only one, were given up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trocar.clinical.protocol import KeepClear, PathLimits
from trocar.clinical.sourced import Sourced
from trocar.geometry.needle_path import Needle
from trocar.imaging.judging import PairJudge, PairLimits
from trocar.planning.access import UP_LPS
from trocar.planning.candidates import TargetLimits, kept_pairs, pair_judge, refine, shortlist
from trocar.planning.final import Surroundings, finish
from trocar.planning.plan import PlannedPath

Float = NDArray[np.float64]

THINNED = 4
"""Of the entries every so-manieth: what is looked for is a way at all, not the last millimetre."""
TRIED = 6
"""So many structures, those that stop most pairs, are given up in turn."""
REFINED = 40
SHOWN = 3


@dataclass(frozen=True, eq=False)
class _Relaxation:
    text: str
    case: Surroundings
    judge: PairJudge
    pairs: PairLimits


def nearest_paths(
    case: Surroundings, judge: PairJudge, samples_lps_mm: Float, in_the_way: Sequence[str], limits: PairLimits
) -> tuple[PlannedPath, ...]:
    """At most SHOWN paths, each with the limit in ``relaxed`` that it breaks; the least bad relaxation first.

    Tried in this order: a longer needle, more sample or tip freedom, steeper angles, less clearance of a structure
    (touching it still forbidden), and at last going through a structure.
    """
    found: list[PlannedPath] = []
    entries = np.arange(0, len(case.skin.points_lps_mm), THINNED)
    if len(entries) == 0:
        return ()
    for relaxation in _relaxations(case, judge, in_the_way, limits):
        best = _best(relaxation, entries, samples_lps_mm)
        if best is not None:
            found.append(
                replace(best, relaxed=relaxation.text, reasons=(_said(relaxation.text), *best.reasons))
            )
        if len(found) == SHOWN:
            break
    return tuple(found)


def _best(relaxation: _Relaxation, entries: NDArray[np.intp], samples_lps_mm: Float) -> PlannedPath | None:
    case = relaxation.case
    points = case.skin.points_lps_mm[entries]
    normals = case.skin.inward_normals_lps[entries]
    protocol = case.request.protocol
    up_lps = np.array(UP_LPS[str(case.request.position)])
    sinus = next((z.name for z in protocol.zones if z.kind == "organ_sinus"), None)
    judgement = relaxation.judge.judge(points, normals, samples_lps_mm, case.needle, relaxation.pairs)
    target_limits = TargetLimits(protocol, case.needle, case.anatomy, case.region, case.scan)
    pairs = kept_pairs(judgement, points, samples_lps_mm, entries, False, up_lps, sinus)
    chosen = shortlist(target_limits.keep(pairs, {}), protocol, REFINED)
    refined = refine(
        chosen, protocol, case.needle, case.region, case.skin, relaxation.judge, relaxation.pairs, target_limits,
        up_lps, sinus,
    )  # fmt: skip
    paths = finish(case, refined, {})
    return paths[0] if paths else None


def _relaxations(
    case: Surroundings, judge: PairJudge, in_the_way: Sequence[str], limits: PairLimits
) -> Iterator[_Relaxation]:
    longest = max(case.request.protocol.needles, key=lambda n: n.length_mm)
    reach = 1.25 * max(longest.length_mm, case.needle.length_mm)
    longer = replace(case, needle=replace(case.needle, length_mm=reach))
    yield _Relaxation(f"a needle longer than {case.needle.length_mm:g} mm", longer, judge, limits)
    own = case.request.protocol.limits
    for text, changed in _looser(own, case.needle, case.region.least_sample_mm(own.min_sample_mm.value)):
        protocol = replace(case.request.protocol, limits=changed)
        yield _Relaxation(
            text, replace(case, request=replace(case.request, protocol=protocol)), judge, limits
        )
    yield _Relaxation(
        f"more than {limits.to_skin_deg:g}° to the skin", case, judge, replace(limits, to_skin_deg=90.0)
    )
    yield _Relaxation(f"tilted more than {limits.tilt_deg:g}°", case, judge, replace(limits, tilt_deg=90.0))
    for crossing in (False, True):
        for name in in_the_way[:TRIED]:
            rule = case.anatomy.rules[name]
            asked = rule.margin_mm.value
            if not crossing and asked <= 0:
                continue
            text = f"{name} gone through" if crossing else f"{name} nearer than {asked:g} mm"
            anatomy = replace(case.anatomy, rules=_without(case.anatomy.rules, name, crossing))
            looser = pair_judge(judge.tissue, anatomy.rules, case.request.protocol, judge.cap_mm)
            yield _Relaxation(text, replace(case, anatomy=anatomy), looser, limits)


def _without(rules: Mapping[str, KeepClear], name: str, crossing: bool) -> dict[str, KeepClear]:
    rule = rules[name]
    margin = replace(rule.margin_mm, value=0.0)
    return {**rules, name: replace(rule, margin_mm=margin, crossing="counted" if crossing else "forbidden")}


def _looser(limits: PathLimits, needle: Needle, least_sample_mm: float) -> Iterator[tuple[str, PathLimits]]:
    yield (
        f"less than {least_sample_mm:g} mm of target in the notch",
        replace(limits, min_sample_mm=_zero(limits.min_sample_mm)),
    )
    if limits.max_tip_inside_mm is not None:
        deepest = replace(limits.max_tip_inside_mm, value=needle.length_mm)
        text = f"tip more than {limits.max_tip_inside_mm.value:g} mm inside before the throw"
        yield text, replace(limits, max_tip_inside_mm=deepest)


def _zero(value: Sourced[float]) -> Sourced[float]:
    return replace(value, value=0.1)


def _said(text: str) -> str:
    return f"outside the protocol's limits: {text}"

"""What sums say: estimates rows of the pooled scope, from patients written out again as the counts know them.

The counts of a table are written out as rows with nothing else in them, and estimated by the functions of every other
page; what too few centers stand behind is then withheld.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from fhrmm.estimates import characteristics, competing, proportions, survival
from fhrmm.estimates.collector import Collector
from fhrmm.estimates.subgroups import MISSING
from fhrmm.pool.answer import Block, Sums
from fhrmm.pool.hiding import hidden_rows, is_safe, shown_boundaries, withhold
from fhrmm.pool.question import (
    CAUSES,
    DAYS_PER_WEEK,
    DEPTHS,
    ENDPOINTS,
    FINER,
    LINKED,
    OVERALL,
    cut_at,
    flow_steps,
    time_cuts,
    univariable,
)
from fhrmm.schema import RESPONSES
from fhrmm.study import Study
from timetoevent.checks import FloatArray
from timetoevent.cox.table import chi_squared_test
from timetoevent.results import Estimate

_EVALUABLE = 7  # of the ordered responses, all but NE and missing
_RECORDED = len(RESPONSES) + 1  # the responses and missing: centers that cannot record one are beyond
_CUTS = (_RECORDED, *DEPTHS.values(), _EVALUABLE, 1, 6, 8)


@dataclass(frozen=True)
class Counts:
    """Round 1 of a pooled study: the blocks asked, their sums, the plan and the rule of hiding."""

    study: Study
    blocks: dict[str, Block]
    sums: dict[str, Sums]

    @property
    def least(self) -> int:
        """The number of centers that must stand behind a number."""
        return self.study.pool.minimum_centers

    def cuts(self, name: str, candidates: Sequence[int], rows: slice | int = slice(None)) -> list[int]:
        """Return where the last axis of a block may be cut; `rows` are the rows of its other axes to heed."""
        flags = self.sums[name].contributors[rows]
        windows = self.blocks[name]["windows"]
        return shown_boundaries(windows, flags.reshape(-1, flags.shape[-1]), candidates, self.least)

    def contributors(self, name: str, window: tuple[int, int]) -> FloatArray:
        """Return how many centers contribute to one window of the last axis, for each cell of the others."""
        return self.sums[name].contributors[..., self.blocks[name]["windows"].index(list(window))]


def tabulate_flow(counts: Counts) -> pd.DataFrame:
    """Return the flow of patients; criteria by which too few centers lost a patient are taken together."""
    steps = flow_steps(counts.study)
    labels, names, values = steps["label"].tolist(), steps["criterion"].tolist(), counts.sums["flow"].numbers
    end, rows = len(steps) - 1, [(names[0], labels[0], values.sum(), 0.0, values.sum())]
    cuts = [cut for cut in counts.cuts("flow", [end, *range(1, end)]) if cut <= end]
    if end not in cuts:  # how many were excluded must stay hidden, and with it how many there were before
        n = values[end:].sum()
        cuts, rows = [], [("cohort", "Patients who meet all criteria", n, 0.0, n)] if _has_cohort(counts) else []
    for a, b in pairwise(cuts):
        before, gone = rows[-1][-1], values[a:b].sum()
        rows.append((names[b], "; ".join(labels[a + 1 : b + 1]), before, gone, before - gone))
    columns = ["criterion", "label", "n_before", "n_excluded", "n_remaining"]
    return pd.DataFrame(rows, columns=columns).round().astype(dict.fromkeys(columns[2:], "Int64"))


def _has_cohort(counts: Counts) -> bool:
    """Tell whether enough centers have a patient in the cohort."""
    size = counts.sums["flow"].numbers.size
    return bool(is_safe(counts.contributors("flow", (size - 2, size)), counts.least))


def _write_out(values: FloatArray, levels: Sequence[str]) -> pd.Series:
    """Return one entry per counted patient: its level, missing for the cell after the last."""
    codes = np.repeat(np.arange(len(values)), np.rint(values).astype(int))
    return pd.Series(pd.Categorical.from_codes(np.where(codes < len(levels), codes, -1), list(levels)))


def estimate_baseline(counts: Counts) -> pd.DataFrame:
    """Return the size of the cohort, and Table 1: levels counted, medians of numbers between two public bounds."""
    n = counts.sums["flow"].numbers[-2]
    parts = [
        withhold(characteristics.estimate_cohort_size(pd.DataFrame(index=range(round(n)))), [not _has_cohort(counts)])
    ]
    for name in counts.study.pool.baseline:
        axis, sums = counts.blocks[f"baseline/{name}"]["axes"][0], counts.sums[f"baseline/{name}"]
        if "edges" in axis:
            parts.append(_bounded_median(name, axis["edges"], sums, counts.least))
            continue
        hidden = hidden_rows(sums.numbers[:, None], sums.contributors[:, None], counts.least)
        if name in LINKED:
            hidden |= not is_safe(counts.sums[f"linked/{name}"].contributors, counts.least).all()
        rows = characteristics.estimate_baseline(pd.DataFrame({name: _write_out(sums.numbers, axis["levels"])}), [name])
        lost = [level for level, gone in zip([*axis["levels"], MISSING], hidden, strict=True) if gone]
        # a proportion of known values tells how many are missing
        parts.append(withhold(rows, rows["level"].isin(lost) | ((rows["estimand"] == "proportion") & hidden[-1])))
    return pd.concat(parts, ignore_index=True)


def _bounded_median(name: str, edges: Sequence[float], sums: Sums, least: int) -> pd.DataFrame:
    """Say between which two public bounds the median lies: nothing finer was counted."""
    known = sums.numbers[:-1]
    place = int(np.searchsorted(np.cumsum(known), known.sum() / 2))
    bounds = [math.nan, *edges, math.nan][place : place + 2]
    note = f"between {bounds[0]:g} and {bounds[1]:g}, from counts in public intervals"
    middle = Estimate(float(np.mean(bounds)), *bounds, n=round(known.sum()), method="bounds of the median", note=note)
    rows = Collector(endpoint="BASELINE", variable=name)
    rows.add("median", middle)
    unsafe = not is_safe(sums.contributors[[place, -1]], least).all() or math.isnan(middle.estimate)
    return withhold(rows.frame(), [unsafe])


def estimate_response(counts: Counts) -> pd.DataFrame:
    """Return response rates with exact intervals, each response category, and rates by factor with Fisher's test."""
    study, sums = counts.study, counts.sums["response"]
    cuts = counts.cuts("response", _CUTS)
    best = _write_out(sums.numbers[:_RECORDED], RESPONSES)
    rates = proportions.estimate_response(_depths(best), study)
    gone = ~rates["endpoint"].map(DEPTHS).isin(cuts) | ((rates["population"] == "evaluable") & (_EVALUABLE not in cuts))
    levels = proportions.estimate_best_response(pd.DataFrame({"best_response": best}), study)
    alone = [level for place, level in enumerate([*RESPONSES, MISSING]) if {place, place + 1} <= set(cuts)]
    parts = [withhold(rates, gone | (_RECORDED not in cuts)), withhold(levels, ~levels["level"].isin(alone))]
    for name in univariable(study):
        parts += _response_by(counts, name)
    return pd.concat(parts, ignore_index=True)


def _response_by(counts: Counts, name: str) -> list[pd.DataFrame]:
    block = f"response/{name}"
    levels, values = counts.blocks[block]["axes"][0]["levels"], counts.sums[block].numbers
    best = [_write_out(row[:_RECORDED], RESPONSES) for row in values]
    frame = pd.concat([_depths(of_level).assign(level=i) for i, of_level in enumerate(best)])
    frame[name] = pd.Categorical.from_codes(np.where(frame["level"] < len(levels), frame["level"], -1), levels)
    parts, end = [], values.shape[1]
    for endpoint, cuts in (("ORR", (0, 4, _RECORDED, end)), ("VGPR_OR_BETTER", (0, 3, 4, _RECORDED, end))):
        rows = proportions.estimate_response(frame, counts.study, by=name, endpoints=(endpoint,))
        parts.append(withhold(rows, rows["level"].isin(_hidden_levels(counts, block, cuts))))
    test = proportions.compare_response(frame, counts.study, by=name)
    parts.append(_unless_hidden(test, levels, _hidden_levels(counts, block, (0, 4, _RECORDED, end))))
    # how many are compared would tell how many are missing
    return [*parts[:-1], parts[-1].assign(n=math.nan, n_events=math.nan)]


def _unless_hidden(test: pd.DataFrame, levels: Sequence[str], hidden: Sequence[str]) -> pd.DataFrame:
    """Withhold a test of which fewer than two levels are shown: from an exact p of few patients these can be found."""
    return withhold(test, [len(set(levels) - set(hidden)) < 2] * len(test))


def _depths(best: pd.Series) -> pd.DataFrame:
    """Return the columns that `estimates.proportions` counts."""
    depth = best.cat.codes.mask(best.isna(), len(RESPONSES))
    flags = {"responder": 4, "vgpr_or_better": 3, "clinical_benefit": 5, "cr_or_better": 2, "evaluable": _EVALUABLE}
    return pd.DataFrame({flag: depth < end for flag, end in flags.items()})


def _hidden_levels(counts: Counts, block: str, cuts: Sequence[int], *, row: int | None = None) -> list[str]:
    """Return the levels of the first axis that are hidden when the last one is shown in pieces between cuts."""
    pick = (slice(None),) if row is None else (slice(None), row)
    pieces = [
        (counts.sums[block].numbers[..., a:b].sum(-1)[pick], counts.contributors(block, (a, b))[pick])
        for a, b in pairwise(cuts)
    ]
    values, flags = (np.stack(part, axis=-1).reshape(len(pieces[0][0]), -1) for part in zip(*pieces, strict=True))
    levels, (family, _, name) = [*counts.blocks[block]["axes"][0]["levels"], MISSING], block.rpartition("/")
    if name in FINER and _hidden_levels(counts, f"{family}/{FINER[name]}", cuts, row=row):
        return levels
    return [level for level, gone in zip(levels, hidden_rows(values, flags, counts.least), strict=True) if gone]


def level_sizes(counts: Counts, block: Block, name: str) -> dict[str, dict[str, int]]:
    """Return patients and events of the levels of a model's term that may be shown.

    None where a patient lacks another term of the model: the difference from other tables would tell of that patient.
    """
    others = [term["column"] for term in block["terms"] if term["column"] != name]
    if any(counts.sums[f"weeks/{block['table']}/{other}"].numbers[-1].sum() > 0.5 for other in others):
        return {}
    weeks = f"weeks/{block['table']}/{name}"
    hidden, values = _hidden_levels(counts, weeks, (0, counts.study.pool.n_weeks + 2)), counts.sums[weeks].numbers
    levels = counts.blocks[weeks]["axes"][0]["levels"]
    sizes = {
        level: {"n": round(of.sum()), "n_events": round(of[1].sum())} for level, of in zip(levels, values, strict=False)
    }
    return {level: size for level, size in sizes.items() if level not in hidden}


def write_out_times(counts: Counts, name: str) -> pd.DataFrame:
    """Return survival times on the public grid, a row per patient; times are ends of weeks, in months."""
    block, values = counts.blocks[f"weeks/{name}"], counts.sums[f"weeks/{name}"].numbers
    if values.ndim == 2:
        values = values[None]
    groups = block["axes"][:-2]
    group, end, week = (
        np.repeat(place.ravel(), np.rint(values.ravel()).astype(int)) for place in np.indices(values.shape)
    )
    months = week * DAYS_PER_WEEK / counts.study.time.days_per_month
    cause = np.array([None, *CAUSES, None], dtype=object)[end] if "cause" in name else None
    frame = pd.DataFrame(
        {"endpoint": name.split("/")[0], "time_months": months, "event": end > 0, "event_description": cause}
    )
    for axis in groups:
        codes = np.where(group < len(axis["levels"]), group, -1)
        frame[axis["column"]] = pd.Categorical.from_codes(codes, axis["levels"])
    return frame


def estimate_survival(counts: Counts) -> pd.DataFrame:
    """Return Kaplan-Meier rates and medians, follow-up, cumulative incidence, and rates and tests by factor."""
    study, parts, responses = counts.study, [], counts.cuts("response", _CUTS)
    for endpoint in (*ENDPOINTS, *OVERALL):
        rows = survival.estimate_survival(write_out_times(counts, endpoint), study, endpoint=endpoint)
        shown = _without_hidden_times(counts, rows, f"weeks/{endpoint}", 1)
        parts.append(withhold(shown, [endpoint == "DOR" and DEPTHS["ORR"] not in responses] * len(rows)))
    follow_up = survival.estimate_follow_up(write_out_times(counts, "OS"), study)
    parts.append(_without_hidden_times(counts, follow_up[follow_up["estimand"] == "median_months"], "weeks/OS", 0))
    incidence, _ = competing.estimate_cumulative_incidence(write_out_times(counts, "PFS/cause"), study)
    parts.append(_without_hidden_times(counts, incidence, "weeks/PFS/cause", slice(1, 3)))
    for endpoint in ENDPOINTS:
        for name in univariable(study):
            parts += _survival_by(counts, endpoint, name)
    return pd.concat(parts, ignore_index=True)


def _without_hidden_times(counts: Counts, rows: pd.DataFrame, block: str, ends: slice | int) -> pd.DataFrame:
    """Withhold rates at times between which too few centers have events, and everything if they have too few at all."""
    cuts = counts.cuts(block, time_cuts(counts.study), ends)
    whole = counts.cuts(block, (), slice(0, -1))
    at = _cuts_of(rows, counts.study)
    return withhold(rows, ~(at.isna() | at.isin(cuts)) | (not whole))


def _cuts_of(rows: pd.DataFrame, study: Study) -> pd.Series:
    """Return after which cell the time of each row is; missing for a row of no time."""
    return rows["time_months"].map(lambda months: cut_at(months, study), na_action="ignore")


def _survival_by(counts: Counts, endpoint: str, name: str) -> list[pd.DataFrame]:
    """Return rates by level at as many of the plan's times as leave a level to show, and two log-rank tests."""
    study, block, frame = counts.study, f"weeks/{endpoint}/{name}", write_out_times(counts, f"{endpoint}/{name}")
    levels, end = counts.blocks[block]["axes"][0]["levels"], study.pool.n_weeks + 2
    inner = counts.cuts(f"weeks/{endpoint}", time_cuts(counts.study), 1)[1:-1]
    for chosen in (inner, *([cut] for cut in inner), []):
        cuts = [0, *chosen, end]
        hidden = set(_hidden_levels(counts, block, cuts, row=1)) | set(_hidden_levels(counts, block, (0, end)))
        if not hidden.issuperset(levels):
            break
    rows = survival.estimate_survival(frame, study, endpoint=endpoint, by=name)
    at = _cuts_of(rows, study)
    tests = survival.compare_survival(frame, study, endpoint=endpoint, by=name)
    shown = withhold(rows, rows["level"].isin(hidden) | ~(at.isna() | at.isin(cuts)))
    test = _unless_hidden(tests[tests["estimand"] == "log_rank_p"], levels, _hidden_levels(counts, block, (0, end)))
    both = pd.concat([test, _stratified_logrank(counts, endpoint, name)])
    return [shown, both.assign(n=math.nan, n_events=math.nan)]


def _stratified_logrank(counts: Counts, endpoint: str, name: str) -> pd.DataFrame:
    """Test levels within centers, exact on days: observed, expected and covariance are sums over centers."""
    sums = counts.sums[f"logrank/{endpoint}/{name}"]
    k = len(sums.contributors)
    observed, expected, covariance = sums.numbers[:k], sums.numbers[k : 2 * k], sums.numbers[2 * k :].reshape(k, k)
    kept = np.flatnonzero(sums.contributors >= counts.least)[1:]
    gap, note = (observed - expected)[kept], "" if len(kept) else "fewer than two levels with enough centers"
    statistic, method = gap @ np.linalg.solve(covariance[np.ix_(kept, kept)], gap), "log-rank, stratified by center"
    test = chi_squared_test(statistic, len(kept), n=0, n_events=round(observed.sum()), method=method, note=note)
    rows = Collector(endpoint=endpoint, model="stratified by center", variable=name)
    rows.add("log_rank_p", replace(test, estimate=test.p_value))
    return rows.frame()

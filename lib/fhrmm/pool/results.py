"""What sums say: estimates rows of the pooled scope, from patients written out again as the counts know them.

The counts of a table are written out as rows with nothing else in them, and estimated by the functions of every other
page; what too few centers stand behind is then withheld.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from fhrmm.estimates import characteristics, competing, proportions, survival
from fhrmm.estimates.collector import Collector
from fhrmm.estimates.subgroups import MISSING
from fhrmm.pool.hiding import hidden_rows, is_safe, shown_boundaries, withhold
from fhrmm.pool.likelihood import Sums
from fhrmm.pool.question import (
    CAUSES,
    DAYS_PER_WEEK,
    DEPTHS,
    ENDPOINTS,
    FINER,
    LINKED,
    OVERALL,
    Block,
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
# between which cells of response the two rates by level are counted
_PIECES = {"ORR": (0, 4, _RECORDED, _RECORDED + 1), "VGPR_OR_BETTER": (0, 3, 4, _RECORDED, _RECORDED + 1)}
_FLAGS = {"responder": 4, "vgpr_or_better": 3, "clinical_benefit": 5, "cr_or_better": 2, "evaluable": _EVALUABLE}


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

    def values(self, name: str) -> FloatArray:
        """Return the counts of a block."""
        return self.sums[name]["counts"]

    def levels(self, name: str) -> list[str]:
        """Return the levels of the first axis of a block, without the cell for what is in none."""
        return self.blocks[name]["axes"][0]["levels"]

    def cuts(self, name: str, candidates: Sequence[int], rows: slice | int = slice(None)) -> list[int]:
        """Return where the last axis of a block may be cut; `rows` are the rows of its other axes to heed."""
        flags = self.sums[name]["contributors"][rows]
        windows = self.blocks[name]["windows"]
        return shown_boundaries(windows, flags.reshape(-1, flags.shape[-1]), candidates, self.least)

    def contributors(self, name: str, window: tuple[int, int]) -> FloatArray:
        """Return how many centers contribute to one window of the last axis, for each cell of the others."""
        return self.sums[name]["contributors"][..., self.blocks[name]["windows"].index(list(window))]

    def hidden(self, name: str, cuts: Sequence[int], row: int | None = None) -> set[str]:
        """Return the levels of the first axis to hide when the last is shown in pieces between cuts.

        `row` is the one cell of an axis between the two that is shown; all of them by default. A variable whose levels
        lie within those of another, of which one is hidden, is hidden altogether.
        """
        family, _, variable = name.rpartition("/")
        if variable in FINER and self.hidden(f"{family}/{FINER[variable]}", cuts, row):
            return {*self.levels(name), MISSING}
        pick = (slice(None),) if row is None else (slice(None), row)
        windows = list(pairwise(cuts))
        values = np.stack([self.values(name)[..., a:b].sum(axis=-1)[pick] for a, b in windows], axis=-1)
        flags = np.stack([self.contributors(name, window)[pick] for window in windows], axis=-1)
        gone = hidden_rows(values.reshape(len(values), -1), flags.reshape(len(flags), -1), self.least)
        return {level for level, is_gone in zip([*self.levels(name), MISSING], gone, strict=True) if is_gone}

    def has_cohort(self) -> bool:
        """Tell whether enough centers have a patient in the cohort."""
        size = self.values("flow").size
        return bool(is_safe(self.contributors("flow", (size - 2, size)), self.least))


def tabulate_flow(counts: Counts) -> pd.DataFrame:
    """Return the flow of patients; criteria by which too few centers lost a patient are taken together."""
    steps, values = flow_steps(counts.study), counts.values("flow")
    labels, names = steps["label"].tolist(), steps["criterion"].tolist()
    end, rows = len(steps) - 1, [(names[0], labels[0], values.sum(), 0.0, values.sum())]
    cuts = [cut for cut in counts.cuts("flow", [end, *range(1, end)]) if cut <= end]
    if end not in cuts:  # how many were excluded must stay hidden, and with it how many there were before
        n = values[end:].sum()
        cuts, rows = [], [("cohort", "Patients who meet all criteria", n, 0.0, n)] if counts.has_cohort() else []
    for a, b in pairwise(cuts):
        before, gone = rows[-1][-1], values[a:b].sum()
        rows.append((names[b], "; ".join(labels[a + 1 : b + 1]), before, gone, before - gone))
    columns = ["criterion", "label", "n_before", "n_excluded", "n_remaining"]
    return pd.DataFrame(rows, columns=columns).round().astype(dict.fromkeys(columns[2:], "Int64"))


def _write_out(values: FloatArray, levels: Sequence[str]) -> pd.Series:
    """Return one entry per counted patient: its level, missing for the cell after the last."""
    codes = np.repeat(np.arange(len(values)), np.rint(values).astype(int))
    return pd.Series(pd.Categorical.from_codes(np.where(codes < len(levels), codes, -1), list(levels)))


def estimate_baseline(counts: Counts) -> pd.DataFrame:
    """Return the size of the cohort, and Table 1: levels counted, medians of numbers between two public bounds."""
    size = characteristics.estimate_cohort_size(pd.DataFrame(index=range(round(counts.values("flow")[-2]))))
    parts = [withhold(size, [not counts.has_cohort()])]
    for name in counts.study.pool.baseline:
        block = f"baseline/{name}"
        axis, sums = counts.blocks[block]["axes"][0], counts.sums[block]
        if "edges" in axis:
            parts.append(_bounded_median(name, axis["edges"], sums, counts.least))
            continue
        hidden = hidden_rows(sums["counts"][:, None], sums["contributors"][:, None], counts.least)
        if name in LINKED:
            hidden |= not is_safe(counts.sums[f"linked/{name}"]["contributors"], counts.least).all()
        patients = pd.DataFrame({name: _write_out(sums["counts"], axis["levels"])})
        rows = characteristics.estimate_baseline(patients, [name])
        lost = [level for level, gone in zip([*axis["levels"], MISSING], hidden, strict=True) if gone]
        # a proportion of known values tells how many are missing
        parts.append(withhold(rows, rows["level"].isin(lost) | ((rows["estimand"] == "proportion") & hidden[-1])))
    return pd.concat(parts, ignore_index=True)


def _bounded_median(name: str, edges: Sequence[float], sums: Sums, least: int) -> pd.DataFrame:
    """Say between which two public bounds the median lies: nothing finer was counted."""
    known = sums["counts"][:-1]
    place = int(np.searchsorted(np.cumsum(known), known.sum() / 2))
    bounds = [math.nan, *edges, math.nan][place : place + 2]
    note = f"between {bounds[0]:g} and {bounds[1]:g}, from counts in public intervals"
    middle = Estimate(float(np.mean(bounds)), *bounds, n=round(known.sum()), method="bounds of the median", note=note)
    rows = Collector(endpoint="BASELINE", variable=name)
    rows.add("median", middle)
    unsafe = not is_safe(sums["contributors"][[place, -1]], least).all() or math.isnan(middle.estimate)
    return withhold(rows.frame(), [unsafe])


def estimate_response(counts: Counts) -> pd.DataFrame:
    """Return response rates with exact intervals, each response category, and rates by factor with Fisher's test."""
    study, cuts = counts.study, counts.cuts("response", _CUTS)
    patients = _respond(_write_out(counts.values("response")[:_RECORDED], RESPONSES))
    rates = proportions.estimate_response(patients, study)
    gone = ~rates["endpoint"].map(DEPTHS).isin(cuts) | ((rates["population"] == "evaluable") & (_EVALUABLE not in cuts))
    levels = proportions.estimate_best_response(patients, study)
    alone = [level for place, level in enumerate([*RESPONSES, MISSING]) if {place, place + 1} <= set(cuts)]
    parts = [withhold(rates, gone | (_RECORDED not in cuts)), withhold(levels, ~levels["level"].isin(alone))]
    for name in univariable(study):
        block = f"response/{name}"
        of_levels = [_respond(_write_out(row[:_RECORDED], RESPONSES)) for row in counts.values(block)]
        frame = pd.concat(of_levels, ignore_index=True)
        frame[name] = _write_out(np.array([len(one) for one in of_levels]), counts.levels(block))
        for endpoint, pieces in _PIECES.items():
            rows = proportions.estimate_response(frame, study, by=name, endpoints=(endpoint,))
            parts.append(withhold(rows, rows["level"].isin(counts.hidden(block, pieces))))
        test = proportions.compare_response(frame, study, by=name)
        parts.append(_withhold_test(test, counts.levels(block), counts.hidden(block, _PIECES["ORR"])))
    return pd.concat(parts, ignore_index=True)


def _withhold_test(test: pd.DataFrame, levels: Sequence[str], hidden: Collection[str]) -> pd.DataFrame:
    """Withhold a test of which fewer than two levels are shown: from an exact p of few patients these can be found.

    No test says how many are compared, which would tell how many are missing.
    """
    shown = withhold(test, [len(set(levels) - set(hidden)) < 2] * len(test))
    return shown.assign(n=math.nan, n_events=math.nan)


def _respond(best: pd.Series) -> pd.DataFrame:
    """Return the columns that `estimates.proportions` counts."""
    depth = best.cat.codes.mask(best.isna(), len(RESPONSES))
    return pd.DataFrame({"best_response": best} | {flag: depth < end for flag, end in _FLAGS.items()})


def level_sizes(counts: Counts, block: Block, name: str) -> dict[str, dict[str, int]]:
    """Return patients and events of the levels of a model's term that may be shown.

    None where a patient lacks another term of the model: the difference from other tables would tell of that patient.
    """
    others = [term["column"] for term in block["terms"] if term["column"] != name]
    if any(counts.values(f"weeks/{block['table']}/{other}")[-1].sum() > 0.5 for other in others):
        return {}
    weeks = f"weeks/{block['table']}/{name}"
    hidden = counts.hidden(weeks, (0, counts.study.pool.n_weeks + 2))
    known = zip(counts.levels(weeks), counts.values(weeks), strict=False)
    return {level: {"n": round(of.sum()), "n_events": round(of[1].sum())} for level, of in known if level not in hidden}


def write_out_times(counts: Counts, name: str) -> pd.DataFrame:
    """Return survival times on the public grid, a row per patient; times are ends of weeks, in months."""
    values = counts.values(f"weeks/{name}")
    place = np.repeat(np.indices(values.shape).reshape(values.ndim, -1), np.rint(values.ravel()).astype(int), axis=1)
    end, week = place[-2:]
    months = week * DAYS_PER_WEEK / counts.study.time.days_per_month
    cause = np.array([None, *CAUSES, None], dtype=object)[end] if "cause" in name else None
    frame = pd.DataFrame(
        {"endpoint": name.split("/")[0], "time_months": months, "event": end > 0, "event_description": cause}
    )
    if values.ndim == 3:
        levels = counts.levels(f"weeks/{name}")
        codes = np.where(place[0] < len(levels), place[0], -1)
        frame[name.split("/")[1]] = pd.Categorical.from_codes(codes, levels)
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
    cuts, whole = counts.cuts(block, time_cuts(counts.study), ends), counts.cuts(block, (), slice(0, -1))
    return withhold(rows, _is_between(rows, cuts, counts.study) | (not whole))


def _is_between(rows: pd.DataFrame, cuts: Sequence[int], study: Study) -> pd.Series:
    """Tell which rows are of a time at which nothing is cut; a row of no time is none of them."""
    at = rows["time_months"].map(lambda months: cut_at(months, study), na_action="ignore")
    return ~(at.isna() | at.isin(cuts))


def _survival_by(counts: Counts, endpoint: str, name: str) -> list[pd.DataFrame]:
    """Return rates by level at as many of the plan's times as leave a level to show, and two log-rank tests."""
    study, block, frame = counts.study, f"weeks/{endpoint}/{name}", write_out_times(counts, f"{endpoint}/{name}")
    levels, end = counts.levels(block), study.pool.n_weeks + 2
    inner, sized = counts.cuts(f"weeks/{endpoint}", time_cuts(study), 1)[1:-1], counts.hidden(block, (0, end))
    for chosen in (inner, *([cut] for cut in inner), []):
        cuts = [0, *chosen, end]
        hidden = counts.hidden(block, cuts, 1) | sized
        if not hidden.issuperset(levels):
            break
    rows = survival.estimate_survival(frame, study, endpoint=endpoint, by=name)
    shown = withhold(rows, rows["level"].isin(hidden) | _is_between(rows, cuts, study))
    test = survival.compare_survival(frame, study, endpoint=endpoint, by=name)
    test = _withhold_test(test[test["estimand"] == "log_rank_p"], levels, sized)
    return [shown, test, _withhold_test(_stratified_logrank(counts, endpoint, name), levels, ())]


def _stratified_logrank(counts: Counts, endpoint: str, name: str) -> pd.DataFrame:
    """Test levels within centers, exact on days: observed, expected and covariance are sums over centers."""
    sums = counts.sums[f"logrank/{endpoint}/{name}"]
    kept = np.flatnonzero(sums["contributors"] >= counts.least)[1:]
    gap = (sums["observed"] - sums["expected"])[kept]
    statistic = gap @ np.linalg.solve(sums["covariance"][np.ix_(kept, kept)], gap)
    note = "" if len(kept) else "fewer than two levels with enough centers"
    method = "log-rank, stratified by center"
    test = chi_squared_test(statistic, len(kept), n=0, n_events=0, method=method, note=note)
    rows = Collector(endpoint=endpoint, model="stratified by center", variable=name)
    rows.add("log_rank_p", replace(test, estimate=test.p_value))
    return rows.frame()

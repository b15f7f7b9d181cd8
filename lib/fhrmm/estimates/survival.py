"""Time-to-event estimates: rates, medians, restricted means, log-rank tests, follow-up, cumulative incidence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from fhrmm.estimates.collector import Collector
from fhrmm.estimates.subgroups import KEYS, MISSING, iterate_levels
from fhrmm.rounding import ROUNDED, round_times
from fhrmm.schema import NO_WAY
from fhrmm.study import Study
from timetoevent.kaplan_meier import (
    kaplan_meier,
    median_follow_up,
    numbers_at_risk,
    survival_at,
    survival_quantile,
)
from timetoevent.lifelines_engine import interval_censored
from timetoevent.logrank import logrank
from timetoevent.results import NOT_REACHED, OK, Estimate, not_estimable
from timetoevent.rmst import rmst, rmst_difference

_NEEDED = ["endpoint", "time_months", "event"]
_LAST_WITHOUT = "last_visit_without_progression_date"
_FARTHEST = 3.0  # patients by which rounding moves a rate, of those at risk, in 19 of 20 simulated cohorts


def select_endpoint(time_to_event: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """Return the rows of one endpoint whose time could be derived; what is left out is counted in `count_reasons`."""
    months = time_to_event["time_months"].to_numpy(dtype=float, na_value=math.nan)
    return time_to_event[(time_to_event["endpoint"] == endpoint).to_numpy(dtype=bool, na_value=False) & (months >= 0)]


def estimate_survival(time_to_event: pd.DataFrame, study: Study, *, endpoint: str, by: str = "") -> pd.DataFrame:
    """Estimate Kaplan-Meier rates, the median and the restricted mean of one endpoint, overall or by level.

    Estimates rows `survival_probability` (log-log interval), `median_months` and `rmst_months`.

    References
    ----------
    Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481. Brookmeyer R, Crowley J. Biometrics 1982;38:29-41.
    """
    rows, absent = Collector(endpoint=endpoint, variable=by), why_absent(time_to_event, study, endpoint)
    # where all patients have the event by definition, a rate says nothing that the median does not
    rates = () if study.endpoints[endpoint].is_certain else study.time.rates_at_months
    for level, part in _groups(time_to_event, endpoint, by):
        for estimand, at, value in _summarize(part, study, absent, [float(at) for at in rates]):
            rows.add(estimand, value, time_months=at, level=level)
    return rows.frame()


def why_absent(time_to_event: pd.DataFrame, study: Study, endpoint: str) -> str:
    """Why nothing is estimated of an endpoint: an event that no center can record, or that it needs and nobody has."""
    rows = time_to_event[time_to_event["endpoint"] == endpoint]
    notes = rows.get("note", pd.Series(dtype=object)).astype(str)
    if len(notes) and notes.str.startswith(NO_WAY).all():
        return notes.iloc[0]
    needs = study.endpoints[endpoint].needs
    is_recorded = not needs or (rows["event_description"].astype(object) == needs).any()
    return "" if is_recorded else f"no {needs} is recorded"


def _summarize(part: pd.DataFrame, study: Study, absent: str, months: list[float]) -> list[tuple[str, float, Estimate]]:
    """The numbers of one curve, each with its time; none where the endpoint was not recorded."""
    horizon = float(study.time.rmst_horizon_months)
    what = [*(("survival_probability", at) for at in months), ("median_months", math.nan), ("rmst_months", horizon)]
    if part.empty or absent:
        value = not_estimable(absent or "no patients", **_counts(part))
        return [(estimand, at, value) for estimand, at in what]
    time, event, level = *_arrays(part, study), study.models.ci_level
    rates = survival_at(time, event, at=months, ci_level=level)
    values = [
        *(bound_rate(rate, time, at, study) for rate, at in zip(rates, months, strict=True)),
        survival_quantile(time, event, probability=0.5, ci_level=level),
        rmst(time, event, horizon=horizon, ci_level=level),
    ]
    return [(estimand, at, name_rounding(value, study)) for (estimand, at), value in zip(what, values, strict=True)]


def compare_survival(time_to_event: pd.DataFrame, study: Study, *, endpoint: str, by: str) -> pd.DataFrame:
    """Compare curves between the known levels of a variable: log-rank p, and the RMST difference of two levels.

    References
    ----------
    Peto R, Peto J. J R Stat Soc A 1972;135:185-207. Uno H et al. J Clin Oncol 2014;32:2380-2385.
    """
    rows = select_endpoint(time_to_event[[*_NEEDED, by]], endpoint)
    rows = rows[rows[by].notna()]
    levels = [level for level, part in iterate_levels(rows, by) if len(part)]
    found = Collector(endpoint=endpoint, variable=by)
    if len(levels) < 2:
        test = not_estimable("fewer than two groups", method="log-rank", **_counts(rows))
    else:
        test = logrank(*_arrays(rows), rows[by].astype(str).to_numpy())
        test = replace(test, estimate=test.p_value)
    found.add("log_rank_p", test)
    enough = [level for level, part in iterate_levels(rows, by) if _has_curve(part, study)]
    if len(enough) == 2:
        reference, level = enough
        arms = [_arrays(rows[(rows[by].astype(str) == name).to_numpy()], study) for name in enough]
        other = np.repeat([False, True], [len(time) for time, _ in arms])
        both = [np.concatenate(parts) for parts in zip(*arms, strict=True)]
        horizon = float(study.time.rmst_horizon_months)
        difference = rmst_difference(*both, other, horizon=horizon, ci_level=study.models.ci_level)
        what = {"level": level, "reference": reference, "time_months": horizon}
        found.add("rmst_difference_months", name_rounding(difference, study), **what)
    return found.frame()


def estimate_dating(time_to_event: pd.DataFrame, response: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Estimate PFS with progression on the day it was seen, and at an unknown time since the visit before (Turnbull).

    Death, and progression without a known visit before it, keep their day. The mass of an interval that the data leave
    open lies at its end, as that of Kaplan-Meier does. No interval is given: the theory of these limits is not settled.

    References
    ----------
    Turnbull BW. J R Stat Soc B 1976;38:290-295.
    """
    rows = select_endpoint(time_to_event, "PFS").merge(response[[*KEYS, _LAST_WITHOUT]], on=KEYS, how="left")
    found = Collector(endpoint="PFS")
    usual = estimate_survival(time_to_event, study, endpoint="PFS")
    usual = usual[usual["estimand"] != "rmst_months"]
    found.add_rows(usual, level="the day it was seen")
    time, event = _arrays(rows)
    before = ((rows[_LAST_WITHOUT] - rows["origin_date"]).dt.days / study.time.days_per_month).to_numpy(dtype=float)
    is_progression = event & (rows["event_description"] == "progression").to_numpy(dtype=bool)
    is_between = is_progression & (before >= 0) & (before < time)
    said = {"method": "Turnbull, no interval", **_counts(rows)}
    reason = "" if event.any() else why_absent(time_to_event, study, "PFS") or "no events"
    reason = "not made from rounded counts" if study.rounding else reason
    if not reason:
        note = f"{is_between.sum()} of {is_progression.sum()} progressions lie between two known visits"
        curve = interval_censored(np.where(is_between, before, time), np.where(event, time, np.inf))
        half = curve.index[curve <= 0.5 + 1e-9]
    for row in usual.to_dict("records"):
        value = not_estimable(reason or row["note"], **said)
        if not reason and row["estimand"] == "median_months":
            value = Estimate(half[0], note=note, **said) if len(half) else Estimate(status=NOT_REACHED, **said)
        elif not reason and row["status"] == OK:
            value = Estimate(float(curve.loc[: row["time_months"]].iloc[-1]), note=note, **said)
        what = {"level": "since the visit before (Turnbull)", "time_months": row["time_months"]}
        found.add(row["estimand"], value, **what)
    return found.frame()


def estimate_follow_up(time_to_event: pd.DataFrame, study: Study, cutoff: date | None = None) -> pd.DataFrame:
    """Estimate median follow-up by reverse Kaplan-Meier on overall survival, with observed range and completeness.

    Completeness is the share of the person-time until death or data cut-off during which patients were followed.

    References
    ----------
    Schemper M, Smith TL. Control Clin Trials 1996;17:343-346. Clark TG et al. Lancet 2002;359:1309-1310.
    """
    rows = select_endpoint(time_to_event, "OS")
    found = Collector(endpoint="FOLLOW_UP")
    if rows.empty:
        nothing = not_estimable(why_absent(time_to_event, study, "OS") or "no patients")
        for estimand in ("median_months", "completeness"):
            found.add(estimand, nothing)
        return found.frame()
    time, event = _arrays(rows, study)
    median = median_follow_up(time, event, ci_level=study.models.ci_level)
    found.add("median_months", name_rounding(median, study))
    for estimand, value in (("minimum_months", time.min()), ("maximum_months", time.max())):
        found.add(estimand, Estimate(float(value), method="observed", **_counts(rows)))
    if "origin_date" in rows:  # where only sums are known, no day is
        share = not_estimable("no data cut-off is stated", **_counts(rows))
        if cutoff:
            time, event = _arrays(rows)
            possible = (pd.Timestamp(cutoff) - rows["origin_date"]).dt.days.to_numpy() / study.time.days_per_month
            share = Estimate(time.sum() / np.where(event, time, possible).sum(), method="Clark", **_counts(rows))
        found.add("completeness", share)
    return found.frame()


def survival_curves(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, by: str = ""
) -> dict[str, pd.DataFrame]:
    """Return one Kaplan-Meier curve per level with patients, in the declared order; key "" for overall."""
    curves = {
        level: kaplan_meier(*_arrays(part, study), ci_level=study.models.ci_level)
        for level, part in _groups(time_to_event, endpoint, by)
        if _has_curve(part, study)
    }
    if study.rounding:
        # the patients of rounded follow-up are nobody: no mark is drawn where one of them is censored
        curves = {level: curve.drop(columns=["n_events", "n_censored"]) for level, curve in curves.items()}
    for curve in curves.values():
        curve.attrs["rounding"] = study.rounding
    return curves


def tabulate_risk(time_to_event: pd.DataFrame, study: Study, *, endpoint: str, by: str = "") -> pd.DataFrame:
    """Count at risk just before each sixth month, and events and censored before it (`at risk` means ``t >= tick``).

    One row per level and tick: group, at, n_at_risk, n_events, n_censored.
    """
    ticks = [float(at) for at in np.arange(0, study.display.km_limit_months + 3, 6)]
    parts = [
        numbers_at_risk(*_arrays(part, study), at=ticks).assign(group=level)
        for level, part in _groups(time_to_event, endpoint, by)
        if _has_curve(part, study)
    ]
    columns = ["group", "at", "n_at_risk", "n_events", "n_censored"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def count_reasons(time_to_event: pd.DataFrame) -> pd.DataFrame:
    """Count, per endpoint, what ended observation: each event description, censor reason, and underivable times.

    Estimates rows with estimand ``count``, variable ``end_of_observation``.
    """
    found = Collector(variable="end_of_observation")
    for endpoint, rows in time_to_event.groupby("endpoint", sort=False, observed=True):
        is_event = rows["event"].fillna(False).astype(bool)
        reason = rows["event_description"].astype(object).where(is_event, rows["censor_reason"].astype(object))
        for text, of_text in is_event.groupby(reason.fillna("time not derivable")):
            count = len(of_text)
            value = Estimate(float(count), n=len(rows), n_events=count if of_text.any() else 0, method="count")
            found.add("count", value, endpoint=str(endpoint), level=str(text))
    return found.frame()


def _groups(time_to_event: pd.DataFrame, endpoint: str, by: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of one endpoint by known level, without the columns that no curve needs: each level copies its rows."""
    rows = select_endpoint(time_to_event[[*_NEEDED, by] if by else _NEEDED], endpoint)
    return ((level, part) for level, part in iterate_levels(rows, by) if level != MISSING)


def _arrays(rows: pd.DataFrame, study: Study | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Times and events; in a release, those that are made from rounded counts."""
    time, event = rows["time_months"].to_numpy(dtype=float, na_value=math.nan), rows["event"].to_numpy(dtype=bool)
    return round_times(time, event, study.rounding) if study and study.rounding and len(rows) else (time, event)


def bound_rate(rate: Estimate, time: np.ndarray, at: float, study: Study) -> Estimate:
    """Say how far rounding may have moved a rate of a release; none is given where few are at risk."""
    if not study.rounding or rate.status != OK:
        return rate
    at_risk = int((time >= at).sum())
    if at_risk <= study.rounding:
        counts = {"n": rate.n, "n_events": rate.n_events}
        return not_estimable(f"\u2264{study.rounding} at risk", method=rate.method, **counts)
    points = math.ceil(100 * _FARTHEST / at_risk)
    return replace(rate, note=f"within {points} points of the exact value in 19 of 20 simulated cohorts")


def name_rounding(value: Estimate, study: Study) -> Estimate:
    """Say in the method that a number was made from rounded counts."""
    return replace(value, method=f"{value.method}, {ROUNDED}") if study.rounding else value


def _has_curve(rows: pd.DataFrame, study: Study) -> bool:
    """Whether a group is drawn: in a release not from few patients or events."""
    return min(len(rows), int(rows["event"].sum())) > study.rounding if study.rounding else len(rows) > 0


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    return {"n": len(rows), "n_events": int(rows["event"].sum())}

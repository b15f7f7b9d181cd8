"""Time-to-event estimates: rates, medians, restricted means, log-rank tests, follow-up, cumulative incidence."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from fhrmm.estimates.rows import MISSING, iterate_levels, make_row, to_frame
from fhrmm.study import Study
from timetoevent.competing_risks import cumulative_incidence
from timetoevent.kaplan_meier import (
    kaplan_meier,
    median_follow_up,
    numbers_at_risk,
    survival_at,
    survival_quantile,
)
from timetoevent.logrank import logrank
from timetoevent.results import Estimate, not_estimable
from timetoevent.rmst import rmst, rmst_difference

_NEEDED = ["endpoint", "time_months", "event"]


def select_endpoint(time_to_event: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """Return the rows of one endpoint whose time could be derived; what is left out is counted in `count_reasons`."""
    months = time_to_event["time_months"].to_numpy(dtype=float, na_value=math.nan)
    return time_to_event[(time_to_event["endpoint"] == endpoint).to_numpy(dtype=bool, na_value=False) & (months >= 0)]


def estimate_survival(time_to_event: pd.DataFrame, study: Study, *, endpoint: str, by: str = "") -> pd.DataFrame:
    """Estimate Kaplan-Meier rates, the median and the restricted mean of one endpoint, overall or by level.

    Parameters
    ----------
    time_to_event : DataFrame
        One row per patient and endpoint: `endpoint`, `time_months`, `event`, and `by` if given.
    study : Study
        The plan: times of rates, horizon, interval level.
    endpoint : str
        PFS, OS, ...
    by : str
        Column to estimate within; empty for overall.

    Returns
    -------
    DataFrame
        Estimates rows `survival_probability` (log-log interval), `median_months` and `rmst_months`.

    References
    ----------
    Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481. Brookmeyer R, Crowley J. Biometrics 1982;38:29-41.
    """
    groups = _groups(time_to_event, endpoint, by)
    found = []
    for level, part in groups:
        if level != MISSING:
            names = {"endpoint": endpoint, "variable": by, "level": level}
            found += [make_row(value, **names, **what) for what, value in _curve_summary(part, study)]
    return to_frame(found)


def _curve_summary(part: pd.DataFrame, study: Study) -> list[tuple[dict[str, object], Estimate]]:
    months, horizon = study.time.rates_at_months, study.time.rmst_horizon_months
    what = [{"estimand": "survival_probability", "time_months": float(at)} for at in months]
    what += [{"estimand": "median_months"}, {"estimand": "rmst_months", "time_months": float(horizon)}]
    if part.empty:
        return [(item, not_estimable("no patients")) for item in what]
    time, event, level = *_arrays(part), study.models.ci_level
    values = [
        *survival_at(time, event, at=list(months), ci_level=level),
        survival_quantile(time, event, probability=0.5, ci_level=level),
        rmst(time, event, horizon=horizon, ci_level=level),
    ]
    return list(zip(what, values, strict=True))


def compare_survival(time_to_event: pd.DataFrame, study: Study, *, endpoint: str, by: str) -> pd.DataFrame:
    """Compare curves between the known levels of a variable: log-rank p, and the RMST difference of two levels.

    References
    ----------
    Peto R, Peto J. J R Stat Soc A 1972;135:185-207. Uno H et al. J Clin Oncol 2014;32:2380-2385.
    """
    rows = select_endpoint(time_to_event[[*_NEEDED, by]], endpoint)
    rows = rows[rows[by].notna()]
    levels = [level for level, part in iterate_levels(rows, by) if len(part)]
    n, n_events = len(rows), int(rows["event"].sum())
    if len(levels) < 2:
        test = not_estimable("fewer than two groups", n=n, n_events=n_events, method="log-rank")
    else:
        test = logrank(*_arrays(rows), rows[by].astype(str).to_numpy())
        test = replace(test, estimate=test.p_value)
    found = [make_row(test, endpoint=endpoint, estimand="log_rank_p", variable=by)]
    if len(levels) == 2:
        other = rows[by].astype(str).to_numpy() == levels[1]
        horizon = study.time.rmst_horizon_months
        difference = rmst_difference(*_arrays(rows), other, horizon=horizon, ci_level=study.models.ci_level)
        found.append(
            make_row(
                difference,
                endpoint=endpoint,
                estimand="rmst_difference_months",
                variable=by,
                level=levels[1],
                reference=levels[0],
                time_months=float(horizon),
            )
        )
    return to_frame(found)


def estimate_follow_up(time_to_event: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Estimate median follow-up by reverse Kaplan-Meier on overall survival, with observed range.

    References
    ----------
    Schemper M, Smith TL. Control Clin Trials 1996;17:343-346.
    """
    rows = select_endpoint(time_to_event, "OS")
    if rows.empty:
        return to_frame([make_row(not_estimable("no patients"), endpoint="FOLLOW_UP", estimand="median_months")])
    time, event = _arrays(rows)
    counts = {"n": len(rows), "n_events": int(event.sum())}
    found = [
        make_row(
            median_follow_up(time, event, ci_level=study.models.ci_level),
            endpoint="FOLLOW_UP",
            estimand="median_months",
        )
    ]
    for estimand, value in (("minimum_months", time.min()), ("maximum_months", time.max())):
        observed = Estimate(float(value), method="observed", **counts)
        found.append(make_row(observed, endpoint="FOLLOW_UP", estimand=estimand))
    return to_frame(found)


def estimate_cumulative_incidence(time_to_event: pd.DataFrame, study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate cumulative incidence of progression and of death without progression (Aalen-Johansen).

    Returns
    -------
    estimates : DataFrame
        Estimates rows `cumulative_incidence` at the study's months, ``level`` the cause.
    curves : DataFrame
        The step functions: cause, time, cumulative_incidence, ci_lower, ci_upper.

    References
    ----------
    Aalen OO, Johansen S. Scand J Stat 1978;5:141-150.
    """
    rows = select_endpoint(time_to_event, "PFS")
    months = [float(at) for at in study.time.rates_at_months]
    causes = ["progression", "death without progression"]
    if rows.empty:
        empty = not_estimable("no patients", method="Aalen-Johansen")
        found = [_incidence_row(empty, cause, at) for cause in causes for at in months]
        return to_frame(found), pd.DataFrame(columns=["cause", "time", "cumulative_incidence", "ci_lower", "ci_upper"])
    time, event = _arrays(rows)
    description = rows["event_description"].astype(object)
    cause = np.where(event, np.where(description == causes[1], 2, 1), 0)
    curves = cumulative_incidence(time, cause, causes=[1, 2], ci_level=study.models.ci_level)
    curves = curves.assign(cause=curves["cause"].map({1: causes[0], 2: causes[1]}))
    last = float(time.max())
    found = []
    for number, name in enumerate(causes, start=1):
        steps = curves[curves["cause"] == name]
        for at in months:
            counts = {"n": len(rows), "n_events": int(((cause == number) & (time <= at)).sum())}
            found.append(_incidence_row(_incidence_at(steps, at, last, counts), name, at))
    return to_frame(found), curves


def _incidence_at(steps: pd.DataFrame, at: float, last: float, counts: dict[str, int]) -> Estimate:
    if at > last:
        return not_estimable("nobody is followed that long", method="Aalen-Johansen", **counts)
    reached = steps[steps["time"] <= at]
    if reached.empty or reached["cumulative_incidence"].iloc[-1] == 0:
        return Estimate(0.0, method="Aalen-Johansen", note="no event so far", **counts)
    step = reached.iloc[-1]
    return Estimate(
        float(step["cumulative_incidence"]),
        float(step["ci_lower"]),
        float(step["ci_upper"]),
        method="Aalen-Johansen, log-log interval",
        **counts,
    )


def _incidence_row(value: Estimate, cause: str, at: float) -> dict[str, object]:
    return make_row(
        value, endpoint="PFS", estimand="cumulative_incidence", variable="cause", level=cause, time_months=at
    )


def survival_curves(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, by: str = ""
) -> dict[str, pd.DataFrame]:
    """Return one Kaplan-Meier curve per level with patients, in the declared order; key "" for overall."""
    groups = _groups(time_to_event, endpoint, by)
    return {
        level: kaplan_meier(*_arrays(part), ci_level=study.models.ci_level)
        for level, part in groups
        if level != MISSING and len(part)
    }


def tabulate_risk(
    time_to_event: pd.DataFrame, study: Study, *, endpoint: str, by: str = "", step: float = 6.0
) -> pd.DataFrame:
    """Count at risk just before each tick, and events and censored before it (`at risk` means ``t >= tick``).

    Returns
    -------
    DataFrame
        One row per level and tick: group, at, n_at_risk, n_events, n_censored.
    """
    ticks = [float(at) for at in np.arange(0, study.display.km_limit_months + step / 2, step)]
    groups = _groups(time_to_event, endpoint, by)
    parts = [
        numbers_at_risk(*_arrays(part), at=ticks).assign(group=level)
        for level, part in groups
        if level != MISSING and len(part)
    ]
    columns = ["group", "at", "n_at_risk", "n_events", "n_censored"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def count_reasons(time_to_event: pd.DataFrame) -> pd.DataFrame:
    """Count, per endpoint, what ended observation: each event description, censor reason, and underivable times.

    Returns
    -------
    DataFrame
        Estimates rows with estimand ``count``, variable ``end_of_observation``.
    """
    found = []
    for endpoint, rows in time_to_event.groupby("endpoint", sort=False, observed=True):
        reason = (
            rows["event_description"]
            .astype(object)
            .where(rows["event"].fillna(False).astype(bool), rows["censor_reason"].astype(object))
        )
        for text, count in reason.fillna("time not derivable").value_counts(sort=False).sort_index().items():
            is_event = bool(rows.loc[reason == text, "event"].fillna(False).any())
            value = Estimate(float(count), n=len(rows), n_events=int(count) if is_event else 0, method="count")
            found.append(
                make_row(
                    value,
                    endpoint=str(endpoint),
                    estimand="count",
                    variable="end_of_observation",
                    level=str(text),
                )
            )
    return to_frame(found)


def _groups(time_to_event: pd.DataFrame, endpoint: str, by: str) -> list[tuple[str, pd.DataFrame]]:
    """The rows of one endpoint by level, without the columns that no curve needs: each level copies its rows."""
    rows = select_endpoint(time_to_event[[*_NEEDED, by] if by else _NEEDED], endpoint)
    return list(iterate_levels(rows, by)) if by else [("", rows)]


def _arrays(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return rows["time_months"].to_numpy(dtype=float, na_value=math.nan), rows["event"].to_numpy(dtype=bool)

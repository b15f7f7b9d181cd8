"""Progression and death as competing events, and the states that patients pass through."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from fhrmm.estimates.collector import Collector
from fhrmm.estimates.subgroups import KEYS, iterate_levels
from fhrmm.estimates.survival import bound_rate, name_rounding, select_endpoint, why_absent
from fhrmm.rounding import round_times
from fhrmm.study import Study
from timetoevent.competing_risks import cumulative_incidence, fine_gray, gray_test, state_probabilities
from timetoevent.results import OK, Estimate, not_estimable

_STATES = {"well": "progression-free", "ill": "alive after progression", "dead": "dead"}
_CAUSES = {1: "progression", 2: "death without progression"}


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
    rows, absent = select_endpoint(time_to_event, "PFS"), why_absent(time_to_event, study, "PFS")
    time, cause = rows["time_months"].to_numpy(dtype=float), _causes(rows)
    if study.rounding and len(rows):
        time, cause = round_times(time, cause, study.rounding)
    curves = pd.DataFrame(columns=["cause", "time", "cumulative_incidence", "ci_lower", "ci_upper"])
    if len(rows):
        curves = cumulative_incidence(time, cause, causes=list(_CAUSES), ci_level=study.models.ci_level)
        curves = curves.assign(cause=curves["cause"].map(_CAUSES))
    found = Collector(endpoint="PFS", variable="cause")
    for number, name in _CAUSES.items():
        steps = curves[curves["cause"] == name]
        for at in map(float, study.time.rates_at_months):
            counts = {"n": len(time), "n_events": int(((cause == number) & (time <= at)).sum())}
            value = bound_rate(_incidence_at(steps, at, float(time.max(initial=0.0)), counts), time, at, study)
            if rows.empty:
                value = not_estimable(absent or "no patients", method="Aalen-Johansen")
            found.add("cumulative_incidence", name_rounding(value, study), level=name, time_months=at)
    curves.attrs["rounding"] = study.rounding
    return found.frame(), curves


def compare_incidence(time_to_event: pd.DataFrame, study: Study, *, by: str) -> pd.DataFrame:
    """Compare the cumulative incidence of progression between the levels of a factor, death competing.

    Returns
    -------
    DataFrame
        `subdistribution_hazard_ratio` of each level versus the first (Fine and Gray), and `gray_p`, of known levels.

    References
    ----------
    Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509. Gray RJ. Ann Stat 1988;16:1141-1154.
    """
    rows = select_endpoint(time_to_event, "PFS")
    rows = rows[rows[by].notna()]
    found, cause, counts = (
        Collector(endpoint="PFS", variable=by),
        _causes(rows),
        {"n": len(rows), "n_events": int(rows["event"].sum())},
    )
    levels = [level for level, part in iterate_levels(rows, by) if len(part)]
    if len(levels) < 2 or counts["n_events"] < study.models.minimum_events:
        value = not_estimable("fewer than two groups, or too few events", **counts)
        found.add("gray_p", value)
        return found.frame()
    group, time = rows[by].astype(str).to_numpy(), rows["time_months"].to_numpy(dtype=float)
    test = gray_test(time, cause, group)
    found.add("gray_p", replace(test, estimate=test.p_value))
    dummies = pd.DataFrame({level: (group == level).astype(float) for level in levels[1:]})
    fit = fine_gray(time, cause, dummies, ci_level=study.models.ci_level)
    for level in levels[1:]:
        of_level = {"n": int((group == level).sum()), "n_events": int((cause[group == level] == 1).sum())}
        value = not_estimable(fit.note, **of_level)
        if fit.status == OK:
            row = fit.coefficients.set_index("variable").loc[level]
            numbers = {name: float(row[name]) for name in ("ci_lower", "ci_upper", "p_value")}
            value = Estimate(float(row["hazard_ratio"]), **numbers, **of_level, method="Fine-Gray")
        found.add("subdistribution_hazard_ratio", value, level=level, reference=levels[0])
    return found.frame()


def _causes(rows: pd.DataFrame) -> np.ndarray:
    """0 for censored, 1 for progression, 2 for death without progression."""
    is_death = rows["event_description"].astype(object) == _CAUSES[2]
    return np.where(rows["event"].to_numpy(dtype=bool), np.where(is_death, 2, 1), 0)


def estimate_states(time_to_event: pd.DataFrame, study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate the probability of being progression-free, alive after progression, or dead (Aalen-Johansen).

    Returns
    -------
    estimates : DataFrame
        Estimates rows `state_probability` at the study's months, ``level`` the state, n all patients, n_events those
        who were seen to enter the state by then.
    curves : DataFrame
        time and one column per state; they add up to 1.

    References
    ----------
    Aalen OO, Johansen S. Scand J Stat 1978;5:141-150.
    """
    ends = {name: select_endpoint(time_to_event, name).set_index(KEYS) for name in ("PFS", "OS")}
    rows = ends["PFS"].join(ends["OS"][["time_months", "event"]], rsuffix="_os", how="inner")
    state = _causes(rows)
    leave, end = (rows[name].to_numpy(dtype=float) for name in ("time_months", "time_months_os"))
    died = rows["event_os"].to_numpy(dtype=bool)
    curves = state_probabilities(leave, state, end, died).rename(columns=_STATES)
    dead_at = np.where(state == 2, leave, np.where((state == 1) & died, end, math.inf))
    entered = {"well": leave * 0, "ill": np.where(state == 1, leave, math.inf), "dead": dead_at}
    found = Collector(endpoint="OS", variable="state")
    for at in map(float, study.time.rates_at_months):
        reached = curves[curves["time"] <= at]
        for code, name in _STATES.items():
            counts = {"n": len(rows), "n_events": int((entered[code] <= at).sum())}
            least = study.display.km_minimum_at_risk
            value = not_estimable(f"fewer than {least} are followed that long", method="Aalen-Johansen", **counts)
            if ((leave >= at) | ((state == 1) & (end >= at))).sum() >= least:
                value = Estimate(float(reached[name].iloc[-1]), method="Aalen-Johansen", **counts)
            found.add("state_probability", value, level=name, time_months=at)
    return found.frame(), curves


def _incidence_at(steps: pd.DataFrame, at: float, last: float, counts: dict[str, int]) -> Estimate:
    if at > last:
        return not_estimable("nobody is followed that long", method="Aalen-Johansen", **counts)
    reached = steps[steps["time"] <= at]
    if reached.empty or reached["cumulative_incidence"].iloc[-1] == 0:
        return Estimate(0.0, method="Aalen-Johansen", note="no event so far", **counts)
    numbers = reached.iloc[-1][["cumulative_incidence", "ci_lower", "ci_upper"]].astype(float)
    return Estimate(*numbers, method="Aalen-Johansen, log-log interval", **counts)

"""Progression and death as competing events, and the states that patients pass through."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from fhrmm.estimates.collector import Collector
from fhrmm.estimates.regression import why_no_regression
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
    rows = select_endpoint(time_to_event, "PFS")
    found, absent = Collector(endpoint="PFS", variable="cause"), why_absent(time_to_event, study, "PFS")
    time, months = rows["time_months"].to_numpy(dtype=float), study.time.rates_at_months
    curves = add_incidence(found, time, _causes(rows), _CAUSES, study, at=months, absent=absent or "no patients")
    return found.frame(), curves


def add_incidence(
    found: Collector,
    time: np.ndarray,
    cause: np.ndarray,
    names: Mapping[int, str],
    study: Study,
    *,
    at: Sequence[float],
    absent: str,
) -> pd.DataFrame:
    """Add the cumulative incidence of each named cause at some months, and return the step functions.

    Causes are numbers, 0 is censored; `absent` says why nothing is estimated where there is no patient.
    """
    if study.rounding and len(time):
        time, cause = round_times(time, cause, study.rounding)
    asked = {"causes": list(names), "ci_level": study.models.ci_level}
    for row in cumulative_incidence(time, cause, at=list(at), **asked).to_dict("records"):
        counts = {"n": len(time), "n_events": row["n_events"]}
        value = not_estimable(row["note"] if len(time) else absent, method="Aalen-Johansen", **counts)
        if row["status"] == OK:
            numbers = [row[name] for name in ("cumulative_incidence", "ci_lower", "ci_upper")]
            note = "" if numbers[0] else "no event so far"
            value = Estimate(*numbers, method="Aalen-Johansen, log-log interval", note=note, **counts)
        value = name_rounding(bound_rate(value, time, row["time"], study), study)
        found.add("cumulative_incidence", value, level=names[row["cause"]], time_months=row["time"])
    curves = cumulative_incidence(time, cause, **asked)
    curves = curves.assign(cause=curves["cause"].map(names))
    curves.attrs["rounding"] = study.rounding
    return curves


def compare_incidence(time_to_event: pd.DataFrame, study: Study, *, by: str) -> pd.DataFrame:
    """Compare the cumulative incidence of progression between the levels of a factor, death competing.

    `subdistribution_hazard_ratio` of each level versus the first (Fine and Gray), and `gray_p`, of known levels.

    References
    ----------
    Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509. Gray RJ. Ann Stat 1988;16:1141-1154.
    """
    rows = select_endpoint(time_to_event, "PFS")
    rows = rows[rows[by].notna()]
    found, cause = Collector(endpoint="PFS", variable=by), _causes(rows)
    levels = [level for level, part in iterate_levels(rows, by) if len(part)]
    if reason := why_no_regression(rows, study) if len(levels) > 1 else "fewer than two groups":
        found.add("gray_p", not_estimable(reason, n=len(rows), n_events=int(rows["event"].sum())))
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

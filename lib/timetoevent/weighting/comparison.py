"""A weighted comparison of two treatments: hazard ratio, survival at fixed times, and their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from timetoevent.cox import CoxFit, fit_cox
from timetoevent.cox.data import describe_missing
from timetoevent.intervals import normal_quantile
from timetoevent.kaplan_meier import survival_at
from timetoevent.results import Estimate, not_estimable
from timetoevent.weighting.balance import balance_table, effective_sample_size, make_weights
from timetoevent.weighting.propensity import PropensityFit, fit_propensity

ARMS = ("treated", "control")


@dataclass(frozen=True)
class WeightedComparison:
    """Two treatments compared in a weighted sample.

    Attributes
    ----------
    propensity : PropensityFit
        The model of the treatment.
    weights : Series
        One weight per subject.
    balance, sample_size : DataFrame
        See `balance_table` and `effective_sample_size`.
    hazard_ratio : Estimate
        Treated against control.
    survival : tuple of (str, float, Estimate)
        Arm (treated, control, difference), time and survival, or its difference treated less control.
    """

    propensity: PropensityFit
    weights: pd.Series
    balance: pd.DataFrame
    sample_size: pd.DataFrame
    hazard_ratio: Estimate
    survival: tuple[tuple[str, float, Estimate], ...]


def compare_weighted(
    frame: pd.DataFrame,
    *,
    time: str,
    event: str,
    treatment: str,
    terms: Sequence[str],
    interactions: Sequence[tuple[str, str]] = (),
    kind: str = "overlap",
    stabilized: bool = True,
    truncate: tuple[float, float] | None = None,
    at: Sequence[float] = (),
    ci_level: float = 0.95,
) -> WeightedComparison:
    """Compare treated with control after weighting by the propensity of treatment.

    Parameters
    ----------
    frame : DataFrame
        One row per subject.
    time, event, treatment : str
        Columns of the time, the event and the treatment (0/1 or boolean).
    terms, interactions
        Covariates of the propensity model.
    kind, stabilized, truncate
        See `make_weights`.
    at : sequence of float
        Times at which survival is compared.

    Returns
    -------
    WeightedComparison
        With ``not_estimable`` and the reason throughout, if the propensity cannot be estimated.

    Notes
    -----
    Robust standard errors take the weights as known (too wide, if anything, for the whole population).

    References
    ----------
    Austin P. C. (2016). Variance estimation when using inverse probability of treatment weighting with
    survival analysis. Statistics in Medicine 35:5642-5655.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": [0, 0, 0, 1, 0, 1, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1, 1],
    ...                       "t": [1, 2, 3, 4, 5, 6, 7, 8], "d": [1, 1, 0, 1, 1, 1, 0, 1]})
    >>> found = compare_weighted(frame, time="t", event="d", treatment="a", terms=["x"], at=[3])
    >>> [(arm, at, estimate.status) for arm, at, estimate in found.survival]
    [('treated', 3.0, 'ok'), ('control', 3.0, 'ok'), ('difference', 3.0, 'ok')]
    """
    names = {"time": time, "event": event}
    propensity = fit_propensity(
        frame, treatment=treatment, terms=list(terms), interactions=interactions, ci_level=ci_level
    )
    weights = make_weights(propensity, kind=kind, stabilized=stabilized, truncate=truncate)
    ratio, survival = _outcomes(frame, names, propensity, weights, [float(t) for t in at], ci_level)
    return WeightedComparison(
        propensity=propensity,
        weights=weights,
        balance=balance_table(propensity, weights),
        sample_size=effective_sample_size(propensity, weights),
        hazard_ratio=ratio,
        survival=tuple(survival),
    )


Survival = list[tuple[str, float, Estimate]]


def _outcomes(
    frame: pd.DataFrame,
    names: dict[str, str],
    propensity: PropensityFit,
    weights: pd.Series,
    at: list[float],
    ci_level: float,
) -> tuple[Estimate, Survival]:
    used = pd.DataFrame({key: frame[name] for key, name in names.items()})
    problem = propensity.note if propensity.status != "ok" else describe_missing(frame, list(names.values()))
    if problem:
        nothing = not_estimable(problem, n=len(frame), method="Weighted comparison")
        return nothing, [(arm, t, nothing) for t in at for arm in (*ARMS, "difference")]
    treated = propensity.treated.to_numpy()
    used = used.assign(treated=treated, weight=weights)
    fit = fit_cox(used, time="time", event="event", terms=["treated"], weights="weight", robust=True, ci_level=ci_level)
    survival: Survival = []
    for t in at:
        arms = [
            survival_at(arm["time"], arm["event"], at=[t], weights=arm["weight"].to_numpy(), ci_level=ci_level)[0]
            for arm in (used[treated], used[~treated])
        ]
        survival += [*((name, t, found) for name, found in zip(ARMS, arms, strict=True))]
        survival.append(("difference", t, _difference(*arms, ci_level)))
    return _ratio(fit, ci_level), survival


def _ratio(fit: CoxFit, ci_level: float) -> Estimate:
    row = fit.coefficients.iloc[0]
    counts = {"n": fit.n, "n_events": fit.n_events, "method": f"{fit.method}, weights taken as known"}
    if row.status != "ok":
        return not_estimable(row.note, **counts)
    return Estimate(
        estimate=float(row.hazard_ratio),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        std_error=float(row.std_error),
        statistic=float(row.statistic),
        p_value=float(row.p_value),
        ci_level=ci_level,
        note="standard error of the logarithm",
        **counts,
    )


def _difference(treated: Estimate, control: Estimate, ci_level: float) -> Estimate:
    n, n_events = treated.n + control.n, treated.n_events + control.n_events
    method = "Difference of weighted Kaplan-Meier estimates, robust standard error"
    for arm in (treated, control):
        if arm.status != "ok":
            return not_estimable(arm.note, n=n, n_events=n_events, method=method)
    difference = treated.estimate - control.estimate
    std_error = float(np.hypot(treated.std_error, control.std_error))
    half = normal_quantile(ci_level) * std_error
    return Estimate(
        estimate=difference,
        ci_lower=max(difference - half, -1.0),
        ci_upper=min(difference + half, 1.0),
        std_error=std_error,
        ci_level=ci_level,
        n=n,
        n_events=n_events,
        method=method,
    )

"""Multiple imputation by chained equations for time-to-event data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from timetoevent.checks import BoolArray, FloatArray, check_event, check_time, tie_times
from timetoevent.cox.data import describe_missing
from timetoevent.cox.design import factor_levels
from timetoevent.imputation.draws import draw_by_matching, draw_level, draw_yes_no
from timetoevent.results import NOT_ESTIMABLE, OK

LEAST_OBSERVED = 3


@dataclass(frozen=True)
class Imputation:
    """Completed data sets.

    Attributes
    ----------
    frames : tuple of DataFrame
        Copies of the frame with the variables completed; empty if nothing can be imputed.
    status, note : str
        ``not_estimable`` with the reason if the outcome is missing or a variable cannot be imputed.
    """

    frames: tuple[pd.DataFrame, ...] = field(repr=False)
    status: str
    note: str


def impute_chained(
    frame: pd.DataFrame,
    *,
    time: str,
    event: str,
    variables: Sequence[str],
    rng: np.random.Generator,
    entry: str | None = None,
    n_imputations: int = 20,
    n_iterations: int = 10,
) -> Imputation:
    """Impute missing covariates by chained equations, with the outcome among the predictors.

    Each incomplete variable is drawn in turn given all the others, the event and the Nelson-Aalen
    cumulative hazard at the subject's time (not the time or its logarithm): numbers by predictive mean
    matching, booleans by logistic regression, factors by a sequence of logistic regressions, level by level.

    Parameters
    ----------
    frame : DataFrame
        One row per subject. Not modified.
    time, event, entry : str
        Columns of the outcome, complete.
    variables : sequence of str
        Covariates of the imputation model, complete or not: all those of the analysis, and those that tell
        the missing values or why they are missing.
    rng : numpy.random.Generator
        Source of randomness.
    n_imputations, n_iterations : int
        Completed data sets, and rounds of the chain for each. As many data sets as there are percent of
        subjects with something missing is a usual choice.

    Raises
    ------
    KeyError
        If a column does not exist.
    ValueError
        If the outcome is wrongly coded, or a number of imputations or iterations is below 1.

    References
    ----------
    White I. R., Royston P. (2009). Imputing missing covariate values for the Cox model. Statistics in
    Medicine 28:1982-1998.
    van Buuren S., Groothuis-Oudshoorn K. (2011). mice: Multivariate imputation by chained equations in R.
    J Stat Softw 45(3).

    Examples
    --------
    >>> frame = pd.DataFrame({"t": range(1, 21), "d": [1, 0] * 10, "x": [1.0, None, 3.0, 2.0] * 5})
    >>> found = impute_chained(frame, time="t", event="d", variables=["x"], n_imputations=2,
    ...                        rng=np.random.default_rng(1))
    >>> [int(completed["x"].isna().sum()) for completed in found.frames]
    [0, 0]
    """
    if n_imputations < 1 or n_iterations < 1:
        raise ValueError("n_imputations and n_iterations: at least 1 each")
    outcome = [time, event, *([entry] if entry else [])]
    describe_missing(frame, list(variables))
    observed = {name: int(frame[name].notna().sum()) for name in variables if frame[name].isna().any()}
    too_few = [f"{name} has only {n} observed values" for name, n in observed.items() if n < LEAST_OBSERVED]
    if problem := describe_missing(frame, outcome) or "; ".join(too_few):
        return Imputation((), NOT_ESTIMABLE, problem)
    hazard = cumulative_hazard_at(frame, time=time, event=event, entry=entry)
    known = np.vstack([check_event(frame[event], name=event).astype(float), hazard])
    chains = rng.spawn(n_imputations)
    return Imputation(tuple(_run_chain(frame, variables, known, n_iterations, chain) for chain in chains), OK, "")


def cumulative_hazard_at(frame: pd.DataFrame, *, time: str, event: str, entry: str | None = None) -> FloatArray:
    """Return the Nelson-Aalen estimate of the cumulative hazard at each subject's time.

    Examples
    --------
    >>> frame = pd.DataFrame({"t": [1, 2, 2], "d": [1, 1, 0]})
    >>> cumulative_hazard_at(frame, time="t", event="d").round(4).tolist()
    [0.3333, 0.8333, 0.8333]
    """
    begin = check_time(frame[entry], name=entry) if entry else np.full(len(frame), -np.inf)
    begin, end = tie_times(begin, check_time(frame[time], name=time))
    distinct, counts = np.unique(end[check_event(frame[event], name=event)], return_counts=True)
    at_risk = np.searchsorted(np.sort(begin), distinct) - np.searchsorted(np.sort(end), distinct)
    total = np.append(0.0, np.cumsum(counts / at_risk))
    return total[np.searchsorted(distinct, end, "right")]


def _run_chain(
    frame: pd.DataFrame, variables: Sequence[str], known: FloatArray, n_iterations: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Complete one copy of the frame, the variables with the fewest gaps first."""
    incomplete = sorted((name for name in variables if frame[name].isna().any()), key=lambda n: frame[n].isna().sum())
    gaps = {name: frame[name].isna().to_numpy() for name in incomplete}
    codes = {name: _encode(frame[name]) for name in variables}
    for name, is_missing in gaps.items():
        observed = codes[name][~is_missing]
        codes[name][is_missing] = rng.choice(observed, int(is_missing.sum()))
    widths = {name: len(factor_levels(frame[name]) or ()) for name in codes}
    for _ in range(n_iterations):
        for name, is_missing in gaps.items():
            # one row for a number, one per level but the first for a factor: the contrasts of the regression design
            others = [
                codes[n] == np.arange(1, widths[n])[:, None] if widths[n] else codes[n] for n in codes if n != name
            ]
            x = np.vstack([known, *others]).astype(float)
            codes[name][is_missing] = _draw(frame[name], codes[name], is_missing, x, rng)
    return frame.assign(**{name: _decode(frame[name], codes[name]) for name in gaps})


def _draw(
    values: pd.Series, codes: FloatArray, is_missing: BoolArray, x: FloatArray, rng: np.random.Generator
) -> FloatArray:
    observed, predictors = codes[~is_missing], (x[:, ~is_missing], x[:, is_missing])
    levels = factor_levels(values)
    if levels is not None:
        return draw_level(observed.astype(np.int64), *predictors, len(levels), rng)
    if values.dropna().isin([0, 1]).all():
        return draw_yes_no(observed.astype(bool), *predictors, rng)
    return draw_by_matching(observed, *predictors, rng)


def _encode(values: pd.Series) -> FloatArray:
    """Numbers, or codes of levels; what is missing is NaN."""
    levels = factor_levels(values)
    if levels is None:
        return values.to_numpy(dtype=float, na_value=np.nan).copy()
    codes = pd.Index(levels).get_indexer(pd.Index(values)).astype(float)
    return np.where(codes < 0, np.nan, codes)


def _decode(values: pd.Series, codes: FloatArray) -> pd.Series:
    """Numbers or levels, in the type of the observed column where it can hold them."""
    levels = factor_levels(values)
    if levels is None:
        is_boolean = values.dropna().map(lambda value: isinstance(value, (bool, np.bool_))).all()
        return pd.Series(codes, index=values.index).astype(bool if is_boolean else float)
    found = [levels[int(code)] for code in codes]
    if isinstance(values.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical(found, dtype=values.dtype), index=values.index)
    return pd.Series(found, index=values.index, dtype=values.dtype)

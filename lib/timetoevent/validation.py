"""Would the model hold in other patients: bootstrap optimism and stability, and one group left out at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from timetoevent.checks import BoolArray, FloatArray
from timetoevent.cox import CoxFit
from timetoevent.cox.concordance import concordance_index
from timetoevent.cox.data import CoxData, make_model, read_data
from timetoevent.cox.fit import find_coefficients, fit_data
from timetoevent.firth.regression import penalized_coefficients
from timetoevent.results import Estimate, not_estimable

LEAST_REPLICATES = 20
METHOD = "Bootstrap optimism (Harrell)"


@dataclass(frozen=True)
class Validation:
    """Optimism and stability of a model over bootstrap samples.

    Attributes
    ----------
    concordance, slope : dict of str to Estimate
        ``apparent``, ``optimism`` and ``corrected`` concordance, and calibration slope (apparent: 1).
    stability : DataFrame
        One row per coefficient: ``term, level, coefficient`` (in the data), ``median, lower, upper`` (2.5th and
        97.5th percentiles over samples), ``share_same_sign`` and ``share_estimable`` of the samples.
    n_bootstrap, n_usable : int
        Samples drawn, and those in which every coefficient was estimable.
    """

    concordance: dict[str, Estimate]
    slope: dict[str, Estimate]
    stability: pd.DataFrame
    n_bootstrap: int
    n_usable: int
    status: str
    note: str


def validate_cox(
    frame: pd.DataFrame,
    *,
    time: str,
    event: str,
    terms: Sequence[str],
    rng: np.random.Generator,
    n_bootstrap: int = 200,
    penalized: bool = False,
) -> Validation:
    """Estimate by how much a Cox model looks better in its own data than it is.

    The model is fitted to bootstrap samples of the rows and each fit is judged in its sample and in the data;
    the mean difference is the optimism. Samples in which a coefficient is not estimable are left out of it,
    and counted.

    Parameters
    ----------
    frame, time, event, terms
        As for `timetoevent.cox.fit_cox`.
    rng : numpy.random.Generator
        Source of the samples.
    n_bootstrap : int
        Number of samples.
    penalized : bool
        Fit by Firth's penalized likelihood, which is estimable in nearly every sample.

    References
    ----------
    Harrell F. E., Lee K. L., Mark D. B. (1996). Multivariable prognostic models. Statistics in Medicine
    15:361-387.
    Heinze G., Wallisch C., Dunkler D. (2018). Variable selection: a review and recommendations. Biometrical
    Journal 60:431-449.

    Examples
    --------
    >>> source = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"x": source.normal(size=60), "y": source.normal(size=60), "d": 1})
    >>> frame["t"] = source.exponential(np.exp(-frame["x"]))
    >>> found = validate_cox(frame, time="t", event="d", terms=["x", "y"], rng=source, n_bootstrap=30)
    >>> sorted(found.concordance), found.n_usable
    (['apparent', 'corrected', 'optimism'], 30)
    """
    data = read_data(frame, make_model(time=time, event=event, terms=terms))
    beta, estimable = _coefficients(data, penalized=penalized)
    if not (len(beta) and estimable.all()):
        return _no_validation(data, fit_data(data, robust=False).note or "no coefficient to validate", n_bootstrap)
    samples = [_one_sample(data, rng, penalized=penalized) for _ in range(n_bootstrap)]
    found, known, gaps = (np.array(values) for values in zip(*samples, strict=True))
    gaps = gaps[np.isfinite(gaps).all(axis=1)]
    apparent = _judge(data, beta)
    names = ("concordance", "slope")
    judged = {
        name: _corrected(value, gaps[:, k], data) for k, (name, value) in enumerate(zip(names, apparent, strict=True))
    }
    return Validation(
        **judged,
        stability=_stability(data, beta, found, known),
        n_bootstrap=n_bootstrap,
        n_usable=len(gaps),
        status=judged["concordance"]["corrected"].status,
        note=judged["concordance"]["corrected"].note,
    )


def leave_one_group_out(frame: pd.DataFrame, *, group: str, fit: Callable[[pd.DataFrame], CoxFit]) -> pd.DataFrame:
    """Fit again without each group in turn.

    Parameters
    ----------
    frame : DataFrame
        One row per subject.
    group : str
        Column of the groups; rows without one stay in every fit.
    fit : callable
        From a frame to a fit with ``coefficients``.

    Returns
    -------
    DataFrame
        The coefficient table of each fit with ``left_out`` (the group; empty for the fit to all) in front,
        and ``n_all``, ``n_events_all`` of the fit at the end.

    Examples
    --------
    >>> from timetoevent.cox import fit_cox
    >>> frame = pd.DataFrame({"t": range(1, 9), "d": 1, "x": [0, 1, 1, 0, 1, 0, 0, 1], "g": list("aaabbbcc")})
    >>> table = leave_one_group_out(
    ...     frame, group="g", fit=lambda part: fit_cox(part, time="t", event="d", terms=["x"]))
    >>> table[["left_out", "n_all"]].values.tolist()
    [['', 8], ['a', 5], ['b', 5], ['c', 6]]
    """
    labels = frame[group]
    levels = sorted(labels.dropna().unique(), key=str)
    parts = [("", frame), *((str(level), frame[labels != level]) for level in levels)]
    tables = []
    for name, part in parts:
        found = fit(part)
        table = found.coefficients.assign(n_all=found.n, n_events_all=found.n_events)
        table.insert(0, "left_out", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _coefficients(data: CoxData, *, penalized: bool) -> tuple[FloatArray, BoolArray]:
    if penalized:
        beta = penalized_coefficients(data)
        varies = np.ptp(data.design.matrix, axis=1) > 0 if data.n else np.zeros(len(beta), dtype=bool)
        return beta, np.isfinite(beta) & varies
    return find_coefficients(data)


def _one_sample(
    data: CoxData, rng: np.random.Generator, *, penalized: bool
) -> tuple[FloatArray, BoolArray, tuple[float, float]]:
    rows = rng.integers(0, data.n, data.n)
    sample = _take(data, rows)
    beta, estimable = _coefficients(sample, penalized=penalized)
    if not estimable.all():
        return beta, estimable, (np.nan, np.nan)
    own, outside = _judge(sample, beta), _judge(data, beta)
    return beta, estimable, (own[0] - outside[0], own[1] - outside[1])


def _take(data: CoxData, rows: np.ndarray) -> CoxData:
    """Rows of the data, the design and the strata staying what they are."""
    return replace(
        data,
        time=data.time[rows],
        event=data.event[rows],
        weights=data.weights[rows],
        stratum=data.stratum[rows],
        design=replace(data.design, matrix=data.design.matrix[:, rows]),
        rows=data.rows[rows],
    )


def _judge(data: CoxData, beta: FloatArray) -> tuple[float, float]:
    """Concordance and calibration slope of a linear predictor."""
    score = beta @ data.design.matrix
    concordance = concordance_index(data.time, data.event, score)
    columns = tuple(replace(column, position=0) for column in data.design.coefficients[:1])
    alone = replace(data, design=replace(data.design, matrix=score[None, :], columns=columns))
    slope, is_estimable = find_coefficients(alone)
    return concordance.estimate, float(slope[0]) if is_estimable.all() else np.nan


def _corrected(apparent: float, gaps: FloatArray, data: CoxData) -> dict[str, Estimate]:
    facts = {"n": data.n, "n_events": data.n_events, "method": METHOD}
    found = {"apparent": Estimate(estimate=apparent, **facts)}
    if len(gaps) < LEAST_REPLICATES:
        nothing = not_estimable(f"only {len(gaps)} bootstrap samples were estimable", **facts)
        return {**found, "optimism": nothing, "corrected": nothing}
    optimism = float(gaps.mean())
    note = f"mean over {len(gaps)} bootstrap samples"
    error = float(gaps.std(ddof=1) / np.sqrt(len(gaps)))
    found["optimism"] = Estimate(estimate=optimism, std_error=error, note=note, **facts)
    found["corrected"] = Estimate(estimate=apparent - optimism, note=note, **facts)
    return found


def _stability(data: CoxData, beta: FloatArray, found: FloatArray, known: BoolArray) -> pd.DataFrame:
    rows = []
    for j, column in enumerate(data.design.coefficients):
        values = found[known[:, j], j]
        spread = np.quantile(values, [0.5, 0.025, 0.975]) if len(values) else [np.nan] * 3
        same = float((np.sign(values) == np.sign(beta[j])).mean()) if len(values) else np.nan
        share = float(known[:, j].mean()) if len(known) else np.nan
        rows.append((column.term, column.level, beta[j], *spread, same, share))
    names = ["median", "lower", "upper", "share_same_sign", "share_estimable"]
    return pd.DataFrame(rows, columns=["term", "level", "coefficient", *names])


def _no_validation(data: CoxData, reason: str, n_bootstrap: int) -> Validation:
    nothing = not_estimable(reason, n=data.n, n_events=data.n_events, method=METHOD)
    judged = dict.fromkeys(("apparent", "optimism", "corrected"), nothing)
    p = len(data.design.coefficients)
    empty = np.full((0, p), np.nan)
    stability = _stability(data, np.full(p, np.nan), empty, np.zeros((0, p), dtype=bool))
    return Validation(judged, judged, stability, n_bootstrap, 0, "not_estimable", reason)

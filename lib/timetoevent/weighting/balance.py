"""Weights from propensity scores, and what they do to balance and to the effective sample size."""

from __future__ import annotations

import numpy as np
import pandas as pd

from timetoevent.checks import FloatArray
from timetoevent.cox.design import INTERCEPT
from timetoevent.weighting.propensity import PropensityFit

KINDS = ("overlap", "inverse_probability", "treated")


def make_weights(
    propensity: PropensityFit,
    *,
    kind: str = "overlap",
    stabilized: bool = True,
    truncate: tuple[float, float] | None = None,
) -> pd.Series:
    """Return the weight of each subject.

    Parameters
    ----------
    propensity : PropensityFit
        Probabilities of treatment.
    kind : {"overlap", "inverse_probability", "treated"}
        The population that the weighted sample stands for: those for whom either treatment was likely
        (bounded weights, exact balance of the covariates), everyone, or those treated.
    stabilized : bool
        Whether inverse-probability weights are multiplied by the share of the subject's own arm.
    truncate : pair of float, optional
        Quantiles, such as (0.01, 0.99), beyond which weights are set to the quantile.

    Returns
    -------
    Series
        On the index of the frame; NaN if there is no propensity.

    Raises
    ------
    ValueError
        If `kind` or `truncate` is not one of those described.

    References
    ----------
    Li F., Morgan K. L., Zaslavsky A. M. (2018). Balancing covariates via propensity score weighting.
    JASA 113:390-400.
    Cole S. R., Hernan M. A. (2008). Constructing inverse probability weights for marginal structural
    models. American Journal of Epidemiology 168:656-664.

    Examples
    --------
    >>> from timetoevent.weighting import fit_propensity
    >>> frame = pd.DataFrame({"a": [0, 0, 0, 1, 0, 1, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> make_weights(fit_propensity(frame, treatment="a", terms=["x"])).round(3).tolist()
    [0.25, 0.25, 0.25, 0.75, 0.75, 0.25, 0.25, 0.25]
    """
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is not one of {KINDS}")
    if truncate is not None and not 0 <= truncate[0] < truncate[1] <= 1:
        raise ValueError(f"truncate: {truncate} is not a pair of rising quantiles")
    score, treated = propensity.scores.to_numpy(), propensity.treated.to_numpy()
    own = np.where(treated, score, 1 - score)
    if kind == "overlap":
        weights = 1 - own
    elif kind == "treated":
        weights = np.where(treated, 1.0, score / (1 - score))
    else:
        share = treated.mean() if len(treated) else np.nan
        weights = (np.where(treated, share, 1 - share) if stabilized else 1.0) / own
    if truncate is not None and np.isfinite(weights).any():
        weights = np.clip(weights, *np.quantile(weights, truncate))
    return pd.Series(weights, index=propensity.scores.index, name="weight")


def balance_table(propensity: PropensityFit, weights: pd.Series | None = None) -> pd.DataFrame:
    """Return means by arm and standardized mean differences before and after weighting.

    The difference is divided by the root of the mean of the two arms' unweighted variances, before and after
    alike, so that weighting changes the numerator alone.

    Parameters
    ----------
    propensity : PropensityFit
        Whose covariates are compared, a row per numeric covariate and per level of a factor.
    weights : Series, optional
        Of the subjects, on the same index; without them the "after" columns are NaN.

    Returns
    -------
    DataFrame
        ``term, level, treated_before, control_before, difference_before, treated_after, control_after,
        difference_after``. NaN where the covariates or weights are missing, or nothing varies.

    References
    ----------
    Austin P. C. (2009). Balance diagnostics for comparing the distribution of baseline covariates between
    treatment groups in propensity-score matched samples. Statistics in Medicine 28:3083-3107.

    Examples
    --------
    >>> from timetoevent.weighting import fit_propensity
    >>> frame = pd.DataFrame({"a": [0, 0, 0, 1, 0, 1, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> fit = fit_propensity(frame, treatment="a", terms=["x"])
    >>> table = balance_table(fit, make_weights(fit))
    >>> table[["difference_before", "difference_after"]].round(3).values.tolist()
    [[1.155, 0.0]]
    """
    labels = [column for column in propensity.design.columns if column.term != INTERCEPT]
    if propensity.status != "ok":
        rows = [[c.term, c.level, *[np.nan] * 6] for c in labels]
    else:
        given = np.full(propensity.n, np.nan) if weights is None else weights.to_numpy(dtype=float)
        treated = propensity.treated.to_numpy()
        rows = [
            [c.term, c.level, *_compare(values, treated, given)]
            for c, values in zip(labels, _values(propensity), strict=True)
        ]
    names = [f"{what}_{when}" for when in ("before", "after") for what in ("treated", "control", "difference")]
    return pd.DataFrame(rows, columns=["term", "level", *names])


def effective_sample_size(propensity: PropensityFit, weights: pd.Series) -> pd.DataFrame:
    """Return Kish's effective sample size of each arm and of both.

    Returns
    -------
    DataFrame
        One row per ``arm`` (treated, control, all): ``n``, ``sum_of_weights``, ``effective_n`` (the square
        of the sum over the sum of squares), ``largest_weight``; NaN without weights.

    References
    ----------
    Kish L. (1965). Survey Sampling. Wiley.

    Examples
    --------
    >>> from timetoevent.weighting import fit_propensity
    >>> frame = pd.DataFrame({"a": [0, 0, 0, 1, 0, 1, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> fit = fit_propensity(frame, treatment="a", terms=["x"])
    >>> effective_sample_size(fit, make_weights(fit)).effective_n.round(6).tolist()
    [3.0, 3.0, 6.0]
    """
    treated, given = propensity.treated.to_numpy(), weights.to_numpy(dtype=float)
    arms = {"treated": given[treated], "control": given[~treated], "all": given}
    rows = []
    for arm, values in arms.items():
        total, squares = values.sum(), (values**2).sum()
        effective = total**2 / squares if squares > 0 else np.nan
        rows.append((arm, len(values), total, effective, values.max() if len(values) else np.nan))
    return pd.DataFrame(rows, columns=["arm", "n", "sum_of_weights", "effective_n", "largest_weight"])


def _values(propensity: PropensityFit) -> list[FloatArray]:
    """Covariates of the balance table: reference levels are what the other levels leave."""
    design, values = propensity.design, []
    for column in design.columns:
        if column.term == INTERCEPT:
            continue
        if column.position >= 0:
            values.append(design.matrix[column.position])
        else:
            levels = design.terms().get(column.term, [])
            values.append(1 - design.matrix[levels].sum(axis=0))
    return values


def _compare(values: FloatArray, treated: np.ndarray, weights: FloatArray) -> list[float]:
    arms = (values[treated], values[~treated])
    is_indicator = bool(np.isin(values, (0.0, 1.0)).all())
    variances = [arm.mean() * (1 - arm.mean()) if is_indicator else arm.var(ddof=1) for arm in arms]
    unit = np.sqrt(np.mean(variances))
    before = [arm.mean() for arm in arms]
    after = [weights[rows] @ values[rows] / weights[rows].sum() for rows in (treated, ~treated)]
    return [
        number for means in (before, after) for number in (*means, (means[0] - means[1]) / unit if unit > 0 else np.nan)
    ]

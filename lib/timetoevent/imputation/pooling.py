"""Rubin's rules: one answer from the fits to several completed data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from timetoevent.checks import FloatArray
from timetoevent.cox.fitted import CoxFit
from timetoevent.cox.table import TABLE_COLUMNS
from timetoevent.results import NOT_ESTIMABLE, OK

LEAST_LAMBDA = 1e-4


@dataclass(frozen=True)
class Pooled:
    """Estimates pooled by Rubin's rules, one element per coefficient.

    Attributes
    ----------
    estimate, std_error, df : float array
        Mean, root of the total variance, degrees of freedom of its t distribution (Barnard and Rubin).
    within, between : float array
        Mean variance within data sets, variance of the estimates between them.
    relative_increase, fraction_missing : float array
        Of the variance due to missing values, and of the information that is missing.
    """

    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    within: FloatArray
    between: FloatArray
    relative_increase: FloatArray
    fraction_missing: FloatArray


def pool_rubin(estimates: ArrayLike, variances: ArrayLike, *, df_complete: float = np.inf) -> Pooled:
    """Pool estimates and variances of shape (n_imputations, p) by Rubin's rules.

    Parameters
    ----------
    estimates, variances : array-like of shape (n_imputations, p)
        Of each coefficient in each completed data set; at least two data sets.
    df_complete : float
        Degrees of freedom that complete data would have; for a Cox model events less coefficients (as mice).

    Raises
    ------
    ValueError
        If the shapes differ or there are fewer than two data sets.

    References
    ----------
    Rubin D. B. (1987). Multiple Imputation for Nonresponse in Surveys. Wiley.
    Barnard J., Rubin D. B. (1999). Small-sample degrees of freedom with multiple imputation. Biometrika
    86:948-955.

    Examples
    --------
    >>> pooled = pool_rubin([[1.0], [2.0], [3.0]], [[1.0], [1.0], [1.0]])
    >>> float(pooled.std_error[0].round(6))  # 1 + (1 + 1/3) 1 = 7/3
    1.527525
    """
    values, spread = np.atleast_2d(np.asarray(estimates, float)), np.atleast_2d(np.asarray(variances, float))
    if values.shape != spread.shape or len(values) < 2:
        raise ValueError(f"shapes {values.shape} and {spread.shape}: equal, and two data sets at least")
    m = len(values)
    within, between = spread.mean(axis=0), values.var(axis=0, ddof=1)
    extra = (1 + 1 / m) * between
    total = within + extra
    share = np.maximum(extra / total, LEAST_LAMBDA)
    df = (m - 1) / share**2
    if np.isfinite(df_complete):
        observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
        df = df * observed / (df + observed)
    increase = extra / within
    return Pooled(
        estimate=values.mean(axis=0),
        std_error=np.sqrt(total),
        df=df,
        within=within,
        between=between,
        relative_increase=increase,
        fraction_missing=(increase + 2 / (df + 3)) / (increase + 1),
    )


def pool_fits(fits: Sequence[CoxFit]) -> CoxFit:
    """Pool the same regression fitted to each completed data set.

    A coefficient that is not estimable in one of them is not estimable, with the count. Firth fits are pooled
    by their Wald standard errors, for profiles have no pooling rule.

    Parameters
    ----------
    fits : sequence of CoxFit
        One per completed data set, of the same terms and levels.

    Returns
    -------
    CoxFit
        Its coefficients have ``df``, ``relative_increase`` and ``fraction_missing`` besides. Intervals and p are of
        Student's t; ``n`` and ``n_events`` of a level are means over the data sets, rounded. Its covariance is the
        total one; it has no likelihood.

    Raises
    ------
    ValueError
        If there is no fit, or the fits have other coefficients.

    References
    ----------
    See `pool_rubin`.

    Examples
    --------
    >>> from timetoevent.cox import fit_cox
    >>> frame = pd.DataFrame({"t": [1, 2, 3, 4, 5], "d": [1, 1, 1, 0, 1], "x": [1, 0, 1, 1, 0]})
    >>> other = frame.assign(x=[1, 0, 0, 1, 0])
    >>> pooled = pool_fits([fit_cox(f, time="t", event="d", terms=["x"]) for f in (frame, other)])
    >>> pooled.status, pooled.n_imputations
    ('ok', 2)
    """
    if not fits:
        raise ValueError("fits: there is none")
    tables = [fit.coefficients for fit in fits]
    keys = ["term", "level", "reference"]
    if any(not table[keys].equals(tables[0][keys]) for table in tables):
        raise ValueError("fits: their coefficients differ")
    first = fits[0]
    is_reference = (tables[0]["note"] == "reference").to_numpy()
    n_failed = np.sum([(table["status"] != OK).to_numpy() for table in tables], axis=0)
    usable = ~is_reference & (n_failed == 0) & (len(fits) > 1)
    pooled = None
    if usable.any():
        estimates = [table.loc[usable, "coefficient"] for table in tables]
        variances = [table.loc[usable, "std_error"] ** 2 for table in tables]
        pooled = pool_rubin(estimates, variances, df_complete=max(first.n_events - int(usable.sum()), 1))
    table = _pooled_table(tables, usable, is_reference, n_failed, pooled, first.ci_level)
    failed = table[table["status"] != OK]
    reasons = [f"{row.term} {row.level}".strip() + f": {row.note}" for row in failed.itertuples()]
    betas = np.array([fit.beta for fit in fits])
    between = np.full(first.covariance.shape, np.nan)
    if len(fits) > 1:
        between = (1 + 1 / len(fits)) * np.cov(betas.T, ddof=1).reshape(between.shape)
    return replace(
        first,
        coefficients=table,
        covariance=sum(fit.covariance for fit in fits) / len(fits) + between,
        log_likelihood=(np.nan, np.nan),
        status=NOT_ESTIMABLE if reasons else OK,
        note="; ".join(reasons),
        method=f"{first.method}, pooled over {len(fits)} imputations (Rubin; Barnard and Rubin df)",
        beta=betas.mean(axis=0),
        data=None,
        maximum=None,
        n_imputations=len(fits),
    )


def _pooled_table(
    tables: list[pd.DataFrame],
    usable: np.ndarray,
    is_reference: np.ndarray,
    n_failed: np.ndarray,
    pooled: Pooled | None,
    ci_level: float,
) -> pd.DataFrame:
    ratio = tables[0].columns[TABLE_COLUMNS.index("hazard_ratio")]
    table = tables[0].copy()
    for name in ("n", "n_events"):
        table[name] = np.rint(np.mean([other[name] for other in tables], axis=0)).astype(int)
    empty = ~is_reference & ~usable
    numbers = ["coefficient", "std_error", ratio, "ci_lower", "ci_upper", "statistic", "p_value"]
    extra = ["df", "relative_increase", "fraction_missing"]
    table = table.assign(**dict.fromkeys(extra, np.nan))
    table.loc[~is_reference, numbers] = np.nan
    if pooled is not None:
        half = stats.t.ppf(0.5 + ci_level / 2, pooled.df) * pooled.std_error
        statistic = pooled.estimate / pooled.std_error
        limits = np.exp([pooled.estimate, pooled.estimate - half, pooled.estimate + half])
        tests = [statistic, 2 * stats.t.sf(np.abs(statistic), pooled.df)]
        found = [pooled.estimate, pooled.std_error, *limits, *tests]
        more = [pooled.df, pooled.relative_increase, pooled.fraction_missing]
        table.loc[usable, numbers + extra] = np.column_stack(found + more)
    table["status"] = np.where(empty, NOT_ESTIMABLE, OK)
    failures = [
        f"not estimable in {count} of {len(tables)} completed data sets" if count else "needs two completed data sets"
        for count in n_failed
    ]
    table["note"] = np.where(is_reference, "reference", np.where(empty, failures, ""))
    return table

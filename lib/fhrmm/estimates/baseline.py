"""Table 1: counts, proportions, medians and standardized differences by group, missing as rows of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from fhrmm.estimates.rows import MISSING, iterate_levels, make_row, to_frame
from timetoevent.results import Estimate, not_estimable


def estimate_baseline(cohort: pd.DataFrame, variables: Sequence[str], *, by: str = "") -> pd.DataFrame:
    """Describe patients: categories as count and proportion of known values, numbers as median and quartiles.

    Parameters
    ----------
    cohort : DataFrame
        One row per patient.
    variables : sequence of str
        Columns to describe.
    by : str
        Group column; empty for the whole cohort. Rows of a group carry ``population`` = its level.

    Returns
    -------
    DataFrame
        Endpoint ``BASELINE``. Categorical: `count` per level (n = group size) and `proportion` (n = known values),
        level ``missing`` as a count. Numeric: `median` with `ci_lower`/`ci_upper` as quartiles (method says so)
        and a missing count. With `by`: one `standardized_mean_difference` per variable between the first two groups.

    References
    ----------
    Austin PC. Stat Med 2009;28:3083-3107 (standardized differences).
    """
    groups = [(level, part) for level, part in iterate_levels(cohort, by)] if by else [("cohort", cohort)]
    rows = []
    for population, part in groups:
        for variable in variables:
            describe = _describe_number if _is_number(cohort[variable]) else _describe_category
            rows += describe(part, variable, population)
    if by:
        known = [part for level, part in groups if level != MISSING]
        rows += [_difference_row(known, variable) for variable in variables]
    return to_frame(rows)


def estimate_cohort_size(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return one row: the number of patients in the cohort."""
    size = Estimate(float(len(cohort)), n=len(cohort), method="count")
    return to_frame([make_row(size, endpoint="BASELINE", estimand="count")])


def estimate_completeness(patients: pd.DataFrame, variables: Sequence[str], *, by: str = "") -> pd.DataFrame:
    """Give the share of patients with a known value, per variable, overall or by level of `by`."""
    groups = [(level, part) for level, part in iterate_levels(patients, by)] if by else [("", patients)]
    rows = []
    for level, part in groups:
        for variable in variables:
            known = int(part[variable].notna().sum())
            value = _share(known, len(part), "known values / patients")
            model = f"{by}={level}" if by else ""
            rows.append(
                make_row(
                    value,
                    endpoint="COMPLETENESS",
                    estimand="proportion",
                    variable=variable,
                    model=model,
                    population="accepted patients",
                )
            )
    return to_frame(rows)


def _describe_category(part: pd.DataFrame, variable: str, population: str) -> list[dict[str, object]]:
    known = int(part[variable].notna().sum())
    names = {"endpoint": "BASELINE", "population": population, "variable": variable}
    rows = []
    for level, members in iterate_levels(part[[variable]], variable):
        count = Estimate(float(len(members)), n=len(part), n_events=len(members), method="count")
        rows.append(make_row(count, estimand="count", level=level, **names))
        if level != MISSING:
            rows.append(
                make_row(
                    _share(len(members), known, "of known values"),
                    estimand="proportion",
                    level=level,
                    **names,
                )
            )
    return rows


def _describe_number(part: pd.DataFrame, variable: str, population: str) -> list[dict[str, object]]:
    values = pd.to_numeric(part[variable]).astype(float)
    known = values.dropna().to_numpy()
    names = {"endpoint": "BASELINE", "population": population, "variable": variable}
    if len(known):
        lower, middle, upper = np.percentile(known, [25, 50, 75])
        value = Estimate(
            float(middle), float(lower), float(upper), ci_level=0.5, n=len(known), method="median, quartiles"
        )
    else:
        value = not_estimable("no known value", method="median, quartiles")
    rows = [make_row(value, estimand="median", **names)]
    n_missing = int(values.isna().sum())
    if n_missing:
        count = Estimate(float(n_missing), n=len(part), n_events=n_missing, method="count")
        rows.append(make_row(count, estimand="count", level=MISSING, **names))
    return rows


def _difference_row(groups: list[pd.DataFrame], variable: str) -> dict[str, object]:
    names = {"endpoint": "BASELINE", "estimand": "standardized_mean_difference", "variable": variable}
    if len(groups) < 2:
        return make_row(not_estimable("fewer than two groups"), **names)
    first, second = (group[variable].dropna() for group in groups[:2])
    n = len(first) + len(second)
    value = math.nan
    if len(first) and len(second):
        number = _is_number(groups[0][variable])
        value = _mean_difference(first, second) if number else _category_difference(first, second)
    if math.isnan(value):
        return make_row(not_estimable("no variation, or a group without known values", n=n), **names)
    return make_row(Estimate(value, n=n, method="standardized mean difference of the first two groups"), **names)


def _mean_difference(first: pd.Series, second: pd.Series) -> float:
    first, second = first.astype(float), second.astype(float)
    if len(first) < 2 or len(second) < 2:
        return math.nan
    spread = math.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    return abs(first.mean() - second.mean()) / spread if spread > 0 else math.nan


def _category_difference(first: pd.Series, second: pd.Series) -> float:
    """Mahalanobis distance of the two multinomial proportions, the first level left out (Yang and Dalton 2012)."""
    levels = sorted(set(first.astype(str)) | set(second.astype(str)))[1:]
    if not levels:
        return math.nan
    p, q = (np.array([(group.astype(str) == level).mean() for level in levels]) for group in (first, second))
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    gap = p - q
    squared = float(gap @ np.linalg.pinv(covariance) @ gap)
    return math.sqrt(squared) if squared > 0 else (0.0 if np.allclose(gap, 0) else math.nan)


def _share(count: int, n: int, method: str) -> Estimate:
    if n == 0:
        return not_estimable("no known value", method=method)
    return Estimate(count / n, n=n, n_events=count, method=method)


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)

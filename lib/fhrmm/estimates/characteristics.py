"""Table 1: counts, proportions, medians and standardized differences by group, missing as rows of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import kruskal, mannwhitneyu

from fhrmm.estimates.collector import Collector
from fhrmm.estimates.subgroups import MISSING, iterate_levels
from timetoevent.proportions import fisher_exact
from timetoevent.results import Estimate, not_estimable

_MOST_COUNTED = 4
_FEWEST_APPROXIMATED = 50  # patients of a group from which R's rank sum test is no longer exact
# A variable that applies only where another one is known, or has one of these values.
_APPLIES = {
    "asct_date": ("asct_count", (1, 2)),
    "maintenance_start_date": ("maintenance", ("lenalidomide", "other")),
    "maintenance_stop_date": ("maintenance", ("lenalidomide", "other")),
    "best_response_date": ("best_response", ()),
    "response_confirmed": ("best_response", ()),
    "progression_basis": ("progression_date", ()),
    "death_cause": ("death_date", ()),
}
_EVENT_DATES = {"progression_date", "next_line_start_date", "second_line_asct_date", "death_date"}


def estimate_baseline(
    cohort: pd.DataFrame, variables: Sequence[str], *, by: str = "", tests: bool = False
) -> pd.DataFrame:
    """Describe patients: categories as count and proportion of known values, numbers as median and quartiles.

    Rows of a group of `by` carry ``population`` = its level; without it the whole cohort is described. `tests` also
    tests the groups: Fisher's exact test of categories, Wilcoxon's or Kruskal's of numbers.

    Endpoint ``BASELINE``. Categorical: `count` per level (n = group size) and `proportion` (n = known values), level
    ``missing`` as a count. Numeric: `median` with `ci_lower`/`ci_upper` as quartiles (method says so) and a missing
    count. With `by`: one `standardized_mean_difference` per variable, the largest of two groups.

    References
    ----------
    Austin PC. Stat Med 2009;28:3083-3107 (standardized differences).
    """
    rows = Collector(endpoint="BASELINE")
    groups = list(iterate_levels(cohort, by))
    for level, part in groups:
        for variable in variables:
            describe = _add_number if _is_number(cohort[variable]) else _add_category
            describe(rows, part, population=level or "cohort", variable=variable)
    if by:
        parts = [part for level, part in groups if level != MISSING]
        for variable in variables:
            values = [known for part in parts if len(known := part[variable].dropna())]
            rows.add("standardized_mean_difference", _difference(values), variable=variable)
            if tests:
                rows.add("difference_p", _test(values), variable=variable)
    return rows.frame()


def estimate_cohort_size(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return one row: the number of patients in the cohort."""
    rows = Collector(endpoint="BASELINE")
    rows.add("count", Estimate(float(len(cohort)), n=len(cohort), method="count"))
    return rows.frame()


def estimate_completeness(patients: pd.DataFrame, variables: Sequence[str], *, by: str = "") -> pd.DataFrame:
    """Give the share of known values among the patients to whom a variable applies, overall or by level of `by`.

    The date of an event, which is empty where there was none, has no share of its own.
    """
    rows = Collector(endpoint="COMPLETENESS", population="accepted patients")
    for level, part in iterate_levels(patients, by):
        for variable in [name for name in variables if name not in _EVENT_DATES]:
            condition, levels = _APPLIES.get(variable, ("", ()))
            asked = part[part[condition].isin(levels) if levels else part[condition].notna()] if condition else part
            value = _share(int(asked[variable].notna().sum()), len(asked), "known values / patients")
            rows.add("proportion", value, variable=variable, model=f"{by}={level}" if by else "")
    return rows.frame()


def estimate_received(accepted: int, quarantined: int) -> pd.DataFrame:
    """Return one row: the patients received, as n, of whom the accepted ones were counted."""
    rows = Collector(endpoint="RECEIVED", population="received patients")
    rows.add("count", Estimate(float(accepted), n=accepted + quarantined, n_events=accepted, method="count"))
    return rows.frame()


def _add_category(rows: Collector, part: pd.DataFrame, **names: str) -> None:
    values = part[[names["variable"]]]
    known = int(values.notna().sum().item())
    for level, members in iterate_levels(values, names["variable"]):
        rows.add("count", _count(len(members), len(part)), level=level, **names)
        if level != MISSING:
            rows.add("proportion", _share(len(members), known, "of known values"), level=level, **names)


def _add_number(rows: Collector, part: pd.DataFrame, **names: str) -> None:
    values = pd.to_numeric(part[names["variable"]]).astype(float)
    rows.add("median", median_of(values, "no known value"), **names)
    if values.isna().any():
        rows.add("count", _count(int(values.isna().sum()), len(part)), level=MISSING, **names)


def median_of(values: pd.Series, absent: str) -> Estimate:
    """Return the median of the known values with quartiles as limits, or why there is none."""
    known, method = values.dropna().to_numpy(), "median, quartiles"
    if not len(known):
        return not_estimable(absent, method=method)
    lower, middle, upper = np.percentile(known, [25, 50, 75]).tolist()
    return Estimate(middle, lower, upper, ci_level=0.5, n=len(known), method=method)


def _count(members: int, n: int) -> Estimate:
    return Estimate(float(members), n=n, n_events=members, method="count")


def _difference(known: list[pd.Series]) -> Estimate:
    n = sum(map(len, known))
    if len(known) < 2:
        return not_estimable("fewer than two groups with known values", n=n)
    measure = _mean_difference if _is_number(known[0]) else _category_difference
    found = [measure(*pair) for pair in combinations(known, 2)]
    if any(math.isnan(value) for value in found):
        return not_estimable("no variation, or two groups without a value in common", n=n)
    return Estimate(max(found), n=n, method="largest standardized mean difference of two groups")


def _test(known: list[pd.Series]) -> Estimate:
    """Test whether groups differ, as R does by default: of two small groups without ties exactly."""
    values = pd.concat(known) if known else pd.Series(dtype=float)
    if len(known) < 2 or values.nunique() < 2:
        return not_estimable("fewer than two groups with known values, or one value", n=len(values))
    if not _is_number(values):
        group = np.repeat(range(len(known)), [len(part) for part in known])
        return replace(fisher_exact(pd.crosstab(group, values.astype(str).to_numpy())), n=len(values))
    parts = [part.to_numpy(dtype=float) for part in known]
    if len(parts) > 2:
        return Estimate(p_value=float(kruskal(*parts).pvalue), n=len(values), method="Kruskal-Wallis")
    is_exact = values.is_unique and max(map(len, parts)) < _FEWEST_APPROXIMATED
    test = mannwhitneyu(*parts, method="exact" if is_exact else "asymptotic")
    return Estimate(p_value=float(test.pvalue), n=len(values), method="Wilcoxon rank sum")


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
        return 0.0
    p, q = (np.array([(group.astype(str) == level).mean() for level in levels]) for group in (first, second))
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    if np.linalg.matrix_rank(covariance) < len(levels):  # no level in common: by which one is left out, any number
        return math.nan
    gap = p - q
    return math.sqrt(max(0.0, float(gap @ np.linalg.solve(covariance, gap))))


def _share(count: int, n: int, method: str) -> Estimate:
    if n == 0:
        return not_estimable("no known value", method=method)
    return Estimate(count / n, n=n, n_events=count, method=method)


def _is_number(values: pd.Series) -> bool:
    """Whether values are measured: a count of few distinct values, such as transplants, is a category."""
    if values.dtype == "Int64" and values.nunique() <= _MOST_COUNTED:
        return False
    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)

"""The coefficient table that every regression of this package returns, and the words for what is missing in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from timetoevent.checks import FloatArray
from timetoevent.cox.design import Column, Design
from timetoevent.intervals import normal_quantile
from timetoevent.results import NOT_ESTIMABLE, OK, Estimate, not_estimable

TABLE_COLUMNS = [
    "term",
    "level",
    "reference",
    "coefficient",
    "std_error",
    "hazard_ratio",
    "ci_lower",
    "ci_upper",
    "statistic",
    "p_value",
    "n",
    "n_events",
    "status",
    "note",
]


def coefficient_table(
    design: Design,
    beta: FloatArray,
    std_error: FloatArray,
    notes: Mapping[int, str],
    *,
    ci_level: float,
    ratio: str = "hazard_ratio",
    limits: FloatArray | None = None,
    statistic: FloatArray | None = None,
) -> pd.DataFrame:
    """Return one row per coefficient and per reference level.

    Parameters
    ----------
    beta, std_error : float array of shape (p,)
        Coefficients and their standard errors; ignored where `notes` has a reason.
    notes : mapping of position to str
        Why a coefficient is not estimable.
    limits : float array of shape (p, 2), optional
        Confidence limits of the coefficients in place of Wald's.
    statistic : float array of shape (p,), optional
        In place of Wald's z; normal under the null.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        wald = beta / std_error
    statistic = wald if statistic is None else statistic
    if limits is None:
        half = normal_quantile(ci_level) * std_error
        limits = np.column_stack([beta - half, beta + half])
    with np.errstate(over="ignore"):
        ratios = np.exp(np.column_stack([beta, limits]))
    numbers = np.column_stack([beta, std_error, ratios, statistic, 2 * stats.norm.sf(np.abs(statistic))])
    rows = [_row(column, numbers, notes) for column in design.columns]
    table = pd.DataFrame(rows, columns=TABLE_COLUMNS)
    return table.rename(columns={"hazard_ratio": ratio})


def _row(column: Column, numbers: FloatArray, notes: Mapping[int, str]) -> list[object]:
    label = [column.term, column.level, column.reference]
    counts = [column.n, column.n_events]
    nothing = [np.nan] * numbers.shape[1]
    if column.position < 0:
        return [*label, 0.0, np.nan, 1.0, *nothing[3:], *counts, OK, "reference"]
    if column.position in notes:
        return [*label, *nothing, *counts, NOT_ESTIMABLE, notes[column.position]]
    return [*label, *numbers[column.position], *counts, OK, ""]


def chi_squared_test(statistic: float, df: int, *, n: int, n_events: int, method: str, note: str = "") -> Estimate:
    """Return a chi-squared test, not estimable without degrees of freedom."""
    if df == 0 or not np.isfinite(statistic):
        return not_estimable(note or "nothing to test", n=n, n_events=n_events, method=method)
    return Estimate(
        statistic=float(statistic),
        df=float(df),
        p_value=float(stats.chi2.sf(statistic, df)),
        n=n,
        n_events=n_events,
        note=note,
        method=method,
    )


def describe(column: Column) -> str:
    """Name a coefficient in a sentence.

    Examples
    --------
    >>> describe(Column("stage", "II", "I", 10, 3, 0))
    "stage 'II' against 'I'"
    """
    return f"{column.term} '{column.level}' against '{column.reference}'" if column.level else column.term


def redundancy_note(column: Column, determined_by: list[str]) -> str:
    """Say why a column has no coefficient of its own."""
    if column.level and column.n == 0:
        return f"no rows with level '{column.level}'"
    if not determined_by:
        return "does not vary among those at risk"
    return f"determined by {', '.join(determined_by)} (collinear)"


def monotone_note(column: Column, design: Design) -> str:
    """Say why the likelihood of a coefficient has no maximum."""
    levels = [other for other in design.columns if other.term == column.term and other.level]
    reference = [other for other in levels if other.position < 0]
    if column.level and column.n_events == 0:
        return f"no events in level '{column.level}' (monotone likelihood)"
    if reference and reference[0].n_events == 0:
        return f"no events in the reference level '{column.reference}' (monotone likelihood)"
    return "separates those with the event from the others at risk (monotone likelihood)"

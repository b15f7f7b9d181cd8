"""Estimates as a release shows them: what can be turned back into counts comes from rounded counts."""

from __future__ import annotations

import math
import re

import pandas as pd

from fhrmm.estimate_table import Estimates, Row, clean_estimates
from fhrmm.formats import OK, SUPPRESSED
from fhrmm.rounding import ROUNDED, band, is_few, midpoint, round_significant
from fhrmm.study import Study
from timetoevent.proportions import proportion

# What one patient alone decides, and what is not made from rounded counts.
_LEFT_OUT = frozenset(
    {"minimum_months", "maximum_months", "minimum", "maximum", "influence", "pooled_minus_sum", "state_probability"}
)
# Levels are listed for these only where somebody has them: a small one is not told from one that nobody has.
_OPEN_VARIABLES = frozenset(
    {"second_line_standard", "first_line_standard", "first_line_quadruplet", "asct_count", "end_of_observation", "term"}
)
# Rows of a level are there for these only where somebody has it.
_OF_PRESENT = frozenset({"hazard_ratio", "rmst_difference_months", "standardized_mean_difference"})
_WITHOUT_EVENTS = frozenset({"count", "median", "standardized_mean_difference", "effective_sample_size"})
_CURVES = frozenset(
    {"survival_probability", "median_months", "rmst_months", "rmst_difference_months", "cumulative_incidence"}
)
_HARMLESS_NOTE = re.compile(r"\D*|\d+ parameters?|mean over \d+ bootstrap samples")


def round_estimates(estimates: Estimates, study: Study) -> pd.DataFrame:
    """Return estimates as a release of the study shows them.

    Parameters
    ----------
    estimates : DataFrame
        Rows of the estimates table.
    study : Study
        The plan, of which a release is made.

    Returns
    -------
    DataFrame
        Patients and events rounded to midpoints, shares computed from these, curves' numbers as they were made from
        rounded follow-up, all else with two significant decimals. A number of few patients or events has status
        ``suppressed`` and the reason. Single centers, extremes, and differences of exact shares are left out. What is
        rounded already stays as it is.
    """
    frame = clean_estimates(estimates)
    rows = [row for row in frame.to_dict("records") if not _is_left_out(row, study)]
    few = {_model_term(row) for row in rows if row["level"] == row["reference"] != "" and _few(row, study.rounding)}
    shown = [_round_row(row, study, row["estimand"] == "hazard_ratio" and _model_term(row) in few) for row in rows]
    return clean_estimates(pd.DataFrame(shown, columns=list(frame.columns)))


def _is_left_out(row: Row, study: Study) -> bool:
    """Single centers and patients, exact differences of shares, and levels that nobody may have."""
    estimand, model, base = row["estimand"], row["model"], study.rounding
    of_center = (row["variable"] == "center" and row["level"]) or model.startswith(("center=", "without "))
    if of_center or estimand in _LEFT_OUT or model == "all centers" or row["endpoint"] == "RECEIVED":
        return True
    has_both_levels = estimand == "hazard_ratio" and row["variable"] in {factor.variable for factor in study.factors}
    if estimand in _OF_PRESENT and not row["n"] > base and not has_both_levels:
        return True
    if estimand == "standardized_mean_difference":
        is_few_or_nobody = row["status"] != OK or (row["level"] and is_few(row["n_events"], base))
        return not model.endswith(", after") or is_few_or_nobody
    is_open = row["level"] == "missing" or row["variable"] in _OPEN_VARIABLES
    return is_open and estimand in ("count", "proportion") and is_few(_members(row), base)


def _members(row: Row) -> float:
    """How many patients a count or share is of; a count that is not shown any more is few."""
    of_counts = row["estimand"] == "count"
    return (0 if math.isnan(row["estimate"]) else row["estimate"]) if of_counts else row["n_events"]


def _few(row: Row, base: int) -> str:
    """Say of what there are few; empty where there are enough."""
    if row["estimand"] == "count" and is_few(_members(row), base):
        return f"\u2264{base}"
    if not row["n"] > base:
        return f"\u2264{base} patients"
    if row["estimand"] not in _WITHOUT_EVENTS and not row["n_events"] > base:
        return f"\u2264{base}" if row["estimand"] == "proportion" else f"\u2264{base} events"
    return ""


def _model_term(row: Row) -> tuple[str, ...]:
    return row["population"], row["endpoint"], row["model"], row["variable"]


def _round_row(row: Row, study: Study, has_few_in_reference: bool) -> Row:
    base = study.rounding
    if row["population"] == "simulated" or row["status"] == SUPPRESSED:
        return row
    counts = {k: float(midpoint(row[k], base)) if row[k] >= 0 else math.nan for k in ("n", "n_events")}
    if row["estimand"] in _WITHOUT_EVENTS:
        counts["n_events"] = math.nan
    note = row["note"] if _HARMLESS_NOTE.fullmatch(row["note"]) or ROUNDED in row["method"] else ""
    rounded = row | counts | {"note": note}
    if reason := _few(row, base) or (f"\u2264{base} events in the reference" if has_few_in_reference else ""):
        nothing = dict.fromkeys(("estimate", "ci_lower", "ci_upper", "ci_level", "p_value"), math.nan)
        # nor by which method, which nobody has where nobody is
        return rounded | nothing | {"status": SUPPRESSED, "note": reason, "method": ""}
    return rounded | _round_values(row, counts, study)


def _round_values(row: Row, counts: dict[str, float], study: Study) -> Row:
    """The numbers of a row: from its rounded counts where these give them, else with two significant decimals."""
    base, estimand, value = study.rounding, row["estimand"], row["estimate"]
    if row["status"] == OK and estimand == "proportion":
        return _share(row, int(counts["n_events"]), int(counts["n"]), base)
    if row["status"] == OK and estimand in ("count", "effective_sample_size"):
        return {"estimate": float(midpoint(value, base))}
    if row["status"] == OK and estimand == "events_per_parameter":
        return {"estimate": value * counts["n_events"] / row["n_events"]}
    if estimand in _CURVES and ROUNDED in row["method"]:
        return {}
    if estimand == "standardized_mean_difference":
        return {"estimate": round(value, 1)}
    return {name: round_significant(row[name]) for name in ("estimate", "ci_lower", "ci_upper", "p_value")}


def _share(row: Row, members: int, n: int, base: int) -> Row:
    """A share of rounded counts, its interval if it had one, and how far it may lie from the exact one."""
    shown = proportion(members, n, ci_level=row["ci_level"] if row["ci_level"] > 0 else 0.95)
    low, high = band(members, base), band(n, base)
    least, most = low[0] / high[1], min(low[1] / high[0], 1.0)
    points = math.ceil(100 * max(shown.estimate - least, most - shown.estimate))
    found: Row = {"estimate": shown.estimate, "note": f"within {points} points of the exact value"}
    has_interval = not math.isnan(row["ci_lower"])
    return found | ({"ci_lower": shown.ci_lower, "ci_upper": shown.ci_upper} if has_interval else {})


def name_bounds(rows: pd.DataFrame) -> list[str]:
    """Say once for a table how far rounding may have moved its shares and rates: the widest of its rows.

    Examples
    --------
    >>> name_bounds(pd.DataFrame({"note": [f"within {points} points of the exact value" for points in (4, 6)]}))
    ['Percentages lie within 6 points of the exact value.']
    """
    if "note" not in rows:
        return []
    found = rows["note"].astype(str).str.extract(r"^within (\d+) points (.*)$").dropna().astype({0: int})
    return [f"Percentages lie within {points} points {words}." for words, points in found.groupby(1)[0].max().items()]

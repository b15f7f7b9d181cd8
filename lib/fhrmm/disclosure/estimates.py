"""Suppression in the estimates table: rows whose counts are small, and rows that would give those away."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from fhrmm.disclosure.facts import COMPARISONS, RowCounts, read_lines
from fhrmm.disclosure.protect import protect
from fhrmm.disclosure.ties import build_ledger
from fhrmm.estimate_table import QUESTION, Estimates, Row, clean_estimates
from fhrmm.formats import MONTHS, PERCENT, SUPPRESSED, kind_of, tidy_note
from fhrmm.study import Response
from fhrmm.wording import SIMULATED

_SINGLE_PATIENT = frozenset({"minimum_months", "maximum_months", "minimum", "maximum"})
_NUMBERS = ("estimate", "ci_lower", "ci_upper", "p_value", "n", "n_events")
_NOTE = "small numbers"


def suppress_estimates(
    estimates: Estimates,
    threshold: int,
    *,
    response: Response | None = None,
    released: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Suppress small numbers in estimates, and whatever else would let them be worked out.

    Counts are read as cells of one contingency table: a row shows its denominator, its events and, by difference,
    those without the event. Rows with a count of 1 to ``threshold - 1`` are suppressed; then further rows, smallest
    first, until no suppressed count can be limited to less than the threshold from everything shown. Comparisons
    between groups of which one is suppressed are suppressed too, since their exact values determine the table.
    Single patients' values (shortest and longest follow-up) are suppressed, quantiles of few patients as well, times
    are rounded to whole months and probabilities over time to whole percent.

    Parameters
    ----------
    estimates : DataFrame
        Estimates that are released together.
    threshold : int
        Least number of patients or events that may be shown; 1 suppresses nothing.
    response : Response, optional
        The plan's response categories: ties the rates to the categories they consist of.
    released : DataFrame, optional
        Rows that have been released before, as they were released: what was suppressed stays so, and what was
        shown is taken into account.

    Returns
    -------
    DataFrame
        Same rows; a suppressed one has no numbers, status ``suppressed``. Applying it again changes nothing. Rows
        about simulated samples are no patient's and stay as they are.
    """
    frame = clean_estimates(estimates)
    if threshold <= 1 or frame.empty:
        return frame
    is_drawn = frame["population"] == SIMULATED
    if is_drawn.any():
        rest = suppress_estimates(frame[~is_drawn], threshold, response=response, released=released)
        kept = iter(rest.to_dict("records"))
        merged = [row if row["population"] == SIMULATED else next(kept) for row in frame.to_dict("records")]
        return pd.DataFrame(merged, columns=frame.columns)
    rows: list[Row] = frame.to_dict("records")
    before: list[Row] = [] if released is None else clean_estimates(released).to_dict("records")
    stays = {identify(row) for row in before if row["status"] == SUPPRESSED}
    suppressed = {place for place, row in enumerate(rows) if identify(row) in stays or _is_too_detailed(row, threshold)}
    lines = read_lines([*rows, *before])
    new = [RowCounts(line.context, frozenset()) if place in suppressed else line for place, line in enumerate(lines)]
    ledger, sensitive = build_ledger(new, threshold, response, n_given=len(before))
    suppressed |= {place for place in protect(ledger, sensitive, threshold) if place < len(rows)}
    suppressed |= _of_small_wholes(lines, len(rows), threshold)
    # Comparisons of a variable of which a group is suppressed for the same endpoint.
    gone = [rows[place] for place in suppressed] + [row for row in before if row["status"] == SUPPRESSED]
    hidden = {_family(row) for row in gone if row["variable"]}
    suppressed |= {at for at, row in enumerate(rows) if row["estimand"] in COMPARISONS and _family(row) in hidden}
    blank = dict.fromkeys(_NUMBERS, math.nan) | {"status": SUPPRESSED, "note": _NOTE}
    shown = [
        row | blank if place in suppressed or row["status"] == SUPPRESSED else _coarsen(row, threshold)
        for place, row in enumerate(rows)
    ]
    return pd.DataFrame(shown, columns=frame.columns)


def _of_small_wholes(lines: Sequence[RowCounts], n_rows: int, threshold: int) -> set[int]:
    """Rows about a set of patients that is small as a whole: there, also a zero says where the few are not."""
    small = {
        (fact.scope, fact.base)
        for line in lines
        for fact in line.facts
        if not fact.conditions and 0 < fact.count < threshold
    }
    return {
        place
        for place, line in enumerate(lines[:n_rows])
        if any((fact.scope, fact.base.split(",")[0]) in small for fact in line.facts)
    }


def _is_too_detailed(row: Mapping[str, object], threshold: int) -> bool:
    """Whether a number is that of one patient, or a quantile of so few that it is."""
    if row["status"] == SUPPRESSED or row["estimand"] in _SINGLE_PATIENT:
        return True
    if row["estimand"] == "cumulative_incidence" and 0 < _number(row["n_events"]) < threshold:
        return True
    return row["estimand"] == "median" and 0 < _number(row["n"]) < 2 * threshold


def identify(row: Mapping[str, object]) -> tuple[object, ...]:
    """Return what tells a row from all others: the question it answers."""
    return tuple(str(row[name]) for name in ("scope", *QUESTION))


def _family(row: Row) -> tuple[object, ...]:
    return row["scope"], row["endpoint"], row["variable"]


def _coarsen(row: Row, threshold: int) -> Row:
    """Take away what is finer than the release allows from a row that is shown."""
    changed = dict(row) | {"note": tidy_note(row["note"]).split(" (")[0] if row["status"] != "ok" else row["note"]}
    estimand = str(row["estimand"])
    if kind_of(estimand) == MONTHS and not estimand.startswith("rmst"):
        changed |= {name: _round(row[name], 0) for name in ("estimate", "ci_lower", "ci_upper")}
    if kind_of(estimand) == PERCENT and not math.isnan(_number(row["time_months"])):
        changed |= {name: _round(row[name], 2) for name in ("estimate", "ci_lower", "ci_upper")}
    if estimand == "cumulative_incidence":
        changed["n_events"] = math.nan
    if estimand == "median" and _number(row["n"]) < 4 * threshold:
        changed |= {"ci_lower": math.nan, "ci_upper": math.nan}
    return changed


def _round(value: object, decimals: int) -> float:
    number = _number(value)
    return number if math.isnan(number) else round(number, decimals)


def _number(value: object) -> float:
    return float(value)  # type: ignore[arg-type]

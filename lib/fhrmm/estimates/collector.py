"""The one way in which an estimate, or a whole fitted model, becomes rows of the estimates table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from fhrmm.estimate_table import Row, make_row, to_frame
from timetoevent.results import NOT_ESTIMABLE, OK, Estimate

_FARTHEST_RATIO = 1_000.0


class Collector:
    """Rows about one question, added an estimate at a time.

    Parameters
    ----------
    **names : str
        What all rows share (``endpoint``, ``model``, ``variable``, ...); each addition may say otherwise.

    Examples
    --------
    >>> rows = Collector(endpoint="ORR")
    >>> rows.add("proportion", Estimate(0.5, n=4, n_events=2), variable="sex", level="female")
    >>> rows.frame()[["endpoint", "level", "n"]].values.tolist()
    [['ORR', 'female', 4.0]]
    """

    def __init__(self, **names: str) -> None:
        self._names = names
        self._rows: list[Row] = []

    def add(self, estimand: str, estimate: Estimate, *, of: Any = None, **names: object) -> None:
        """Add one estimate; its patients and events are those that `of`, a fitted model or its frame, counts."""
        counted = estimate if of is None else replace(estimate, n=of.n, n_events=of.n_events)
        self._rows.append(make_row(counted, estimand=estimand, **self._names | names))

    def add_fit(self, fit: Any, **names: object) -> None:
        """Add the hazard ratios of a fitted model, with n and events of each level among the rows that it used."""
        for row in fit.coefficients.to_dict("records"):
            self.add_ratio(row, fit.method, **names)

    def add_ratio(self, row: Mapping[str, Any], method: str, **names: object) -> None:
        """Add one row of a table of coefficients; a reference level has no interval.

        A hazard ratio beyond `_FARTHEST_RATIO` is the mark of a model with hardly more events than coefficients, in
        which even a penalized estimate nearly runs away: it is no finding.
        """
        numbers = {"estimate": "hazard_ratio", "p_value": "p_value"}
        if row["level"] != row["reference"] or row["reference"] == "":
            numbers |= {"ci_lower": "ci_lower", "ci_upper": "ci_upper"}
        found = {name: float(row[column]) for name, column in numbers.items()}
        status, note = str(row["status"]), str(row["note"])
        if status == OK and not 1 / _FARTHEST_RATIO <= found["estimate"] <= _FARTHEST_RATIO:
            found, status = {}, NOT_ESTIMABLE
            note = f"beyond {_FARTHEST_RATIO:,.0f}-fold in either direction: too few events for the model"
        counts = {"n": int(row["n"]), "n_events": int(row["n_events"])}
        value = Estimate(**found, **counts, status=status, note=note, method=method)
        what = {"variable": row["term"], "level": row["level"], "reference": row["reference"]}
        self.add("hazard_ratio", value, **what | names)

    def add_rows(self, rows: pd.DataFrame, **names: object) -> None:
        """Add rows that another estimate returned, under other names."""
        self._rows += [row | names for row in rows.to_dict("records")]

    def frame(self) -> pd.DataFrame:
        """Return the rows so far, typed."""
        return to_frame(self._rows)

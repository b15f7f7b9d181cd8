"""Estimates side by side: groups by curve, a state counted in three ways, one row per method for a figure or table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from timetoevent.competing_risks import FineGray
from timetoevent.cox import CoxFit, fit_cox
from timetoevent.kaplan_meier import kaplan_meier
from timetoevent.landmark import make_landmark_data, split_at_change
from timetoevent.results import Estimate

Found = Estimate | CoxFit | FineGray


def side_by_side(found: Mapping[str, Found]) -> pd.DataFrame:
    """Return one row per named result; of a regression, its first coefficient (not the reference level) as a ratio.

    Returns
    -------
    DataFrame
        `label`, `estimate`, `ci_lower`, `ci_upper`.

    Examples
    --------
    >>> side_by_side({"all": Estimate(estimate=0.5, ci_lower=0.4, ci_upper=0.6)})["estimate"].tolist()
    [0.5]
    """
    rows = []
    for label, result in found.items():
        if isinstance(result, Estimate):
            numbers = (result.estimate, result.ci_lower, result.ci_upper)
        else:
            table = result.coefficients
            first = table[table["note"] != "reference"].iloc[0] if "note" in table else table.iloc[0]
            ratio = "hazard_ratio" if "hazard_ratio" in result.coefficients else "odds_ratio"
            numbers = (first[ratio], first["ci_lower"], first["ci_upper"])
        rows.append(
            {"label": label, **dict(zip(("estimate", "ci_lower", "ci_upper"), map(float, numbers), strict=True))}
        )
    return pd.DataFrame(rows)


def curves_of(groups: Mapping[str, pd.DataFrame], time: str = "time_months") -> dict[str, pd.DataFrame]:
    """Return the Kaplan-Meier curve of each group.

    Examples
    --------
    >>> curves_of({"all": pd.DataFrame({"time_months": [1.0, 2.0], "event": [True, True]})})["all"]["survival"].tolist()
    [0.5, 0.0]
    """
    return {name: kaplan_meier(patients[time], patients["event"]) for name, patients in groups.items()}


def fit_three_ways(
    patients: pd.DataFrame, change: str, landmark: float, *, terms: Sequence[str] = (), first: str = "naive"
) -> dict[str, CoxFit]:
    """Fit a change of state as if known at the start, as known at a landmark, and as it happened.

    Parameters
    ----------
    patients : DataFrame
        `time_months`, `event`, the months to the change (missing: never), and the terms.
    change : str
        Column of the months to the change.
    landmark : float
        Months.
    terms : sequence of str
        What else is in the models.
    first : str
        Name of the first way.

    Examples
    --------
    >>> from course.lessons.t06 import transplant_patients
    >>> list(fit_three_ways(transplant_patients(300), "transplant_months", 6.0))
    ['naive', 'landmark at 6 months', 'time-dependent']
    """
    common = {"event": "event", "terms": ["changed", *terms]}
    changes = {"changed": change}
    naive = patients.assign(changed=patients[change].notna())
    kept = make_landmark_data(patients, time="time_months", event="event", landmark=landmark, changes=changes).frame
    long = split_at_change(patients, time="time_months", event="event", changes=changes)
    return {
        first: fit_cox(naive, time="time_months", **common),
        f"landmark at {landmark:.0f} months": fit_cox(kept, time="time_months", **common),
        "time-dependent": fit_cox(long, entry="start", time="stop", **common),
    }

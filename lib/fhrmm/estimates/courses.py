"""Single courses in months, without identifier or date: what the swimmer plot is drawn from."""

from __future__ import annotations

import pandas as pd

from fhrmm.estimates.subgroups import KEYS
from fhrmm.study import Study

_ORIGIN = "second_line_start_date"
_MARKS = {
    "first_response_months": "first_response_date",
    "asct_months": "second_line_asct_date",
    "next_line_months": "next_line_start_date",
    "progression_months": "progression_date",
    "death_months": "death_date",
}
_ENDS = ("death_date", "last_contact_date", "last_assessment_date", "progression_date")


def join_best_change(changes: pd.DataFrame, response: pd.DataFrame) -> pd.DataFrame:
    """Join the best change of the M-protein to the best response, without identifiers, largest change first.

    One row per patient with a change: `change_pct`, `best_response`.
    """
    joined = changes.merge(response[[*KEYS, "best_response"]], on=KEYS, how="left", validate="one_to_one")
    shown = joined.rename(columns={"best_change_pct": "change_pct"})[["change_pct", "best_response"]]
    return shown.sort_values("change_pct", ascending=False, ignore_index=True, kind="stable")


def describe_courses(response: pd.DataFrame, cohort: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return each patient's course in months from the first dose of second line, in random-looking stable order.

    One row per patient, ordered by length: `end_months`, `best_response`, `ongoing` (alive at the end) and the months
    of first response, transplant, next line, progression and death, missing where there is none.
    """
    dates = cohort[[*KEYS, _ORIGIN, *(name for name in dict.fromkeys([*_MARKS.values(), *_ENDS]) if name in cohort)]]
    joined = dates.merge(response[[*KEYS, "best_response", "first_response_date"]], on=KEYS, validate="one_to_one")

    def months(name: str) -> pd.Series:
        return (joined[name] - joined[_ORIGIN]).dt.days / study.time.days_per_month

    end = pd.concat([months(name) for name in _ENDS], axis=1).max(axis=1)
    death = months("death_date")
    courses = pd.DataFrame(
        {
            "end_months": death.where(death.notna(), end),
            "best_response": joined["best_response"],
            "ongoing": death.isna(),
        }
        | {name: months(column) for name, column in _MARKS.items()}
    )
    return courses.sort_values("end_months", ascending=False, ignore_index=True)

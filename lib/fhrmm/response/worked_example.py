"""The confirmation table as the plan's switches make it: run on made-up visits, no patient involved."""

from __future__ import annotations

import pandas as pd

from fhrmm.response.confirmation import derive_visits
from fhrmm.schema import conform
from fhrmm.study import Study

_START = pd.Timestamp("2024-01-01")
_DAYS_BETWEEN = 28
# what is shown, visits after the start (response, basis), day of the next line, cause of death
_CASES: tuple[tuple[str, tuple[tuple[str, str | None], ...], int | None, str | None], ...] = (
    ("same response next", (("PR", None), ("PR", None)), None, None),
    ("better response next", (("PR", None), ("VGPR", None)), None, None),
    ("lower response next", (("VGPR", None), ("PR", None)), None, None),
    ("NE, then the same", (("PR", None), ("NE", None), ("PR", None)), None, None),
    ("stable disease next", (("PR", None), ("SD", None)), None, None),
    ("progression next", (("PR", None), ("PD", "biochemical")), None, None),
    ("no further visit", (("PR", None),), None, None),
    ("next visit only in the next line", (("PR", None), ("VGPR", None)), 40, None),
    ("stable disease alone", (("SD", None),), None, None),
    ("progression by imaging alone", (("PD", "imaging"),), None, None),
    ("biochemical progression twice", (("PD", "biochemical"), ("PD", "biochemical")), None, None),
    ("biochemical progression, second in the next line", (("PD", "biochemical"), ("PD", "biochemical")), 40, None),
    ("biochemical progression alone", (("PD", "biochemical"),), None, None),
    ("biochemical progression, then a new line", (("PD", "biochemical"),), 40, None),
    ("biochemical progression, then death from myeloma", (("PD", "biochemical"),), None, "myeloma"),
    ("biochemical progression, then death from another cause", (("PD", "biochemical"),), None, "other"),
)


def tabulate_confirmation(study: Study) -> pd.DataFrame:
    """Return what the first visit of each made-up course counts as.

    Returns
    -------
    DataFrame
        One row per case: case, visits (responses in order), counts_as (confirmed status of the first visit).

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> tabulate_confirmation(load_study()).set_index("case").loc["lower response next", "counts_as"]
    'PR'
    """
    cohort, assessments = _made_up()
    status = derive_visits(cohort, assessments, study).drop_duplicates("patient_id").set_index("patient_id")
    rows = [
        {
            "case": case,
            "visits": ", ".join(f"{response} ({basis})" if basis else response for response, basis in visits),
            "counts_as": str(status.loc[case, "confirmed_status"]),
        }
        for case, visits, _, _ in _CASES
    ]
    return pd.DataFrame(rows)


def _made_up() -> tuple[pd.DataFrame, pd.DataFrame]:
    cohort, assessments = [], []
    for case, visits, next_line, cause in _CASES:
        keys = {"patient_id": case, "center": "example"}
        start = {"second_line_start_date": _START, "next_line_start_date": _after(next_line), "death_cause": cause}
        cohort.append(keys | start)
        for number, (response, basis) in enumerate(visits, start=1):
            visit = {
                "assessment_date": _after(number * _DAYS_BETWEEN),
                "response": response,
                "progression_basis": basis,
            }
            assessments.append(keys | visit)
    return conform(pd.DataFrame(cohort), "patients"), conform(pd.DataFrame(assessments), "assessments")


def _after(days: int | None) -> pd.Timestamp:
    return pd.NaT if days is None else _START + pd.Timedelta(days=days)

"""Six patients as their charts have them, and patients seen only at visits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.endpoints import derive_time_to_event
from fhrmm.response import derive_response
from fhrmm.schema import conform, empty_table
from fhrmm.study import Study

_COLUMNS = {
    "start": "second_line_start_date",
    "progression": "progression_date",
    "death": "death_date",
    "last_assessment": "last_assessment_date",
    "last_contact": "last_contact_date",
}
PROGRESSION_PER_MONTH = 0.06


def six_records() -> pd.DataFrame:
    """Return six invented patients as dates in text; one progression is known to the month only.

    Examples
    --------
    >>> six_records().set_index("patient").loc["F", "progression"]
    '2023-05'
    """
    rows = [
        ("A", "2023-01-10", "2023-07-01", "", "2023-07-01", "2024-02-01"),
        ("B", "2023-02-01", "", "2023-03-05", "", "2023-03-05"),
        ("C", "2022-11-15", "", "", "2023-11-20", "2024-02-01"),
        ("D", "2023-03-20", "2023-09-15", "2023-12-24", "2023-09-15", "2023-12-24"),
        ("E", "2023-10-02", "", "", "", "2024-02-01"),
        ("F", "2022-12-05", "2023-05", "", "2023-12-11", "2024-02-01"),
    ]
    return pd.DataFrame(rows, columns=["patient", *_COLUMNS])


def derive_by_plan(records: pd.DataFrame, study: Study, endpoint: str) -> pd.DataFrame:
    """Derive an endpoint of these records with the rules and the code of the study.

    Returns
    -------
    DataFrame
        One row per patient: `patient`, `time_months`, `event`, and `why`: what the time ends with.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> found = derive_by_plan(six_records(), load_study(), "PFS")
    >>> int(found["event"].sum())
    4
    """
    table = pd.DataFrame({"center": "X", "patient_id": records["patient"]})
    for name, column in _COLUMNS.items():
        known = pd.to_datetime(records[name].where(records[name].str.len() != 7, records[name] + "-01"))
        is_month = records[name].str.len() == 7
        last = (known + pd.offsets.MonthEnd(0)).where(is_month, known)
        table[column] = known + (last - known) // 2
        table[f"{column}_lower"], table[f"{column}_upper"] = known, last
    cohort = conform(table, "patients")
    response = derive_response(cohort, empty_table("assessments"), study)
    found = derive_time_to_event(cohort, response, study, endpoints=[endpoint])
    why = np.where(found["event"], found["event_description"].astype(str), found["censor_reason"].astype(str))
    return pd.DataFrame(
        {"patient": found["patient_id"].to_numpy(), "time_months": found["time_months"].to_numpy(),
         "event": found["event"].to_numpy(dtype=bool), "why": why}
    )  # fmt: skip


def visited_patients(n: int = 1000, *, months_between: float = 1.0, seed: int = 1) -> pd.DataFrame:
    """Simulate patients whose progression is found at the next visit, and who are alive at last contact, later.

    Returns
    -------
    DataFrame
        One row per patient: the true `progression_months`; what is recorded, `found_months` (missing: not found) with
        `last_visit_months` and `last_contact_months`; the months from diagnosis to second line, `before_months`.

    Examples
    --------
    >>> patients = visited_patients(50, months_between=3)
    >>> found = patients["found_months"].dropna()
    >>> bool((found % 3 == 0).all())
    True
    """
    rng = np.random.default_rng(seed)
    progression, follow_up = rng.exponential(1 / PROGRESSION_PER_MONTH, n), rng.uniform(6, 36, n)
    stops_coming = rng.uniform(0.3, 1.0, n) * follow_up
    last_visit = np.floor(stops_coming / months_between) * months_between
    found = np.ceil(progression / months_between) * months_between
    seen = found <= last_visit
    return pd.DataFrame(
        {
            "progression_months": progression,
            "found_months": np.where(seen, found, np.nan),
            "last_visit_months": np.where(seen, found, last_visit),
            "last_contact_months": follow_up,
            "before_months": rng.uniform(8, 30, n),
        }
    )

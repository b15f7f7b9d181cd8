"""T01 From dates to a survival time.

Six patients as their charts have them, and patients seen only at visits.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask, choose
from course.figures import plot_curves
from course.lesson import View
from course.simulated import constant_hazard_curve
from fhrmm.endpoints import derive_time_to_event
from fhrmm.response import derive_response
from fhrmm.schema import conform, empty_table
from fhrmm.study import Study, load_study
from timetoevent.kaplan_meier import kaplan_meier, survival_quantile

_COLUMNS = {
    "start": "second_line_start_date",
    "progression": "progression_date",
    "death": "death_date",
    "last_assessment": "last_assessment_date",
    "last_contact": "last_contact_date",
}
PROGRESSION_PER_MONTH = 0.06


def six_records() -> pd.DataFrame:
    """Return six invented patients as dates in text; one progression is known to the month only."""
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


def censoring_and_visits(months_between: float, censored_at: str) -> View:
    """Show the curve for a schedule of visits and a censoring rule."""
    patients = visited_patients(months_between=months_between)
    column = {"last visit": "last_visit_months", "last contact": "last_contact_months"}[censored_at]
    event = patients["found_months"].notna()
    time = patients["found_months"].where(event, patients[column])
    found = survival_quantile(time, event)
    median = f"{found.estimate:.1f}" if found.status == "ok" else "not reached"
    figure = plot_curves(
        {"as recorded": kaplan_meier(time, event)},
        truth={"truth": constant_hazard_curve(PROGRESSION_PER_MONTH, 24)},
        limit=24,
        label="Free of progression, %",
        has_half=True,
    )
    schedule = "month" if months_between == 1 else f"{months_between:g} months"
    caption = (
        f"Visits every {schedule}, patients without progression censored at their {censored_at}. Median "
        f"{median} months; true median {np.log(2) / PROGRESSION_PER_MONTH:.1f}."
    )
    return View(figure, caption)


_MONTH = load_study().time.days_per_month
_RECORDS = six_records().set_index("patient")


def _months(patient: str, end: str, *, days_per_month: float = _MONTH) -> float:
    start = pd.Timestamp(_RECORDS.loc[patient, "start"])
    return (pd.Timestamp(_RECORDS.loc[patient, end] if end in _RECORDS else end) - start).days / days_per_month


EXERCISES = (
    ask(
        "T01.1",
        lambda: _months("A", "progression"),
        f"Days from start to progression, over {_MONTH:g}, which is a year of {12 * _MONTH:g} days in twelve parts.",
        Mistake(
            lambda: _months("A", "progression", days_per_month=30.0),
            "You divided by thirty. Twelve such months are not a year; over years the error grows.",
        ),
        Mistake(lambda: _months("A", "last_contact"), "That is the time to last contact. Progression came before."),
        Mistake(lambda: 6.0, "You counted months by their names. Durations are days over a fixed length."),
        scale="months",
    ),
    ask(
        "T01.2",
        lambda: (4, 2),
        "PFS ends with progression or death, whichever is first. OS ends with death alone.",
        Mistake(
            lambda: (3, 2),
            "Progression-free survival has death in it: the patient who died without progression had the event.",
        ),
        Mistake(
            lambda: (5, 2),
            "One patient has both progression and death: that is one event of PFS, the first of the two.",
        ),
        Mistake(lambda: (2, 4), "The other way round: PFS first."),
        scale="several",
        because="Each patient has at most one event per endpoint.",
    ),
    choose(
        "T01.3",
        "2023-11-20",
        "On which day did somebody last *look* for progression?",
        {
            "2023-11-20": (
                "PFS is censored at the last assessment, OS at the last contact: the same patient, two dates."
            ),
            "2024-02-01": "On that day the patient was known to be alive, right for OS. Nobody looked for progression.",
            "never": "Then the patient would vanish: a year without progression was seen and counts.",
        },
    ),
    ask(
        "T01.4",
        lambda: _months("F", "2023-05-16"),
        f"The middle of the possible dates, here from the first to the last day of May; then days over {_MONTH:g}.",
        Mistake(lambda: _months("F", "2023-05-01"), "That is the first possible day: progression as early as can be."),
        Mistake(lambda: _months("F", "2023-05-31"), "That is the last possible day: progression as late as can be."),
        Mistake(
            lambda: _months("F", "last_assessment"),
            "You treated the partial date as missing: an event was turned into a censoring.",
        ),
        scale="months",
        decimals=1,
        because="The rule matters less than having one, written down, the same for all, and trying the other two.",
    ),
)

"""A transplant, or a response, and survival: the naive comparison and two that do not count waiting time as benefit."""

from __future__ import annotations

import pandas as pd

from fhrmm.estimates.collector import Collector
from fhrmm.estimates.regression import add_absent, why_no_regression
from fhrmm.estimates.subgroups import KEYS
from fhrmm.estimates.survival import select_endpoint
from fhrmm.study import Study
from timetoevent.cox import fit_cox
from timetoevent.landmark import make_landmark_data, split_at_change
from timetoevent.results import Estimate

_VARIABLE = "changed"
NAIVE, TIME_DEPENDENT = "naive: ever versus never", "time-dependent"


def compare_by_change(
    time_to_event: pd.DataFrame,
    study: Study,
    *,
    change: str = "TTASCT",
    variable: str = "second_line_asct",
    endpoint: str = "PFS",
) -> pd.DataFrame:
    """Compare patients with and without a change of state in three ways, of which the first is biased.

    `change` is the endpoint whose event is the change: TTASCT for second-line ASCT, TTR for a response; the rows call
    it `variable`.

    `hazard_ratio` rows of the variable yes versus no under three models. *Naive*: ever versus never, so that the months
    before the change, in which nobody who had one can have had the event, count as benefit. *Landmark*: patients
    without event at the landmark, by what had happened until then, followed from there. *Time-dependent*: every patient
    counts as without the change until its day. Then one `count` row per way in which patients left before the landmark.

    References
    ----------
    Anderson JR, Cain KC, Gelber RD. J Clin Oncol 1983;1:710-719. Suissa S. Am J Epidemiol 2008;167:492-499.
    """
    frame = _with_change(time_to_event, endpoint, change)
    landmark = study.models.landmark_months
    name = f"landmark at {landmark:g} months"
    kept = make_landmark_data(
        frame, time="time_months", event="event", landmark=landmark, changes={_VARIABLE: "change_months"}
    )
    split = split_at_change(frame, time="time_months", event="event", changes={_VARIABLE: "change_months"})
    ever = frame.assign(**{_VARIABLE: frame["change_months"].notna()})
    rows = Collector(endpoint=endpoint, variable=variable)
    _add_fit(rows, ever, study, NAIVE, variable)
    _add_fit(rows, kept.frame, study, name, variable)
    _add_fit(rows, split.drop(columns="time_months"), study, TIME_DEPENDENT, variable)
    left = {"event before the landmark": kept.n_event_before, "censored before the landmark": kept.n_censored_before}
    for level, count in left.items():
        rows.add("count", Estimate(float(count), n=len(frame), n_events=count, method="count"), model=name, level=level)
    return rows.frame()


def _with_change(time_to_event: pd.DataFrame, endpoint: str, change: str) -> pd.DataFrame:
    """One row per patient: time, event, and months from the start of second line to the change, if any."""
    rows = select_endpoint(time_to_event, endpoint)
    rows = rows[rows["time_months"].notna() & rows["event"].notna()]
    dated = select_endpoint(time_to_event, change)
    dated = dated[dated["event"].astype(bool)]
    months = dated[[*KEYS, "time_months"]].rename(columns={"time_months": "change_months"})
    frame = rows[[*KEYS, "time_months", "event"]].merge(months, on=KEYS, how="left", validate="one_to_one")
    # a change after the event or the end of follow-up had no part in it
    late = frame["change_months"] > frame["time_months"]
    return frame.assign(event=frame["event"].astype(bool), change_months=frame["change_months"].mask(late))


def _add_fit(rows: Collector, frame: pd.DataFrame, study: Study, model: str, variable: str) -> None:
    states = pd.Categorical(frame[_VARIABLE].map({True: "yes", False: "no"}), categories=["no", "yes"])
    frame = frame.assign(**{_VARIABLE: states})
    reason = "" if states.value_counts().min() else "all patients are in one group"
    if reason := why_no_regression(frame, study) or reason:
        add_absent(rows, frame, _VARIABLE, reason, model=model, variable=variable)
        return
    times = {"time": "stop", "entry": "start"} if "stop" in frame.columns else {"time": "time_months"}
    fit = fit_cox(frame, event="event", terms=[_VARIABLE], ci_level=study.models.ci_level, **times)
    rows.add_fit(fit, model=model, variable=variable)

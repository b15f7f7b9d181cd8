"""Adverse events of second line by term and grade, exposure, time to the first severe one, and causes of death."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from fhrmm.estimates.characteristics import median_of
from fhrmm.estimates.collector import Collector
from fhrmm.estimates.competing import add_incidence
from fhrmm.estimates.subgroups import KEYS, MISSING
from fhrmm.schema import NO_WAY, cannot_record
from fhrmm.study import Study
from timetoevent.proportions import proportion
from timetoevent.results import Estimate

SEVERE = 3
RECORDED = "safety"
GRADES = {"any grade": 1, f"grade {SEVERE} or more": SEVERE, "grade 5": 5}
OTHER_TERM = "Other, in the words of the center"
_GRADE = "the grade of an adverse event"
_NOTHING = "not recorded by these centers"
_CAUSES = {1: f"grade {SEVERE} or more", 2: "death before"}


def select_adverse_events(cohort: pd.DataFrame, adverse_events: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the patients of the centers that recorded adverse events, and their events during second line.

    An event counts from the first dose of second line to the start of the next line. A center that recorded none at
    all says nothing about how many there were: its patients are left out. Terms that a page may name are those of
    ``adverse_event_terms.toml``; what else a center wrote may hold anything and is one term together.

    One row per event, or one for a patient without any: center, patient_id, exposure_months (to the next line, death or
    last contact), died, graded (the center can record grades), and term, grade, months (missing without an event). In
    `attrs`: ``n_undated``, the events without a date of onset, which may belong to any line and do not count.
    """
    recorded = cohort[cohort["center"].isin(adverse_events["center"].unique())]
    ends = recorded[["next_line_start_date", "death_date", "last_contact_date"]]
    start, end = recorded["second_line_start_date"], ends["next_line_start_date"]
    last = ends[["death_date", "last_contact_date"]].max(axis=1)
    patients = recorded[KEYS].assign(
        start=start,
        end=end.fillna(pd.Timestamp.max),
        exposure_months=(end.fillna(last) - start).dt.days / study.time.days_per_month,
        died=ends["death_date"].notna() & end.isna(),
        graded=~cannot_record(recorded, _GRADE),
    )
    events = patients.merge(adverse_events[[*KEYS, "term", "grade", "onset_date"]], on=KEYS)
    n_undated = int(events["onset_date"].isna().sum())
    events = events[(events["onset_date"] >= events["start"]) & (events["onset_date"] <= events["end"])]
    months = (events["onset_date"] - events["start"]).dt.days / study.time.days_per_month
    terms = events["term"].astype(object).map(lambda written: _terms().get(str(written).strip().casefold(), OTHER_TERM))
    events = events.assign(months=months, term=terms)[[*KEYS, "term", "grade", "months"]]
    found = patients.drop(columns=["start", "end"]).merge(events, on=KEYS, how="left")
    found.attrs["n_undated"] = n_undated
    return found


@cache
def _terms() -> dict[str, str]:
    """Return the term of each way to write one, in small letters."""
    table = tomllib.loads(Path(__file__).with_name("adverse_event_terms.toml").read_text(encoding="utf-8"))
    return {word.casefold(): term for term, others in table.items() for word in (term, *others)}


def estimate_adverse_events(events: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Estimate the share of patients with each adverse event, by least grade, with exact intervals.

    Endpoint ``ADVERSE_EVENT``: `proportion` of any term (no variable) and per term, most frequent first, each under the
    models of `GRADES`; `median` exposure in months with quartiles.
    """
    rows = Collector(endpoint="ADVERSE_EVENT", population=RECORDED)
    patients = events.drop_duplicates(KEYS)
    frequency = events.drop_duplicates([*KEYS, "term"])["term"].value_counts().to_dict()
    for term in ["", *sorted(frequency, key=lambda name: (-frequency[name], name))]:
        of_term = events[events["term"] == term] if term else events[events["term"].notna()]
        for model, least in GRADES.items():
            grade = of_term["grade"].astype(float).fillna(1)  # an event whose grade nobody wrote is one of any grade
            hit = len(of_term[grade >= least].drop_duplicates(KEYS))
            n = len(patients) if least == 1 else int(patients["graded"].sum())
            value = proportion(hit, n, ci_level=study.models.ci_level)
            value = value if n else replace(value, note=_absent(patients))
            rows.add("proportion", value, model=model, variable="term" if term else "", level=term)
    exposure = median_of(patients["exposure_months"].astype(float), _NOTHING)
    rows.add("median", exposure, variable="exposure_months")
    return rows.frame()


def estimate_severe_incidence(events: pd.DataFrame, study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate the cumulative incidence of the first severe adverse event, with death before it as competing event.

    Returns
    -------
    estimates : DataFrame
        Estimates rows `cumulative_incidence` at the headline time, variable ``cause``.
    curves : DataFrame
        The step functions, as `fhrmm.estimates.competing.estimate_cumulative_incidence` returns them.
    """
    absent, events = _absent(events), events[events["graded"]]
    first = events["months"].where(events["grade"] >= SEVERE).groupby([events[name] for name in KEYS]).min()
    patients = events.drop_duplicates(KEYS).set_index(KEYS).assign(severe=first)
    cause = np.where(patients["severe"].notna(), 1, np.where(patients["died"], 2, 0))
    time = patients["severe"].fillna(patients["exposure_months"]).to_numpy(dtype=float)
    rows = Collector(endpoint="ADVERSE_EVENT", variable="cause")
    curves = add_incidence(rows, time, cause, _CAUSES, study, at=[study.time.headline_months], absent=absent)
    return rows.frame(), curves


def _absent(patients: pd.DataFrame) -> str:
    """Say why nobody is left of whom severe events are known: without grades no event is no mild one either."""
    return NO_WAY + _GRADE if len(patients) and not patients["graded"].any() else _NOTHING


def count_causes_of_death(cohort: pd.DataFrame) -> pd.DataFrame:
    """Count the causes of death among the patients who died, missing as a cause of its own."""
    rows, dead = Collector(endpoint="OS", variable="death_cause"), cohort[cohort["death_date"].notna()]
    causes = dead["death_cause"].astype(object).fillna(MISSING)
    for cause in ("myeloma", "treatment", "other", MISSING):
        members = int((causes == cause).sum())
        rows.add("count", Estimate(float(members), n=len(dead), n_events=members, method="count"), level=cause)
    return rows.frame()

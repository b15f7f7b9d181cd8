"""The confirmation table: what a visit counts as once the next evaluable visit is known."""

from __future__ import annotations

import pandas as pd

from fhrmm.response.imwg import grade_samples
from fhrmm.response.samples import KEYS, LABORATORY, order_assessments
from fhrmm.schema import RESPONSE_DEPTH, RESPONSES
from fhrmm.store import DatasetInfo
from fhrmm.study import Study
from fhrmm.threevalued import date_bounds


def confirm_visits(visits: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Apply the confirmation table to the visits of each patient.

    ============================  ==================================================  ===================
    response of the visit         next evaluable visit                                counts as
    ============================  ==================================================  ===================
    MR or better                  same or better                                      itself
    MR or better                  lower, at least MR                                  the lower
    MR or better                  SD, PD, none, or only after next therapy            SD
    SD                            any or none                                         SD
    PD by imaging or clinically   any or none                                         PD
    biochemical PD                PD, also after next therapy                         PD
    biochemical PD                none, and death from myeloma                        PD
    biochemical PD                none before next therapy: what led to it (switch)   PD
    biochemical PD                other                                               NE
    ============================  ==================================================  ===================

    NE visits are skipped [1]_. After confirmed progression nothing counts any more.

    Returns
    -------
    DataFrame
        The evaluable visits with `next_day` and `next_response` (of the next evaluable visit), `confirmed_status`,
        `progression` (day of the patient's first confirmed progression before next therapy), `counts` (for best
        response: not after next therapy, not after progression), `late_confirmation` (of a response, later than the
        plan's limit).

    References
    ----------
    .. [1] Kumar S et al. Lancet Oncol 2016;17:e328-e346.
    """
    rules, visits = study.response, _add_next_visit(visits, study)
    own, following = visits["response"], visits["next_response"]
    next_in_next_line = visits["next_day"] > visits["next_line"]

    lower = own.where(own <= following, following)
    status = lower.where((following >= "SD") & ~next_in_next_line, "SD")

    is_progression = visits["stands_alone"] | (following == "PD")
    is_progression |= following.isna() & visits["died_of_myeloma"]
    if rules.lone_biochemical_progression_with_new_line_is_event:
        is_progression |= visits["next_line"].notna() & (following.isna() | next_in_next_line)
    status = status.mask((own == "PD") & is_progression, "PD").mask((own == "PD") & ~is_progression, "NE")

    progressed = visits["day"].where((status == "PD") & ~visits["after_next_therapy"])
    progression = progressed.groupby(visits["patient"]).transform("min")
    counts = ~visits["after_next_therapy"] & ~(visits["day"] > progression)
    late = visits["next_day"] - visits["day"] > pd.Timedelta(days=rules.late_confirmation_days)
    return visits.assign(
        confirmed_status=status,
        progression=progression,
        counts=counts,
        late_confirmation=(status >= "MR") & counts & late,
    )


def _add_next_visit(visits: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Set the next evaluable visit beside each: at least the minimum interval later, few enough NE in between."""
    rules = study.response
    visits = visits.assign(n_skipped=(visits["response"] == "NE").cumsum())
    evaluable = visits[visits["response"] > "NE"]
    candidates = evaluable[["patient", "day", "response", "n_skipped"]].add_prefix("next_")
    found = pd.merge_asof(
        evaluable.assign(earliest=evaluable["day"] + pd.Timedelta(days=rules.minimum_confirmation_days))
        .sort_values("day", kind="stable")
        .reset_index(names="place"),
        candidates.sort_values("next_day", kind="stable"),
        left_on="earliest",
        right_on="next_day",
        left_by="patient",
        right_by="next_patient",
        direction="forward",
    ).sort_values("place", ignore_index=True)
    few = found["next_n_skipped"] - found["n_skipped"] <= rules.maximum_not_evaluable_between
    found[["next_day", "next_response"]] = found[["next_day", "next_response"]].where(few)
    return found.drop(columns=["place", "earliest", "n_skipped", "next_n_skipped", "next_patient"])


def arrange_visits(
    cohort: pd.DataFrame, assessments: pd.DataFrame, study: Study, *, info: DatasetInfo | None = None
) -> pd.DataFrame:
    """Return the visits of the cohort with a response, from the start of second line to the data cut-off.

    Of several responses on one day the worst evaluable one counts. ``study.response.visit_source`` decides between
    the recorded response and that from laboratory values where both exist; what the values leave open (NE) gives way
    to a recorded response.

    Parameters
    ----------
    cohort : DataFrame
        Included patients, one row each.
    assessments : DataFrame
        Canonical assessments; in any order, and of other patients too.
    study : Study
        The plan.
    info : DatasetInfo, optional
        Visits after its data cut-off are left out.

    Returns
    -------
    DataFrame
        One row per patient and day, sorted: patient (row of the cohort), day, start (of second line), response
        (ordered), stands_alone (progression that needs no second assessment), next_line (its start),
        after_next_therapy, died_of_myeloma.
    """
    samples = order_assessments(cohort, assessments, study)
    response = samples["response"].astype(RESPONSE_DEPTH)
    stands_alone = samples["progression_basis"].isin(study.response.progression_stands_alone)
    if samples[LABORATORY].notna().any(axis=None):
        graded = grade_samples(samples, cohort, study)
        by_labs = graded["response"]
        use_labs = response.isna() | (by_labs > "NE") if study.response.visit_source == "labs" else response.isna()
        use_labs &= by_labs.notna()
        response = response.mask(use_labs, by_labs)
        stands_alone = stands_alone.mask(use_labs, ~graded["needs_second"])
    visits = samples[["patient", "day", "start"]].assign(response=response, stands_alone=stands_alone)
    visits = visits[response.notna() & (visits["day"] >= visits["start"])]
    if info is not None and info.data_cutoff_date is not None:
        visits = visits[visits["day"] <= pd.Timestamp(info.data_cutoff_date)]
    worst_first = visits.assign(ne=visits["response"] == "NE", needs_second=~visits["stands_alone"]).sort_values(
        ["patient", "day", "ne", "response", "needs_second"]
    )
    of_patient = pd.DataFrame(
        {
            "next_line": date_bounds(cohort, "next_line_start_date").point(study.time.partial_date_policy),
            "died_of_myeloma": cohort["death_cause"] == "myeloma",
        }
    ).reset_index(drop=True)
    visits = worst_first.drop_duplicates(["patient", "day"])[[*visits]].join(of_patient, on="patient")
    return visits.assign(after_next_therapy=visits["day"] > visits["next_line"]).reset_index(drop=True)


def derive_visits(
    cohort: pd.DataFrame, assessments: pd.DataFrame, study: Study, *, info: DatasetInfo | None = None
) -> pd.DataFrame:
    """Return the evaluable visits with their confirmed status and the best so far.

    Returns
    -------
    DataFrame
        One row per patient and day with an evaluable response: center, patient_id, assessment_date, months (since
        start of second line), response, confirmed_status, best_so_far (confirmed; what was reached
        stays reached, also after progression), after_next_therapy, counts, late_confirmation (later than the plan's
        limit).
    """
    visits = confirm_visits(arrange_visits(cohort, assessments, study, info=info), study)
    depth = visits["confirmed_status"].where(visits["counts"], "NE").cat.codes
    best = pd.Series(pd.Categorical.from_codes(depth.groupby(visits["patient"]).cummax(), dtype=RESPONSE_DEPTH))
    shown = pd.CategoricalDtype(RESPONSES)
    return (
        cohort[KEYS]
        .iloc[visits["patient"]]
        .reset_index(drop=True)
        .assign(
            assessment_date=visits["day"],
            months=(visits["day"] - visits["start"]).dt.days / study.time.days_per_month,
            response=visits["response"].astype(shown),
            confirmed_status=visits["confirmed_status"].astype(shown),
            best_so_far=best.astype(shown),
            after_next_therapy=visits["after_next_therapy"],
            counts=visits["counts"],
            late_confirmation=visits["late_confirmation"],
        )
    )


def derive_depth(visits: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return what each patient's best confirmed response was by several times.

    Parameters
    ----------
    visits : DataFrame
        From `derive_visits`: center, patient_id, months, best_so_far.
    study : Study
        The plan: ``response.depth_at_months``.

    Returns
    -------
    DataFrame
        One row per patient with any visit and time: center, patient_id, `depth_by_month` (category such as
        ``by month 3``), `best_response` (missing where no visit had been made by then). A patient whose observation
        ended keeps what was reached.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> visits = pd.DataFrame({"months": [1.5, 2.5], "best_so_far": ["SD", "PR"]}).assign(center="A", patient_id="1")
    >>> derive_depth(visits, load_study())["best_response"].tolist()
    [nan, 'SD', 'PR', 'PR', 'PR', 'PR']
    """
    patients = visits[KEYS].drop_duplicates(ignore_index=True)
    ordered = visits.sort_values("months", kind="stable")
    parts = {}
    for month in study.response.depth_at_months:
        seen = ordered[ordered["months"] <= month].drop_duplicates(KEYS, keep="last")
        reached = patients.merge(seen[[*KEYS, "best_so_far"]], on=KEYS, how="left", validate="one_to_one")
        parts[f"by month {month:g}"] = reached.rename(columns={"best_so_far": "best_response"})
    joined = pd.concat(parts, names=["depth_by_month"]).reset_index("depth_by_month").reset_index(drop=True)
    return joined[[*KEYS, "best_response", "depth_by_month"]].astype(
        {"depth_by_month": pd.CategoricalDtype(list(parts)), "best_response": pd.CategoricalDtype(RESPONSES)}
    )

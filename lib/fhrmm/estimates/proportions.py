"""Response rates: counts, proportions with exact intervals, and exploratory comparisons."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from fhrmm.estimates.collector import Collector
from fhrmm.estimates.subgroups import KEYS, MISSING, iterate_levels
from fhrmm.rounding import round_table
from fhrmm.schema import NO_WAY, RESPONSE_DEPTH, RESPONSES, cannot_record
from fhrmm.study import Study
from timetoevent.proportions import fisher_exact, proportion
from timetoevent.results import Estimate, not_estimable

_OUTCOMES = {
    "ORR": "responder",
    "VGPR_OR_BETTER": "vgpr_or_better",
    "CR_OR_BETTER": "cr_or_better",
    "CBR": "clinical_benefit",
}


def estimate_response(
    frame: pd.DataFrame, study: Study, *, by: str = "", endpoints: tuple[str, ...] = tuple(_OUTCOMES)
) -> pd.DataFrame:
    """Estimate response rates with Clopper-Pearson intervals.

    `frame` has one row per patient: the outcomes and `evaluable` as booleans. Overall rates (without `by`) are given
    for all treated patients (NE and missing are no response) and for the evaluable ones. Patients of a center that has
    no way to record a response are left out.

    Estimates rows; ``n`` is the denominator, ``n_events`` the responders.

    References
    ----------
    Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.
    """
    frame, reason = _recorded(frame)
    populations = {"cohort": frame} if by else {"cohort": frame, "evaluable": frame[frame["evaluable"].astype(bool)]}
    rows = Collector(variable=by)
    for endpoint in endpoints:
        for population, patients in populations.items():
            for level, part in iterate_levels(patients, by):
                value = _rate(part[_OUTCOMES[endpoint]], study, reason)
                rows.add("proportion", value, endpoint=endpoint, population=population, level=level)
    return rows.frame()


def estimate_best_response(frame: pd.DataFrame, study: Study, *, by: str = "") -> pd.DataFrame:
    """Count each best response category, unknown last; proportions of all treated patients.

    Estimates rows with endpoint ``BEST_RESPONSE``; with `by`, model holds ``by=level``.
    """
    rows = Collector(endpoint="BEST_RESPONSE", variable="best_response")
    frame, reason = _recorded(frame)
    for group, part in iterate_levels(frame, by):
        values = part["best_response"].astype(object)
        for level in (*RESPONSES, MISSING):
            value = _rate(values.isna() if level == MISSING else values == level, study, reason)
            rows.add("proportion", value, model=f"{by}={group}" if by else "", level=level)
    return rows.frame()


def compare_response(frame: pd.DataFrame, study: Study, *, by: str, endpoint: str = "ORR") -> pd.DataFrame:
    """Compare a response rate between the known levels of a variable by Fisher's exact test (exploratory).

    In a release the test is that of the rounded counts: a p-value of exact ones would give them away.

    References
    ----------
    Fisher RA. J R Stat Soc 1922;85:87-94. r x c: Freeman GH, Halton JH. Biometrika 1951;38:141-149.
    """
    frame, _ = _recorded(frame)
    known = frame[frame[by].notna()]
    outcome = known[_OUTCOMES[endpoint]].astype(bool)
    table = pd.crosstab(known[by].astype(object), outcome)
    counts = {"n": len(known), "n_events": int(outcome.sum())}
    if table.shape[0] < 2 or table.shape[1] < 2:
        result = not_estimable("fewer than two groups or one outcome only", method="Fisher exact", **counts)
    else:
        test = fisher_exact(round_table(table.to_numpy(), study.rounding) if study.rounding else table.to_numpy())
        result = Estimate(test.p_value, p_value=test.p_value, method=test.method, **counts)
    rows = Collector(endpoint=endpoint, variable=by)
    rows.add("fisher_p", result)
    return rows.frame()


def estimate_confirmation(response: pd.DataFrame, visits: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Estimate overall response of the patients with visits: as recorded, as confirmed, and as confirmed in time.

    `response` is that of `fhrmm.response.derive_response`, `visits` those of `derive_visits`.
    """
    rule, seen = study.response, response[response["n_visits"] > 0]
    in_time = visits["counts"] & visits["confirmed_status"].isin(rule.responders) & ~visits["late_confirmation"]
    patients = pd.MultiIndex.from_frame(visits.loc[in_time, KEYS])
    hits = {
        "as recorded": seen["best_recorded_response"].isin(rule.responders),
        "confirmed": seen["best_confirmed_response"].isin(rule.responders),
        f"confirmed within {rule.late_confirmation_days} days": pd.MultiIndex.from_frame(seen[KEYS]).isin(patients),
    }
    rows = Collector(endpoint="ORR", population="assessed")
    for level, hit in hits.items():
        rows.add("proportion", _rate(pd.Series(hit), study, "no center sent visits"), level=level)
    return rows.frame()


def estimate_falls(visits: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Estimate the share of patients with visits whose response fell from one visit to the next without progression."""
    own = visits[~visits["after_next_therapy"]]
    depth = own["response"].astype(RESPONSE_DEPTH)
    before = depth.cat.codes.groupby([own[name] for name in KEYS], observed=True).shift()
    falls = (depth.cat.codes < before) & (depth > "PD")
    by_patient = falls.groupby([own[name] for name in KEYS], observed=True).any()
    rows = Collector(endpoint="RESPONSE_FALL", population="assessed")
    rows.add("proportion", _rate(by_patient, study, "no center sent visits"))
    return rows.frame()


def _recorded(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the patients of centers that can record a response, and why nobody is left where that is so."""
    blind = cannot_record(frame, "a response")
    return frame[~blind], NO_WAY + "a response" if blind.any() and blind.all() else "no patients"


def _rate(hits: pd.Series, study: Study, reason: str) -> Estimate:
    flags = hits.fillna(False).astype(bool)
    rate = proportion(int(flags.sum()), len(flags), ci_level=study.models.ci_level)
    return rate if len(flags) else replace(rate, note=reason)

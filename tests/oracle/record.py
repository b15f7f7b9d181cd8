"""The worst difference from R of each operation, remembered while the frozen cases are compared."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

# what of R each operation is held against
COUNTERPARTS = {
    "adjust_p_values": "stats::p.adjust",
    "concordance": "survival::concordance",
    "cox_zph": "survival::cox.zph",
    "coxph": "survival::coxph",
    "cumulative_incidence": "survival::survfit, several states",
    "fine_gray": "cmprsk::crr",
    "firth_cox": "maximum by stats::optim",
    "fisher_exact": "stats::fisher.test",
    "frailty": "survival::coxph with frailty()",
    "gray_test": "cmprsk::cuminc",
    "impute": "mice::mice, means over many imputations",
    "kaplan_meier": "survival::survfit",
    "landmark": "survival::coxph from the landmark",
    "logrank": "survival::survdiff and its weighted family",
    "logrank_trend": "survival::survdiff, scores",
    "median_follow_up": "survival::survfit, events reversed",
    "meta_analysis": "metafor::rma",
    "minimum_detectable_hazard_ratio": "Schoenfeld's formula",
    "monotone": "survival::coxph, infinite coefficients",
    "numbers_at_risk": "survival::summary.survfit",
    "observed_expected": "survival::survdiff",
    "odds_ratio": "stats::fisher.test",
    "pool": "mice::pool",
    "prediction_interval": "metafor::predict.rma",
    "proportion": "stats::binom.test, Wilson",
    "rmst": "survival::survfit, rmean",
    "rmst_difference": "survival::survfit, rmean",
    "survival_at": "survival::summary.survfit",
    "survival_quantile": "survival::quantile.survfit",
    "time_dependent": "survival::tmerge, coxph",
    "weighting": "stats::glm, survival::coxph, weighted",
}

NOT_IN_LIFELINES = "own, because lifelines has none"
# what computes each operation, and why not lifelines where it does not
ENGINES = {
    "adjust_p_values": NOT_IN_LIFELINES,
    "concordance": "own, because that of lifelines has no error and ignores delayed entry",
    "cox_zph": "own, because lifelines has the approximation that survival gave up with version 3.0",
    "coxph": "lifelines, verified; own for Breslow ties, weights and robust errors",
    "cumulative_incidence": "own, because lifelines breaks ties at random",
    "fine_gray": NOT_IN_LIFELINES,
    "firth_cox": NOT_IN_LIFELINES,
    "fisher_exact": "scipy for 2 x 2; own for larger tables, because scipy simulates them",
    "frailty": NOT_IN_LIFELINES,
    "gray_test": NOT_IN_LIFELINES,
    "impute": NOT_IN_LIFELINES,
    "kaplan_meier": "lifelines, verified; own for delayed entry and fractional weights",
    "landmark": "lifelines, verified",
    "logrank": "lifelines, verified; own for strata, delayed entry and Fleming-Harrington weights",
    "logrank_trend": NOT_IN_LIFELINES,
    "median_follow_up": "curve by lifelines, verified; quantile own, because lifelines has no midpoint of a plateau",
    "meta_analysis": NOT_IN_LIFELINES,
    "minimum_detectable_hazard_ratio": NOT_IN_LIFELINES,
    "monotone": "own, because lifelines gives a number where there is none",
    "numbers_at_risk": "own, because lifelines counts after the events of the tick",
    "observed_expected": NOT_IN_LIFELINES,
    "odds_ratio": "scipy",
    "pool": NOT_IN_LIFELINES,
    "prediction_interval": NOT_IN_LIFELINES,
    "proportion": NOT_IN_LIFELINES,
    "rmst": "curve by lifelines, verified; error own, because that of lifelines is of one patient, not of the mean",
    "rmst_difference": NOT_IN_LIFELINES,
    "survival_at": "lifelines, verified; own for delayed entry and fractional weights",
    "survival_quantile": "curve by lifelines, verified; quantile own, because lifelines has no midpoint of a plateau",
    "time_dependent": "lifelines, verified",
    "weighting": "own, because lifelines has no robust error of Efron's ties",
}

_cases: defaultdict[str, list[float]] = defaultdict(list)
_current: list[str] = []


@contextmanager
def remember(operation: str) -> Iterator[None]:
    """Count one case of an operation, and keep the differences noted meanwhile."""
    _cases[operation].append(math.nan)
    _current.append(operation)
    try:
        yield
    finally:
        _current.pop()


def note(difference: float) -> float:
    """Note a difference of the case in progress, and return it."""
    if _current:
        worst = _cases[_current[-1]]
        worst[-1] = difference if math.isnan(worst[-1]) else max(worst[-1], difference)
    return difference


def summarize() -> list[tuple[str, str, int, float, str]]:
    """Return operation, what of R it is held against, number of cases, worst difference and engine, by name.

    An operation that draws at random is compared in distribution, by its own tests: it has no difference here.
    """
    return [
        (name, COUNTERPARTS[name], len(found), _worst(found), ENGINES[name]) for name, found in sorted(_cases.items())
    ]


def _worst(found: list[float]) -> float:
    return max((value for value in found if not math.isnan(value)), default=math.nan)

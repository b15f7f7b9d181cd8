"""The worst difference from R of each operation, remembered while the frozen cases are compared."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

# what of R each operation is held against
COUNTERPARTS = {
    "adjust_p_values": "stats::p.adjust",
    "basehaz": "survival::basehaz",
    "cochran_armitage": "stats::prop.trend.test",
    "concordance": "survival::concordance",
    "cox_zph": "survival::cox.zph",
    "coxph": "survival::coxph",
    "cumulative_incidence": "survival::survfit, several states",
    "fine_gray": "cmprsk::crr",
    "firth_cox": "maximum by stats::optim",
    "firth_logistic": "maximum by stats::optim",
    "fisher_exact": "stats::fisher.test",
    "frailty": "survival::coxph with frailty()",
    "gray_test": "cmprsk::cuminc",
    "impute": "mice::mice, means over many imputations",
    "kaplan_meier": "survival::survfit",
    "landmark": "survival::coxph from the landmark",
    "logrank": "survival::survdiff and its weighted family",
    "logrank_pairwise": "survival::survdiff, stats::p.adjust",
    "logrank_trend": "survival::survdiff, scores",
    "median_follow_up": "survival::survfit, events reversed",
    "meta_analysis": "metafor::rma",
    "minimum_detectable_hazard_ratio": "Schoenfeld's formula",
    "monotone": "survival::coxph, infinite coefficients",
    "nelson_aalen": "survival::survfit, cumhaz",
    "numbers_at_risk": "survival::summary.survfit",
    "observed_expected": "survival::survdiff",
    "odds_ratio": "stats::fisher.test",
    "pool": "mice::pool",
    "prediction_interval": "metafor::predict.rma",
    "proportion": "stats::binom.test, Wilson",
    "proportion_difference": "Newcombe's interval",
    "residuals": "survival::residuals.coxph",
    "ridge": "survival::coxph with ridge()",
    "rmst": "survival::survfit, rmean",
    "rmst_difference": "survival::survfit, rmean",
    "rmst_ratio": "survival::survfit, rmean",
    "survfit_coxph": "survival::survfit.coxph",
    "survival_at": "survival::summary.survfit",
    "survival_quantile": "survival::quantile.survfit",
    "time_dependent": "survival::tmerge, coxph",
    "weighting": "stats::glm, survival::coxph, weighted",
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


def summarize() -> list[tuple[str, str, int, float]]:
    """Return operation, what of R it is held against, number of cases and worst difference, by name.

    An operation that draws at random is compared in distribution, by its own tests: it has no difference here.
    """
    return [(name, COUNTERPARTS[name], len(found), _worst(found)) for name, found in sorted(_cases.items())]


def _worst(found: list[float]) -> float:
    return max((value for value in found if not math.isnan(value)), default=math.nan)

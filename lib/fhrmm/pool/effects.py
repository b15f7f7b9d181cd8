"""Hazard ratios of the pooled scope, and beside each what a meta-analysis of local fits would have said."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from fhrmm.estimates.collector import Collector
from fhrmm.pool.answer import n_coefficients
from fhrmm.pool.hiding import WITHHELD, withhold
from fhrmm.pool.models import Fit, fit_rates, hazards_tests
from fhrmm.pool.results import Counts, level_sizes
from fhrmm.wording import counted
from timetoevent.checks import FloatArray
from timetoevent.intervals import normal_quantile
from timetoevent.results import Estimate, not_estimable

_STEP = 1e-4  # a coefficient that moved by more in the last round has not been found
STRATIFIED, META, RATES = "stratified by center", "meta-analysis of local fits", "piecewise exponential"


def estimate_models(counts: Counts, fits: Mapping[str, Fit], n_centers: int) -> pd.DataFrame:
    """Return the rows of every model: stratified Cox with tests, the meta-analysis, the piecewise-exponential model."""
    parts = []
    for name, fit in fits.items():
        endpoint, model = fit.block["table"], fit.block["model"]
        parts.append(_ratios(counts, fit, f"{model}, {STRATIFIED}", *_of_fit(fit, counts.least)))
        parts.append(_model_tests(fit, endpoint, f"{model}, {STRATIFIED}", counts.least))
        if alone := counts.sums.get(f"alone/{name}"):
            weight, product = np.split(alone.numbers, 2)
            able = np.rint(alone.contributors).astype(int)
            with np.errstate(divide="ignore", invalid="ignore"):
                found = product / weight, 1 / np.sqrt(weight)
            notes = [f"from {counted(k, 'center')} of {n_centers} that can fit alone" for k in able]
            reasons = ["" if k >= counts.least else WITHHELD if k else "no center can fit it alone" for k in able]
            parts.append(_ratios(counts, fit, f"{model}, {META}", *found, reasons, notes))
    for endpoint in ("PFS", "OS"):
        name, block = f"cox/{endpoint}/primary", counts.blocks[f"rates/{endpoint}"]
        beta, variance = fit_rates(block, counts.sums[f"rates/{endpoint}"])
        safe = fits[name].contributors >= counts.least
        reasons = np.where(np.isnan(beta), "no finite estimate", np.where(safe, "", WITHHELD)).tolist()
        note = ["one rate per interval, shared by all centers"] * len(beta)
        parts.append(_ratios(counts, fits[name], f"primary, {RATES}", beta, np.sqrt(variance), reasons, note))
    return pd.concat(parts, ignore_index=True)


def _of_fit(fit: Fit, least: int) -> tuple[FloatArray, FloatArray, list[str], list[str]]:
    """Return coefficients, standard errors, why one is not shown, and notes."""
    variance = np.diag(fit.covariance())
    reasons = []
    for step, of, known in zip(fit.step, fit.contributors, variance, strict=True):
        moves = "no finite estimate: the likelihood still rises after the last round"
        nothing = "no patients to compare within any center"
        why = nothing if round(of) == 0 or math.isnan(known) else moves if abs(step) > _STEP else ""
        reasons.append(WITHHELD if 0 < round(of) < least else why)
    last = np.abs(fit.step).max(initial=0.0)
    note = "" if fit.is_final or fit.moments.third is None else f"the last round moved coefficients by {last:.0e}"
    return fit.beta, np.sqrt(variance), reasons, [note] * len(reasons)


def _ratios(
    counts: Counts,
    fit: Fit,
    model: str,
    beta: FloatArray,
    error: FloatArray,
    reasons: list[str],
    notes: list[str],
) -> pd.DataFrame:
    """Return one row per level of each term, the reference with its patients alone."""
    method = {STRATIFIED: "Cox regression, Efron ties, stratified by center, from sums", META: "inverse variance"}
    method |= {RATES: "Poisson regression on events and person-months"}
    kind = next(text for words, text in method.items() if model.endswith(words))
    kind = "Firth-penalized " + kind + ", Wald interval" if fit.moments.third is not None else kind
    rows, place, z = (
        Collector(endpoint=fit.block["table"], model=model),
        0,
        normal_quantile(counts.study.models.ci_level),
    )
    for term in fit.block["terms"]:
        sizes = level_sizes(counts, fit.block, term["column"])
        for level in term["levels"]:
            size = sizes.get(level, {})
            value = Estimate(1.0, method=kind, **size)
            if level != term["levels"][0]:
                value = not_estimable(reasons[place], method=kind, **size)
                if not reasons[place]:
                    b, e = float(beta[place]), float(error[place])
                    p_value = float(2 * stats.norm.sf(abs(b / e)))
                    limits = (math.exp(b - z * e), math.exp(b + z * e))
                    value = Estimate(math.exp(b), *limits, p_value=p_value, note=notes[place], method=kind, **size)
                place += 1
            rows.add("hazard_ratio", value, variable=term["column"], level=level, reference=term["levels"][0])
    frame = rows.frame()
    frame.loc[frame["n"] == 0, ["n", "n_events"]] = math.nan
    return withhold(frame, frame["note"] == WITHHELD)


def _model_tests(fit: Fit, endpoint: str, model: str, least: int) -> pd.DataFrame:
    """Return the likelihood ratio test, and the tests of proportional hazards where a round asked for them."""
    rows, df = Collector(endpoint=endpoint, model=model), n_coefficients(fit.block)
    if fit.moments.third is None and np.abs(fit.step).max(initial=0.0) < _STEP:
        statistic = 2 * (fit.moments.log_likelihood - fit.null.log_likelihood)
        p_value = float(stats.chi2.sf(statistic, df))
        test = Estimate(p_value, p_value=p_value, statistic=statistic, method="likelihood ratio test")
        alone = fit.block["terms"][0]["column"] if len(fit.block["terms"]) == 1 else ""
        rows.add("likelihood_ratio_p", test, variable=alone)
    for term, (statistic, _, p_value) in (hazards_tests(fit) if fit.moments.drift is not None else {}).items():
        test = Estimate(p_value, p_value=p_value, statistic=statistic, method="score test, time scale")
        rows.add("ph_test_p", test, variable=term)
    frame = rows.frame()
    frame[["n", "n_events"]] = math.nan
    return withhold(frame, [bool((np.rint(fit.contributors) < least).any())] * len(frame))

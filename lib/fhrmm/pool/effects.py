"""Hazard ratios of the pooled scope, and beside each what a meta-analysis of local fits would have said."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from fhrmm.estimates.collector import Collector
from fhrmm.pool.answer import n_coefficients
from fhrmm.pool.hiding import WITHHELD, withhold
from fhrmm.pool.models import Fit, fit_rates, hazards_tests
from fhrmm.pool.results import Counts, level_sizes
from fhrmm.wording import counted
from timetoevent.checks import FloatArray
from timetoevent.cox.design import Column, Design
from timetoevent.cox.table import chi_squared_test, coefficient_table

_STEP = 1e-4  # a coefficient that moved by more in the last round has not been found
STRATIFIED, META, RATES = "stratified by center", "meta-analysis of local fits", "piecewise exponential"
_METHODS = {
    STRATIFIED: "Cox regression, Efron ties, stratified by center, from sums",
    META: "inverse variance",
    RATES: "Poisson regression on events and person-months",
}


def estimate_models(counts: Counts, fits: Mapping[str, Fit], n_centers: int) -> pd.DataFrame:
    """Return the rows of every model: stratified Cox with tests, the meta-analysis, the piecewise-exponential model."""
    parts = []
    for name, fit in fits.items():
        parts += [_ratios(counts, fit, STRATIFIED, *_of_fit(fit, counts.least)), _model_tests(fit, counts.least)]
        if alone := counts.sums.get(f"alone/{name}"):
            weight, product = np.split(alone.numbers, 2)
            able = np.rint(alone.contributors).astype(int)
            with np.errstate(divide="ignore", invalid="ignore"):
                found = product / weight, 1 / np.sqrt(weight)
            notes = [f"from {counted(k, 'center')} of {n_centers} that can fit alone" for k in able]
            reasons = ["" if k >= counts.least else WITHHELD if k else "no center can fit it alone" for k in able]
            parts.append(_ratios(counts, fit, META, *found, reasons, notes))
    for endpoint in ("PFS", "OS"):
        name, block = f"cox/{endpoint}/primary", counts.blocks[f"rates/{endpoint}"]
        beta, variance = fit_rates(block, counts.sums[f"rates/{endpoint}"])
        safe = fits[name].contributors >= counts.least
        reasons = np.where(np.isnan(beta), "no finite estimate", np.where(safe, "", WITHHELD)).tolist()
        note = ["one rate per interval, shared by all centers"] * len(beta)
        parts.append(_ratios(counts, fits[name], RATES, beta, np.sqrt(variance), reasons, note))
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
    counts: Counts, fit: Fit, way: str, beta: FloatArray, error: FloatArray, reasons: list[str], notes: list[str]
) -> pd.DataFrame:
    """Return one row per level of each term, the reference with its patients alone."""
    method = _METHODS[way] if fit.moments.third is None else f"Firth-penalized {_METHODS[way]}, Wald interval"
    columns, place = [], itertools.count()
    for term in fit.block["terms"]:
        name, levels, sizes = term["column"], term["levels"], level_sizes(counts, fit.block, term["column"])
        for level in levels:
            size = sizes.get(level, {"n": 0, "n_events": 0})
            columns.append(Column(name, level, levels[0], **size, position=-1 if level == levels[0] else next(place)))
    why = {position: reason for position, reason in enumerate(reasons) if reason}
    design = Design(np.empty((len(beta), 0)), tuple(columns))
    rows = Collector(endpoint=fit.block["table"], model=f"{fit.block['model']}, {way}")
    table = coefficient_table(design, beta, error, why, ci_level=counts.study.models.ci_level)
    for column, row in zip(columns, table.to_dict("records"), strict=True):
        is_noted = column.position >= 0 and column.position not in why
        rows.add_ratio(row | ({"note": notes[column.position]} if is_noted else {}), method)
    frame = rows.frame()
    frame.loc[frame["n"] == 0, ["n", "n_events"]] = math.nan
    return withhold(frame, frame["note"] == WITHHELD)


def _model_tests(fit: Fit, least: int) -> pd.DataFrame:
    """Return the likelihood ratio test, and the tests of proportional hazards where a round asked for them."""
    rows = Collector(endpoint=fit.block["table"], model=f"{fit.block['model']}, {STRATIFIED}")
    tests = {"ph_test_p": hazards_tests(fit) if fit.moments.drift is not None else {}}
    if fit.moments.third is None and np.abs(fit.step).max(initial=0.0) < _STEP:
        statistic = 2 * (fit.moments.log_likelihood - fit.null.log_likelihood)
        test = chi_squared_test(statistic, n_coefficients(fit.block), n=0, n_events=0, method="likelihood ratio test")
        alone = fit.block["terms"][0]["column"] if len(fit.block["terms"]) == 1 else ""
        tests = {"likelihood_ratio_p": {alone: test}} | tests
    for estimand, found in tests.items():
        for name, test in found.items():
            rows.add(estimand, replace(test, estimate=test.p_value), variable=name)
    frame = rows.frame()
    frame[["n", "n_events"]] = math.nan
    return withhold(frame, [bool((np.rint(fit.contributors) < least).any())] * len(frame))

"""Cox models from sums over centers: where to look next, when to stop, and what was found.

Beside each hazard ratio stands what a meta-analysis of local fits would have said.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from fhrmm.estimates.collector import Collector
from fhrmm.pool.answer import Block, pattern_covariates
from fhrmm.pool.hiding import WITHHELD, withhold
from fhrmm.pool.likelihood import Sums, newton_step
from fhrmm.pool.results import Counts, level_sizes
from fhrmm.wording import counted
from timetoevent.checks import FloatArray
from timetoevent.cox.design import Column, Design
from timetoevent.cox.table import chi_squared_test, coefficient_table
from timetoevent.results import Estimate

TOLERANCE = 1e-8
NEAR = 1e-3  # so near to the maximum, a round also asks for what the test of proportional hazards needs
WIDEST = 3.0  # a longer step is cut: the likelihood may be far from a parabola there
_FOUND = 1e-6  # a coefficient that moved by more in the last round has not been found
STRATIFIED, META, RATES = "stratified by center", "meta-analysis of local fits", "piecewise exponential"
_METHODS = {
    STRATIFIED: "Cox regression, Efron ties, stratified by center, from sums",
    META: "inverse variance",
    RATES: "Poisson regression on events and person-months",
}


@dataclass(frozen=True)
class Fit:
    """A model after the rounds so far.

    Attributes
    ----------
    block : dict
        What was asked last.
    beta, step : float array
        Coefficients after the last step, and that step.
    moments, null : dict of str to float array
        The likelihood where it was asked last, and at coefficients of 0, with the centers that know about each.
    """

    block: Block
    beta: FloatArray
    step: FloatArray
    moments: Sums
    null: Sums

    @property
    def is_final(self) -> bool:
        """Whether the last step was so small that another round would change nothing, and no test lacks its sums."""
        lacks_drift = self.block["model"] == "primary" and "drift" not in self.moments
        return bool(np.abs(self.step).max() < TOLERANCE) and not lacks_drift

    def next_block(self) -> Block:
        """Return what to ask in the next round."""
        near = bool(np.abs(self.step).max() < NEAR) and self.block["model"] == "primary"
        weight = np.linalg.pinv(self.moments["information"]).tolist() if self.block["third"] else []
        return {**self.block, "at": self.beta.tolist(), "drift": near, "weight": weight}

    def covariance(self) -> FloatArray:
        """Return the inverse information, NaN where there is none."""
        information = self.moments["information"]
        free = np.flatnonzero(np.diag(information) > TOLERANCE)
        found = np.full(information.shape, np.nan)
        found[np.ix_(free, free)] = np.linalg.pinv(information[np.ix_(free, free)])
        return found

    def hazards_tests(self) -> dict[str, Estimate]:
        """Test proportional hazards by term and globally (score test, time as it is)."""
        drift, mixed, squared = (self.moments[name] for name in ("drift", "mixed", "squared"))
        p, terms = len(drift), self.block["terms"]
        information = np.block([[self.moments["information"], mixed], [mixed.T, squared]])
        of_term = np.repeat([term["column"] for term in terms], [len(term["levels"]) - 1 for term in terms])
        tested = {name: np.flatnonzero(of_term == name) for name in dict.fromkeys(of_term)} | {"GLOBAL": np.arange(p)}
        found = {}
        for name, places in tested.items():
            chosen = [*range(p), *(p + places)]
            score = np.concatenate([np.zeros(p), drift])[chosen]
            statistic = float(score @ np.linalg.pinv(information[np.ix_(chosen, chosen)]) @ score)
            method = "score test, time scale"
            found[str(name)] = chi_squared_test(statistic, len(places), n=0, n_events=0, method=method)
        return found


def follow(rounds: Sequence[tuple[Block, Sums]]) -> Fit:
    """Return where a model stands after rounds of (what was asked, sums), the first at coefficients of 0."""
    (block, sums), at = rounds[-1], np.array(rounds[-1][0]["at"])
    value, slope, curvature = _objective(sums)
    step = newton_step(slope, curvature)
    if len(rounds) > 1 and value < _objective(rounds[-2][1])[0] - TOLERANCE:
        step = (np.array(rounds[-2][0]["at"]) - at) / 2  # too far: half the way back
    step = step * min(1.0, WIDEST / max(np.abs(step).max(initial=0.0), WIDEST))
    return Fit(block, at + step, step, sums, rounds[0][1])


def _objective(sums: Sums) -> tuple[float, FloatArray, FloatArray]:
    """Return what is maximized, its slope and its curvature downwards: with Firth's penalty where it is asked for.

    The penalty is half the log determinant of the information, and is differentiated twice, so that Newton's steps
    shrink as fast as without it. Its `bend` is known from the second round on, at the information of the one before.
    """
    value, slope, information = float(sums["log_likelihood"]), sums["score"], sums["information"]
    if "third" not in sums:
        return value, slope, information
    sign, log_determinant = np.linalg.slogdet(information)
    inverse = np.linalg.pinv(information)
    turned = np.einsum("ab,bcj->acj", inverse, sums["third"])
    curvature = information + np.einsum("abj,bak->jk", turned, turned) / 2 - sums.get("bend", 0.0) / 2
    is_peaked = bool(np.linalg.eigvalsh(curvature).min() > 0)
    value = value + log_determinant / 2 if sign > 0 else -math.inf
    return value, slope + np.einsum("aaj->j", turned) / 2, curvature if is_peaked else information


def _fit_rates(block: Block, sums: Sums) -> tuple[FloatArray, FloatArray]:
    """Fit the piecewise-exponential model to events and person-months; return coefficients and their variances.

    A Poisson regression with one rate per interval, in all centers together; intervals without events are left out.
    """
    x = pattern_covariates([len(term["levels"]) for term in block["terms"]])
    used = sums["events"].sum(axis=0) > 0.5
    p, k = x.shape[1], int(used.sum())
    if k == 0:
        return np.full(p, np.nan), np.full(p, np.nan)
    y, exposure = sums["events"][:, used], np.maximum(sums["months"][:, used], 0.0)
    design = np.hstack([np.repeat(x, k, axis=0), np.tile(np.eye(k), (len(x), 1))])
    beta = np.concatenate([np.zeros(p), np.log(y.sum(axis=0) / exposure.sum(axis=0))])
    for _ in range(50):
        mean = exposure.ravel() * np.exp(design @ beta)
        information = (design.T * mean) @ design
        step = newton_step((y.ravel() - mean) @ design, information)
        beta = beta + step * min(1.0, WIDEST / max(np.abs(step).max(), WIDEST))
    return np.where(np.abs(step) < TOLERANCE, beta, np.nan)[:p], np.diag(np.linalg.pinv(information))[:p]


def estimate_models(counts: Counts, fits: Mapping[str, Fit], n_centers: int) -> pd.DataFrame:
    """Return the rows of every model: stratified Cox with tests, the meta-analysis, the piecewise-exponential model."""
    parts = []
    for name, fit in fits.items():
        known, variance = fit.null["contributors"], np.diag(fit.covariance())
        moves = "no finite estimate: the likelihood still rises after the last round"
        reasons = ["no patients to compare within any center" if of < 0.5 else "" for of in known]
        still = (np.abs(fit.step) > _FOUND) | np.isnan(variance)
        reasons = [why or (moves if rises else "") for why, rises in zip(reasons, still, strict=True)]
        parts.append(_ratios(counts, fit, STRATIFIED, (fit.beta, variance), known, reasons))
        parts.append(_model_tests(fit, counts.least))
        if alone := counts.sums.get(f"alone/{name}"):
            able = alone["contributors"]
            with np.errstate(divide="ignore", invalid="ignore"):
                found = alone["product"] / alone["weight"], 1 / alone["weight"]
            notes = [f"from {counted(round(of), 'center')} of {n_centers} that can fit alone" for of in able]
            reasons = ["" if of > 0.5 else "no center can fit it alone" for of in able]
            parts.append(_ratios(counts, fit, META, found, able, reasons, notes))
        if fit.block["model"] == "primary":
            block = f"rates/{fit.block['table']}"
            found = _fit_rates(counts.blocks[block], counts.sums[block])
            reasons = np.where(np.isnan(found[0]), "no finite estimate", "").tolist()
            notes = ["one rate per interval, shared by all centers"] * len(known)
            parts.append(_ratios(counts, fit, RATES, found, known, reasons, notes))
    return pd.concat(parts, ignore_index=True)


def _ratios(
    counts: Counts, fit: Fit, way: str, found: tuple[FloatArray, FloatArray], known: FloatArray, reasons: Sequence[str],
    notes: Sequence[str] = (),
) -> pd.DataFrame:  # fmt: skip
    """Return one row per level of each term, the reference with its patients alone.

    `found` are coefficients and variances, `known` the centers that know about each, `reasons` why one is not found.
    """
    method = f"Firth-penalized {_METHODS[way]}, Wald interval" if fit.block["third"] else _METHODS[way]
    columns, place = [], itertools.count()
    for term in fit.block["terms"]:
        name, levels, sizes = term["column"], term["levels"], level_sizes(counts, fit.block, term["column"])
        for level in levels:
            size = sizes.get(level, {"n": 0, "n_events": 0})
            columns.append(Column(name, level, levels[0], **size, position=-1 if level == levels[0] else next(place)))
    few = [0 if reason and of < 0.5 else of < counts.least for reason, of in zip(reasons, known, strict=True)]
    why = {k: WITHHELD if few[k] else reason for k, reason in enumerate(reasons) if few[k] or reason}
    design = Design(np.empty((len(known), 0)), tuple(columns))
    rows = Collector(endpoint=fit.block["table"], model=f"{fit.block['model']}, {way}")
    table = coefficient_table(design, found[0], np.sqrt(found[1]), why, ci_level=counts.study.models.ci_level)
    for column, row in zip(columns, table.to_dict("records"), strict=True):
        is_noted = bool(notes) and column.position >= 0 and column.position not in why
        rows.add_ratio(row | ({"note": notes[column.position]} if is_noted else {}), method)
    frame = rows.frame()
    frame.loc[frame["n"] == 0, ["n", "n_events"]] = math.nan
    return withhold(frame, frame["note"] == WITHHELD)


def _model_tests(fit: Fit, least: int) -> pd.DataFrame:
    """Return the likelihood ratio test, and the tests of proportional hazards where a round asked for them."""
    terms = fit.block["terms"]
    rows = Collector(endpoint=fit.block["table"], model=f"{fit.block['model']}, {STRATIFIED}")
    tests = {"ph_test_p": fit.hazards_tests() if "drift" in fit.moments else {}}
    if not fit.block["third"] and np.abs(fit.step).max() < _FOUND:
        statistic = 2 * float(fit.moments["log_likelihood"] - fit.null["log_likelihood"])
        test = chi_squared_test(statistic, len(fit.beta), n=0, n_events=0, method="likelihood ratio test")
        tests = {"likelihood_ratio_p": {terms[0]["column"] if len(terms) == 1 else "": test}} | tests
    for estimand, found in tests.items():
        for name, test in found.items():
            rows.add(estimand, replace(test, estimate=test.p_value), variable=name)
    frame = rows.frame()
    frame[["n", "n_events"]] = math.nan
    return withhold(frame, [bool((np.rint(fit.null["contributors"]) < least).any())] * len(frame))

"""Estimators against known truth: repeated samples from the generator, their bias, coverage and exaggeration."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from fhrmm.cohort import add_derived
from fhrmm.endpoints import derive_time_to_event
from fhrmm.estimate_table import clean_estimates, to_publish
from fhrmm.estimates.collector import Collector
from fhrmm.estimates.subgroups import join_cohort
from fhrmm.response import derive_response
from fhrmm.schema import empty_table
from fhrmm.study import Study
from fhrmm.wording import SIMULATED
from generator import simulate_population
from timetoevent.cox import fit_cox
from timetoevent.firth import fit_firth_cox
from timetoevent.kaplan_meier import survival_at
from timetoevent.proportions import proportion
from timetoevent.results import Estimate, not_estimable
from timetoevent.rmst import rmst
from timetoevent.weighting import compare_weighted

KEPT = Path(__file__).with_name("performance.json")
_RATIO = "hazard ratio"
_FOLLOWED = "second_line_krd"
_PROBED = 300  # patients of the sample by which generator and estimators are known again
_LARGE = 1_000  # beyond it the penalty changes nothing that can be seen, and the profile intervals cost much


def simulate_follow_up(n: int, study: Study, rng: np.random.Generator, *, endpoint: str = "PFS") -> pd.DataFrame:
    """Simulate patients without missing values and derive one endpoint.

    Returns
    -------
    DataFrame
        One row per patient: `time_months`, `event`, the factors of the plan and the terms of its models.
    """
    patients = simulate_population(n, rng, visits=False, complete=True).patients
    cohort = add_derived(patients, study)
    response = derive_response(cohort, empty_table("assessments"), study)
    rows = join_cohort(derive_time_to_event(cohort, response, study, endpoints=[endpoint]), cohort)
    factors = [factor.variable for factor in study.factors]
    names = [*factors, study.pathway.variable, *study.models.primary, *study.models.full]
    return rows[["time_months", "event", *dict.fromkeys(names)]].reset_index(drop=True)


def estimate_performance(
    truth: Mapping[str, float], study: Study, rng: np.random.Generator, *, n: int, repeats: int, term: str = _FOLLOWED
) -> pd.DataFrame:
    """Estimate bias, coverage, power and exaggeration of the study's estimators in repeated samples.

    Parameters
    ----------
    truth : mapping of str to float
        The value of each estimator in the whole population, as `known_performance` gives it.
    study : Study
        The plan.
    rng : numpy.random.Generator
        Source of randomness.
    n, repeats : int
        Patients per sample, and number of samples.
    term : str
        Factor whose hazard ratio is followed.

    Returns
    -------
    DataFrame
        Estimates rows: `bias` (on the log scale for hazard ratios), `coverage` of the interval, `power` (share of
        samples whose interval excludes one) and `exaggeration_ratio` (mean absolute log hazard ratio among those,
        divided by the true one: type M error). ``n`` is the number of samples in which the estimate exists.

    References
    ----------
    Morris TP, White IR, Crowther MJ. Stat Med 2019;38:2074-2102. Gelman A, Carlin J. Perspect Psychol Sci
    2014;9:641-651.
    """
    everyone = simulate_follow_up(n * repeats, study, rng)
    samples = [part for _, part in everyone.groupby(np.arange(len(everyone)) // n)]
    rows = Collector(endpoint="PFS", population=SIMULATED)
    for name, estimator in _estimators(term).items():
        results = [estimator(sample.reset_index(drop=True), study) for sample in samples]
        what = {"model": f"{name}, samples of {n}"} | ({"variable": term} if name.startswith(_RATIO) else {})
        for estimand, value in _judge(results, truth[name], is_ratio=name.startswith(_RATIO)):
            rows.add(estimand, value, **what)
    return rows.frame()


def write_kept_performance(study: Study, *, n_samples: int = 1_000) -> None:
    """Keep the truth, and the performance in as many samples of the study's size as coverage needs, with digests.

    It takes minutes: `python -m generator --performance`.
    """
    rng = np.random.default_rng(study.models.seed)
    population = simulate_follow_up(100_000, study, rng)
    truth = {name: estimator(population, study).estimate for name, estimator in _estimators(_FOLLOWED).items()}
    alone = {
        factor.variable: _hazard_ratio(population, [factor.variable], factor.variable, penalized=False).estimate
        for factor in study.factors
    }
    rows = estimate_performance(truth, study, rng, n=study.published.n_patients, repeats=n_samples)
    content = to_publish(rows).to_csv(index=False, lineterminator="\n").encode()
    KEPT.with_suffix(".csv").write_bytes(content)
    about = {"sha256": hashlib.sha256(content).hexdigest(), "truth": truth, "univariable": alone}
    KEPT.write_text(json.dumps(about | _know_again(study), indent=1) + "\n", encoding="utf-8")


def _know_again(study: Study) -> dict[str, object]:
    """Return the digest of what the plan says about the estimators, and what they say of one sample."""
    read = study.model_dump_json(include={"time", "models", "factors", "pathway", "staging", "endpoints"})
    sample = simulate_follow_up(_PROBED, study, np.random.default_rng(study.models.seed))
    probe = {name: f"{estimator(sample, study).estimate:.6g}" for name, estimator in _estimators(_FOLLOWED).items()}
    return {"plan": hashlib.sha256(read.encode()).hexdigest(), "probe": probe}


def known_performance(
    study: Study, rng: np.random.Generator, *, repeats: int
) -> tuple[dict[str, float], pd.DataFrame, str]:
    """Return the kept truth and performance, and where they are from; under another plan or code both are made anew.

    Raises
    ------
    ValueError
        If the kept rows are not those that the digest was made of.
    """
    about, content = json.loads(KEPT.read_text(encoding="utf-8")), KEPT.with_suffix(".csv").read_bytes()
    if hashlib.sha256(content).hexdigest() != about["sha256"]:
        raise ValueError(f"{KEPT.with_suffix('.csv').name} was changed after it was made: make it anew")
    if about.items() >= _know_again(study).items():
        rows = clean_estimates(pd.read_csv(io.BytesIO(content), keep_default_na=False))
        return about["truth"], rows, f"Kept with the generator, sha256 {about['sha256'][:16]}."
    population = simulate_follow_up(20_000, study, rng)
    truth = {name: estimator(population, study).estimate for name, estimator in _estimators(_FOLLOWED).items()}
    rows = estimate_performance(truth, study, rng, n=study.published.n_patients, repeats=repeats)
    return truth, rows, f"Plan or code of this run are not those of the kept samples: {repeats} were drawn anew."


def read_univariable_truth() -> dict[str, float]:
    """Return the true univariable hazard ratio for progression of each factor, adverse versus reference level."""
    return json.loads(KEPT.read_text(encoding="utf-8"))["univariable"]


def _estimators(term: str) -> dict[str, Callable[[pd.DataFrame, Study], Estimate]]:
    """Return the estimators that are tried, by name."""
    return {
        "PFS rate": lambda sample, study: survival_at(
            sample["time_months"], sample["event"], at=[study.time.headline_months]
        )[0],
        "PFS restricted mean": lambda sample, study: rmst(
            sample["time_months"], sample["event"], horizon=study.time.rmst_horizon_months
        ),
        f"{_RATIO}, univariable": lambda sample, _: _hazard_ratio(sample, [term], term, penalized=False),
        f"{_RATIO}, primary model": lambda sample, study: _hazard_ratio(
            sample, list(study.models.primary), term, penalized=False
        ),
        f"{_RATIO}, full Firth": lambda sample, study: _hazard_ratio(
            sample, list(study.models.full), term, penalized=len(sample) < _LARGE
        ),
        f"{_RATIO}, overlap weights": lambda sample, study: _weighted_ratio(sample, study, term),
    }


def _hazard_ratio(sample: pd.DataFrame, terms: list[str], term: str, *, penalized: bool) -> Estimate:
    sample = sample[["time_months", "event", *terms]].dropna()
    terms = [name for name in terms if sample[name].nunique() >= 2]
    outcome = {"time": "time_months", "event": "event", "terms": terms}
    fit = (
        fit_firth_cox(sample, **outcome, profile_terms=[term])
        if penalized
        else fit_cox(sample, **outcome, is_repeated=True)
    )
    rows = fit.coefficients
    chosen = rows[(rows["term"] == term) & (rows["level"] != rows["reference"])]
    if chosen.empty or chosen["status"].iloc[0] != "ok":
        return not_estimable("no finite estimate")
    numbers = chosen.iloc[0][["hazard_ratio", "ci_lower", "ci_upper", "p_value"]].astype(float).to_dict()
    return Estimate(numbers.pop("hazard_ratio"), **numbers)


def _weighted_ratio(sample: pd.DataFrame, study: Study, term: str) -> Estimate:
    """Return the ratio under overlap weights, given the other factors of the full model."""
    others = [name for name in study.models.full if name != term and sample[name].nunique() >= 2]
    frame = sample[["time_months", "event", term, *others]].dropna().reset_index(drop=True)
    frame = frame.assign(other=frame[term].astype(str) != study.factor(term).reference)
    if frame["other"].nunique() < 2 or not frame["event"].any():
        return not_estimable("one group, or no event")
    for name in others:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            frame[name] = frame[name].cat.remove_unused_categories()
    return compare_weighted(frame, time="time_months", event="event", treatment="other", terms=others).hazard_ratio


def _judge(results: list[Estimate], true: float, *, is_ratio: bool) -> Iterator[tuple[str, Estimate]]:
    """Yield what an estimator did over samples, the name of each measure first."""
    found = [result for result in results if result.status == "ok" and math.isfinite(result.estimate)]
    if not found:
        yield "bias", not_estimable("no sample gave an estimate")
        return
    values = np.array([result.estimate for result in found])
    error = np.log(values) - math.log(true) if is_ratio else values - true
    mean, spread = float(error.mean()), float(error.std(ddof=1)) / math.sqrt(len(found)) if len(found) > 1 else math.nan
    noise = {"n": len(found), "note": "interval: simulation error"}
    limits = (mean - 1.96 * spread, mean + 1.96 * spread, spread)
    yield "bias", Estimate(mean, *limits, method="mean error over samples", **noise)
    covered = [result.ci_lower <= true <= result.ci_upper for result in found]
    yield "coverage", replace(proportion(sum(covered), len(found)), **noise)
    if is_ratio:
        clear = [result.ci_lower > 1 or result.ci_upper < 1 for result in found]
        yield "power", replace(proportion(sum(clear), len(found)), **noise)
        noticed = np.abs(np.log(values[clear]))
        method = "mean absolute log hazard ratio among clear samples / true"
        value = not_estimable("no sample excludes a hazard ratio of one", n=len(found))
        if any(clear):
            value = Estimate(float(noticed.mean() / abs(math.log(true))), n=noticed.size, method=method)
        yield "exaggeration_ratio", value

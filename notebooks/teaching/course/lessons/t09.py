"""T09 Sixty-two patients: power, events per variable, separation, Firth, type M error.

Cohorts of sixty-two: the same truth drawn again and again, six factors at once, and a level without events.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask, choose
from course.figures import plot_lines, plot_spread
from course.lesson import View
from course.simulated import end_follow_up
from timetoevent.cox import fit_cox
from timetoevent.cox.data import make_model, read_data
from timetoevent.firth.regression import penalized_coefficients
from timetoevent.power import minimum_detectable_hazard_ratio, required_events, schoenfeld_power

FACTORS = ("extramedullary", "lenalidomide", "no_asct", "ecog", "stage", "not_krd")
_PREVALENCE = 0.35
_HAZARD_PER_MONTH = 0.03


def six_factor_patients(n: int = 62, *, hazard_ratio: float = 1.8, seed: int | np.random.Generator = 9) -> pd.DataFrame:
    """Simulate patients with six independent factors of the same true hazard ratio.

    Returns
    -------
    DataFrame
        One row per patient: the six factors (True or False), `time_months`, `event`.

    Examples
    --------
    >>> six_factor_patients().shape
    (62, 8)
    """
    rng = np.random.default_rng(seed)
    has = rng.random((n, len(FACTORS))) < _PREVALENCE
    # centered, so that the number of events does not depend on how strong the factors are
    hazard = _HAZARD_PER_MONTH * np.exp(np.log(hazard_ratio) * (has - _PREVALENCE).sum(axis=1))
    progression, follow_up = rng.exponential(1, n) / hazard, rng.uniform(4, 30, n)
    return pd.DataFrame(has, columns=list(FACTORS)).assign(**end_follow_up(progression, follow_up))


@cache
def repeat_study(samples: int, n: int = 62, hazard_ratio: float = 1.6) -> pd.DataFrame:
    """Draw a study many times, and estimate one factor each time.

    Returns
    -------
    DataFrame
        One row per study: `hazard_ratio`, `ci_lower`, `ci_upper`, `p_value`, `n_events`.

    Examples
    --------
    >>> len(repeat_study(5))
    5
    """
    rng = np.random.default_rng(96)
    rows = []
    for _ in range(samples):
        study = six_factor_patients(n, hazard_ratio=1.0, seed=rng)
        hazard = _HAZARD_PER_MONTH * np.exp(np.log(hazard_ratio) * study["ecog"].to_numpy(dtype=float))
        progression, follow_up = rng.exponential(1, n) / hazard, rng.uniform(4, 30, n)
        study = study.assign(**end_follow_up(progression, follow_up))
        fit = fit_cox(study, time="time_months", event="event", terms=["ecog"], is_repeated=True)
        found = fit.coefficients.iloc[0]
        if found["status"] == "ok":
            rows.append({name: found[name] for name in ("hazard_ratio", "ci_lower", "ci_upper", "p_value", "n_events")})
    return pd.DataFrame(rows).astype(float)


@cache
def repeat_model(samples: int, n: int, hazard_ratio: float = 1.8) -> pd.DataFrame:
    """Draw a study many times, and estimate six factors in one model, without and with Firth's penalty.

    Returns
    -------
    DataFrame
        One row per study and factor: hazard ratios `likelihood` and `firth`, the first missing where it has no maximum.

    Examples
    --------
    >>> list(repeat_model(2, 62))
    ['likelihood', 'firth']
    """
    rng = np.random.default_rng(97)
    model = make_model(time="time_months", event="event", terms=FACTORS)
    rows = []
    for _ in range(samples):
        study = six_factor_patients(n, hazard_ratio=hazard_ratio, seed=rng)
        fit = fit_cox(study, time="time_months", event="event", terms=FACTORS, is_repeated=True)
        plain = fit.coefficients["hazard_ratio"]
        penalized = np.exp(penalized_coefficients(read_data(study, model)))
        rows.append(pd.DataFrame({"likelihood": plain.to_numpy(dtype=float), "firth": penalized}))
    return pd.concat(rows, ignore_index=True)


def patients_with_an_empty_level() -> pd.DataFrame:
    """Return sixty-two patients of whom seven had a second transplant, none of them with progression so far.

    Examples
    --------
    >>> patients = patients_with_an_empty_level()
    >>> int(patients.loc[patients["second_transplant"], "event"].sum())
    0
    """
    patients = six_factor_patients(seed=12)
    without_event = patients.index[~patients["event"]][:7]
    return patients.assign(second_transplant=patients.index.isin(without_event))


def power_curves(prevalence: float) -> View:
    """Show power against the true hazard ratio for several numbers of events."""
    ratios = np.linspace(1.01, 5, 60)
    lines = {
        f"{events} events": (ratios, [schoenfeld_power(ratio, events, prevalence) for ratio in ratios])
        for events in (300, 100, 50, 25)
    }
    figure = plot_lines(
        lines, x_label="True hazard ratio", y_label="Power, %", is_percent=True, is_log_x=True, level=0.8
    )
    smallest = minimum_detectable_hazard_ratio(25, prevalence)
    caption = (
        f"Power of a two-sided 5% test for a factor that {100 * prevalence:.0f}% have (Schoenfeld). With 25 events, "
        f"four in five studies find a hazard ratio of {smallest:.1f}; dashed: 80%."
    )
    return View(figure, caption)


def significant_ones(patients: int, true_hazard_ratio: float) -> View:
    """Show the estimates of many studies of the same truth, those with a small p-value marked."""
    studies = repeat_study(150, patients, true_hazard_ratio)
    is_small = studies["p_value"] < 0.05
    figure = plot_spread(
        {f"{patients} patients a study": studies["hazard_ratio"]},
        label="Estimated hazard ratio",
        truth=true_hazard_ratio,
        is_log=True,
        marked={f"{patients} patients a study": is_small},
        mark_label="p below 0.05",
    )
    middle = studies.loc[is_small, "hazard_ratio"].median()
    said = f"their middle estimate is {middle:.1f}" if is_small.any() else "none finds anything"
    caption = (
        f"True hazard ratio {true_hazard_ratio:g}: {is_small.sum()} of {len(studies)} studies of {patients} patients "
        f"have a p-value below 0.05; {said}."
    )
    return View(figure, caption)


_POWER = schoenfeld_power(1.9, 25, 0.35)
_TRUE = 1.6


def _exaggeration(*, of_logs: bool = True, only_small: bool = True) -> float:
    studies = repeat_study(300)
    found = studies.loc[studies["p_value"] < 0.05, "hazard_ratio"] if only_small else studies["hazard_ratio"]
    return float(np.log(found).abs().mean() / np.log(_TRUE)) if of_logs else float(found.mean() / _TRUE)


EXERCISES = (
    ask(
        "T09.1",
        lambda: math.ceil(required_events(2.0, 0.3)),
        "Schoenfeld: (z for alpha/2 + z for power) squared, over (log hazard ratio) squared times q (1 - q). Round up.",
        Mistake(lambda: math.floor(required_events(2.0, 0.3)), "Rounded down: with that few the power is just missed."),
        Mistake(
            lambda: math.ceil(required_events(2.0, 0.5)),
            "That is for a factor that half of the patients have. Three in ten have it.",
        ),
        Mistake(
            lambda: math.ceil(required_events(2.0, 0.3, alpha=0.1)), "That is one-sided: take z for half of alpha."
        ),
        Mistake(
            lambda: math.ceil(required_events(2.0, 0.3) * 0.3 * 0.7),
            "You left out that the groups are not of equal size: q (1 - q) in the denominator.",
        ),
        scale="count",
        because="Three times what a cohort of sixty-two usually has after a year or so.",
    ),
    ask(
        "T09.2",
        lambda: _POWER**6,
        "Each factor is found with the power of one; all of them: multiply.",
        Mistake(lambda: _POWER, "That is the chance of finding one given factor. All six are asked for."),
        Mistake(lambda: 1 - (1 - _POWER) ** 6, "That is the chance of finding at least one."),
        Mistake(lambda: 6 * _POWER, "That is the expected number of factors found, not a probability."),
        decimals=3,
        scale="probability",
        because="Six out of six in a cohort this small is next to impossible, unless effects were far larger or the "
        "factors were found by looking.",
    ),
    ask(
        "T09.3",
        lambda: 25 / 6,
        "Count coefficients, not variables and not patients: a factor of three levels takes two.",
        Mistake(lambda: 25 / 5, "You counted variables. The pathway has three levels and takes two coefficients."),
        Mistake(lambda: 62 / 6, "You divided patients. Only events carry information on hazards."),
        Mistake(lambda: 25 / 7, "A factor of three levels takes two coefficients: the reference level takes none."),
        decimals=1,
        because="Far from the ten of the old rule, and the rule itself is lenient.",
    ),
    ask(
        "T09.4",
        _exaggeration,
        "Keep the studies with a p-value below 0.05; mean of the absolute log hazard ratios, over the true log.",
        Mistake(
            lambda: _exaggeration(only_small=False),
            "That is over all studies. Only those that get noticed are asked for.",
        ),
        Mistake(
            lambda: _exaggeration(of_logs=False),
            "You divided hazard ratios. Effects add on the log scale: take logarithms first.",
        ),
        decimals=1,
        because="Nothing was done wrong in any of these studies. They were only small, and chosen by their p-value.",
    ),
    choose(
        "T09.5",
        "large, with wide uncertainty",
        "Look at the upper limit of the interval, not at the estimate alone.",
        {
            "infinite": "That the likelihood has no maximum is a property of seven patients.",
            "absent": "The interval allows that, too, but it is not what the estimate says. Report both.",
            "proven": "Seven patients without event prove little; the interval says how little.",
            "large, with wide uncertainty": (
                "And remember T06: a second transplant is immortal time, which no penalty mends."
            ),
        },
    ),
)

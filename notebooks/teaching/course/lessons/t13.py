"""T13 Why averaging small centers turns the sign, and how sums over centers do not.

Ten centers with one truth: which of them can fit a model alone, and what those that cannot would have said.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from course.exercise import Mistake, ask, choose
from course.figures import plot_intervals
from course.lesson import View
from course.rows import side_by_side
from fhrmm.pool.likelihood import DayTable, count_days, evaluate, fit_alone, newton_step
from timetoevent.intervals import normal_quantile
from timetoevent.results import Estimate

_SIZES = (14, 10, 9, 8, 6, 5, 4, 3, 2, 1)
_TRUE_RATIO = 0.5
_STORY = 119


def small_centers(draw: int = _STORY) -> pd.DataFrame:
    """Simulate ten centers whose hazards differ and whose hazard ratio of KRd does not.

    Returns
    -------
    DataFrame
        One row per patient: `center`, `is_krd` (0 or 1), `days`, `event`.

    Examples
    --------
    >>> len(small_centers())
    62
    """
    rng = np.random.default_rng(draw)
    number = np.repeat(np.arange(len(_SIZES)), _SIZES)
    is_krd = rng.random(number.size) < 0.45
    of_center = np.exp(rng.normal(0, 0.4, len(_SIZES)))[number]
    time, until = rng.exponential(1 / (0.06 * of_center * _TRUE_RATIO**is_krd)), rng.uniform(6, 24, number.size)
    days = np.ceil(np.minimum(time, until) * 30.4375).astype(int)
    name = [f"center {k + 1}" for k in number]
    return pd.DataFrame({"center": name, "is_krd": is_krd.astype(int), "days": days, "event": time <= until})


def _day_tables(patients: pd.DataFrame) -> dict[str, DayTable]:
    """Count each center's patients at risk and events by day and regimen, as a center does before it answers."""
    patterns = np.array([[0.0], [1.0]])
    return {
        str(name): count_days(part["days"].to_numpy(), part["event"].to_numpy(), part["is_krd"].to_numpy(), patterns)
        for name, part in patients.groupby("center", sort=False)
    }


def fit_locally(patients: pd.DataFrame) -> pd.DataFrame:
    """Fit each center alone: patients, events by regimen, log hazard ratio and its standard error, where it has one."""
    rows = []
    for name, table in _day_tables(patients).items():
        part, (beta, variance) = patients[patients["center"] == name], fit_alone(table)
        of_krd = part["is_krd"] == 1
        counts = {"n": len(part), "events_krd": int(part.loc[of_krd, "event"].sum())}
        counts["events_other"] = int(part["event"].sum()) - counts["events_krd"]
        rows.append({"center": name} | counts | {"log_ratio": beta[0], "std_error": float(np.sqrt(variance[0]))})
    return pd.DataFrame(rows)


def score_and_information(patients: pd.DataFrame, log_ratio: float) -> pd.DataFrame:
    """Return what each center sends for one round: score and information at the coefficient asked."""
    found = {name: evaluate(table, np.array([log_ratio])) for name, table in _day_tables(patients).items()}
    rows = [(name, one["score"][0], one["information"][0, 0]) for name, one in found.items()]
    return pd.DataFrame(rows, columns=["center", "score", "information"])


def follow_rounds(patients: pd.DataFrame, n_rounds: int = 6) -> pd.DataFrame:
    """Take Newton's step on the sums over centers, round after round: where each round asks, and the sums it gets."""
    beta, rows = 0.0, []
    for number in range(1, n_rounds + 1):
        sums = score_and_information(patients, beta)[["score", "information"]].sum()
        rows.append({"round": number, "log_ratio": beta, **sums})
        beta += newton_step(np.array([sums["score"]]), np.array([[sums["information"]]]))[0]
    return pd.DataFrame(rows)


def average(fits: pd.DataFrame) -> tuple[float, float]:
    """Return the inverse-variance mean of the local log hazard ratios that exist, and its standard error."""
    weight = 1 / fits["std_error"] ** 2
    return float((weight * fits["log_ratio"]).sum() / weight.sum()), float(weight.sum() ** -0.5)


def local_and_exact(draw: int) -> View:
    """Show the centers that can fit, their average, and the exact result of all ten."""
    patients = small_centers(draw)
    fits, rounds = fit_locally(patients), follow_rounds(patients)
    able = fits.dropna()
    shown = {f"{row.center}, n = {row.n}": (row.log_ratio, row.std_error) for row in able.itertuples()}
    shown["average of these"] = average(able)
    last = rounds.iloc[-1]
    shown["exact, all ten"] = (last["log_ratio"], last["information"] ** -0.5)
    z = normal_quantile(0.95)
    rows = {name: Estimate(*np.exp([b, b - z * error, b + z * error])) for name, (b, error) in shown.items()}
    caption = (
        f"Hazard ratio of KRd, draw {draw}: {len(able)} of {len(fits)} centers can fit alone; their inverse-variance "
        "average, and the model stratified by center of all patients. Dashed: the truth."
    )
    return View(plot_intervals(side_by_side(rows), truth=_TRUE_RATIO), caption)


def averages_and_exact(n_draws: int = 100) -> pd.DataFrame:
    """Repeat the ten centers: mean log hazard ratio of each way, and how often its sign is wrong."""
    drawn = [small_centers(draw) for draw in range(n_draws)]
    found = {
        "average of local fits": [average(fit_locally(patients).dropna())[0] for patients in drawn],
        "exact, stratified by center": [follow_rounds(patients)["log_ratio"].iloc[-1] for patients in drawn],
    }
    rows = [(way, np.nanmean(values), float(np.mean(np.array(values) > 0))) for way, values in found.items()]
    return pd.DataFrame(rows, columns=["way", "mean_log_ratio", "wrong_sign"])


_PATIENTS = small_centers()
_FITS, _ROUNDS = fit_locally(_PATIENTS), follow_rounds(_PATIENTS)
_ABLE, _AT_ZERO = _FITS.dropna(), score_and_information(_PATIENTS, 0.0)
_WITH_EVENTS = _FITS["events_krd"] + _FITS["events_other"] > 0
_OWN_STEPS = (_AT_ZERO["score"] / _AT_ZERO["information"]).where(_AT_ZERO["information"] > 0)

EXERCISES = (
    ask(
        "T13.1",
        lambda: len(_ABLE),
        "A hazard ratio needs more than an event: look for a number in the last columns.",
        Mistake(
            lambda: int(_WITH_EVENTS.sum()), "Those have an event. With events in one group alone there is no ratio."
        ),
        Mistake(lambda: len(_FITS) - len(_ABLE), "Those are the centers that cannot."),
        scale="count",
        because="The others are not wrong. They are silent, each for a reason that has to do with the answer.",
    ),
    choose(
        "T13.2",
        "it drops out",
        "Its own likelihood rises as long as the coefficient falls. Is there a weight for such an estimate?",
        {
            "it drops out": "And with it the strongest evidence that KRd works. Those who stay are a selection.",
            "it counts as zero": "Zero would say that the regimens are alike. It says the opposite.",
            "it counts fully": "Its estimate is minus infinity, and no finite weight goes with that.",
        },
    ),
    ask(
        "T13.3",
        lambda: average(_ABLE)[0],
        "The weight of a center is one over its squared standard error.",
        Mistake(lambda: float(_ABLE["log_ratio"].mean()), "The plain mean: each center with the same weight."),
        Mistake(
            lambda: float((_ABLE["log_ratio"] / _ABLE["std_error"]).sum() / (1 / _ABLE["std_error"]).sum()),
            "Weigh with the inverse of the variance, not of the standard error.",
        ),
        because="The truth is below zero. The average is above it, by arithmetic that is right.",
    ),
    ask(
        "T13.4",
        lambda: float(_AT_ZERO["score"].sum() / _AT_ZERO["information"].sum()),
        "Add the scores, add the information, then divide.",
        Mistake(lambda: float(_OWN_STEPS.mean()), "The mean of the centers' own steps. Add first, divide once."),
        Mistake(lambda: float(_AT_ZERO["score"].sum()), "That is the score. Divide it by the information."),
        because="Every center has spoken, the silent ones too: a center without a fit of its own still has a score.",
    ),
    ask(
        "T13.5",
        lambda: (83 + 41 + 89) % 100,
        "Add, and keep the last two digits.",
        Mistake(lambda: 83 + 41 + 89, "On a clock of one hundred there is no such number: take away full turns."),
        scale="count",
        because="What each sent tells nothing by itself: for every number it may have, some mask fits.",
    ),
)

"""Views of T03: when a median is reached, and what those that are reached have in common."""

from __future__ import annotations

from functools import cache

import numpy as np

from course.figures import plot_curves
from course.view import View
from course.worlds.plateau import TRUE_MEDIAN_MONTHS, plateau_patients, true_plateau_curve
from timetoevent.kaplan_meier import kaplan_meier, survival_quantile


def curve_and_median(patients: int, longest_follow_up: int) -> View:
    """Show one sample's curve with the height of one half, and say its median.

    Examples
    --------
    >>> "true median 18.0 months" in curve_and_median(62, 20).caption
    True
    """
    sample = plateau_patients(patients, longest_follow_up=longest_follow_up)
    curve = kaplan_meier(sample["time_months"], sample["event"])
    found = survival_quantile(sample["time_months"], sample["event"])
    median = f"{found.estimate:.1f} months" if found.status == "ok" else "not reached"
    lower = f"{found.ci_lower:.1f}" if not np.isnan(found.ci_lower) else "not reached"
    upper = f"{found.ci_upper:.1f}" if not np.isnan(found.ci_upper) else "not reached"
    figure = plot_curves(
        {"Kaplan-Meier": curve},
        truth={"truth": true_plateau_curve(36)},
        limit=36,
        label="Free of progression, %",
        has_half=True,
    )
    caption = (
        f"{patients} patients followed for 4 to {longest_follow_up} months; pointwise 95% interval. Median {median} "
        f"(95% CI {lower} to {upper}); true median {TRUE_MEDIAN_MONTHS:.1f} months."
    )
    return View(figure, caption)


@cache
def medians_of_many(samples: int, longest_follow_up: float, n: int = 62) -> tuple[np.ndarray, float]:
    """Return the medians of those samples that reach theirs, and the share that does.

    Examples
    --------
    >>> medians, share = medians_of_many(20, 20.0)
    >>> len(medians) == round(20 * share)
    True
    """
    rng = np.random.default_rng(33)
    found = []
    for _ in range(samples):
        sample = plateau_patients(n, longest_follow_up=longest_follow_up, seed=rng)
        found.append(survival_quantile(sample["time_months"], sample["event"]))
    medians = np.array([estimate.estimate for estimate in found if estimate.status == "ok"])
    return medians, len(medians) / samples

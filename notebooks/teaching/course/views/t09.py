"""Views of T09: power by number of events, and what those who find something have found."""

from __future__ import annotations

import numpy as np

from course.figures import plot_lines, plot_spread
from course.view import View
from course.worlds.small_cohorts import repeat_study
from timetoevent.power import minimum_detectable_hazard_ratio, schoenfeld_power


def power_curves(prevalence: float) -> View:
    """Show power against the true hazard ratio for several numbers of events.

    Examples
    --------
    >>> power_curves(0.5).caption.startswith("Power")
    True
    """
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
    """Show the estimates of many studies of the same truth, those with a small p-value marked.

    Examples
    --------
    >>> "of 150 studies" in significant_ones(62, 1.6).caption
    True
    """
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

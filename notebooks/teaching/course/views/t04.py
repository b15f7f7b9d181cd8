"""Views of T04: what repeated testing does, and what a searched cut-point does."""

from __future__ import annotations

import numpy as np

from course.figures import plot_lines
from course.view import View
from course.worlds.many_tests import patients_without_effects, try_cut_points


def false_alarms(level: float) -> View:
    """Show the chance of at least one false positive against the number of tests.

    Examples
    --------
    >>> false_alarms(0.05).caption.startswith("Chance")
    True
    """
    tests = np.arange(1, 41)
    lines = {
        "each at the level": (tests, 1 - (1 - level) ** tests),
        "Bonferroni or Holm": (tests, 1 - (1 - level / tests) ** tests),
    }
    figure = plot_lines(
        lines, x_label="Independent tests of nothing", y_label="At least one false positive, %", is_percent=True
    )
    return View(figure, f"Chance of at least one false positive among independent tests at a level of {level:g}.")


def searched_cut(cohort: int) -> View:
    """Show the p-value at every cut-point of a marker that does nothing.

    Examples
    --------
    >>> "smallest" in searched_cut(1).caption
    True
    """
    found = try_cut_points(patients_without_effects(120, 1, seed=cohort)[0])
    best = found.loc[found["p_value"].idxmin()]
    figure = plot_lines(
        {"p-value": (found["cut"], found["p_value"])},
        x_label="Cut-point of the marker",
        y_label="p-value of the log-rank test",
        level=0.05,
        lines_at=[best["cut"]],
    )
    caption = (
        f"Cohort {cohort}: 120 patients and a marker that does nothing, cut at {len(found)} places. The smallest "
        f"p-value, {best['p_value']:.3f}, is at {best['cut']:.1f}; dashed: 0.05."
    )
    return View(figure, caption)

"""Views of T08: crude, adjusted and weighted comparisons of the same regimens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from course.figures import plot_intervals, plot_lines
from course.rows import Found, side_by_side
from course.view import View
from course.worlds.indication import MEASURED, regimen_patients
from timetoevent.cox import fit_cox
from timetoevent.sensitivity import e_value
from timetoevent.weighting import compare_weighted


def compare(patients: pd.DataFrame, terms: Sequence[str] = MEASURED) -> dict[str, Found]:
    """Compare KRd with other regimens in four ways.

    Parameters
    ----------
    patients : DataFrame
        As of `regimen_patients`.
    terms : sequence of str
        What is adjusted for.

    Examples
    --------
    >>> list(compare(regimen_patients(300)))
    ['crude', 'Cox model, adjusted', 'inverse probability weights', 'overlap weights']
    """
    common = {"time": "time_months", "event": "event"}
    weighted = {**common, "treatment": "krd", "terms": list(terms)}
    return {
        "crude": fit_cox(patients, **common, terms=["krd"]),
        "Cox model, adjusted": fit_cox(patients, **common, terms=["krd", *terms]),
        "inverse probability weights": compare_weighted(patients, **weighted, kind="inverse_probability").hazard_ratio,
        "overlap weights": compare_weighted(patients, **weighted, kind="overlap").hazard_ratio,
    }


def unmeasured(strength: float, patients: int) -> View:
    """Show the comparisons when a trait of the given strength bears on choice and course, and nobody measured it.

    Examples
    --------
    >>> "strength 2" in unmeasured(2.0, 400).caption
    True
    """
    rows = side_by_side(compare(regimen_patients(patients, unmeasured=strength)))
    caption = (
        f"{patients} patients, true hazard ratio one. An unmeasured frailty of strength {strength:g} (odds ratio "
        "with the choice, hazard ratio with progression) is left out of every analysis; 95% intervals."
    )
    return View(plot_intervals(rows, truth=1.0, label="Hazard ratio, KRd against other"), caption)


def e_value_curve() -> View:
    """Show how strong a confounder must be to explain a hazard ratio away.

    Examples
    --------
    >>> e_value_curve().caption.startswith("E-value")
    True
    """
    ratios = np.linspace(0.2, 1.0, 41)
    lines = {
        "common outcome": (ratios, [e_value(r, r, r).estimate for r in ratios]),
        "rare outcome": (ratios, [e_value(r, r, r, rare=True).estimate for r in ratios]),
    }
    figure = plot_lines(lines, x_label="Hazard ratio", y_label="E-value")
    return View(figure, "E-value of a hazard ratio below one, for outcomes that most patients have, and for rare ones.")

"""Views of T11: the naive and the true share of patients who progress, with more or fewer deaths before."""

from __future__ import annotations

import pandas as pd

from course.figures import plot_curves
from course.view import View
from course.worlds.competing import PROGRESSION, competing_patients, true_incidence
from timetoevent.competing_risks import cumulative_incidence
from timetoevent.kaplan_meier import kaplan_meier


def incidence_of(patients: pd.DataFrame, cause: int = PROGRESSION) -> pd.DataFrame:
    """Return the cumulative incidence of one cause by Aalen-Johansen.

    Examples
    --------
    >>> bool(incidence_of(competing_patients(100))["cumulative_incidence"].is_monotonic_increasing)
    True
    """
    found = cumulative_incidence(patients["time_months"], patients["cause"])
    return found[found["cause"] == cause].reset_index(drop=True)


def one_minus_kaplan_meier(patients: pd.DataFrame, cause: int = PROGRESSION) -> pd.DataFrame:
    """Return one minus the Kaplan-Meier curve with other events censored: the naive answer.

    Examples
    --------
    >>> list(one_minus_kaplan_meier(competing_patients(50)))
    ['time', 'cumulative_incidence']
    """
    curve = kaplan_meier(patients["time_months"], patients["cause"] == cause)
    return pd.DataFrame({"time": curve["time"], "cumulative_incidence": 1 - curve["survival"]})


def naive_and_right(death_per_month: float) -> View:
    """Show both estimates beside the truth.

    Examples
    --------
    >>> "a month" in naive_and_right(0.01).caption
    True
    """
    patients = competing_patients(death_per_month=death_per_month)
    curves = {"one minus Kaplan-Meier": one_minus_kaplan_meier(patients), "Aalen-Johansen": incidence_of(patients)}
    figure = plot_curves(
        curves,
        truth={"truth": true_incidence(36, death_per_month)},
        value="cumulative_incidence",
        label="Progressed, %",
        limit=36,
    )
    died = int((patients["cause"] == 2).sum())
    caption = (
        f"Share of patients who progress, {died} of {len(patients)} die without progression "
        f"({100 * death_per_month:g}% a month)."
    )
    return View(figure, caption)

"""Views of T12: one window after the other, one center after the other."""

from __future__ import annotations

from course.figures import plot_curves, plot_intervals
from course.rows import side_by_side
from course.view import View
from course.worlds.definitions import TRUE_RATE, center_patients, relapsing_patients
from timetoevent.kaplan_meier import kaplan_meier
from timetoevent.proportions import proportion

_COLUMNS = {"relapse": "time_months", "transplant": "from_transplant_months"}


def early_against_late(window_months: int, clock_from: str) -> View:
    """Show survival of early and late relapse for a window, counted from relapse or from transplant.

    Examples
    --------
    >>> "from relapse" in early_against_late(12, "relapse").caption
    True
    """
    patients = relapsing_patients()
    is_early = patients["relapse_months"] <= window_months
    column = _COLUMNS[clock_from]
    parts = {"early relapse": patients[is_early], "later relapse": patients[~is_early]}
    curves = {name: kaplan_meier(part[column], part["event"]) for name, part in parts.items()}
    caption = (
        f"Overall survival from {clock_from}; early: within {window_months} months of transplant "
        f"({is_early.sum()} of {len(patients)} patients); pointwise 95% intervals."
    )
    figure = plot_curves(curves, limit=48, label="Alive, %", time_label=f"Months from {clock_from}")
    return View(figure, caption)


def centers(draw: int) -> View:
    """Show the rate of each center with its exact interval, all drawn from one truth.

    Examples
    --------
    >>> "draw 3" in centers(3).caption
    True
    """
    patients = center_patients(draw)
    groups = {f"{name}, n = {len(part)}": part["is_alive"] for name, part in patients.groupby("center", sort=False)}
    rates = {name: proportion(int(alive.sum()), len(alive)) for name, alive in groups.items()}
    rates["all centers, n = 62"] = proportion(int(patients["is_alive"].sum()), len(patients))
    figure = plot_intervals(side_by_side(rates), truth=TRUE_RATE, label="Alive at 12 months", is_log=False)
    caption = f"Ten centers with the same true rate, draw {draw}: share alive at 12 months, exact 95% intervals."
    return View(figure, caption)

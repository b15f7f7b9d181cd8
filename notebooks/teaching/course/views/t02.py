"""Views of T02: three ways to a survival probability, under more or less censoring."""

from __future__ import annotations

from course.figures import plot_intervals
from course.rows import side_by_side
from course.view import View
from course.worlds.censoring import censored_patients, true_survival_curve
from timetoevent.kaplan_meier import survival_at
from timetoevent.proportions import proportion

_AT_MONTHS = 12.0


def three_ways(dropout_per_month: float, patients: int) -> View:
    """Show two naive proportions and Kaplan-Meier beside the truth.

    Examples
    --------
    >>> three_ways(0.05, 100).caption.startswith("Free of progression")
    True
    """
    sample = censored_patients(patients, dropout_per_month=dropout_per_month)
    truth = float(true_survival_curve(_AT_MONTHS)["survival"].iloc[-1])
    progressed = int((sample["event"] & (sample["time_months"] <= _AT_MONTHS)).sum())
    censored = int((~sample["event"] & (sample["time_months"] < _AT_MONTHS)).sum())
    rows = {
        "as if watched to the end": proportion(patients - progressed, patients),
        "censored left out": proportion(patients - progressed - censored, patients - censored),
        "Kaplan-Meier": survival_at(sample["time_months"], sample["event"], at=[_AT_MONTHS])[0],
    }
    figure = plot_intervals(
        side_by_side(rows), truth=truth, label=f"Free of progression at {_AT_MONTHS:.0f} months", is_log=False
    )
    caption = (
        f"Free of progression at {_AT_MONTHS:.0f} months, three ways, with 95% intervals: {patients} patients, of whom "
        f"{censored} were censored before; dropout {100 * dropout_per_month:.0f}% a month."
    )
    return View(figure, caption)

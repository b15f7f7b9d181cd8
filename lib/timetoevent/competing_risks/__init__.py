"""Competing risks: cumulative incidence, Gray's test, the Fine-Gray model.

Causes are whole numbers, 0 for censored; censorings follow events at tied times; times equal up to rounding
are tied.
"""

from timetoevent.competing_risks.fine_gray import FineGray, fine_gray
from timetoevent.competing_risks.gray import gray_test
from timetoevent.competing_risks.incidence import cumulative_incidence
from timetoevent.competing_risks.states import state_probabilities

__all__ = ["FineGray", "cumulative_incidence", "fine_gray", "gray_test", "state_probabilities"]

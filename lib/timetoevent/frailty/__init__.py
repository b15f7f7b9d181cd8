"""Penalized Cox models: shared frailty of groups, and ridge."""

from timetoevent.frailty.fitted import FrailtyFit
from timetoevent.frailty.ridge import RidgeFit, fit_ridge_cox
from timetoevent.frailty.shared import fit_frailty_cox

__all__ = ["FrailtyFit", "RidgeFit", "fit_frailty_cox", "fit_ridge_cox"]

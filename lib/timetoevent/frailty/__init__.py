"""Penalized Cox models: shared frailty of groups, and ridge."""

from timetoevent.frailty.ridge import RidgeFit, fit_ridge_cox
from timetoevent.frailty.shared import FrailtyFit, fit_frailty_cox

__all__ = ["FrailtyFit", "RidgeFit", "fit_frailty_cox", "fit_ridge_cox"]

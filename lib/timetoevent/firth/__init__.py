"""Firth's penalized likelihood for Cox and logistic regression, with profile intervals."""

from timetoevent.firth.cox import fit_firth_cox
from timetoevent.firth.fitted import FirthFit
from timetoevent.firth.logistic import fit_firth_logistic

__all__ = ["FirthFit", "fit_firth_cox", "fit_firth_logistic"]

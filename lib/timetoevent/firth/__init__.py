"""Firth's penalized likelihood for Cox regression, with profile intervals."""

from timetoevent.firth.regression import fit_firth_cox

__all__ = ["fit_firth_cox"]

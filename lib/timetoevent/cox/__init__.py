"""Cox proportional hazards regression held equal to R's ``coxph``: by lifelines, verified, or on sorted arrays."""

from timetoevent.cox.concordance import concordance_index
from timetoevent.cox.fit import fit_cox
from timetoevent.cox.fitted import CoxFit

__all__ = ["CoxFit", "concordance_index", "fit_cox"]

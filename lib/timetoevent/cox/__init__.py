"""Cox proportional hazards regression held equal to R's ``coxph``: by lifelines, verified, or on sorted arrays."""

from timetoevent.cox.concordance import concordance_index
from timetoevent.cox.fit import fit_cox
from timetoevent.cox.fitted import CoxFit
from timetoevent.cox.influence import dfbeta

__all__ = ["CoxFit", "concordance_index", "dfbeta", "fit_cox"]

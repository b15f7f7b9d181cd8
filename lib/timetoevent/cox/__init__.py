"""Cox proportional hazards regression held equal to R's ``coxph``, on sorted arrays without loops over times."""

from timetoevent.cox.concordance import concordance_index
from timetoevent.cox.fit import fit_cox
from timetoevent.cox.fitted import CoxFit
from timetoevent.cox.prediction import baseline_hazard, predict_survival
from timetoevent.cox.residuals import residuals

__all__ = ["CoxFit", "baseline_hazard", "concordance_index", "fit_cox", "predict_survival", "residuals"]

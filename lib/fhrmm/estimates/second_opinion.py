"""What is printed beside what lifelines alone says: where the two agree, and where a convention makes them differ."""

from __future__ import annotations

import math

import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter

from fhrmm.study import Study
from timetoevent.cox import fit_cox
from timetoevent.kaplan_meier import survival_at, survival_quantile


def compare_with_lifelines(sample: pd.DataFrame, study: Study, *, term: str = "second_line_krd") -> pd.DataFrame:
    """Estimate a curve, its median and a hazard ratio as the report does and with lifelines alone.

    `sample` has one row per patient without missing values; `term` is a factor with two levels.

    One row per quantity: Quantity, This report, lifelines, Relative difference.

    Notes
    -----
    The report takes curves and ratios from lifelines and verifies them; here lifelines answers with its own settings,
    limits and quantiles. Both use Efron's ties, the log-log interval and Greenwood's variance, and agree but for
    rounding. A median on a plateau at one half is its middle in the report, as in R, and its left end in lifelines.

    References
    ----------
    Davidson-Pilon C. lifelines: survival analysis in Python. J Open Source Softw 2019;4(40):1317.
    """
    time, event = sample["time_months"], sample["event"].astype(bool)
    level, at = study.models.ci_level, study.time.headline_months
    ours = survival_at(time, event, at=[at], ci_level=level)[0]
    curve = KaplanMeierFitter(alpha=1 - level).fit(time, event)
    limits = curve.confidence_interval_survival_function_.loc[:at].iloc[-1]
    adverse = (sample[term].astype(object) == study.factor(term).adverse).astype(float)
    frame = pd.DataFrame({"time": time, "event": event, term: adverse})
    fit = fit_cox(frame, time="time", event="event", terms=[term]).coefficients.iloc[0]
    precise = {"precision": 1e-12, "r_precision": 1e-14}  # both, or lifelines stops at a millionth
    other = CoxPHFitter().fit(frame.astype(float), "time", "event", fit_options=precise).summary.iloc[0]
    pairs = {
        f"Progression-free survival at {at:g} months": (ours.estimate, float(curve.predict(at))),
        "its lower limit": (ours.ci_lower, float(limits.iloc[0])),
        "its upper limit": (ours.ci_upper, float(limits.iloc[1])),
        "Median, months": (survival_quantile(time, event).estimate, float(curve.median_survival_time_)),
        "Hazard ratio, univariable": (float(fit["hazard_ratio"]), float(other["exp(coef)"])),
        "its standard error (log scale)": (float(fit["std_error"]), float(other["se(coef)"])),
    }
    return pd.DataFrame([_row(name, *pair) for name, pair in pairs.items()])


def _row(name: str, ours: float, theirs: float) -> dict[str, object]:
    known = math.isfinite(ours) and math.isfinite(theirs)
    gap = abs(ours / theirs - 1) if known and theirs else math.nan
    same_reason = not math.isfinite(ours) and not math.isfinite(theirs)
    return {
        "Quantity": name,
        "This report": f"{ours:.6f}" if math.isfinite(ours) else "not reached",
        "lifelines": f"{theirs:.6f}" if math.isfinite(theirs) else "not reached",
        "Relative difference": "none" if same_reason else "below 1e-6" if gap < 1e-6 else f"{gap:.0e}",
    }

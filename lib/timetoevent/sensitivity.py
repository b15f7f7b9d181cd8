"""How strong an unmeasured confounder would have to be: the E-value."""

from __future__ import annotations

import math

from timetoevent.results import Estimate, not_estimable

METHOD = "E-value (VanderWeele and Ding)"


def e_value(hazard_ratio: float, ci_lower: float, ci_upper: float, *, rare: bool = False) -> Estimate:
    r"""Return the E-value of a hazard ratio and of the confidence limit nearer to 1.

    The smallest risk ratio that an unmeasured confounder would need with both the exposure and the outcome
    to explain the association away, given the measured covariates. For a common outcome the hazard ratio
    stands for the risk ratio :math:`(1 - 0.5^{\sqrt{HR}}) / (1 - 0.5^{\sqrt{1 / HR}})`.

    Parameters
    ----------
    hazard_ratio, ci_lower, ci_upper : float
        Estimate and its confidence limits.
    rare : bool
        Whether fewer than about 15% have the outcome by the end of follow-up: the hazard ratio is then
        taken as the risk ratio.

    Returns
    -------
    Estimate
        ``estimate`` is the E-value of the hazard ratio, ``ci_lower`` that of the limit nearer to 1 (1 if the
        interval includes 1); ``ci_upper`` has no meaning and is NaN.

    References
    ----------
    VanderWeele T. J., Ding P. (2017). Sensitivity analysis in observational research: introducing the
    E-value. Annals of Internal Medicine 167:268-274.

    Examples
    --------
    >>> result = e_value(1.9, 1.1, 3.2)
    >>> round(result.estimate, 2), round(result.ci_lower, 2)
    (2.49, 1.34)
    >>> e_value(1.9, 0.9, 4.0).ci_lower
    1.0
    """
    numbers = (hazard_ratio, ci_lower, ci_upper)
    if not all(math.isfinite(value) and value > 0 for value in numbers):
        return not_estimable("needs a hazard ratio and both limits, finite and above 0", method=METHOD)
    if not ci_lower <= hazard_ratio <= ci_upper:
        return not_estimable("the interval does not contain the hazard ratio", method=METHOD)
    nearer = ci_lower if hazard_ratio >= 1 else ci_upper
    includes_null = ci_lower <= 1 <= ci_upper
    return Estimate(
        estimate=_e_value(hazard_ratio, rare=rare),
        ci_lower=1.0 if includes_null else _e_value(nearer, rare=rare),
        note="the interval includes 1" if includes_null else "",
        method=f"{METHOD}, {'rare' if rare else 'common'} outcome",
    )


def _e_value(hazard_ratio: float, *, rare: bool) -> float:
    ratio = max(hazard_ratio, 1 / hazard_ratio)
    if not rare:
        # through expm1, so that ratios close to 1 keep their digits
        half = math.log(0.5)
        ratio = math.expm1(half * math.sqrt(ratio)) / math.expm1(half * math.sqrt(1 / ratio))
    return ratio + math.sqrt(ratio * (ratio - 1))

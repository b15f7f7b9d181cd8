"""What a cohort of a given size can show, asked before the model is fitted."""

from __future__ import annotations

import math

from scipy.stats import norm


def minimum_detectable_hazard_ratio(
    n_events: int, prevalence: float, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the smallest hazard ratio above 1 that a two-sided test would detect (Schoenfeld).

    log(hazard ratio) = (z(1 - alpha / 2) + z(power)) / sqrt(n_events * prevalence * (1 - prevalence)); its
    inverse is the largest detectable hazard ratio below 1.

    Parameters
    ----------
    n_events : int
        Expected number of events, >= 1.
    prevalence : float
        Fraction of subjects with the binary factor, in (0, 1).
    power : float, default 0.8
        Wanted power, in (0, 1).
    alpha : float, default 0.05
        Two-sided significance level, in (0, 1).

    Returns
    -------
    float
        Hazard ratio > 1; infinite without events.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    Schoenfeld DA. Sample-size formula for the proportional-hazards regression model. Biometrics
    1983;39:499-503.

    Examples
    --------
    >>> round(minimum_detectable_hazard_ratio(25, 0.37), 1)
    3.2
    """
    _check_fractions(prevalence=prevalence, power=power, alpha=alpha)
    if n_events < 0:
        raise ValueError(f"n_events: found {n_events}, expected a count")
    if n_events == 0:
        return math.inf
    z = _z_sum(power, alpha)
    return math.exp(z / math.sqrt(n_events * prevalence * (1 - prevalence)))


def required_events(hazard_ratio: float, prevalence: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the number of events needed to detect a hazard ratio (Schoenfeld), not rounded.

    Parameters
    ----------
    hazard_ratio : float
        Hazard ratio to detect, > 0 and not 1.
    prevalence, power, alpha
        As in `minimum_detectable_hazard_ratio`.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(required_events(2, 0.5), 1)
    65.3
    """
    _check_fractions(prevalence=prevalence, power=power, alpha=alpha)
    if not hazard_ratio > 0 or hazard_ratio == 1:
        raise ValueError(f"hazard_ratio: found {hazard_ratio}, expected a ratio above 0 other than 1")
    return (_z_sum(power, alpha) / math.log(hazard_ratio)) ** 2 / (prevalence * (1 - prevalence))


def schoenfeld_power(hazard_ratio: float, n_events: int, prevalence: float, *, alpha: float = 0.05) -> float:
    """Return the power to detect a hazard ratio with a number of events (Schoenfeld).

    Only the tail in the direction of the hazard ratio is counted.

    Parameters
    ----------
    hazard_ratio : float
        True hazard ratio, > 0.
    n_events, prevalence, alpha
        As in `minimum_detectable_hazard_ratio`.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(schoenfeld_power(2, 65, 0.5), 2)
    0.8
    """
    _check_fractions(prevalence=prevalence, alpha=alpha)
    if not hazard_ratio > 0 or n_events < 0:
        raise ValueError(f"found hazard_ratio {hazard_ratio} and n_events {n_events}, expected > 0 and >= 0")
    shift = abs(math.log(hazard_ratio)) * math.sqrt(n_events * prevalence * (1 - prevalence))
    return float(norm.cdf(shift - norm.isf(alpha / 2)))


def events_per_parameter(n_events: int, n_parameters: int) -> float:
    """Return the number of events per estimated parameter (degrees of freedom, not variables).

    Parameters
    ----------
    n_events : int
        Observed events, >= 0.
    n_parameters : int
        Parameters of the model, >= 1: k - 1 for a factor of k levels.

    Raises
    ------
    ValueError
        If a count is below its least value.

    References
    ----------
    Peduzzi P, et al. Importance of events per independent variable in proportional hazards regression
    analysis. J Clin Epidemiol 1995;48:1503-10. Vittinghoff E, McCulloch CE. Relaxing the rule of ten events
    per variable. Am J Epidemiol 2007;165:710-8.

    Examples
    --------
    >>> events_per_parameter(25, 4)
    6.25
    """
    if n_events < 0 or n_parameters < 1:
        raise ValueError(f"found {n_events} events and {n_parameters} parameters, expected >= 0 and >= 1")
    return n_events / n_parameters


def _z_sum(power: float, alpha: float) -> float:
    return float(norm.isf(alpha / 2) + norm.ppf(power))


def _check_fractions(**fractions: float) -> None:
    for name, value in fractions.items():
        if not 0 < value < 1:
            raise ValueError(f"{name}: found {value}, expected a fraction between 0 and 1")

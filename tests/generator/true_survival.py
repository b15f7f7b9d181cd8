"""What estimators should find: survival probabilities that the truth implies, in closed form."""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator.truth import FACTORS, Truth, log_hazards


def true_survival(latent: pd.DataFrame, truth: Truth, months: float) -> pd.DataFrame:
    """Return each patient's probability of being progression-free, and alive, at a time.

    The mean over patients is what an unbiased estimator finds in a large sample of them.

    Parameters
    ----------
    latent : DataFrame
        One row per patient: the six factors and `lenalidomide_refractory`, as `simulate_population` gives them.
    truth : Truth
        Without center frailty, whose values are not known afterwards.
    months : float
        Time since second-line start.

    Returns
    -------
    DataFrame
        Columns `pfs` and `os`, index as given.

    Raises
    ------
    ValueError
        If the truth has a center frailty.

    References
    ----------
    Putter H, Fiocco M, Geskus RB. Tutorial in biostatistics: competing risks and multi-state models.
    Stat Med 2007;26:2389-2430. doi:10.1002/sim.2712 (the illness-death model).

    Examples
    --------
    >>> from generator import load_truth, simulate_population
    >>> population = simulate_population(10, np.random.default_rng(1), visits=False)
    >>> chances = true_survival(population.latent, load_truth(), 12.0)
    >>> bool((chances["pfs"] < chances["os"]).all())
    True
    """
    if truth.center_frailty_sd:
        raise ValueError("the truth has a center frailty: survival depends on values that were not kept")
    factors = latent[list(FACTORS)].to_numpy(dtype=float)
    exposed = factors.copy()
    if truth.krd_helps_only_lenalidomide_naive:
        exposed[:, FACTORS.index("not_krd")] *= ~latent["lenalidomide_refractory"].to_numpy(dtype=bool)
    ill = np.exp(log_hazards(exposed, truth.hr_progression)) * truth.progression_per_month
    died = np.exp(log_hazards(factors, truth.hr_death))
    free, diseased = np.ones(len(latent)), np.zeros(len(latent))
    early = min(months, truth.late_from_months)
    for duration, multiplier in ((early, 1.0), (months - early, truth.late_multiplier)):
        rates = ill * multiplier, died * truth.death_without_progression_per_month
        free, diseased = _advance(free, diseased, duration, *rates, died * truth.death_after_progression_per_month)
    return pd.DataFrame({"pfs": free, "os": free + diseased}, index=latent.index)


def _advance(
    free: np.ndarray,
    diseased: np.ndarray,
    duration: float,
    progression: np.ndarray,
    death_free: np.ndarray,
    death_diseased: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Move both states forward over a time with constant hazards."""
    leaving = progression + death_free
    stay, survive = np.exp(-leaving * duration), np.exp(-death_diseased * duration)
    gap = leaving - death_diseased
    close = np.abs(gap) < 1e-9
    inflow = np.where(close, duration * survive, (survive - stay) / np.where(close, 1.0, gap))
    return free * stay, diseased * survive + free * progression * inflow

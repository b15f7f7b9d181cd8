"""Baseline covariates: correlated through one latent severity, with exact or expected margins."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betainc, ndtri

from generator.truth import FACTORS, Truth

Draw = dict[str, np.ndarray]
RELAPSE_SHAPE = (2.2, 1.4)
RELAPSE_DAYS = (40, 360)
MAINTENANCE_AFTER_DAYS = 125
STOPPED_BEFORE_DAYS = 220
TRIPLET_SHARE = 0.75


def draw_covariates(n: int, rng: np.random.Generator, truth: Truth, exact: bool) -> Draw:
    """Return one array per covariate.

    Parameters
    ----------
    n : int
        Patients.
    rng : numpy.random.Generator
        Source of randomness.
    truth : Truth
        Margins and correlations.
    exact : bool
        True: the margins hold exactly (the embedded cohort). False: patients are independent draws.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        Codes and flags; `factors` has shape (n, 6).
    """
    severity = rng.standard_normal(n)

    def latent(name: str) -> np.ndarray:
        loading = truth.severity_loading[name]
        return loading * severity + np.sqrt(1 - loading**2) * rng.standard_normal(n)

    draw: Draw = {"center": _labels(rng, n, truth.center_sizes, exact)}
    draw["no_asct"] = top_share(latent("no_frontline_asct"), truth.no_frontline_asct / truth.n, exact)
    draw |= _front_line(draw["no_asct"], rng, truth, exact)
    draw["ecog"] = levels(latent("ecog"), truth.ecog, exact)
    draw["iss"] = levels(latent("iss"), truth.iss, exact) + 1
    outside, beside = truth.extramedullary
    draw["emd"] = levels(latent("extramedullary"), (truth.n - outside - beside, beside, outside), exact)
    draw |= _second_line(draw, latent("krd"), rng, truth, exact)
    draw |= _demography(n, rng, truth, exact)
    draw["factors"] = np.column_stack([
        draw["emd"] > 0, draw["maintained"], draw["no_asct"], draw["ecog"] >= 2, draw["iss"] == 3, ~draw["krd"]
    ]).astype(float)  # fmt: skip
    assert draw["factors"].shape == (n, len(FACTORS))
    return draw


def levels(latent: np.ndarray, counts: tuple[int, ...], exact: bool) -> np.ndarray:
    """Cut a standard normal score into ordered levels 0, 1, ... with the given relative counts."""
    shares = np.cumsum(counts)[:-1] / np.sum(counts)
    if not exact:
        return np.searchsorted(ndtri(shares), latent, side="right")
    ranks = np.empty(latent.size, dtype=np.int64)
    ranks[np.argsort(latent, kind="stable")] = np.arange(latent.size)
    return np.searchsorted(np.rint(shares * latent.size), ranks, side="right")


def top_share(latent: np.ndarray, share: float, exact: bool) -> np.ndarray:
    """Flag the highest scores: exactly that share of them, or those above the normal quantile."""
    if not exact:
        return latent > ndtri(1 - share)
    flags = np.zeros(latent.size, dtype=bool)
    flags[np.argsort(-latent, kind="stable")[: round(share * latent.size)]] = True
    return flags


def _labels(rng: np.random.Generator, n: int, counts: tuple[int, ...], exact: bool) -> np.ndarray:
    if exact and n == sum(counts):
        return rng.permutation(np.repeat(np.arange(len(counts), dtype=np.int8), counts))
    return rng.choice(len(counts), n, p=np.array(counts) / np.sum(counts)).astype(np.int8)


def _front_line(no_asct: np.ndarray, rng: np.random.Generator, truth: Truth, exact: bool) -> Draw:
    """First-line regimen, transplant, relapse and maintenance; maintenance needs a later relapse."""
    n, asct = no_asct.size, ~no_asct
    n_asct = truth.n - truth.no_frontline_asct
    quadruplet = no_asct | _among(
        asct, truth.quadruplet_then_asct / n_asct, rng, truth.quadruplet_then_asct if exact else None
    )
    low, high = RELAPSE_DAYS
    relapse = np.rint(low + (high - low) * rng.beta(*RELAPSE_SHAPE, n)).astype(np.int64)
    n_maintained, n_refractory = truth.lenalidomide_maintenance, truth.lenalidomide_refractory
    later, late = _relapse_after(MAINTENANCE_AFTER_DAYS), _relapse_after(STOPPED_BEFORE_DAYS)
    maintained = _among(
        asct & (relapse > MAINTENANCE_AFTER_DAYS), n_maintained / n_asct / later, rng, n_maintained if exact else None
    )
    n_stopped = n_maintained - n_refractory
    stopped = _among(
        maintained & (relapse > STOPPED_BEFORE_DAYS),
        n_stopped / n_maintained * later / late, rng, n_stopped if exact else None,
    )  # fmt: skip
    return {
        "quadruplet": quadruplet,
        "triplet": np.where(rng.random(n) < TRIPLET_SHARE, "VTd", "VCd").astype(object),
        "relapse_days": relapse,
        "maintained": maintained,
        "refractory": maintained & ~stopped,
        "tandem": _among(asct, truth.tandem_asct / n_asct, rng, truth.tandem_asct if exact else None),
    }


def _relapse_after(days: int) -> float:
    """Return the share of relapses after that many days from transplant."""
    low, high = RELAPSE_DAYS
    return float(1 - betainc(*RELAPSE_SHAPE, (days - low) / (high - low)))


def _among(group: np.ndarray, share: float, rng: np.random.Generator, count: int | None) -> np.ndarray:
    """Flag a random share of a group, or exactly that many of it."""
    flags = np.zeros(group.size, dtype=bool)
    inside = np.flatnonzero(group)
    uniform = rng.random(inside.size)
    flags[inside] = uniform < share
    if count is not None:
        flags[inside] = False
        flags[inside[np.argsort(uniform)[:count]]] = True
    return flags


def _second_line(draw: Draw, latent: np.ndarray, rng: np.random.Generator, truth: Truth, exact: bool) -> Draw:
    """Second-line regimen: KRd by group and severity, the others by group."""
    krd = np.zeros(latent.size, dtype=bool)
    regimen = np.full(latent.size, "KRd", dtype=object)
    n_maintained = truth.lenalidomide_maintenance
    groups: list[tuple[np.ndarray, float, dict[str, int]]] = [
        (draw["maintained"], truth.krd_after_maintenance / n_maintained, truth.second_line_after_maintenance),
        (~draw["maintained"], truth.krd_otherwise / (truth.n - n_maintained), truth.second_line_otherwise),
    ]
    for group, share, counts in groups:
        krd[group] = top_share(latent[group], share, exact)
        rest = np.flatnonzero(group & ~krd)
        fresh_first = rest[np.lexsort((rng.random(rest.size), draw["quadruplet"][rest]))]
        regimen[fresh_first] = _regimens(counts, rest.size, rng, exact)
    return {"krd": krd, "regimen": regimen}


def _regimens(counts: dict[str, int], n: int, rng: np.random.Generator, exact: bool) -> np.ndarray:
    """Regimen names: in the order of `counts` where exact, so that anti-CD38 goes first to the unexposed."""
    names = np.array(list(counts), dtype=object)
    if exact and n == sum(counts.values()):
        return np.repeat(names, list(counts.values()))
    return names[rng.choice(names.size, n, p=np.array(list(counts.values())) / sum(counts.values()))]


def _demography(n: int, rng: np.random.Generator, truth: Truth, exact: bool) -> dict[str, Any]:
    mean, sd = truth.age_mean_sd
    isotypes = np.array(list(truth.isotype), dtype=object)
    codes = _labels(rng, n, tuple(truth.isotype.values()), exact)
    return {
        "age": np.clip(np.rint(rng.normal(mean, sd, n)), *truth.age_range).astype(np.int64),
        "male": top_share(rng.standard_normal(n), truth.male / truth.n, exact),
        "isotype": isotypes[codes],
    }

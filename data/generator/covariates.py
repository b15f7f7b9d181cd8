"""Baseline covariates: correlated through one latent severity, with exact or expected margins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.special import betainc, ndtri

from generator.truth import FACTORS, Truth

Draw = dict[str, np.ndarray]
_RELAPSE_SHAPE = (2.2, 1.4)
_RELAPSE_DAYS = (40, 360)
_MAINTENANCE_AFTER_DAYS = 125
_STOPPED_BEFORE_DAYS = 220
_TRIPLET_SHARE = 0.75


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

    draw: Draw = {"center": _codes(truth.center_sizes, n, rng, exact)}
    draw["no_asct"] = _top_share(latent("no_frontline_asct"), truth.no_frontline_asct / truth.n, exact)
    draw |= _front_line(draw["no_asct"], rng, truth, exact)
    draw["ecog"] = _levels(latent("ecog"), truth.ecog, exact)
    draw["iss"] = _levels(latent("iss"), truth.iss, exact) + 1
    outside, beside = truth.extramedullary
    draw["emd"] = _levels(latent("extramedullary"), (truth.n - outside - beside, beside, outside), exact)
    draw |= _second_line(draw, latent("krd"), rng, truth, exact)
    draw |= _demography(n, rng, truth, exact)
    draw["factors"] = np.column_stack([
        draw["emd"] > 0, draw["maintained"], draw["no_asct"], draw["ecog"] >= 2, draw["iss"] == 3, ~draw["krd"]
    ]).astype(float)  # fmt: skip
    assert draw["factors"].shape == (n, len(FACTORS))
    return draw


def _levels(latent: np.ndarray, counts: tuple[int, ...], exact: bool) -> np.ndarray:
    """Cut a standard normal score into ordered levels 0, 1, ... with the given relative counts."""
    shares = np.cumsum(counts)[:-1] / np.sum(counts)
    if not exact:
        return np.searchsorted(ndtri(shares), latent, side="right")
    ranks = np.empty(latent.size, dtype=np.int64)
    ranks[np.argsort(latent, kind="stable")] = np.arange(latent.size)
    return np.searchsorted(np.rint(shares * latent.size), ranks, side="right")


def _top_share(latent: np.ndarray, share: float, exact: bool) -> np.ndarray:
    """Flag the highest scores: exactly that share of them, or those above the normal quantile."""
    if not exact:
        return latent > ndtri(1 - share)
    flags = np.zeros(latent.size, dtype=bool)
    flags[np.argsort(-latent, kind="stable")[: round(share * latent.size)]] = True
    return flags


def _codes(counts: Iterable[int], n: int, rng: np.random.Generator, exact: bool, *, mix: bool = True) -> np.ndarray:
    """Return codes 0, 1, ...: each as often as counted, mixed or one after the other, or drawn at that rate."""
    sizes = np.array(list(counts))
    if exact and n == sizes.sum():
        codes = np.repeat(np.arange(sizes.size, dtype=np.int8), sizes)
        return rng.permutation(codes) if mix else codes
    return rng.choice(sizes.size, n, p=sizes / sizes.sum()).astype(np.int8)


def _front_line(no_asct: np.ndarray, rng: np.random.Generator, truth: Truth, exact: bool) -> Draw:
    """First-line regimen, transplant, relapse and maintenance; maintenance needs a later relapse."""
    n, asct = no_asct.size, ~no_asct
    n_asct = truth.n - truth.no_frontline_asct
    quadruplet = no_asct | _among(asct, truth.quadruplet_then_asct, n_asct, rng, exact)
    low, high = _RELAPSE_DAYS
    relapse = np.rint(low + (high - low) * rng.beta(*_RELAPSE_SHAPE, n)).astype(np.int64)
    # the share of relapses that come later than this after transplant
    later, late = (
        float(1 - betainc(*_RELAPSE_SHAPE, (days - low) / (high - low)))
        for days in (_MAINTENANCE_AFTER_DAYS, _STOPPED_BEFORE_DAYS)
    )
    n_maintained = truth.lenalidomide_maintenance
    n_stopped = n_maintained - truth.lenalidomide_refractory
    maintained = _among(asct & (relapse > _MAINTENANCE_AFTER_DAYS), n_maintained, n_asct * later, rng, exact)
    stopped = _among(maintained & (relapse > _STOPPED_BEFORE_DAYS), n_stopped, n_maintained * late / later, rng, exact)
    return {
        "quadruplet": quadruplet,
        "triplet": np.where(rng.random(n) < _TRIPLET_SHARE, "VTd", "VCd").astype(object),
        "relapse_days": relapse,
        "maintained": maintained,
        "refractory": maintained & ~stopped,
        "tandem": _among(asct, truth.tandem_asct, n_asct, rng, exact),
    }


def _among(group: np.ndarray, count: int, of: float, rng: np.random.Generator, exact: bool) -> np.ndarray:
    """Flag exactly that many of a group, or each of it with the chance that gives as many of so many."""
    flags, inside = np.zeros(group.size, dtype=bool), np.flatnonzero(group)
    uniform = rng.random(inside.size)
    flags[inside[np.argsort(uniform)[:count]] if exact else inside[uniform < count / of]] = True
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
        krd[group] = _top_share(latent[group], share, exact)
        rest = np.flatnonzero(group & ~krd)
        fresh_first = rest[np.lexsort((rng.random(rest.size), draw["quadruplet"][rest]))]
        # in the order of the counts where exact, so that anti-CD38 goes first to the unexposed
        regimen[fresh_first] = np.array(list(counts), dtype=object)[
            _codes(counts.values(), rest.size, rng, exact, mix=False)
        ]
    return {"krd": krd, "regimen": regimen}


def _demography(n: int, rng: np.random.Generator, truth: Truth, exact: bool) -> dict[str, Any]:
    mean, sd = truth.age_mean_sd
    isotype = np.array(list(truth.isotype), dtype=object)[_codes(truth.isotype.values(), n, rng, exact)]
    return {
        "age": np.clip(np.rint(rng.normal(mean, sd, n)), *truth.age_range).astype(np.int64),
        "male": _top_share(rng.standard_normal(n), truth.male / truth.n, exact),
        "isotype": isotype,
    }

"""What a pooled study asks, from the plan alone: the blocks of round 1; later rounds ask the models again.

Levels are those that the plan and the derivations know, so that a coordinator without any patient can ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from fhrmm.cohort import apply_criteria
from fhrmm.errors import StudyError, nearest
from fhrmm.estimates.characteristics import estimate_received
from fhrmm.estimates.counts import start_at_received
from fhrmm.estimates.regression import UNIVARIABLE
from fhrmm.estimates.subgroups import MISSING
from fhrmm.schema import RESPONSES, empty_table
from fhrmm.study import Study

DAYS_PER_WEEK = 7
ENDPOINTS = ("PFS", "OS")
OVERALL = ("TTNT", "DOR")
CAUSES = ("progression", "death without progression")
# Cumulative depths of response: how many of the ordered categories, deepest first, belong to each.
DEPTHS = {"ORR": 4, "VGPR_OR_BETTER": 3, "CBR": 5, "CR_OR_BETTER": 2}
# A variable, and one whose levels its levels are made of or lie within: the difference of the two is a count, too.
LINKED = {"lenalidomide_exposure": "lenalidomide_maintenance", "iss": "advanced_stage"}
FINER = {"lenalidomide_maintenance": "frontline_pathway"}
Block = dict[str, Any]


def first_round(study: Study) -> list[Block]:
    """Return the blocks of round 1: counts, survival on the weekly grid, and the models at coefficients of 0."""
    axes = {name: {"column": name, "levels": levels} for name, levels in known_levels(study).items()}
    axes |= {name: {"column": name, "edges": list(edges)} for name, edges in study.pool.bins.items()}
    if unknown := [name for name in study.pool.baseline if name not in axes]:
        raise StudyError(
            f"study.toml [pool]: {unknown[0]!r} has neither levels nor bins{nearest(unknown[0], list(axes))}"
        )
    by = univariable(study)
    steps = {"column": "criterion", "levels": [*flow_steps(study)["criterion"].iloc[1:], "remaining"]}
    # its last cell, as of every axis, is for what is in none: patients of centers that cannot record a response
    response = {"column": "best_response", "levels": [*RESPONSES, MISSING]}
    # a number is an interval that begins at its edge
    week = {"column": "week", "edges": list(range(1, study.pool.n_weeks + 2))}
    event = {"column": "event", "levels": ["False", "True"]}
    ended = {"column": "ended", "levels": ["censored", *CAUSES]}
    cuts = [0, *sorted(time_cuts(study)), study.pool.n_weeks + 2]
    asked = [
        _count("flow", "flow", [steps], range(len(steps["levels"]) + 2), weight="n"),
        *(_count(f"baseline/{name}", "patients", [axes[name]]) for name in study.pool.baseline),
        *(_count(f"linked/{name}", "patients", [axes[name], axes[other]]) for name, other in LINKED.items()),
        _count("response", "patients", [response], range(len(response["levels"]) + 2)),
        *(
            _count(f"response/{name}", "patients", [axes[name], response], range(len(response["levels"]) + 2))
            for name in by
        ),
        *(_count(f"weeks/{name}", name, [event, week], cuts) for name in (*ENDPOINTS, *OVERALL)),
        _count("weeks/PFS/cause", "PFS", [ended, week], cuts),
    ]
    for endpoint in ENDPOINTS:
        asked += [_count(f"weeks/{endpoint}/{name}", endpoint, [axes[name], event, week], cuts) for name in by]
    return asked + _models(study, axes)


def _count(name: str, table: str, axes: Sequence[Block], cells: Sequence[int] = (), **more: object) -> Block:
    """Ask for counts; of ordered axes contributions are asked for every run of cells between two of `cells`."""
    windows = [list(pair) for pair in combinations(cells, 2)]
    return {"name": name, "kind": "count", "table": table, "axes": list(axes), "windows": windows} | more


def _models(study: Study, axes: dict[str, Block]) -> list[Block]:
    """Ask for each Cox model of the plan at coefficients of 0; with it local fits, log-rank sums, and rates."""
    primary, alone = tuple(study.models.primary), [(name,) for name in univariable(study)]
    named = [(endpoint, "primary", primary) for endpoint in ENDPOINTS]
    named += [(endpoint, UNIVARIABLE, terms) for endpoint in ENDPOINTS for terms in alone]
    named += [("PFS", "full, Firth", tuple(study.models.full))]
    asked: list[Block] = []
    for endpoint, model, names in named:
        terms = [axes[name] for name in names]
        shared = {"table": endpoint, "terms": terms}
        name = f"{endpoint}/{model}" + (f"/{names[0]}" if model == UNIVARIABLE else "")
        at = [0.0] * sum(len(term["levels"]) - 1 for term in terms)
        firth = {"third": "Firth" in model, "weight": [], "drift": False}
        asked.append({"name": f"cox/{name}", "kind": "cox", "model": model, "at": at, **firth, **shared})
        if not firth["third"]:
            asked.append({"name": f"alone/cox/{name}", "kind": "alone", **shared})
        if model == UNIVARIABLE:
            asked.append({"name": f"logrank/{endpoint}/{names[0]}", "kind": "logrank", **shared})
        if model == "primary":
            cuts = list(study.pool.rate_cuts_months)
            asked.append({"name": f"rates/{endpoint}", "kind": "rates", "cuts": cuts, **shared})
    return asked


def univariable(study: Study) -> list[str]:
    """Return by what results are shown: the factors, the pathway, and all else in a model of the plan."""
    factors = [factor.variable for factor in study.factors]
    return list(dict.fromkeys([*factors, study.pathway.variable, *study.models.primary, *study.models.full]))


def cut_at(months: float, study: Study) -> int:
    """Return the first cell of the weekly grid after a time."""
    return int(months * study.time.days_per_month // DAYS_PER_WEEK) + 1


def time_cuts(study: Study) -> list[int]:
    """Return where survival is cut: after the times of the plan's rates, the headline first."""
    months = sorted(study.time.rates_at_months, key=lambda at: (at != study.time.headline_months, at))
    return [cut_at(at, study) for at in months]


def known_levels(study: Study) -> dict[str, list[str]]:
    """Return the levels of every category of the cohort, reference first, as they are without any patient."""
    cohort = apply_criteria(empty_table("patients"), study).cohort
    found = {name: [str(level) for level in getattr(cohort[name].dtype, "categories", ())] for name in cohort}
    found |= {name: ["False", "True"] for name in cohort.columns[cohort.dtypes == "boolean"]}
    return {name: levels for name, levels in found.items() if levels}


def flow_steps(study: Study) -> pd.DataFrame:
    """Return the steps of the flow with their labels, as every center takes them; the first is all patients."""
    steps = apply_criteria(empty_table("patients"), study).attrition
    return start_at_received(steps, estimate_received(0, 0))

"""What a pooled study asks, from the plan alone: the blocks of round 1, and those of later rounds.

Levels are those that the plan and the derivations know, so that a coordinator without any patient can ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    levels = known_levels(study)
    steps = {"column": "criterion", "levels": [*flow_steps(study)["criterion"].iloc[1:], "remaining"]}
    return [
        _count("flow", "flow", [steps], weight="n"),
        *(_count(f"baseline/{name}", "patients", [_axis(name, levels, study)]) for name in study.pool.baseline),
        *(
            _count(f"linked/{name}", "patients", [_axis(name, levels, study), _axis(other, levels, study)])
            for name, other in LINKED.items()
        ),
        _count("response", "patients", [_RESPONSE]),
        *(
            _count(f"response/{name}", "patients", [_axis(name, levels, study), _RESPONSE])
            for name in univariable(study)
        ),
        *_survival(study, levels),
        *_tests(study, levels),
        *models(study, levels),
    ]


def models(study: Study, levels: Mapping[str, Sequence[str]]) -> list[Block]:
    """Return one block per Cox model of the plan, at coefficients of 0."""
    primary, full = study.models.primary, study.models.full
    named = [(endpoint, "primary", primary, False) for endpoint in ENDPOINTS]
    named += [(endpoint, UNIVARIABLE, (name,), False) for endpoint in ENDPOINTS for name in univariable(study)]
    named += [("PFS", "full, Firth", full, True)]
    return [
        {
            "name": f"cox/{endpoint}/{model}" + (f"/{terms[0]}" if model == UNIVARIABLE else ""),
            "kind": "cox",
            "table": endpoint,
            "model": model,
            "terms": [{"column": name, "levels": list(levels[name])} for name in terms],
            "third": third,
            "drift": False,
            "at": [0.0] * sum(len(levels[term]) - 1 for term in terms),
        }
        for endpoint, model, terms, third in named
    ]


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


# its last cell, as of every axis, is for what is in none: patients of centers that cannot record a response
_RESPONSE = {"column": "best_response", "levels": [*RESPONSES, MISSING]}
_EVENT = {"column": "event", "levels": ["False", "True"]}


def _axis(name: str, levels: Mapping[str, Sequence[str]], study: Study) -> Block:
    if name in levels:
        return {"column": name, "levels": list(levels[name])}
    if name not in study.pool.bins:
        raise StudyError(f"study.toml [pool]: {name!r} has neither levels nor bins{nearest(name, levels)}")
    return {"column": name, "edges": list(study.pool.bins[name])}


def _count(name: str, table: str, axes: Sequence[Block], **more: object) -> Block:
    """Ask for counts; of ordered axes (flow, response, weeks) contributions are asked for every run of cells."""
    last = axes[-1]
    cells = [0, *range(1, len(last["levels"]) + 2)] if last == _RESPONSE or table == "flow" else []
    windows = [list(pair) for pair in combinations(cells, 2)]
    return {"name": name, "kind": "count", "table": table, "axes": list(axes), "windows": windows} | more


def _survival(study: Study, levels: Mapping[str, Sequence[str]]) -> list[Block]:
    """Ask for events and censored patients by week: overall by cause, and by level of each factor."""
    week = {"column": "week", "up_to": study.pool.n_weeks}
    cells = [0, *sorted(time_cuts(study)), study.pool.n_weeks + 2]
    windows = {"windows": [list(pair) for pair in combinations(cells, 2)]}
    ended = {"column": "ended", "levels": ["censored", *CAUSES]}
    asked = [(name, [_EVENT, week]) for name in (*ENDPOINTS, *OVERALL)] + [("PFS/cause", [ended, week])]
    asked += [
        (f"{endpoint}/{name}", [_axis(name, levels, study), _EVENT, week])
        for endpoint in ENDPOINTS
        for name in univariable(study)
    ]
    return [_count(f"weeks/{name}", name.split("/")[0], axes, **windows) for name, axes in asked]


def _tests(study: Study, levels: Mapping[str, Sequence[str]]) -> list[Block]:
    """Ask for log-rank sums, local fits, and the piecewise-exponential model."""
    asked: list[Block] = []
    for model in models(study, levels):
        endpoint, terms, kind = model["table"], model["terms"], model["model"]
        shared = {"table": endpoint, "terms": terms}
        if not model["third"]:
            asked.append({"name": f"alone/{model['name']}", "kind": "alone", **shared})
        if kind == UNIVARIABLE:
            asked.append({"name": f"logrank/{endpoint}/{terms[0]['column']}", "kind": "logrank", **shared})
        if kind == "primary":
            cuts = list(study.pool.rate_cuts_months)
            asked.append({"name": f"rates/{endpoint}", "kind": "rates", "cuts": cuts, **shared})
    return asked


def flow_steps(study: Study) -> pd.DataFrame:
    """Return the steps of the flow with their labels, as every center takes them; the first is all patients."""
    steps = apply_criteria(empty_table("patients"), study).attrition
    return start_at_received(steps, estimate_received(0, 0))


def flow_frame(attrition: pd.DataFrame) -> pd.DataFrame:
    """Return patients by the criterion that excluded them, and those who remained."""
    remaining = int(attrition["n_remaining"].iloc[-1]) if len(attrition) else 0
    rows = [*attrition[["criterion", "n_excluded"]].itertuples(index=False, name=None), ("remaining", remaining)]
    return pd.DataFrame(rows, columns=["criterion", "n"])

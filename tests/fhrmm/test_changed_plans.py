"""Every key of the plan can be changed: plans that differ from the study's in each of them run every notebook."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest

from fhrmm.plan_check import load_plan
from fhrmm.study import repository_root
from generator import simulation

ROOT = repository_root()
PLAN = tomllib.loads((ROOT / "study.toml").read_text(encoding="utf-8"))
NAMED = ("definitions", "endpoints", "response_criteria")  # whose tables have names of the plan's own
CENTER = "C01"
FIXED = {"schema_version", "pathway.variable", "comparison.treatment"}  # have one value only

# what [regimens], [staging], ... become, dotted: numbers and texts in the first plan, each option once over the three
NUMBERS: dict[str, Any] = {
    "study.title": "A plan of 01/02/2020", "study.question": "How do they do since 2020-02-01?",
    "study.published_reference": "None, 2020-02-03", "published.n_patients": 40,
    "published.eligibility": "All since 2020-02-01", "published.krd_benefit": "none",
    "published.results": [
        {"endpoint": "CR_OR_BETTER", "estimand": "proportion", "estimate": 0.2},
        {"endpoint": "OS", "estimand": "survival_probability", "time_months": 9.0, "estimate": 0.6},
        {"endpoint": "TTNT", "estimand": "median_months", "status": "not_reached"},
    ],
    "published.adverse_factors": ["sex"], "time.days_per_month": 30.0, "time.rates_at_months": [3, 9, 15.5],
    "time.headline_months": 9, "time.rmst_horizon_months": 9, "cohort.second_line_from": date(2019, 1, 1),
    "cohort.second_line_to": date(2025, 2, 28), "cohort.minimum_age_years": 45,
    "functional_high_risk.window_months": 18, "regimens.refractory_days": 90,
    "staging.genomic_creatinine_normal_below": 1.4,
    "staging.iss_beta2_microglobulin_low": 3.0, "staging.iss_beta2_microglobulin_high": 6.0,
    "staging.iss_albumin_low": 3.0, "staging.genomic_beta2_microglobulin": 6.0, "staging.laboratory_days_before": 20,
    "staging.laboratory_days_after": 10,
    "response.minimum_confirmation_days": 7, "response.late_confirmation_days": 60,
    "response.maximum_not_evaluable_between": 1, "response.depth_at_months": [2, 4.5],
    "models.ci_level": 0.9, "models.minimum_events": 3, "models.events_per_parameter": 5, "models.power": 0.9,
    "models.alpha": 0.1, "models.seed": 7, "models.n_imputations": 2, "models.n_bootstrap": 20,
    "models.landmark_months": 4, "comparison.repeats": 4, "display.proportion_decimals": 0,
    "display.months_decimals": 2, "display.ratio_decimals": 3, "display.km_minimum_at_risk": 3,
    "display.minimum_patients": 2,
    "display.km_limit_months": 30, "display.figure_formats": ["png"], "disclosure.rounding_base": 5,
    "pool.minimum_centers": 4, "pool.n_weeks": 104, "pool.rate_cuts_months": [6], "pool.most_rounds": 4,
    "pool.bins": {"age_second_line": [50, 70], "months_to_relapse": [12]}, "pool.baseline": ["sex"],
    "pathway.label": "Pathway since 2020-02-01", "pathway.levels": ["ASCT", "ASCT and maintenance", "none"],
    "pathway.reference": "none",
}  # fmt: skip
SECOND: dict[str, Any] = {
    "time.partial_date_policy": "lower", "cohort.keep_undetermined": True, "cohort.criteria": ["second_line_started"],
    "functional_high_risk.definition": "fhr18_start", "functional_high_risk.window_inclusive": False,
    "functional_high_risk.clock_origin": "first_line_start_date", "functional_high_risk.month_rule": "average",
    "functional_high_risk.quadruplet_requires_early": False, "functional_high_risk.asct_anchor": "first",
    "functional_high_risk.suboptimal_counts_as_early": False, "functional_high_risk.suboptimal_below": "VGPR",
    "regimens.maintenance_without_stop_is_ongoing": False,
    "regimens.first_line_without_asct_runs_until_progression": False, "staging.advanced_stage_variable": "r2_iss",
    "staging.advanced_stage_levels": ["III", "IV"], "staging.prefer": "computed",
    "staging.extramedullary_levels": ["extramedullary"], "response.criteria_version": "IMWG 2006",
    "response.source": "confirmed", "response.denominator": "evaluable", "response.date_at": "confirming",
    "response.progression_date_at": "confirming", "response.visit_source": "labs",
    "response.lone_biochemical_progression_with_new_line_is_event": False,
    "response.progression_stands_alone": ["imaging"], "response.responders": ["sCR", "CR", "VGPR", "PR", "MR"],
    "response.vgpr_or_better": ["sCR", "CR", "VGPR", "PR"], "response.cr_or_better": ["sCR"],
    "response.clinical_benefit": ["sCR", "CR", "VGPR", "PR", "MR", "SD"],
    "models.primary": ["second_line_krd", "age_second_line"],
    "models.full": ["second_line_krd", "age_second_line", "isotype", "frontline_pathway", "iss"],
    "comparison.population_variable": "sex", "comparison.population_levels": ["male"],
    "comparison.covariates": ["iss", "age_second_line", "months_to_relapse"], "comparison.interaction_with": "sex",
    "models.n_imputations": 2, "models.n_bootstrap": 20,
}  # fmt: skip
THIRD: dict[str, Any] = {
    "time.partial_date_policy": "upper", "functional_high_risk.clock_origin": "diagnosis_date",
    "functional_high_risk.definition": "own", "staging.advanced_stage_variable": "r_iss",
    "cohort.data_cutoff_date": date(2024, 6, 30), "published.adverse_factors": [], "published.results": [],
    "models.n_imputations": 2, "models.n_bootstrap": 20, "sensitivity": [],
}  # fmt: skip


def changed(changes: Mapping[str, Any]) -> dict[str, Any]:
    plan = copy.deepcopy(PLAN)
    for dotted, value in changes.items():
        section, _, name = dotted.rpartition(".")
        (plan[section] if section else plan)[name] = value
    return plan


def first_plan() -> dict[str, Any]:
    """Change each number and text, also those in tables with names and in lists of tables."""
    plan = changed(NUMBERS)
    for definition in plan["definitions"].values():
        definition |= {"label": "Early, since 2020-02-01", "reference": "none"}
        definition["routes"][0]["name"] = "a route"
        for rule in definition["routes"][0]["any_of"]:
            rule |= {"months": 20, "inclusive": True, "after_asct": True}
    for criteria in plan["response_criteria"].values():
        criteria |= {name: value * 0.9 for name, value in criteria.items() if isinstance(value, float)}
        criteria |= {"reference": "none", "light_chain_ratio": [0.3, 1.5], "serum_shares": [0.8, 0.5, 0.2]}
        criteria |= {"urine_shares": [0.8, 0.5], "light_chain_shares": [0.8, 0.4], "minimal_response": False}
        criteria["nadir"] = {"confirmed": "lowest", "lowest": "confirmed"}[criteria["nadir"]]
    for endpoint in plan["endpoints"].values():
        endpoint |= {
            "label": f"{endpoint['label']}, since 2020-02-01",
            "maximum_gap_days": 300,
            "gap_applies_to": "death",
        }
        for text, sources in (("description", endpoint["events"]), ("reason", endpoint["censors"])):
            for source in sources:
                source[text] = f"seen by 2020-02-01 in {source['source']}"
        if "needs" in endpoint:
            endpoint["needs"] = endpoint["events"][-1]["description"]
    for factor in plan["factors"]:
        factor |= {"label": f"By {factor['variable']}, since 2020-02-01"}
        if factor["variable"] != "second_line_krd":
            factor["reference"], factor["adverse"] = factor["adverse"], factor["reference"]
    options = [{"name": "one", "overrides": {"response.source": "recorded"}}]
    plan["sensitivity"] = [{"axis": "an axis", "options": options}]
    return plan


def second_plan() -> dict[str, Any]:
    """Take the second option of each choice; leave factors, definitions and axes out, and add some."""
    plan = changed(SECOND)
    left_out = ("lenalidomide_maintenance", "ecog_2_or_more", "advanced_stage")
    plan["factors"] = [factor for factor in plan["factors"] if factor["variable"] not in left_out]
    plan["factors"].append({"variable": "sex", "label": "Sex", "reference": "male", "adverse": "female"})
    plan["definitions"] = {name: plan["definitions"][name] for name in ("fhr18_start", "seed_union")}
    plan["endpoints"]["PFS"]["next_therapy"] = "event"
    plan["endpoints"]["TTR"]["population"] = "all"
    plan["endpoints"]["EFS"] = plan["endpoints"].pop("PFS2") | {"origin": "patients.diagnosis_date"}
    plan["endpoints"]["OS"]["censors"] = [{"source": "patients.last_contact_date", "reason": "alive"}]
    plan["endpoints"]["TTNT"]["events"] = [{"source": "patients.next_line_start_date", "description": "next line"}]
    plan["response_criteria"] = {"IMWG 2006": plan["response_criteria"]["IMWG 2006"]}
    plan["sensitivity"] = plan["sensitivity"][2:]
    return plan


def third_plan() -> dict[str, Any]:
    """Take the third option of each choice, a definition of its own and no specification but the plan's."""
    plan = changed(THIRD)
    rules = [
        {"rule": "always", "only_if": "quadruplet_requires_early"},
        {"rule": "suboptimal", "unless": "suboptimal_counts_as_early"},
        {"rule": "relapse", "clock": "asct_date", "where": ["frontline_asct"]},
    ]
    routes = [{"name": "own", "where": ["no_frontline_asct"], "any_of": rules}, {"name": "any", "any_of": rules}]
    plan["definitions"]["own"] = {"label": "Own", "reference": "none", "routes": routes}
    plan["definitions"] |= {"karmma2_2a": plan["definitions"]["own"]}
    plan["endpoints"]["PFS"]["next_therapy"] = "censor"
    plan["factors"] = [plan["factors"][-1]]
    return plan


PLANS = {"numbers and texts": first_plan, "second options": second_plan, "third options": third_plan}


def leaves(part: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each key and its value; names of the plan's own and positions in lists are one."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            own = place in NAMED or place.endswith(".overrides")
            yield from leaves(value, f"{place}.{'*' if own else name}" if place else name)
    elif isinstance(part, list) and part and all(isinstance(one, Mapping) for one in part):
        for one in part:
            yield from leaves(one, place)
    else:
        yield place, part


def written(value: Any) -> str:
    """Write a value as TOML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)} = {written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def values_of(plan: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in leaves(plan):
        found.setdefault(key, []).append(str(value))
    return found


def test_every_key_of_the_plan_is_changed_by_one_of_them():
    mine = values_of(PLAN)
    others = [values_of(make()) for make in PLANS.values()]
    same = {key for key, values in mine.items() if all(other.get(key) == values for other in others)}
    assert same - FIXED == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANS)
def test_a_changed_plan_runs_every_notebook(name, tmp_path, monkeypatch):
    """In this process and with few simulated patients: what is asked is that each page is made, not how well."""
    plan = tmp_path / "own.toml"
    plan.write_text("".join(f"{key} = {written(value)}\n" for key, value in PLANS[name]().items()), encoding="utf-8")
    load_plan(plan)
    follow_up, performance = simulation.simulate_follow_up, simulation.estimate_performance
    monkeypatch.setattr(simulation, "simulate_follow_up", lambda n, study, rng: follow_up(min(n, 600), study, rng))
    few = lambda known, study, rng, n, repeats: performance(known, study, rng, n=n if n < 100 else 150, repeats=4)  # noqa: E731
    monkeypatch.setattr(simulation, "estimate_performance", few)
    places = {"center": CENTER, "data_dir": str(ROOT / "data" / "synthetic"), "study_file": str(plan)}
    places |= {name: str(tmp_path / name) for name in ("work_dir", "reports_dir")}
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"), key=lambda path: (path.stem < "01", path.stem)):
        if path.stem == "11_pool":  # reads the folder of a pooled study, not a dataset
            continue
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        parameters, *code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        names: dict[str, Any] = {}
        exec(parameters, names)
        names |= places
        for number, source in enumerate(code, start=1):
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, f"{path.stem}, code cell {number}", "exec"), names)

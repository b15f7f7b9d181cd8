"""Disease assessments: laboratory values and visit responses that follow each patient's course."""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator.covariates import Draw
from generator.records import center_names, typed_table
from generator.second_line import CR, MR, NE, NEVER, PD, PR, RESPONSES, SD, VGPR, count_visits
from generator.timeline import confirmation_day, visit_day

_BASELINE = -1
# Share of the baseline M-protein left: at entry into a category, and as the category goes on.
_SERUM_LEFT = np.array([0.0, 0.0, 0.06, 0.40, 0.70, 0.95])
_SERUM_LATER = np.array([0.0, 0.0, 0.03, 0.20, 0.60, 0.88])
_URINE_LEFT = np.array([0.0, 0.0, 0.0, 0.08, 0.40, 0.95])
_CHAINS_LEFT = np.array([0.0, 0.0, 0.06, 0.30, 0.62, 0.92])
_HALF_LIFE = 3.0
_LOWEST_DISEASED_MARROW = 6.0
_NEEDED_AT_VISIT = ("phase", "n_visits", "last_visit", "response", "best_index", "first_index")


def build_visits(draw: Draw, ids: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Return the canonical assessments table: a baseline, every visit, and the one after a progression.

    Serum or urine M-protein, light chains and immunofixation meet the limits of the category of the visit; a
    progression exceeds the nadir by the required increments; marrow is reported at complete response.
    """
    rows = _visit_rows(draw, rng)
    who = rows["who"]
    labs = _laboratory(rows, {name: values[who] for name, values in _baseline(draw, rng).items()}, draw)
    columns: dict[str, object] = {"patient_id": ids[who], "center": center_names()[draw["center"][who]]}
    columns |= {"assessment_date": rows["day"]} | labs
    seen = rows["category"] >= 0
    columns["response"] = pd.Categorical.from_codes(np.where(seen, rows["category"], -1), list(RESPONSES))
    basis = np.where(rows["category"] == PD, draw["basis"][who], -1)
    columns["progression_basis"] = pd.Categorical.from_codes(basis, ["biochemical", "imaging", "clinical"])
    return typed_table(columns, "assessments", draw["start"][who])


def _visit_rows(draw: Draw, rng: np.random.Generator) -> Draw:
    """Return one entry per visit: patient index, number, day, category of the response (-1: baseline)."""
    n = draw["center"].size
    free = np.where(draw["response"] == PD, 0, count_visits(draw))
    progressed = draw["progression"] < NEVER
    again = confirmation_day(draw)
    confirmed = again < NEVER
    counts = 1 + free + progressed + confirmed
    who = np.repeat(np.arange(n), counts)
    number = np.arange(who.size) - np.repeat(np.cumsum(counts) - counts, counts) + _BASELINE
    at = {name: values[who] for name, values in draw.items() if name in _NEEDED_AT_VISIT}
    after = number - free[who]
    day = np.where(number == _BASELINE, -rng.integers(0, 8, n)[who], visit_day(at, np.maximum(number, 0)))
    day = np.where((number >= 0) & (after == 0), draw["progression"][who], np.where(after == 1, again[who], day))
    category = np.where(number == _BASELINE, -1, np.where(after >= 0, PD, _category(at, number)))
    return {"who": who, "number": number, "day": day, "category": category.astype(np.int8), "after": after}


def _category(at: Draw, number: np.ndarray) -> np.ndarray:
    """Return the response at visits without progression: stable, then partial, then deepening to the best."""
    response, since = at["response"], number - at["first_index"]
    deepening = np.where((response <= CR) & (since >= 1), VGPR, PR)
    category = np.where(since < 0, SD, np.where(number < at["best_index"], deepening, response))
    category = np.where((response == MR) & (number < at["best_index"]), SD, category)
    return np.where(response == NE, NE, category)


def _baseline(draw: Draw, rng: np.random.Generator) -> Draw:
    """Return each patient's disease at second-line start: what is measurable, and how much."""
    n = draw["center"].size
    chains = draw["isotype"] == "light_chain"
    none = draw["isotype"] == "non_secretory"
    involved = np.where(chains, 300 + rng.gamma(1.5, 900, n), 40 + rng.gamma(1.5, 90, n))
    free = np.where(draw["response"] == PD, 0, count_visits(draw))
    return {
        "chains": chains,
        "silent": none,
        "serum": np.where(chains | none, 0.0, 1.2 + rng.gamma(2.0, 0.9, n)),
        "urine": np.where(chains, 600 + rng.gamma(1.3, 1500, n), 0.0),
        "involved": np.where(none, 14.0, involved),
        "other": rng.uniform(6, 10, n),
        "kappa": rng.random(n) < 0.62,
        "marrow": np.rint(rng.uniform(32, 85, n)),
        "last_category": np.where(free == 0, -1, draw["response"]),
        "last_since": np.maximum(free - 1 - draw["best_index"], 0),
    }


def _laboratory(rows: Draw, base: Draw, draw: Draw) -> dict[str, object]:
    """Return the laboratory columns of every visit."""
    who, category = rows["who"], rows["category"]
    progressed = category == PD
    by_lab = progressed & (draw["basis"][who] != 1)
    shown = np.where(progressed, base["last_category"], category)
    since = np.where(progressed, base["last_since"], np.maximum(rows["number"] - draw["best_index"][who], 0))
    since = np.where(progressed | (category == draw["response"][who]), since, 0)
    again = progressed & (rows["after"] == 1)
    secretes = by_lab & ~base["silent"]
    serum = base["serum"] * _left(_SERUM_LEFT, shown, _SERUM_LATER, since)
    serum = np.where(secretes & ~base["chains"], serum * (1.3 + 0.2 * again) + 0.6 + 0.3 * again, serum)
    # below 100 mg in 24 hours from VGPR on; in PR above it, and at most a tenth is left
    urine, has_urine = base["urine"] * _left(_URINE_LEFT, shown), base["urine"] > 0
    urine = np.where((shown == VGPR) & has_urine, 60.0, urine)
    urine = np.where((shown == PR) & has_urine, np.clip(urine, 110.0, None), urine)
    urine = np.where(secretes & base["chains"], urine * (1.4 + 0.2 * again) + 260 + 150 * again, urine)
    # a normal ratio of light chains only in stringent complete response
    involved = np.maximum(base["involved"] * _left(_CHAINS_LEFT, shown), 5.0 * base["other"])
    involved = np.where((shown == 0) | base["silent"], 1.2 * base["other"], involved)
    involved = np.where(secretes & base["chains"], involved * 1.4 + 250 + 150 * again, involved)
    complete = (shown >= 0) & (shown <= CR) & ~secretes
    values = {
        "serum_m_protein_g_dl": np.round(serum, 2),
        "urine_m_protein_mg_24h": np.rint(urine),
        "flc_kappa_mg_l": np.round(np.where(base["kappa"], involved, base["other"]), 1),
        "flc_lambda_mg_l": np.round(np.where(base["kappa"], base["other"], involved), 1),
        "bm_plasma_cells_pct": _marrow(rows, base, shown, by_lab),
    }
    hidden = category == NE
    labs: dict[str, object] = {name: np.where(hidden, np.nan, value) for name, value in values.items()}
    return labs | _findings(rows, base, draw, complete | base["silent"], hidden)


def _left(entry: np.ndarray, category: np.ndarray, later: np.ndarray | None = None, since: object = 0) -> np.ndarray:
    """Share of the baseline left in a category after some visits in it; all of it at baseline."""
    known, later = np.clip(category, 0, SD), entry if later is None else later
    left = later[known] + (entry[known] - later[known]) * np.exp(-np.asarray(since) / _HALF_LIFE)
    return np.where((category < 0) | (category > SD), 1.0, left)


def _marrow(rows: Draw, base: Draw, shown: np.ndarray, by_lab: np.ndarray) -> np.ndarray:
    """Marrow plasma cells: at baseline, at complete response, and at every visit where nothing else is measurable."""
    left = _left(_SERUM_LEFT, shown)
    complete = (shown >= 0) & (shown <= CR) & (rows["category"] != PD)
    value = np.rint(np.where(complete, 2.0, np.maximum(base["marrow"] * left, _LOWEST_DISEASED_MARROW)))
    value = value + np.where(by_lab & base["silent"], 15, 0)
    reported = (rows["number"] == _BASELINE) | complete | base["silent"]
    return np.where(reported, np.minimum(value, 100), np.nan)


def _findings(rows: Draw, base: Draw, draw: Draw, complete: np.ndarray, hidden: np.ndarray) -> dict[str, object]:
    """Immunofixation and plasmacytoma."""
    who, category = rows["who"], rows["category"]
    serum = np.where(hidden, -1, np.where(complete, 1, 0)).astype(np.int8)
    urine = np.where(hidden, -1, np.where(complete | ~base["chains"], 1, 0)).astype(np.int8)
    soft = draw["emd"][who] > 0
    size = np.where(category < 0, 2, np.where(category <= CR, 0, np.where(category <= MR, 1, 2)))
    mass = np.where(soft, size, 0)
    imaged = (category == PD) & (draw["basis"][who] == 1)
    mass = np.where(imaged, np.where(soft, 3, 4), mass)
    mass = np.where(hidden | draw["emd_missing"][who] & ~imaged, -1, mass)
    sign, masses = ["positive", "negative"], ["none", "smaller", "stable", "larger", "new"]
    return {
        "serum_immunofixation": pd.Categorical.from_codes(serum, sign),
        "urine_immunofixation": pd.Categorical.from_codes(urine, sign),
        "plasmacytoma": pd.Categorical.from_codes(mass.astype(np.int8), masses),
    }

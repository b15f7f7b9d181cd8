"""The four tables of the manuscript, laid out from the estimates that were published."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from fhrmm.drugs import parse_regimen
from fhrmm.estimate_table import select_rows
from fhrmm.estimates.counts import BASELINE_VARIABLES
from fhrmm.formats import name_endpoint
from fhrmm.manuscript.published import Published
from fhrmm.tables import Cells, tabulate_across, tabulate_baseline, tabulate_estimates, tabulate_model

_TIMES = ("PFS", "OS", "TTNT", "DOR")
_RATES = ("survival_probability",)
_MODELS = {"univariable": "Univariable", "primary": "Primary", "full, Firth": "Full, Firth"}
_WHO = "Patients with the value missing are counted in rows of their own and are not in the denominator of percentages."


@dataclass(frozen=True, slots=True)
class Part:
    """One block of a table: title, cells, notes before those of the cells."""

    title: str
    cells: Cells
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One table of the manuscript, in one file."""

    number: int
    name: str
    title: str
    parts: tuple[Part, ...]


def make_tables(published: Published) -> tuple[Document, ...]:
    """Return Tables 1 to 4: baseline, response, survival, models."""
    return (_baseline(published), _response(published), _survival(published), _models(published))


def _baseline(published: Published) -> Document:
    rows = published.of("02_cohort")
    rows = rows[(rows["endpoint"] == "BASELINE") & rows["variable"].isin(list(BASELINE_VARIABLES))]
    cells = tabulate_baseline(rows, published.study)
    timing = "Stage and cytogenetics at diagnosis; ECOG and extramedullary disease at the start of second line."
    title = "Patients at baseline, overall and by the route by which they entered"
    return Document(1, "baseline", title, (Part("", cells, (timing, _WHO, _name_regimens(rows))),))


def _name_regimens(rows: pd.DataFrame) -> str:
    """Spell out the drugs of each regimen that occurs; one that was not recognized stands as it was written."""
    found = dict.fromkeys(rows.loc[rows["variable"] == "second_line_standard", "level"])
    drugs = {name: sorted(parse_regimen(str(name)).drugs) for name in found}
    said = [f"{name}, {', '.join(known)}" for name, known in drugs.items() if known]
    return f"Regimens: {'; '.join(said)}." if said else ""


def _response(published: Published) -> Document:
    rows = published.of("03_response")
    overall = select_rows(rows, estimand="proportion")
    best = rows[(rows["endpoint"] == "BEST_RESPONSE") & (rows["model"] == "")]
    rates = overall[overall["endpoint"] != "BEST_RESPONSE"]
    denominator = (
        "All patients: not evaluable and unknown count as no response. Evaluable: those with a known response."
    )
    parts = (
        Part("Best response", tabulate_estimates(best, published.study)),
        Part("Response rates", tabulate_across(rates, published.study), (denominator,)),
    )
    return Document(2, "response", "Response to second-line therapy", parts)


def _survival(published: Published) -> Document:
    rows = published.of("04_pfs_os")
    whole = select_rows(rows, population="cohort")
    times = whole[whole["endpoint"].isin(_TIMES)]
    is_rate = times["estimand"].isin(_RATES)
    follow_up = whole[(whole["endpoint"] == "FOLLOW_UP") & (whole["estimand"] == "median_months")]
    medians = pd.concat([times[~is_rate], follow_up])
    who = "Duration of response: responders from their first response; all others: all patients."
    reached = "Not reached: the curve stays above one half. Follow-up: events are deaths, by which it is censored."
    parts = (
        Part("Rates", tabulate_across(times[is_rate], published.study), (who,)),
        Part("Medians and restricted means", tabulate_across(medians, published.study), (who, reached)),
    )
    return Document(3, "survival", "Progression-free and overall survival from the start of second line", parts)


def _models(published: Published) -> Document:
    rows = published.of("05_multivariable")
    note = "Hazard ratio above 1: higher hazard than the reference. Patients and events are those of the level."
    parts = tuple(
        Part(
            name_endpoint(endpoint, published.study),
            tabulate_model(rows[rows["endpoint"] == endpoint], published.study, models=_MODELS),
            (note, "p: Wald test, in the penalized model likelihood ratio test; exploratory, not corrected."),
        )
        for endpoint in ("PFS", "OS")
    )
    return Document(4, "models", "Associations with progression-free and overall survival", parts)

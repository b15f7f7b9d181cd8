"""Small tables of counts that describe data and definitions; estimates with intervals live elsewhere."""

from __future__ import annotations

import math

import pandas as pd

from fhrmm.estimates.subgroups import MISSING, iterate_levels
from fhrmm.schema import variables
from fhrmm.study import Study
from fhrmm.wording import counted
from timetoevent.agreement import read_agreement

BASELINE_VARIABLES = (
    "age_second_line", "sex", "isotype", "iss", "r_iss", "r2_iss", "beta2_microglobulin_mg_l", "creatinine_mg_dl",
    "hemoglobin_g_dl", "bm_plasma_cells_pct", "ldh_above_uln", "del17p", "t_4_14", "t_14_16", "gain_1q",
    "high_risk_cytogenetics", "first_line_standard", "first_line_quadruplet", "first_line_best_response", "asct_count",
    "frontline_pathway", "lenalidomide_exposure", "anti_cd38_exposed", "anti_cd38_refractory", "months_to_relapse",
    "ecog_2_or_more", "extramedullary_disease", "second_line_standard", "second_line_class", "second_line_asct",
)  # fmt: skip
_NEXT_THERAPY = {"ignore": "does not count", "event": "is an event", "censor": "ends observation"}


def count_cross(frame: pd.DataFrame, rows: str, columns: str) -> pd.DataFrame:
    """Cross-tabulate two columns, missing as a level of its own, with totals; the first column holds the row level."""
    values = [frame[name].astype(object).where(frame[name].notna(), MISSING).astype(str) for name in (rows, columns)]
    order = [[level for level, part in iterate_levels(frame, name) if len(part)] for name in (rows, columns)]
    table = pd.crosstab(*values).reindex(index=order[0], columns=order[1], fill_value=0).astype("Int64")
    table["Total"] = table.sum(axis=1).astype("Int64")
    if len(table):
        table.loc["Total"] = table.sum(axis=0)
    return table.rename_axis(index=rows, columns=None).reset_index().rename(columns=str)


def start_at_received(attrition: pd.DataFrame, received: pd.DataFrame) -> pd.DataFrame:
    """Begin the attrition with the patients received, of whom cleaning accepted those that it began with.

    `received` are the rows of `fhrmm.estimates.characteristics.estimate_received`; without them nothing changes.
    """
    if attrition.empty or received.empty:
        return attrition
    n, accepted = received["n"].iloc[0], attrition["n_before"].iloc[0]
    first = {"criterion": "received", "label": "Patients received", "n_before": n, "n_excluded": 0, "n_remaining": n}
    clean = {"criterion": "accepted", "label": "Without an error in the data", "n_before": n}
    clean |= {"n_excluded": n - accepted, "n_remaining": accepted}
    rows = [first, clean, *attrition.iloc[1:].to_dict("records")]
    return pd.DataFrame(rows).astype(attrition.dtypes.to_dict())


def describe_endpoints(study: Study) -> pd.DataFrame:
    """Lay out the plan's endpoints in words: origin, events, what ends observation, what next therapy does."""
    rows = [
        {
            "Endpoint": f"{name}: {endpoint.label}" + (" (responders)" if endpoint.population == "responders" else ""),
            "Time runs from": _column_words(endpoint.origin),
            "Event": "; ".join(dict.fromkeys(source.description for source in endpoint.events)),
            "Without event, observed until": "; ".join(_column_words(source.source) for source in endpoint.censors),
            "Next therapy": _NEXT_THERAPY[endpoint.next_therapy],
        }
        for name, endpoint in study.endpoints.items()
    ]
    return pd.DataFrame(rows)


def known_variables(table: str, patients: pd.DataFrame) -> list[str]:
    """Return the dictionary's variables of a table that say something about a patient: no identifiers."""
    return [name for name, variable in variables(table).items() if variable.type != "id" and name in patients.columns]


def _column_words(source: str) -> str:
    column = source.split(".")[-1]
    known = variables("patients").get(column)
    return (known.label_en if known else column.replace("_", " ")).lower().replace("asct", "ASCT")


def list_switches(study: Study) -> list[str]:
    """Say how this run's plan sets what decides about the confirmation of a response, one sentence each."""
    rule = study.response
    alone = ", ".join(rule.progression_stands_alone) or "none"
    counts = "is" if rule.lone_biochemical_progression_with_new_line_is_event else "is not"
    return [
        f"Confirmed at least {counted(rule.minimum_confirmation_days, 'day')} later; a warning from "
        f"{counted(rule.late_confirmation_days, 'day')} on.",
        f"At most {counted(rule.maximum_not_evaluable_between, 'visit')} that could not be evaluated in between.",
        f"Progression that needs no second assessment: {alone}.",
        f"A single biochemical progression followed by a new line {counts} a progression.",
        f"Response dated at the {rule.date_at} visit that shows it, biochemical progression at the "
        f"{rule.progression_date_at} one.",
    ]


def describe_agreement() -> pd.DataFrame:
    """Put the table of agreement with R into words.

    One row per operation: what it is held against in R, number of frozen cases, the worst relative difference as a
    power of ten, and what computes it: lifelines, verified, or this project and why.
    """
    table = read_agreement()
    return pd.DataFrame(
        {
            "Operation": table["operation"].str.replace("_", " "),
            "Held against": table["counterpart"],
            "Cases": table["n_cases"],
            "Worst relative difference": [
                "compared in distribution" if math.isnan(value) else f"{value:.0e}" if value else "none"
                for value in table["worst_difference"]
            ],
            "Computed by": table["engine"],
        }
    )

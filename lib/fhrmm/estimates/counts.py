"""Small tables of counts that describe data and definitions; estimates with intervals live elsewhere."""

from __future__ import annotations

import math

import pandas as pd

from fhrmm.estimates.subgroups import MISSING
from fhrmm.schema import variables
from fhrmm.study import Study
from fhrmm.wording import counted
from timetoevent.agreement import read_agreement

BASELINE_VARIABLES = (
    "age_second_line", "sex", "isotype", "iss", "r_iss", "high_risk_cytogenetics", "ldh_above_uln",
    "first_line_quadruplet", "frontline_pathway", "lenalidomide_exposure", "months_to_relapse", "ecog_2_or_more",
    "extramedullary_disease", "second_line_standard", "second_line_carfilzomib",
)  # fmt: skip


_NEXT_THERAPY = {"ignore": "does not count", "event": "is an event", "censor": "ends observation"}


def count_changes(audit: pd.DataFrame) -> pd.DataFrame:
    """Count changed values by table and rule of the audit log, most frequent rule first within a table."""
    counted = audit.groupby(["table", "rule"], observed=True).size().rename("values changed").reset_index()
    return counted.sort_values(["table", "values changed", "rule"], ascending=[True, False, True], ignore_index=True)


def count_findings(issues: pd.DataFrame) -> pd.DataFrame:
    """Count findings by severity and rule, errors first.

    Returns
    -------
    DataFrame
        One row per rule found: severity, rule, findings, patients concerned, centers concerned.
    """
    grouped = issues.groupby(["severity", "rule"], observed=True)
    counted = grouped.agg(findings=("rule", "size"), centers=("center", "nunique")).reset_index()
    people = issues[issues["patient_id"].fillna("") != ""].drop_duplicates(["severity", "rule", "center", "patient_id"])
    patients = people.groupby(["severity", "rule"], observed=True).size()
    counted["patients"] = [int(patients.get((row.severity, row.rule), 0)) for row in counted.itertuples()]
    ordered = counted.sort_values(["severity", "findings", "rule"], ascending=[True, False, True], ignore_index=True)
    return ordered[["severity", "rule", "findings", "patients", "centers"]]


def describe_rules(rules: pd.DataFrame) -> pd.DataFrame:
    """Lay out every rule of intake in words, also those that found nothing.

    How often a rule was broken is not said: it would give away what a table of counts hides beside it.

    Parameters
    ----------
    rules : DataFrame
        One row per rule, as `intake.rules.rule_catalog` gives it.

    Examples
    --------
    >>> from intake.rules import findings_frame, rule_catalog
    >>> describe_rules(rule_catalog(findings_frame([], "C01")))["found here"].unique().tolist()
    ['no']
    """
    columns = [f" (columns: {names})" if names else "" for names in rules["columns"]]
    found = rules["message"] + columns + ". " + rules["reason"] + "."
    return pd.DataFrame({
        "rule": rules["rule"],
        "severity": rules["severity"],
        "what is found, and why it matters": found,
        "what to do": rules["what_to_do"],
        "found here": ["yes" if count else "no" for count in rules["n_findings"]],
    })  # fmt: skip


def count_cross(frame: pd.DataFrame, rows: str, columns: str) -> pd.DataFrame:
    """Cross-tabulate two columns, missing as a level of its own, with totals; the first column holds the row level."""
    first, second = (frame[name].astype(object).where(frame[name].notna(), MISSING) for name in (rows, columns))
    counted = pd.crosstab(first, second)
    ordered = counted.reindex(
        index=_levels(frame, rows, counted.index), columns=_levels(frame, columns, counted.columns)
    )
    table = ordered.fillna(0).astype("Int64")
    table["Total"] = table.sum(axis=1).astype("Int64")
    total = table.sum(axis=0).astype("Int64").to_frame().T.set_axis(["Total"])
    joined = pd.concat([table, total]) if len(table) else table
    return joined.rename_axis(index=rows, columns=None).reset_index().rename(columns=str)


def describe_endpoints(study: Study) -> pd.DataFrame:
    """Lay out the plan's endpoints in words: origin, events, what ends observation, what next therapy does."""
    rows = [
        {
            "Endpoint": f"{name}: {endpoint.label}" + (" (responders)" if endpoint.population == "responders" else ""),
            "Time runs from": _column_words(endpoint.origin),
            "Event": "; ".join(dict.fromkeys(source.description for source in endpoint.events)),
            "Without event, observed until": "; ".join(_column_words(source.source) for source in endpoint.censors),
            "Next therapy": {"ignore": "does not count", "event": "is an event", "censor": "ends observation"}[
                endpoint.next_therapy
            ],
        }
        for name, endpoint in study.endpoints.items()
    ]
    return pd.DataFrame(rows)


def known_variables(table: str, patients: pd.DataFrame) -> list[str]:
    """Return the dictionary's variables of a table that say something about a patient: no identifiers."""
    return [name for name, variable in variables(table).items() if variable.type != "id" and name in patients.columns]


def _levels(frame: pd.DataFrame, name: str, found: pd.Index) -> list[object]:
    values = frame[name]
    known = list(values.cat.categories) if isinstance(values.dtype, pd.CategoricalDtype) else []
    present = [level for level in known if level in found]
    rest = sorted((level for level in found if level not in known and level != MISSING), key=str)
    return [*present, *rest, *([MISSING] if MISSING in found else [])]


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

    Returns
    -------
    DataFrame
        One row per operation: what it is held against in R, number of frozen cases, and the worst relative difference
        as a power of ten.
    """
    table = read_agreement()
    return pd.DataFrame(
        {
            "Operation": table["operation"].str.replace("_", " "),
            "Held against": table["counterpart"],
            "Cases": table["n_cases"],
            "Worst relative difference": [_difference_words(value) for value in table["worst_difference"]],
        }
    )


def _difference_words(value: float) -> str:
    if math.isnan(value):
        return "compared in distribution"
    return "none" if value == 0 else f"{value:.0e}"

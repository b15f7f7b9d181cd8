"""What cleaning changed and found, counted without patients: the tables of the page on cleaning."""

from __future__ import annotations

import pandas as pd


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

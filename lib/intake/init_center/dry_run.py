"""What would become of the patients with a description as it stands: reading and cleaning, tried at once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fhrmm.errors import StudyError
from fhrmm.study import load_study
from intake.cleaning import clean_scope
from intake.rules import load_rules

EVENTS = ("a death", "a progression", "a response", "a next line of therapy")
MOST = 12


def try_description(folder: Path, name: str) -> str:
    """Say how many patients would be accepted, and what stops the others.

    A cell is shown as the file has it, an identifier never.
    """
    try:
        cleaned = clean_scope(folder.resolve().parent, folder.name, load_study(), name)
    except StudyError as error:
        return f"With this file nothing can be read: {error}\n"
    n, left = len(cleaned.patients), len(cleaned.quarantined)
    stopped = _group(cleaned.issues)
    things = f"these {len(stopped)} things stop" if len(stopped) > 1 else "this stops"
    text = f"With this file {n} of {n + left} patients would be accepted; {things} the others:"
    if not left:
        text = f"With this file all {n} patients would be accepted{'; refused are:' if stopped else '.'}"
    lines = [text if n + left else "With this file no patient would be read:", *stopped[:MOST]]
    lines += [f"- and {len(stopped) - MOST} more"] if len(stopped) > MOST else []
    unrecorded = cleaned.patients["unrecorded"].iloc[0].split("; ") if n else []
    lines += [
        f"No column records {event}: what depends on it will not be estimable, for this center and in the pool."
        for event in EVENTS
        if event in unrecorded
    ]
    return "\n".join(lines) + "\n"


def _group(issues: pd.DataFrame) -> list[str]:
    """Return one line per rule, file and column with errors, those of most patients first."""
    errors, rules = issues[issues["severity"] == "error"], load_rules()
    counted = []
    for (rule, file, column), rows in errors.groupby(["rule", "file", "column"], sort=False):
        patients = rows.loc[rows["patient_id"] != "", "patient_id"].nunique()
        first = rows.iloc[0]
        shown = f", such as {first['found']!r} in row {first['row']}" if patients else f" ({first['found']})"
        many = f" ({patients} patient{'s' if patients > 1 else ''}{shown})" if patients else shown.replace(" ()", "")
        text = f"- {file}{f', {column}' if column else ''}: {rules[rule].message}{many}. To do: {first['what_to_do']}"
        counted.append((-patients if patients else -len(issues), text))
    return [text for _, text in sorted(counted, key=lambda item: item[0])]

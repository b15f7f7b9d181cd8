"""Columns that a file does not have as such: dates told apart by a status, and results told apart by their analyte."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from intake.center import CenterFile, SharedDate
from intake.contract import variables
from intake.readers.grid import categorical_text
from intake.readers.headers import header_key
from intake.rules import Finding
from intake.values import CellDialect, comparison_key, load_synonyms, parse_column
from intake.values.units import normalize_unit


def split_shared_dates(
    frame: pd.DataFrame, file: CenterFile, columns: Mapping[str, pd.Categorical]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Add the dates that another column tells apart.

    Returns
    -------
    frame : DataFrame
        With the event's date where the status says so, and with the other date in every row.
    findings : list of Finding
        Rows whose status is not certain, and events without a date.
    """
    findings = []
    for shared in file.shared_dates:
        keys = [header_key(shared.date), header_key(shared.status)]
        if not set(keys) <= set(columns):
            continue
        dates, status = (columns[key] for key in keys)
        answers = [read_status(str(text), shared) for text in status.categories]
        said = np.array([*answers, ""], dtype=object)[status.codes]
        happened, dated = said == "yes", dates.codes >= 0
        event = pd.Categorical.from_codes(np.where(happened, dates.codes, -1), categories=dates.categories)
        frame = frame.assign(**{shared.event: event} | ({shared.always: dates} if shared.always else {}))
        unclear = {"status_unclear": (said == "") & dated, "status_without_date": happened & ~dated}
        for rule, mask in unclear.items():
            rows = np.flatnonzero(mask)
            ids = frame["patient_id"].astype(object).fillna("").to_numpy()[rows]
            shown = [str(text) for text in pd.Series(status).astype(object).fillna("empty").to_numpy()[rows]]
            place = {"table": file.table, "file": file.path, "sheet": str(frame["_sheet"].iloc[0])} if len(rows) else {}
            numbers = frame["_row"].to_numpy()[rows]
            findings.append(Finding(rule, column=shared.event, row=numbers, patient_id=ids, found=shown, **place))
    return frame, findings


def read_status(text: str, shared: SharedDate) -> str:
    """Return ``yes``, ``no`` or, where it says neither, an empty text."""
    known = load_synonyms()["groups"]["status"]
    for answer, own in (("yes", shared.yes), ("no", shared.no)):
        if comparison_key(text) in {comparison_key(word) for word in own or known[answer]}:
            return answer
    return ""


def split_analytes(frame: pd.DataFrame, file: CenterFile) -> tuple[pd.DataFrame, dict[str, int], list[Finding]]:
    """Give every analyte of a laboratory export a column of its own; each row fills one of them.

    Returns
    -------
    frame : DataFrame
        Rows of known analytes; a number carries its unit behind it.
    left : dict of str to int
        Analytes that the contract does not know, with their number of rows.
    """
    known = variables("laboratory")
    mapping = file.values.get("analyte", {})  # noqa: PD011 (a mapping of center.toml)
    names = parse_column(frame["analyte"], known["analyte"], CellDialect(mapping=mapping)).canonical()["analyte"]
    written = frame["analyte"].astype(object).fillna("(empty)")[names.isna()]
    left = {str(text): int(n) for text, n in written.value_counts().items()}
    value = frame["value"].cat
    unit = frame["unit"].cat if "unit" in frame else pd.Series(pd.Categorical([None] * len(frame), [""])).cat
    pairs = value.codes.to_numpy(dtype=np.int64) * (len(unit.categories) + 1) + unit.codes.to_numpy() + 1
    in_digits = np.array([text.strip()[-1:].isdigit() for text in value.categories], dtype=bool)
    added, findings = {}, []
    for name in names.categories:
        rows = np.flatnonzero((names == name) & (value.codes.to_numpy() >= 0))
        if not len(rows):
            continue
        bare = int((in_digits[value.codes.to_numpy()[rows]] & (unit.codes.to_numpy()[rows] < 0)).sum())
        if bare and known[name].unit and name not in file.units:
            own = f"{bare} results, read in {known[name].unit}"
            findings.append(Finding("laboratory_unit_missing", "laboratory", file.path, column=name, found=own))
        back, distinct = pd.factorize(pairs[rows])
        which = [divmod(int(pair), len(unit.categories) + 1) for pair in distinct]
        written = [(value.categories[v], unit.categories[u - 1] if u else "") for v, u in which]
        is_number = known[name].type == "number"  # words and categories have no unit
        # the dictionary's own unit changes nothing, unless the center has said another
        own = None if name in file.units else normalize_unit(known[name].unit)
        foreign = {of for _, of in written if of and is_number and normalize_unit(of) != own}
        texts = [f"{text} {of}" if of in foreign and text.strip()[-1:].isdigit() else text for text, of in written]
        codes = np.full(len(frame), -1, dtype=np.int64)
        codes[rows] = back
        added[name] = categorical_text(texts, codes)
    kept = frame.drop(columns=["analyte", "value", "unit"], errors="ignore").assign(**added)
    return (kept[names.notna()].reset_index(drop=True) if left else kept), left, findings

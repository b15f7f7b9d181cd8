"""Long tables made canonical: lines of therapy into one row per patient, laboratory results into one row per visit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from fhrmm.drugs import STEROIDS, parse_regimen
from fhrmm.schema import RESPONSE_DEPTH, column_types, variables
from intake.cleaning.baseline import results_aside
from intake.cleaning.rows import COMPANIONS
from intake.cleaning.typed import REFUSED_ID, TypedTable
from intake.contract import AT_DIAGNOSIS, KEYS
from intake.readers import PLACE
from intake.rules import Finding
from intake.rules.typed_rows import patient_ids, place
from intake.values import comparison_key, load_synonyms

# What a line gives to the patient: (line, column of the long table) -> canonical column, and which row's where several
# rows of the line have one. The regimen is that of the first row.
FROM_LINES = {
    (1, "start_date"): ("first_line_start_date", "first"),
    (1, "regimen"): ("first_line_regimen", "first"),
    (1, "response"): ("first_line_best_response", "deepest"),
    (1, "progression_date"): ("first_progression_date", "first"),
    (1, "transplant_date"): ("asct_date", "last"),
    (1, "maintenance"): ("maintenance", "first"),
    (2, "start_date"): ("second_line_start_date", "first"),
    (2, "regimen"): ("second_line_regimen", "first"),
    (2, "ecog"): ("ecog_second_line", "first"),
    (2, "response"): ("best_response", "deepest"),
    (2, "response_date"): ("best_response_date", "of deepest"),
    (2, "progression_date"): ("progression_date", "first"),
    (2, "transplant_date"): ("second_line_asct_date", "last"),
    (3, "start_date"): ("next_line_start_date", "first"),
}
PHASE_WORDS = re.compile(r"\b(?:mantenimento|maintenance|maint|mant)\b\.?", re.IGNORECASE)
NO_THERAPY = ("maintenance", "transplant")
MAINTENANCE = (
    ("start_date", "maintenance_start_date", "first"), ("stop_date", "maintenance_stop_date", "last"),
)  # fmt: skip


def make_canonical(typed: TypedTable) -> TypedTable:
    """Return a typed long table as rows of the canonical one; any other table as it is.

    Rows that went into another one stand in `raw.merged`: they share its fate in the row accounting.

    Returns
    -------
    TypedTable
        With the findings of putting rows together alone: those of its cells stay with `typed`.
    """
    table = typed.raw.spec.table
    if table == "laboratory" and "assessment_date_lower" in typed.frame:
        visits, aside = typed.frame, results_aside(typed)
        if aside.any():
            names = [name for name in AT_DIAGNOSIS if name not in variables("assessments")]
            visits = visits[~aside].drop(columns=names, errors="ignore").reset_index(drop=True)
        typed = replace(typed, frame=visits)
        frame, into, findings = _join_results(visits)
    elif table == "lines":
        frame, into, findings = _lines_by_patient(typed)
    else:
        return replace(typed, findings=[], changes=[])
    absorbed = np.flatnonzero(typed.frame["_row"].to_numpy() != into)
    merged = np.column_stack([typed.frame["_row"].to_numpy()[absorbed], into[absorbed]])
    raw = replace(typed.raw, frame=frame[["_row"]], merged=np.concatenate([typed.raw.merged, merged]))
    return TypedTable(raw, frame, findings)


def _join_results(frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, list[Finding]]:
    """Put the results of one patient and day into one row; give the row number that each row went to.

    Of different results of one analyte on one day none is used.
    """
    group, first = _group(frame, ["assessment_date_lower", "assessment_date_upper"])
    joined, findings = frame.iloc[first].reset_index(drop=True), []
    apart = (*KEYS, *PLACE, "_table", *(f"assessment_date{ending}" for ending in COMPANIONS))
    for name in (name for name in frame if name not in apart):
        filled = np.flatnonzero(frame[name].notna().to_numpy())
        position = np.full(len(first), -1, dtype=np.int64)
        position[group[filled[::-1]]] = filled[::-1]
        codes = pd.factorize(frame[name])[0]
        differs = np.zeros(len(first), dtype=bool)
        differs[group[filled[codes[filled] != codes[position[group[filled]]]]]] = True
        if differs.any():
            rows = filled[differs[group[filled]]]
            shown = frame[name].iloc[rows].astype(object).astype(str).to_numpy()
            where = {"table": "laboratory", "column": name} | place(frame, rows)
            findings.append(Finding("laboratory_values_differ", found=shown, **where))
        joined[name] = frame[name].array.take(np.where(differs, -1, position), allow_fill=True)
    return joined, frame["_row"].to_numpy()[first][group], findings


def _group(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Number the rows by patient and some columns, in the order of their first row; give these first rows.

    A row without a patient, or without a value in one of the columns, is a group of its own.
    """
    ids = patient_ids(frame)
    known = (ids != "") & (ids != REFUSED_ID)
    key = pd.factorize(ids)[0].astype(np.int64)
    for name in columns:
        codes, distinct = pd.factorize(frame[name])
        known &= codes >= 0
        key = key * (len(distinct) + 1) + codes
    key = np.where(known, key, -1 - np.arange(len(frame)))
    group, distinct = pd.factorize(key)
    first = np.zeros(len(distinct), dtype=np.int64)
    first[group[::-1]] = np.arange(len(frame))[::-1]
    return group, first


def _lines_by_patient(typed: TypedTable) -> tuple[pd.DataFrame, np.ndarray, list[Finding]]:
    """Return one row per patient with what the first lines give, and where each row went."""
    frame = typed.frame
    group, first = _group(frame, [])
    wide = frame.iloc[first][[name for name in (*KEYS, *PLACE, "_table") if name in frame]].reset_index(drop=True)
    regimen = "regimen" if "regimen" in frame else "drug"
    phase = frame["phase"].astype(object) if "phase" in frame else pd.Series(None, index=frame.index, dtype=object)
    if regimen in frame:
        named = frame[regimen].map({text: _phase_of(text) for text in frame[regimen].dropna().unique()})
        phase = phase.where(phase.notna(), named.astype(object))
    rows, findings = _number_lines(frame.assign(_group=group, _phase=phase), typed)
    main = rows[~rows["_phase"].isin(NO_THERAPY)]
    findings += _regimens_differ(main) if regimen == "regimen" else []
    findings += _doubtful_lines(rows, main, regimen, by_order=typed.raw.spec.lines_by == "order")
    for (line, name), (target, which) in FROM_LINES.items():
        source = regimen if name == "regimen" else name
        chosen = rows if name == "transplant_date" else main
        if source == "drug" and "drug" in frame:
            wide[target] = _join_drugs(chosen[chosen["_line"] == line], source).reindex(wide.index)
        elif source in frame or f"{source}_lower" in frame:
            _take(wide, target, chosen[chosen["_line"] == line], source, which)
    if rows["_phase"].notna().any():
        _take_phases(wide, rows[rows["_line"] == 1], regimen)
    return wide, frame["_row"].to_numpy()[first][group], findings


def _phase_of(regimen: str) -> str | None:
    """Return the phase that a regimen names and that is no line of its own, or None.

    Examples
    --------
    >>> _phase_of("ASCT"), _phase_of("Lenalidomide mantenimento"), _phase_of("VTd + ASCT"), _phase_of("KRd")
    ('transplant', 'maintenance', None, None)
    """
    written, drugs = f" {comparison_key(regimen)} ".replace("+", " ").replace("/", " "), parse_regimen(regimen).drugs
    said = [
        phase
        for phase, words in load_synonyms()["groups"]["phase"].items()
        if phase != "induction" and any(f" {comparison_key(word)} " in written for word in words)
    ]
    fits = len(said) == 1 and (not drugs if said == ["transplant"] else len(drugs - STEROIDS) <= 2)
    return said[0] if fits else None


def _doubtful_lines(rows: pd.DataFrame, main: pd.DataFrame, regimen: str, *, by_order: bool) -> list[Finding]:
    """Return an error for a second or third line that may be a part of the one before: nothing tells which it is.

    That is a line of a transplant or maintenance alone, and one of a single drug where only the order tells lines.
    """
    later = rows[rows["_line"].isin([2, 3])]
    line, own = (frame["_group"] * 4 + frame["_line"] for frame in (later, main[main["_line"] < 4]))
    doubtful = ~line.isin(own)
    if by_order and regimen in rows:
        drugs = {text: "+".join(sorted(parse_regimen(text).drugs)) for text in later[regimen].dropna().unique()}
        named = later.loc[later["_line"] == 2, regimen].dropna().map(drugs).astype(str)
        several = named.str.fullmatch("|.*[+].*") | named.groupby(line[named.index]).transform("nunique").gt(1)
        doubtful |= line.isin(line[named.index]) & ~line.isin(line[named.index][several])
    found = later[doubtful]
    shown = found[regimen].astype(object).fillna("") if regimen in found else ""
    where = place(found, np.arange(len(found)))
    return [Finding("line_may_be_a_phase", table="lines", column="regimen", found=shown, **where)]


def _number_lines(frame: pd.DataFrame, typed: TypedTable) -> tuple[pd.DataFrame, list[Finding]]:
    """Say of each row which line it belongs to (`_line`), by its number or by the order of starts; sort by start."""
    spec, by_number = typed.raw.spec, typed.raw.spec.lines_by == "number"
    needed, rule = ("line_number", "line_number_missing") if by_number else ("start_date_lower", "line_start_missing")
    known = frame[needed].notna() if needed in frame else pd.Series(False, index=frame.index)
    where = place(frame, np.flatnonzero(~known))
    findings = [Finding(rule, table="lines", column=needed.removesuffix("_lower"), **where)]
    rows = frame[known]
    if by_number:
        starts = [name for name in ("start_date_lower",) if name in rows]
        rows = rows.assign(_line=rows["line_number"].astype(float) if len(rows) else 0.0)
        return rows.sort_values(["_group", "_line", *starts], kind="stable"), findings
    rows = rows.sort_values(["_group", "start_date_lower"], kind="stable")
    own = rows[~rows["_phase"].isin([*NO_THERAPY, "consolidation"])]
    later = own.groupby("_group")["start_date_lower"].diff() > pd.Timedelta(days=spec.new_line_after_days)
    line = (later.groupby(own["_group"]).cumsum() + 1).reindex(rows.index)
    return rows.assign(_line=line.groupby(rows["_group"]).ffill()), findings


def _regimens_differ(main: pd.DataFrame) -> list[Finding]:
    """Return a warning for rows of the first two lines whose line has another regimen as well."""
    known = main[main["regimen"].notna() & (main["_line"] <= 2)]
    several = known.groupby(["_group", "_line"])["regimen"].transform("nunique") > 1
    rows = known[several]
    where = place(rows, np.arange(len(rows)))
    return [Finding("line_regimens_differ", table="lines", column="regimen", found=rows["regimen"], **where)]


def _join_drugs(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return the drugs of each patient's line, in the order of their start."""
    distinct = rows.dropna(subset=[column]).drop_duplicates(["_group", column])
    return distinct.groupby("_group")[column].agg(" + ".join)


def _take(wide: pd.DataFrame, target: str, rows: pd.DataFrame, source: str, which: str) -> None:
    """Give each patient the value of one of the rows of a line: the first or last date, the deepest response."""
    is_date = f"{source}_lower" in rows
    known = rows[rows[f"{source}_lower" if is_date else source].notna()]
    if "deepest" in which and "response" in known:
        depth = known["response"].astype(RESPONSE_DEPTH).cat.codes
        known = known.assign(_depth=-depth.astype(int)).sort_values("_depth", kind="stable")
    elif is_date:
        known = known.sort_values(f"{source}_lower", kind="stable")
    chosen = known.drop_duplicates("_group", keep="last" if which == "last" else "first").set_index("_group")
    for ending in COMPANIONS if is_date else ("",):
        wide[f"{target}{ending}"] = chosen[f"{source}{ending}"].reindex(wide.index)


def _take_phases(wide: pd.DataFrame, first_line: pd.DataFrame, regimen: str) -> None:
    """Read transplant and maintenance of the first line from rows of their own."""
    transplants, upkeep = (first_line[first_line["_phase"] == name] for name in ("transplant", "maintenance"))
    if "asct_date" not in wide and "start_date" in first_line:
        _take(wide, "asct_date", transplants, "start_date", "last")
    for source, target, which in MAINTENANCE:
        if source in first_line:
            _take(wide, target, upkeep, source, which)
    if regimen in first_line and "maintenance" not in wide:
        drugs = _join_drugs(upkeep, regimen)
        kinds = {
            text: "lenalidomide" if found - STEROIDS == {"lenalidomide"} else "other"
            for text in drugs.unique()
            if (found := parse_regimen(PHASE_WORDS.sub("", text)).drugs)
        }
        wide["maintenance"] = drugs.map(kinds).reindex(wide.index).astype(column_types("patients")["maintenance"])

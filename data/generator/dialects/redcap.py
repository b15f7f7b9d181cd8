"""REDCap exports: raw codes with the 18-column dictionary, or labels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.schema import Variable, variables
from generator.dialects.styles import FISH, Style
from generator.dialects.text import column_words
from intake.center import CenterFile
from intake.templates import REDCAP_COLUMNS

_FORMS = {
    "identity": "anagrafica", "diagnosis": "diagnosi", "first line": "prima_linea", "second line": "seconda_linea",
    "outcome": "esito",
}  # fmt: skip
_STRUCTURE = ("redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group")
_NOT_TESTED = "9"


def raw_rows(tables: list[tuple[CenterFile, pd.DataFrame]], style: Style, group: str) -> list[list[str]]:
    """Return a raw export: one row per patient, then one per visit and event, blank where a form does not apply.

    Parameters
    ----------
    tables : list of (CenterFile, DataFrame)
        Patients first; text under canonical names.
    style : Style
        The center's words, which are the labels of the choices.
    group : str
        Data access group.
    """
    coded = [_code_table(table, file, style) for file, table in tables]
    fields = dict.fromkeys(name for table in coded for name in table if name != "record_id")
    forms = [*_FORMS.values(), *(file.instrument for file, _ in tables if file.instrument)]
    header = ["record_id", *_STRUCTURE, *fields, *(f"{form}_complete" for form in forms)]
    rows: list[list[str]] = []
    for (file, table), codes in zip(tables, coded, strict=True):
        applies = [file.instrument] if file.instrument else list(_FORMS.values())
        instance = table.groupby("patient_id").cumcount() + 1 if len(table) else []
        for cells, number in zip(codes.to_dict("records"), instance, strict=True):
            cells |= {"redcap_data_access_group": group} | {f"{form}_complete": "2" for form in applies}
            if file.instrument:
                cells |= {"redcap_repeat_instrument": file.instrument, "redcap_repeat_instance": str(number)}
            rows.append([cells.get(name, "") for name in header])
    return [header, *rows]


def _code_table(table: pd.DataFrame, file: CenterFile, style: Style) -> pd.DataFrame:
    """Return a text table as REDCap codes under field names."""
    known = variables(file.table)
    coded = {}
    for field, column in file.columns.items():
        codes = {label: code for code, label in _choices(known[column], file, style)}
        empty = _NOT_TESTED if column in FISH else ""
        coded[field] = table[column].map(lambda text, codes=codes: codes.get(text, text)).replace("", empty)
    return pd.DataFrame(coded | _checkbox_columns(table, file, style, ("1", "0")), index=table.index)


def _checkbox_columns(
    table: pd.DataFrame, file: CenterFile, style: Style, signs: tuple[str, str]
) -> dict[str, pd.Series]:
    """Return one column per checkbox: the first sign where its value is the patient's."""
    known = variables(file.table)
    columns = {}
    for column, boxes in file.checkboxes.items():
        words = column_words(known[column], file, style)
        for box, value in boxes.items():
            checked = table[column].eq(words.get(value, value))
            columns[box] = pd.Series(np.where(checked, *signs), index=table.index, dtype=object)
    return columns


def _choices(variable: Variable, file: CenterFile, style: Style) -> list[tuple[str, str]]:
    """Return code and label of every choice of a field; none for free text."""
    words = column_words(variable, file, style)
    if variable.type == "yes_no":
        codes = [("1", words.get("yes", "yes")), ("0", words.get("no", "no"))]
        return [*codes, (_NOT_TESTED, "non eseguita")] if variable.column in FISH else codes
    return [(str(code), words.get(level, level)) for code, level in enumerate(variable.levels, start=1)]


def dictionary_rows(files: list[CenterFile], style: Style) -> list[list[str]]:
    """Return the data dictionary of a project, its 18 columns as REDCap exports them."""
    rows = [("record_id", "anagrafica", "text", "ID record", "")]
    for file in files:
        known = variables(file.table)
        for field, column in file.columns.items():
            if field != "record_id":
                form = file.instrument or _FORMS[known[column].group]
                options = _choices(known[column], file, style)
                listed = " | ".join(f"{code}, {label}" for code, label in options)
                rows.append((field, form, "radio" if options else "text", known[column].label_it, listed))
        for column, boxes in file.checkboxes.items():
            words = column_words(known[column], file, style)
            listed = " | ".join(f"{box.split('___')[1]}, {words.get(value, value)}" for box, value in boxes.items())
            name = next(iter(boxes)).split("___")[0]
            rows.append((name, _FORMS[known[column].group], "checkbox", known[column].label_it, listed))
    order = {form: number for number, form in enumerate(dict.fromkeys(row[1] for row in rows))}
    unused = [""] * (len(REDCAP_COLUMNS) - 6)
    written = [[name, form, "", *rest, *unused] for name, form, *rest in sorted(rows, key=lambda row: order[row[1]])]
    return [list(REDCAP_COLUMNS), *written]


def label_rows(file: CenterFile, table: pd.DataFrame, style: Style, group: str) -> list[list[str]]:
    """Return a label export of one form: labels as headers and as values, boxes checked or unchecked."""
    boxes = _checkbox_columns(table, file, style, ("Checked", "Unchecked"))
    body = pd.DataFrame({header: table[name] for header, name in file.columns.items()} | boxes, index=table.index)
    body.insert(1, "Data Access Group", group)
    body["Complete?"] = "Complete"
    return [list(body.columns), *body.to_numpy().tolist()]

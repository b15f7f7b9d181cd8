"""Canonical tables as a center writes them: every value as text, still under canonical column names."""

from __future__ import annotations

import pandas as pd

from fhrmm.schema import Variable, variables
from generator.dialects.styles import Style
from intake.center import CenterFile
from intake.values import load_synonyms, write_number
from intake.values.units import RATIO, conversion_factor

ITALIAN_MONTHS = (
    "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
    "novembre", "dicembre",
)  # fmt: skip


# Years of birth have four digits and no mark.
SMALLEST_GROUPED = 2101


def write_text(table: pd.DataFrame, file: CenterFile, style: Style) -> pd.DataFrame:
    """Return the columns that the file holds, in its order, as text under canonical names; empty for missing.

    The inverse of what intake does with the same description: units, words and date order are the center's.
    """
    names = [*file.columns.values(), *file.checkboxes] or _filled(table, file.table)
    known = variables(file.table)
    return pd.DataFrame(
        {name: _write_column(table, known[name], file, style) for name in names}, index=table.index, dtype=object
    )


def _filled(table: pd.DataFrame, name: str) -> list[str]:
    """Return the canonical columns that hold anything."""
    return [column for column in variables(name) if table[column].notna().any()]


def _write_column(table: pd.DataFrame, variable: Variable, file: CenterFile, style: Style) -> pd.Series:
    column = table[variable.column]
    if variable.type == "date":
        text = _write_dates(table, variable.column, style)
    elif variable.type in ("number", "integer"):
        text = _write_numbers(table, variable, file, style)
    elif variable.type == "regimen":
        text = _write_regimens(column, style)
    else:
        words = column_words(variable, file, style)
        text = column.astype(object).map(lambda value: words.get(value, value), na_action="ignore")
    return text.astype(object).where(column.notna(), style.missing.get(variable.column, ""))


def column_words(variable: Variable, file: CenterFile, style: Style) -> dict[str, str]:
    """Return canonical value -> the center's word: of its group, of the column, or of its `center.toml`."""
    group = load_synonyms()["columns"].get(variable.column, variable.column)
    group = "yes_no" if variable.type == "yes_no" else group
    declared = {value: word for word, value in file.values.get(variable.column, {}).items()}  # noqa: PD011
    return style.words.get(group, {}) | style.words.get(variable.column, {}) | declared


def _write_dates(table: pd.DataFrame, name: str, style: Style) -> pd.Series:
    formats = {"day": style.day, "month": style.month, "year": "%Y"}
    pairs = zip(table[f"{name}_lower"], table[f"{name}_precision"], strict=True)
    texts = [write_date(date, formats[precision]) if pd.notna(date) else "" for date, precision in pairs]
    return pd.Series(texts, index=table.index, dtype=object)


def write_date(date: pd.Timestamp, form: str) -> str:
    """Return a date in a format; month names are Italian whatever the machine's language.

    Examples
    --------
    >>> write_date(pd.Timestamp("2023-03-01"), "%B %Y")
    'marzo 2023'
    """
    return date.strftime(form.replace("%B", ITALIAN_MONTHS[date.month - 1]))


def _write_numbers(table: pd.DataFrame, variable: Variable, file: CenterFile, style: Style) -> pd.Series:
    column = table[variable.column].astype("float64")
    unit = file.units.get(variable.column)
    if unit == RATIO:
        column = column / table["ldh_uln_u_l"]
    elif unit:
        column = column / conversion_factor(variable.column, unit)
    return column.map(lambda value: write_measurement(round(value, 2), style), na_action="ignore")


def write_measurement(value: float, style: Style) -> str:
    """Return a number with the center's decimal mark, and its mark between thousands.

    Examples
    --------
    >>> write_measurement(4208.9, Style(decimal=",", thousands=".")), write_measurement(4208.9, Style())
    ('4.208,9', '4208.9')
    """
    whole, _, decimals = write_number(value).partition(".")
    if style.thousands and len(whole) > 3 and value >= SMALLEST_GROUPED:
        whole = f"{int(whole):,}".replace(",", style.thousands)
    return whole + (style.decimal + decimals if decimals else "")


def _write_regimens(column: pd.Series, style: Style) -> pd.Series:
    spellings = [
        style.regimens[name][row % len(style.regimens[name])] if name in style.regimens else name
        for row, name in enumerate(column)
    ]
    return pd.Series(spellings, index=column.index, dtype=object)

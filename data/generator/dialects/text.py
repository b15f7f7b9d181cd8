"""Canonical tables as a center writes them: every value as text, still under canonical column names."""

from __future__ import annotations

import pandas as pd

from fhrmm.schema import Variable, variables
from generator.dialects.styles import Style
from intake.center import CenterFile
from intake.values import load_synonyms, write_number
from intake.values.units import RATIO, conversion_factor

_ITALIAN_MONTHS = (
    "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
    "novembre", "dicembre",
)  # fmt: skip
# Years of birth have four digits and no mark.
_SMALLEST_GROUPED = 2101


def write_text(table: pd.DataFrame, file: CenterFile, style: Style) -> pd.DataFrame:
    """Return the columns that the file holds, in its order, as text under canonical names; empty for missing.

    The inverse of what intake does with the same description: units, words and date order are the center's.
    """
    known = variables(file.table)
    # an outcome that none of its patients had has a column all the same: an export without one cannot know of any
    filled = [name for name in known if table[name].notna().any() or known[name].group == "outcome"]
    names = [*file.columns.values(), *file.checkboxes] or filled
    return pd.DataFrame(
        {name: _write_column(table, known[name], file, style) for name in names}, index=table.index, dtype=object
    )


def _write_column(table: pd.DataFrame, variable: Variable, file: CenterFile, style: Style) -> pd.Series:
    column = table[variable.column]
    if variable.type == "date":
        formats = {"day": style.day, "month": style.month, "year": "%Y"}
        pairs = zip(table[f"{variable.column}_lower"], table[f"{variable.column}_precision"], strict=True)
        dates = [  # names of months are Italian whatever the machine's language
            date.strftime(formats[precision].replace("%B", _ITALIAN_MONTHS[date.month - 1])) if pd.notna(date) else ""
            for date, precision in pairs
        ]
        text = pd.Series(dates, index=table.index)
    elif variable.type in ("number", "integer"):
        text = _write_numbers(table, variable, file, style)
    elif variable.type == "regimen":
        spellings = [style.regimens.get(name, (name,)) for name in column]
        text = pd.Series([known[row % len(known)] for row, known in enumerate(spellings)], index=table.index)
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


def _write_numbers(table: pd.DataFrame, variable: Variable, file: CenterFile, style: Style) -> pd.Series:
    column = table[variable.column].astype("float64")
    unit = file.units.get(variable.column)
    if unit == RATIO:
        column = column / table["ldh_uln_u_l"]
    elif unit:
        column = column / conversion_factor(variable.column, unit)
    return column.map(lambda value: _write_measurement(round(value, 2), style), na_action="ignore")


def _write_measurement(value: float, style: Style) -> str:
    """Return a number with the center's decimal mark, and its mark between thousands.

    Examples
    --------
    >>> _write_measurement(4208.9, Style(decimal=",", thousands=".")), _write_measurement(4208.9, Style())
    ('4.208,9', '4208.9')
    """
    whole, _, decimals = write_number(value).partition(".")
    if style.thousands and len(whole) > 3 and value >= _SMALLEST_GROUPED:
        whole = f"{int(whole):,}".replace(",", style.thousands)
    return whole + (style.decimal + decimals if decimals else "")

"""What the cells of a file say about its dialect: order of dates, decimal mark, units, codes that nobody explains."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from fhrmm.schema import Variable
from intake.values import CellDialect, known_units, parse_cell, parse_number, tidy
from intake.values.units import RATIO, UNITS

SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](?:\d{4}|\d{2})(?:\s.*)?")
COMMA = re.compile(r"[<>]?\s*\d+,\d+\*?")
POINT = re.compile(r"[<>]?\s*\d+\.(?:\d{1,2}|\d{4,})\*?")
GROUPED = re.compile(r"[<>]?\s*\d{1,3}(?:\.\d{3})+")
NINES = re.compile(r"-\d{1,4}|-?9{2,4}")
STRANGE = (
    "value_unknown", "out_of_range", "number_unreadable", "number_is_range", "score_is_bound", "date_unreadable",
    "date_impossible", "formula_without_value", "number_looks_like_date", "spreadsheet_error",
)  # fmt: skip
SIGNS_ALONE = re.compile(r"[^\w\s]+")
RATIO_LIMITS = (0.2, 15.0)
ENOUGH = 0.8
UNLIKE = ("date_unreadable", "number_unreadable")


class Proposal(NamedTuple):
    """One line of the proposed file.

    Attributes
    ----------
    line : str
        TOML.
    evidence : str
        Why.
    certain : bool
        False: written as a comment, to be confirmed by a person.
    """

    line: str
    evidence: str
    certain: bool


def distinct_texts(column: pd.Categorical) -> pd.Series:
    """Return how often each distinct text stands in a column, by tidied text."""
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.categories))
    return pd.Series(counts, index=[tidy(str(text)) for text in column.categories], dtype=int)[counts > 0]


def propose_date_order(texts: Sequence[str]) -> Proposal | None:
    """Propose the order of day and month from dates that can be read in one way only.

    Not certain where no date decides; None where no date has the open form.

    Examples
    --------
    >>> propose_date_order(["13/04/2023", "03/04/2023"]).line
    'date_order = "dmy"'
    """
    found = [match for text in texts if (match := SLASHED.fullmatch(text))]
    if not found:
        return None
    day_first = sum(int(match[1]) > 12 >= int(match[2]) for match in found)
    month_first = sum(int(match[2]) > 12 >= int(match[1]) for match in found)
    evidence = f"{day_first} dates can only be day first, {month_first} only month first, of {len(found)}"
    if bool(day_first) == bool(month_first):
        return Proposal('date_order = "dmy"', evidence + ": decide", False)
    return Proposal(f'date_order = "{"dmy" if day_first else "mdy"}"', evidence, True)


def propose_decimal(texts: Sequence[str]) -> Proposal | None:
    """Propose the decimal mark from the numbers.

    Examples
    --------
    >>> propose_decimal(["3,5", "4,12"]).line
    'decimal = ","'
    """
    commas, points = (sum(bool(mark.fullmatch(text)) for text in texts) for mark in (COMMA, POINT))
    if not commas:
        return None
    evidence = f"{commas} distinct numbers with a comma, {points} with a point"
    return Proposal('decimal = ","', evidence, commas > points)


def propose_thousands(texts: Sequence[str]) -> Proposal | None:
    """Propose the point as thousands mark where numbers have it before three digits, beside decimal commas.

    Examples
    --------
    >>> propose_thousands(["1.250", "3,5"]).certain
    False
    """
    grouped = sum(bool(GROUPED.fullmatch(text)) for text in texts)
    proposed = propose_decimal(texts)
    if not grouped or proposed is None or not proposed.certain:
        return None
    return Proposal('thousands = "."', f"{grouped} distinct numbers with a point before three digits", False)


def propose_missing(columns: Iterable[tuple[Variable, pd.Series]]) -> Proposal | None:
    """Propose codes for missing: nines, negative numbers and signs that cannot be a value of their column."""
    found: dict[str, int] = {}
    for variable, texts in columns:
        for text in texts.index:
            if (
                (NINES.fullmatch(text) or SIGNS_ALONE.fullmatch(text))
                and variable.type != "id"
                and parse_cell(text, variable, CellDialect()).problem
            ):
                found[text] = found.get(text, 0) + 1
    if not found:
        return None
    places = ", ".join(f"{text} in {count} columns" for text, count in sorted(found.items()))
    codes = ", ".join(f'"{text}"' for text in sorted(found))
    return Proposal(f"missing = [{codes}]", f"cannot be a value: {places}", False)


def propose_unit(texts: pd.Series, variable: Variable, decimal: str | None) -> Proposal | None:
    """Propose another unit where the numbers are plausible in it and not in the canonical one."""
    parsed = [parse_number(text, variable.column, decimal=decimal) for text in texts.index]
    numbers = np.array([np.nan if item.value is None else item.value for item in parsed])
    known = ~np.isnan(numbers)
    if not known.any() or variable.minimum is None or not known_units(variable.column):
        return None
    shares = {unit: _share(numbers[known], texts[known], unit, variable) for unit in known_units(variable.column)}
    canonical = known_units(variable.column)[0]
    best = max(shares, key=lambda unit: shares[unit])
    if best == canonical or shares[canonical] >= ENOUGH or shares[best] < ENOUGH:
        return None
    n = int(texts[known].sum())
    evidence = f"{shares[best]:.0%} of {n} values plausible in {best}, {shares[canonical]:.0%} in {canonical}"
    return Proposal(f'{variable.column} = "{best}"', evidence, False)


def _share(numbers: np.ndarray, counts: pd.Series, unit: str, variable: Variable) -> float:
    values = numbers * UNITS[variable.column][unit]
    low, high = RATIO_LIMITS if unit == RATIO else (variable.minimum, variable.maximum)
    return float(((values >= low) & (values <= high)) @ counts.to_numpy() / counts.sum())


def looks_like(texts: pd.Series, variable: Variable) -> bool:
    """Say whether the cells of a column could be of a variable's type: not, if most are no date or no number.

    Of a date not either where cells say yes and none says when.

    Examples
    --------
    >>> from fhrmm.schema import variables
    >>> looks_like(pd.Series([3], index=["D-VTd"]), variables("patients")["first_progression_date"])
    False
    """
    parsed = [parse_cell(text, variable, CellDialect()) for text in texts.index]
    unlike = [cell.problem in UNLIKE for cell in parsed]
    says_whether = any(unlike) and variable.type == "date" and all(cell.value is None for cell in parsed)
    return not says_whether and 2 * int(texts[unlike].sum()) <= int(texts.sum())


def unexplained_values(texts: pd.Series, variable: Variable, dialect: CellDialect) -> pd.Series:
    """Return the distinct texts of a column that would be a finding, with their counts."""
    bad = [parse_cell(text, variable, dialect).problem in STRANGE for text in texts.index]
    return texts[bad]

"""One cell of one column, read by the column's type and the file's dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fhrmm.schema import Variable
from intake.values.dates import FULL_DATE_LIKE, DateOrder, parse_date
from intake.values.numbers import parse_integer, parse_number
from intake.values.parsed import MISSING, NO_STORED_VALUE, Parsed, comparison_key, tidy
from intake.values.synonyms import (
    RESPONSE_GROUP,
    is_missing,
    load_synonyms,
    missing_kind,
    parse_category,
    read_mapped,
    zero_words,
)  # fmt: skip
from intake.values.units import RATIO, UNITS, conversion_factor, convert, find_unit, known_units

BOXES = " + "
WITHOUT_BAND = ("serum_m_protein_g_dl", "urine_m_protein_mg_24h")
RATIO_RANGE = (0.1, 20.0)
SCORE_PREFIX = re.compile(r"(?:ecog|ps|grade|grado|g|performance status)[ :=]*(\d)", re.IGNORECASE)
MANGLED_ID = re.compile(r"\d[.,]\d+e\+\d+", re.IGNORECASE)
UNREADABLE = frozenset(
    {"value_unknown", "number_unreadable", "date_unreadable", "date_ambiguous", "spreadsheet_error", "number_is_range"}
)


@dataclass(frozen=True, slots=True)
class CellDialect:
    """What decides how the cells of one column are read: the file's dialect and what it says about the column."""

    decimal: str | None = None
    thousands: str | None = None
    date_order: DateOrder = None
    epoch: int = 1900
    unit: str | None = None
    missing: frozenset[str] = frozenset()
    missing_keys: frozenset[str] = frozenset()
    mapping: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    boxed: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether a number with a decimal point is what it seems: no other decimal mark, no other unit."""
        return self.decimal in (None, ".") and self.thousands != "." and self.unit is None

    @property
    def is_ratio(self) -> bool:
        """Whether the column is given as a ratio to the upper limit of normal."""
        return self.unit is not None and find_unit("ldh_u_l", self.unit) == RATIO


def missing_codes(codes: tuple[str, ...], *, of_redcap: bool = False) -> tuple[frozenset[str], frozenset[str]]:
    """Return a center's own codes for missing, with those of REDCap, as written and as compared."""
    standard = load_synonyms()["missing"]["redcap"] if of_redcap else ()
    plain = frozenset(tidy(code) for code in (*codes, *standard))
    return plain, frozenset(key for code in plain if (key := comparison_key(code)))


def parse_cell(raw: str, variable: Variable, dialect: CellDialect) -> Parsed:
    """Read one cell.

    A center's own value mapping comes first, then its codes for missing, then the canonical value and the standard
    synonyms, then the standard codes for missing. What is none of these is a problem, never a guess.

    Returns
    -------
    Parsed
        `text` differs from `raw` exactly where `change` names a rule.

    Examples
    --------
    >>> from fhrmm.schema import variables
    >>> parse_cell("n.v.", variables("patients")["albumin_g_dl"], CellDialect())[:3]
    (None, '', 'missing_code')
    """
    text = tidy(raw)
    if not text:
        return MISSING
    if text == NO_STORED_VALUE:
        return Parsed(None, problem="formula_without_value")
    if dialect.boxed and BOXES in text and variable.type != "regimen":
        return Parsed(None, problem="checkbox_conflict", expected="one box checked")
    mapped, change = _translate(text, variable, dialect)
    if mapped == "":
        return Parsed(None, change=change)
    if not change and _declared_missing(text, variable, dialect):
        return Parsed(None, change="missing_code")
    parsed = _parse_typed(mapped, variable, dialect)
    if _standard_missing(mapped, parsed, variable):
        return Parsed(None, change="missing_code")
    if change and not parsed.problem:
        return parsed._replace(change=change)
    if not parsed.change and not parsed.problem and parsed.text != raw and text != raw:
        return parsed._replace(change="notation")
    return parsed


def _standard_missing(text: str, parsed: Parsed, variable: Variable) -> bool:
    """Tell whether a text that is no value is a standard code for missing; an identifier never is."""
    if variable.type == "id":
        return False
    no_value = parsed.problem in UNREADABLE or variable.type in ("text", "regimen")
    return no_value and is_missing(text, missing_kind(variable))


def _translate(text: str, variable: Variable, dialect: CellDialect) -> tuple[str, str]:
    """Apply the center's value mapping and the choices of a REDCap dictionary."""
    if not dialect.mapping and not dialect.choices:
        return text, ""
    mapped = read_mapped(text, dialect.mapping)
    if mapped is not None:
        return mapped, "" if mapped == text else "value_map"
    label = dialect.choices.get(text)
    if label is None:
        return text, ""
    mapped = read_mapped(label, dialect.mapping)
    return label if mapped is None else mapped, "choice_label"


def _declared_missing(text: str, variable: Variable, dialect: CellDialect) -> bool:
    """Tell whether the center declares the text as missing; NE stays a response."""
    if not dialect.missing:
        return False
    if missing_kind(variable) == RESPONSE_GROUP and comparison_key(text) == "ne":
        return False
    return text in dialect.missing or comparison_key(text) in dialect.missing_keys


def _parse_typed(text: str, variable: Variable, dialect: CellDialect) -> Parsed:
    if variable.type == "date":
        return parse_date(text, dialect.date_order, dialect.epoch)
    if variable.type in ("category", "yes_no"):
        return parse_category(text, variable)
    if variable.type == "integer":
        return _parse_count(text, variable)
    if variable.type == "number":
        return _parse_measurement(text, variable, dialect)
    if variable.type == "id":
        # what a spreadsheet has turned into a power of ten is lost
        return Parsed(None, problem="id_mangled") if MANGLED_ID.fullmatch(text) else Parsed(text, text)
    return Parsed(text, text)


def _parse_count(text: str, variable: Variable) -> Parsed:
    """Read a year, a score or a grade."""
    if variable.column == "birth_year" and FULL_DATE_LIKE.search(text):
        return Parsed(None, problem="identifier_birth_date", expected="the year of birth alone")
    prefixed = SCORE_PREFIX.fullmatch(text)
    parsed = parse_integer(prefixed[1] if prefixed else text)
    if parsed.change == "bound_as_value":
        return Parsed(None, problem="score_is_bound")
    if parsed.value is None:
        return parsed
    if not _in_range(parsed.value, variable):
        return Parsed(None, problem="out_of_range")
    return parsed._replace(change="notation") if prefixed else parsed


def _parse_measurement(text: str, variable: Variable, dialect: CellDialect) -> Parsed:
    """Read a measurement in its unit and hold it to the plausible range."""
    column = variable.column
    if column in WITHOUT_BAND and comparison_key(text) in zero_words():
        return Parsed(0.0, "0", "synonym")
    parsed = parse_number(text, column, decimal=dialect.decimal, thousands=dialect.thousands, unit=dialect.unit)
    if parsed.value is None or _in_range(parsed.value, variable):
        return parsed if not dialect.is_ratio else _check_ratio(parsed)
    if dialect.is_ratio:
        return _check_ratio(parsed)
    likely = _likely_units(parsed.value, variable, dialect.unit)
    if not likely:
        return Parsed(None, problem="out_of_range")
    advice = f"the number fits {' or '.join(likely)}: if the column is in that unit, declare it under files.units"
    return Parsed(None, problem="unit_suspected", advice=advice)


def _check_ratio(parsed: Parsed) -> Parsed:
    low, high = RATIO_RANGE
    if parsed.value is None or low <= parsed.value <= high:
        return parsed
    return Parsed(None, problem="out_of_range", expected=f"a ratio to the upper limit of normal, {low:g} to {high:g}")


def _likely_units(value: float, variable: Variable, unit: str | None) -> list[str]:
    """Name the units in which the number would be plausible."""
    number = value / conversion_factor(variable.column, unit)
    declared = find_unit(variable.column, unit) if unit else None
    likely = {}
    for other in known_units(variable.column):
        factor = UNITS[variable.column][other]
        if other == RATIO:
            fits = RATIO_RANGE[0] <= number <= RATIO_RANGE[1]
        else:
            fits = other != declared and _in_range(convert(number, factor), variable)
        if fits and factor not in likely:
            likely[factor] = "a ratio to the upper limit of normal" if other == RATIO else other
    return list(likely.values())


def _in_range(value: float, variable: Variable) -> bool:
    low = variable.minimum if variable.minimum is not None else float("-inf")
    high = variable.maximum if variable.maximum is not None else float("inf")
    return low <= value <= high

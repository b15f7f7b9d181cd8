"""Strict readers of single values: dates, numbers with units, categories, identifiers. Never a guess."""

from fhrmm.values.cells import BOXES, CellDialect, missing_codes, parse_cell
from fhrmm.values.columns import ColumnValues, parse_column
from fhrmm.values.dates import DateInterval, parse_date
from fhrmm.values.identifiers import CELL_PATTERNS, PLACE_NAME, header_identifier
from fhrmm.values.numbers import parse_integer, parse_number, write_number
from fhrmm.values.parsed import Parsed, comparison_key, tidy
from fhrmm.values.synonyms import load_synonyms, parse_category, synonyms_of
from fhrmm.values.units import RATIO, find_unit, known_units

__all__ = [
    "BOXES", "CELL_PATTERNS", "PLACE_NAME", "RATIO", "CellDialect", "ColumnValues", "DateInterval", "Parsed",
    "comparison_key",
    "find_unit", "header_identifier", "known_units", "load_synonyms", "missing_codes", "parse_category", "parse_cell",
    "parse_column", "parse_date", "parse_integer", "parse_number", "synonyms_of", "tidy", "write_number",
]  # fmt: skip

"""Strict readers of single values: dates, numbers with units, categories, identifiers. Never a guess."""

from intake.values.cells import BOXES, CellDialect, missing_codes, parse_cell
from intake.values.columns import ColumnValues, parse_column
from intake.values.dates import DateInterval, parse_date
from intake.values.identifiers import cell_identifiers, header_identifier
from intake.values.numbers import parse_integer, parse_number, write_number
from intake.values.parsed import NO_STORED_VALUE, Parsed, comparison_key, tidy
from intake.values.synonyms import load_synonyms, parse_category, synonyms_of
from intake.values.units import RATIO, find_unit, known_units

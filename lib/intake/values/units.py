"""Units of measurement: which ones a variable is met in, and how they convert."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

RATIO = "ratio"
_TABLE = tomllib.loads((Path(__file__).resolve().parents[1] / "units.toml").read_text(encoding="utf-8"))
# Factor from the unit to the canonical unit of the column.
UNITS: dict[str, dict[str, float]] = _TABLE["units"]


def normalize_unit(text: str) -> str:
    """Return a unit without case, spaces and the spellings of micro.

    Examples
    --------
    >>> normalize_unit("\\u00b5mol / L"), normalize_unit("gr/dL")
    ('umol/l', 'g/dl')
    """
    plain = re.sub(r"\s+", "", text.replace("\u00b5", "u").replace("\u03bc", "u")).lower()
    plain = re.sub(r"/(dl|l|ml)\.?$", r"/\1", plain)
    return _TABLE["aliases"].get(plain, plain)


def known_units(column: str) -> tuple[str, ...]:
    """Return the units that a canonical column may be in, the canonical one first.

    Examples
    --------
    >>> known_units("albumin_g_dl")
    ('g/dL', 'g/L')
    """
    return tuple(UNITS.get(column, ()))


def find_unit(column: str, text: str) -> str | None:
    """Return the unit of the column that the text spells, or None."""
    wanted = normalize_unit(text)
    return next((unit for unit in known_units(column) if normalize_unit(unit) == wanted), None)


def conversion_factor(column: str, unit: str | None) -> float:
    """Return what a value in `unit` is multiplied by to be in the canonical unit."""
    found = find_unit(column, unit) if unit else None
    return UNITS[column][found] if found else 1.0


def convert(value: float, factor: float) -> float:
    """Return the product, without the digits that binary fractions add.

    Examples
    --------
    >>> convert(38.2, 0.1)
    3.82
    """
    return value if factor == 1.0 else float(f"{value * factor:.12g}")

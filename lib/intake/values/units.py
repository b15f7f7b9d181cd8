"""Units of measurement: which ones a variable is met in, and how they convert."""

from __future__ import annotations

import re

RATIO = "ratio"
CONCENTRATION = {"g/dL": 1.0, "g/L": 0.1}
ENZYME = {"U/L": 1.0, "UI/L": 1.0, "IU/L": 1.0, "mU/mL": 1.0, "ukat/L": 60.0}
CHAIN = {"mg/L": 1.0, "ug/mL": 1.0, "mg/dL": 10.0}
FRACTION = {"%": 1.0, "fraction": 100.0}

# Factor from the unit to the canonical unit of the column (molar: beta-2 microglobulin 11.8 kDa, creatinine 113.1 Da).
UNITS: dict[str, dict[str, float]] = {
    "beta2_microglobulin_mg_l": {
        "mg/L": 1.0, "ug/mL": 1.0, "ug/dL": 0.01, "ug/L": 0.001, "ng/mL": 0.001, "mg/dL": 10.0, "nmol/L": 1 / 84.7,
    },
    "albumin_g_dl": CONCENTRATION,
    "ldh_u_l": ENZYME | {RATIO: 1.0},
    "ldh_uln_u_l": ENZYME,
    "creatinine_mg_dl": {"mg/dL": 1.0, "umol/L": 1 / 88.4, "mg/L": 0.1},
    "hemoglobin_g_dl": CONCENTRATION,
    "bm_plasma_cells_pct": FRACTION,
    "serum_m_protein_g_dl": CONCENTRATION,
    "urine_m_protein_mg_24h": {"mg/24h": 1.0, "g/24h": 1000.0},
    "flc_kappa_mg_l": CHAIN,
    "flc_lambda_mg_l": CHAIN,
}  # fmt: skip
ALIASES = {
    "gr/dl": "g/dl", "g/100ml": "g/dl", "gr/l": "g/l", "mcg/ml": "ug/ml", "mcg/dl": "ug/dl", "mcg/l": "ug/l",
    "mcmol/l": "umol/l", "micromol/l": "umol/l", "xuln": "ratio", "x uln": "ratio", "/uln": "ratio", "uln": "ratio",
    "volteuln": "ratio", "rapporto": "ratio", "percent": "%", "pct": "%", "mg/24ore": "mg/24h", "g/24ore": "g/24h",
    "mg/die": "mg/24h", "g/die": "g/24h", "mg/24hours": "mg/24h", "g/24hours": "g/24h", "mg/d": "mg/24h",
}  # fmt: skip


def normalize_unit(text: str) -> str:
    """Return a unit without case, spaces and the spellings of micro.

    Examples
    --------
    >>> normalize_unit("\\u00b5mol / L"), normalize_unit("gr/dL")
    ('umol/l', 'g/dl')
    """
    plain = re.sub(r"\s+", "", text.replace("\u00b5", "u").replace("\u03bc", "u")).lower()
    plain = re.sub(r"/(dl|l|ml)\.?$", r"/\1", plain)
    return ALIASES.get(plain, plain)


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

"""What a file may hold: the canonical tables, and the long ones from which canonical tables are made."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from fhrmm import schema
from fhrmm.schema import Variable

# A long table, and the canonical one whose identifiers it shares.
LONG = {"lines": "patients", "laboratory": "assessments"}
# Results of a laboratory export that belong to the patient, where they are of the time of diagnosis.
AT_DIAGNOSIS = (
    "beta2_microglobulin_mg_l", "albumin_g_dl", "ldh_u_l", "creatinine_mg_dl", "hemoglobin_g_dl", "bm_plasma_cells_pct",
)  # fmt: skip
KEYS = ("patient_id", "center")


@cache
def variables(table: str) -> Mapping[str, Variable]:
    """Return what the columns of a file may stand for.

    A laboratory export has the columns of a visit, and those of `AT_DIAGNOSIS`: each of its rows fills one of them.

    Examples
    --------
    >>> list(variables("lines"))[:3], "flc_kappa_mg_l" in variables("laboratory")
    (['patient_id', 'center', 'line_number'], True)
    """
    if table not in LONG:
        return schema.variables(table)
    shared = schema.variables(LONG[table])
    own = tomllib.loads((Path(__file__).parent / "long_tables.toml").read_text(encoding="utf-8"))[table]
    found = {name: shared[name] for name in (KEYS if table == "lines" else shared)}
    if table == "laboratory":
        found |= {name: schema.variables("patients")[name] for name in AT_DIAGNOSIS if name not in found}
    plain = {"unit": "", "levels": (), "minimum": None, "maximum": None, "group": "long", "required": False}
    for name, fields in own.items():
        found[name] = Variable(table=table, column=name, **plain | fields | {"levels": tuple(fields.get("levels", ()))})
    return MappingProxyType(found)

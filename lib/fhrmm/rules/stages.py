"""Checks of stages and therapies: what is recorded against what the values give."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.drugs import parse_regimen
from fhrmm.rules.catalog import Finding, Rule
from fhrmm.rules.checks import Check
from fhrmm.rules.rows import Rows, Tables
from fhrmm.study import Staging

LESIONS = ("del17p", "t_4_14", "t_14_16")


def iss_differs(tables: Tables, rule: Rule) -> list[Finding]:
    """Report a recorded ISS that beta-2 microglobulin and albumin do not give."""
    rows = tables.patients
    return [_differs(rows, rule, "iss_diagnosis", computed_iss(rows, tables.study.staging))]


def r_iss_differs(tables: Tables, rule: Rule) -> list[Finding]:
    """Report a recorded R-ISS that ISS, LDH and cytogenetics do not give, where they determine it."""
    rows = tables.patients
    return [_differs(rows, rule, "r_iss_diagnosis", computed_r_iss(rows, best_iss(rows, tables.study.staging)))]


def r2_iss_differs(tables: Tables, rule: Rule) -> list[Finding]:
    """Report a recorded R2-ISS that its points do not give, where all inputs are known."""
    rows = tables.patients
    return [_differs(rows, rule, "r2_iss_diagnosis", computed_r2_iss(rows, best_iss(rows, tables.study.staging)))]


def r_iss_contradicts_iss(tables: Tables, rule: Rule) -> list[Finding]:
    """Report pairs of recorded stages that exclude each other."""
    rows = tables.patients
    iss, r_iss = rows.text("iss_diagnosis"), rows.text("r_iss_diagnosis")
    known = (iss != "") & (r_iss != "")
    return [rows.finding(rule, known & (((r_iss == "I") & (iss != "I")) | ((r_iss == "III") & (iss != "III"))))]


def lenalidomide_again(tables: Tables, rule: Rule) -> list[Finding]:
    """Report lenalidomide in second line after progression on lenalidomide maintenance, or soon after it."""
    rows = tables.patients
    days = np.timedelta64(tables.study.regimens.refractory_days, "D")
    on_drug = rows.lower("first_progression_date") - rows.upper("maintenance_stop_date") <= days
    refractory = rows.is_in("maintenance", ["lenalidomide"]) & rows.filled("first_progression_date") & on_drug
    regimens = set(rows.text("second_line_regimen")[refractory])
    with_drug = [text for text in regimens if "lenalidomide" in parse_regimen(text).drugs]
    return [rows.finding(rule, refractory & rows.is_in("second_line_regimen", with_drug))]


def regimen_not_recognized(tables: Tables, rule: Rule) -> list[Finding]:
    """Report regimens of which not every part is a known drug."""
    rows = tables.patients
    return [rows.finding(rule, rows.is_in(name, _strange(rows, name)), [name]) for name in rule.columns]


def _strange(rows: Rows, column: str) -> list[str]:
    """Return the regimens of a column that are not recognized."""
    written = pd.unique(rows.text(column))
    return [text for text in written if text and not parse_regimen(text).recognized]


def computed_iss(rows: Rows, staging: Staging) -> np.ndarray:
    """Return the ISS that beta-2 microglobulin and albumin give, empty where they do not.

    References
    ----------
    Greipp PR, et al. J Clin Oncol 2005;23:3412-20.
    """
    microglobulin, albumin = rows.number("beta2_microglobulin_mg_l"), rows.number("albumin_g_dl")
    low = (microglobulin < staging.iss_beta2_microglobulin_low) & (albumin >= staging.iss_albumin_low)
    known = ~np.isnan(microglobulin) & (~np.isnan(albumin) | (microglobulin >= staging.iss_beta2_microglobulin_low))
    stage = np.where(microglobulin >= staging.iss_beta2_microglobulin_high, "III", np.where(low, "I", "II"))
    return np.where(known, stage, "").astype(object)


def best_iss(rows: Rows, staging: Staging) -> np.ndarray:
    """Return the computed ISS, and the recorded one where it cannot be computed."""
    computed = computed_iss(rows, staging)
    return np.where(computed == "", rows.text("iss_diagnosis"), computed)


def computed_r_iss(rows: Rows, iss: np.ndarray) -> np.ndarray:
    """Return the R-ISS as far as the inputs determine it; ISS II is R-ISS II whatever the rest is.

    References
    ----------
    Palumbo A, et al. J Clin Oncol 2015;33:2863-9.
    """
    adverse = np.logical_or.reduce([rows.is_in(name, ["yes"]) for name in LESIONS])
    clear = np.logical_and.reduce([rows.is_in(name, ["no"]) for name in LESIONS])
    ratio = rows.number("ldh_u_l") / rows.number("ldh_uln_u_l")
    high, normal = ratio > 1, ratio <= 1
    any_adverse, none_adverse = adverse | high, clear & normal
    stage = np.full(len(iss), "", dtype=object)
    stage[iss == "II"] = "II"
    stage[(iss == "I") & any_adverse] = "II"
    stage[(iss == "I") & none_adverse] = "I"
    stage[(iss == "III") & any_adverse] = "III"
    stage[(iss == "III") & none_adverse] = "II"
    return stage


def computed_r2_iss(rows: Rows, iss: np.ndarray) -> np.ndarray:
    """Return the R2-ISS where all its inputs are known.

    References
    ----------
    D'Agostino M, et al. J Clin Oncol 2022;40:3406-18.
    """
    lesions = {"del17p": 1.0, "t_4_14": 1.0, "gain_1q": 0.5}
    ratio = rows.number("ldh_u_l") / rows.number("ldh_uln_u_l")
    points = np.where(iss == "III", 1.5, np.where(iss == "II", 1.0, 0.0)) + (ratio > 1)
    points = points + sum(weight * rows.is_in(name, ["yes"]) for name, weight in lesions.items())
    known = (iss != "") & ~np.isnan(ratio) & np.logical_and.reduce([rows.filled(name) for name in lesions])
    stage = np.select([points == 0, points <= 1, points <= 2.5], ["I", "II", "III"], "IV")
    return np.where(known, stage, "").astype(object)


def _differs(rows: Rows, rule: Rule, column: str, computed: np.ndarray) -> Finding:
    recorded = rows.text(column)
    return rows.finding(rule, (recorded != "") & (computed != "") & (recorded != computed))


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        iss_differs, r_iss_differs, r2_iss_differs, r_iss_contradicts_iss, lenalidomide_again, regimen_not_recognized,
    )
}  # fmt: skip

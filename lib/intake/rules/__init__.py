"""The rules of intake as data, their findings, and the checks across columns and patients."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pandas as pd

from fhrmm.study import Study
from intake.rules import checks, duplicates, stages
from intake.rules.catalog import ISSUE_COLUMNS, Finding, Rule, findings_frame, load_rules, rule_catalog
from intake.rules.duplicates import check_scope
from intake.rules.typed_rows import Tables

CHECKS = checks.CHECKS | stages.CHECKS | duplicates.CHECKS


def check_center(frames: Mapping[str, pd.DataFrame], study: Study, cutoff: date | None) -> list[Finding]:
    """Hold the typed tables of a center to every rule across columns.

    Returns
    -------
    list of Finding
        Without those that have no row.
    """
    tables = Tables.of(frames, study, cutoff)
    found = [
        finding
        for rule in load_rules().values()
        if rule.check in CHECKS
        for finding in CHECKS[rule.check](tables, rule)
    ]
    return [finding for finding in found if len(finding.row)]

"""Checks across the columns of a center."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pandas as pd

from fhrmm.rules.catalog import Finding, empty_issues
from fhrmm.study import Study


def check_center(tables: Mapping[str, pd.DataFrame], study: Study, cutoff: date | None) -> list[Finding]:
    return []


def check_scope(patients: pd.DataFrame) -> pd.DataFrame:
    return empty_issues()

"""The rules of intake as data, their findings, and the checks across columns and patients."""

from fhrmm.rules.catalog import ISSUE_COLUMNS, Finding, Rule, findings_frame, load_rules, rule_catalog
from fhrmm.rules.checks import check_center, check_scope

__all__ = [
    "ISSUE_COLUMNS", "Finding", "Rule", "check_center", "check_scope", "findings_frame", "load_rules", "rule_catalog",
]  # fmt: skip

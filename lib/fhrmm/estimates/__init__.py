"""Estimates of the study: every result is a row of one tidy table.

A row is one number with its interval, denominator, events, method, status and reason
(`fhrmm.store.ESTIMATE_COLUMNS`). Overall rows leave ``variable`` and ``level`` empty; a subgroup is a row.
The functions take derived frames, call `timetoevent`, and return rows; nothing here draws or formats.
"""

from fhrmm.estimates.across import compare_pooled, join_attrition, label_scopes
from fhrmm.estimates.baseline import estimate_baseline, estimate_cohort_size, estimate_completeness
from fhrmm.estimates.centers import cohort_size, combine_scopes, estimate_pooled_check, select_rows
from fhrmm.estimates.comparison import compare_treatments, estimate_interaction, select_population
from fhrmm.estimates.counts import (
    BASELINE_VARIABLES,
    count_changes,
    count_cross,
    count_findings,
    describe_agreement,
    describe_endpoints,
    describe_rules,
    known_variables,
    list_switches,
)
from fhrmm.estimates.courses import describe_courses, join_best_change
from fhrmm.estimates.models import check_hazards, estimate_budget, fit_model, fit_univariable
from fhrmm.estimates.proportions import compare_response, estimate_best_response, estimate_response
from fhrmm.estimates.robustness import (
    fit_center_frailty,
    fit_imputed,
    leave_one_center_out,
    schoenfeld_residuals,
    validate_model,
)
from fhrmm.estimates.rows import collect, join_cohort, make_row, to_frame
from fhrmm.estimates.second_opinion import compare_with_lifelines
from fhrmm.estimates.specifications import (
    estimate_specifications,
    list_choices,
    name_specification,
    summarize_specifications,
)
from fhrmm.estimates.survival import (
    compare_survival,
    count_reasons,
    estimate_cumulative_incidence,
    estimate_follow_up,
    estimate_survival,
    survival_curves,
    tabulate_risk,
)
from fhrmm.estimates.transplant import compare_second_line_transplant
from fhrmm.estimates.truth import list_truth

__all__ = [
    "BASELINE_VARIABLES",
    "check_hazards",
    "cohort_size",
    "collect",
    "combine_scopes",
    "compare_pooled",
    "compare_response",
    "compare_second_line_transplant",
    "compare_survival",
    "compare_treatments",
    "compare_with_lifelines",
    "count_changes",
    "count_cross",
    "count_findings",
    "count_reasons",
    "describe_agreement",
    "describe_courses",
    "describe_endpoints",
    "describe_rules",
    "estimate_baseline",
    "estimate_best_response",
    "estimate_budget",
    "estimate_cohort_size",
    "estimate_completeness",
    "estimate_cumulative_incidence",
    "estimate_follow_up",
    "estimate_interaction",
    "estimate_pooled_check",
    "estimate_response",
    "estimate_specifications",
    "estimate_survival",
    "fit_center_frailty",
    "fit_imputed",
    "fit_model",
    "fit_univariable",
    "join_attrition",
    "join_best_change",
    "join_cohort",
    "known_variables",
    "label_scopes",
    "leave_one_center_out",
    "list_choices",
    "list_switches",
    "list_truth",
    "make_row",
    "name_specification",
    "schoenfeld_residuals",
    "select_population",
    "select_rows",
    "summarize_specifications",
    "survival_curves",
    "tabulate_risk",
    "to_frame",
    "validate_model",
]

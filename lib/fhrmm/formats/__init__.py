"""How results are written: one formatter per kind of number, and the words for what they are."""

from fhrmm.estimate_table import Estimates, clean_estimates
from fhrmm.formats.names import (
    ESTIMAND_NAMES,
    PER_UNIT,
    capitalize,
    humanize,
    name_endpoint,
    name_level,
    name_result,
    name_variable,
    uncapitalize,
)
from fhrmm.formats.numbers import (
    DASH,
    MONTHS,
    NOT_ESTIMABLE,
    NOT_REACHED,
    OK,
    P_VALUE,
    PERCENT,
    RATIO,
    SUPPRESSED,
    format_ci,
    format_count,
    format_estimate,
    format_events,
    format_level,
    format_number,
    format_p,
    format_pct,
    format_ratio,
    format_value,
    is_missing,
    kind_of,
    status_text,
    tidy_note,
)

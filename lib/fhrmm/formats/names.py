"""Words for endpoints, estimands, variables and levels."""

from __future__ import annotations

from collections.abc import Mapping

from fhrmm.schema import variables
from fhrmm.study import Study

_ENDPOINT_NAMES: Mapping[str, str] = {
    "ORR": "Overall response rate",
    "VGPR_OR_BETTER": "Very good partial response or better",
    "CR_OR_BETTER": "Complete response or better",
    "CBR": "Clinical benefit rate",
    "PFS": "Progression-free survival",
    "OS": "Overall survival",
    "DOR": "Duration of response",
    "TTR": "Time to first response",
    "TTNT": "Time to next treatment or death",
    "PFS2": "Time to second progression or death",
    "FOLLOW_UP": "Follow-up",
    "COMPLETENESS": "Known values",
    "RECEIVED": "Patients received",
    "ADVERSE_EVENT": "Patients with an adverse event",
    "RESPONSE_FALL": "Response that fell without progression",
}
_ENDPOINT_SHORT: Mapping[str, str] = {
    "VGPR_OR_BETTER": "VGPR or better",
    "CR_OR_BETTER": "CR or better",
    "CBR": "Clinical benefit",
    "FOLLOW_UP": "Follow-up",
}
PER_UNIT = "per unit"  # the level of a number in a model
ESTIMAND_NAMES: Mapping[str, str] = {
    "count": "Patients",
    "median_months": "Median",
    "survival_probability": "Probability",
    "state_probability": "Probability",
    "rmst_months": "Restricted mean",
    "rmst_difference_months": "Difference in restricted mean",
    "log_rank_p": "Log-rank test",
    "gray_p": "Gray test",
    "fisher_p": "Fisher exact test",
    "ph_test_p": "Proportional hazards test",
    "likelihood_ratio_p": "Likelihood ratio test",
    "influence": "Hazard ratio",
    "minimum_detectable_hazard_ratio": "Smallest detectable hazard ratio",
    "e_value": "E-value",
    "i_squared": "I-squared",
    "tau_squared": "Tau-squared",
    "pooled_proportion": "Pooled, random effects",
    "predicted_proportion": "Prediction for a new center",
    "pooled_hazard_ratio": "Pooled, random effects",
    "predicted_hazard_ratio": "Prediction for a new center",
    "minimum_months": "Shortest",
    "maximum_months": "Longest",
    "completeness": "Completeness of follow-up",
}
_DERIVED: Mapping[str, str] = {
    "age_second_line": "Age at second line, years",
    "iss": "ISS at diagnosis",
    "r_iss": "R-ISS at diagnosis",
    "r2_iss": "R2-ISS at diagnosis",
    "fhr_route": "Route to functional high risk",
    "high_risk_cytogenetics": "High-risk cytogenetics",
    "ldh_above_uln": "LDH above upper limit of normal",
    "months_to_relapse": "Time to relapse, months",
    "asct_count": "Front-line ASCT, number",
    "lenalidomide_exposure": "Lenalidomide in first line",
    "anti_cd38_refractory": "Refractory to anti-CD38",
    "anti_cd38_exposed": "Exposed to anti-CD38",
    "first_line_quadruplet": "First-line quadruplet",
    "first_line_standard": "First-line regimen",
    "second_line_standard": "Second-line regimen",
    "second_line_class": "Second-line regimen class",
    "second_line_carfilzomib": "Carfilzomib in second line",
    "depth_by_month": "Reached",
    "second_line_asct": "Second-line ASCT",
    "term": "Adverse event",
    "exposure_months": "Observation during second line, months",
    "GLOBAL": "Whole model",
}


def name_endpoint(endpoint: str, study: Study | None = None, *, short: bool = False) -> str:
    """Return the name of an endpoint; a declared one has the label of the plan.

    Examples
    --------
    >>> name_endpoint("CR_OR_BETTER", short=True)
    'CR or better'
    """
    if short:
        return _ENDPOINT_SHORT.get(endpoint, endpoint)
    if study is not None and endpoint in study.endpoints:
        return study.endpoints[endpoint].label
    return _ENDPOINT_NAMES.get(endpoint, endpoint.replace("_", " ").capitalize())


def name_result(row: Mapping[str, object], study: Study | None = None) -> str:
    """Name a result in words: what was estimated, when, against what.

    Examples
    --------
    >>> name_result({"endpoint": "PFS", "estimand": "survival_probability", "time_months": 12.0})
    'Progression-free survival at 12 months'
    >>> name_result({"endpoint": "PFS", "estimand": "hazard_ratio", "level": "other", "reference": "KRd"})
    'Hazard ratio for PFS, other versus KRd'
    """
    endpoint, estimand = str(row["endpoint"]), str(row["estimand"])
    if estimand == "survival_probability":
        return f"{name_endpoint(endpoint, study)} at {row['time_months']:g} months"
    if estimand == "proportion":
        return name_endpoint(endpoint, study)
    if estimand == "completeness":
        return ESTIMAND_NAMES[estimand]
    name = ESTIMAND_NAMES.get(estimand, humanize(estimand))
    sides = f", {name_level(str(row['level']))} versus {name_level(str(row['reference']))}" if row.get("level") else ""
    return f"{name} for {name_endpoint(endpoint, short=True)}{sides}"


def name_variable(variable: str, study: Study | None = None) -> str:
    """Return the words for a variable: the label of the plan, of the data dictionary, or of a derived column.

    Examples
    --------
    >>> name_variable("albumin_g_dl"), name_variable("age_second_line")
    ('Albumin, g/dL', 'Age at second line, years')
    """
    if study is not None and study.label(variable) != variable.replace("_", " "):
        return study.label(variable)
    if variable in _DERIVED:
        return _DERIVED[variable]
    known = variables("patients").get(variable) or variables("assessments").get(variable)
    if known is None:
        return humanize(variable)
    unit = known.unit if known.unit and known.unit != "year" else ""
    return f"{known.label_en}, {unit}" if unit else known.label_en


def name_level(level: str) -> str:
    """Return the words for a level of a variable.

    Examples
    --------
    >>> name_level(">=2"), name_level("light_chain")
    ('\u22652', 'light chain')
    """
    if level in ("True", "False"):
        return {"True": "yes", "False": "no"}[level]
    return level.replace(">=", "\u2265").replace("<=", "\u2264").replace("_", " ")


def capitalize(text: str) -> str:
    """Begin a heading with a capital and leave the rest, so that names keep theirs.

    Examples
    --------
    >>> capitalize("regimen: KRd")
    'Regimen: KRd'
    """
    return text[:1].upper() + text[1:]


def uncapitalize(text: str) -> str:
    """Begin inside a sentence with a small letter, unless with an abbreviation.

    Examples
    --------
    >>> uncapitalize("Route to functional high risk"), uncapitalize("ECOG performance status")
    ('route to functional high risk', 'ECOG performance status')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def humanize(name: str) -> str:
    """Turn the name of a column into words.

    Examples
    --------
    >>> humanize("response_counted"), humanize("n_excluded")
    ('Response counted', 'Excluded')
    """
    words = name.removeprefix("n_").replace("_", " ").strip()
    return words if any(letter.isupper() for letter in words) else capitalize(words)

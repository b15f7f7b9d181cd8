"""Drug exposure before second line: regimens by name, lenalidomide and anti-CD38 exposure and refractoriness.

Answers are ``boolean`` columns, missing where unknown drugs or dates leave them open.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from fhrmm.drugs.regimens import CARFILZOMIB, LENALIDOMIDE, Regimen, parse_regimen
from fhrmm.study import Study
from fhrmm.threevalued import compare, date_bounds, is_any, to_levels

ANTI_CD38 = "anti-CD38 antibody"
EXPOSURE_LEVELS = ["naive", "exposed", "refractory"]
UNRECOGNIZED = "not recognized"


def derive_exposure(patients: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Derive regimens and drug exposure of each patient up to the start of second line.

    Refractory means: never at least MR on a first line with the drug, or progression on it or within
    ``study.regimens.refractory_days`` of its last dose (any dose, maintenance included) [1]_. What exports do not
    record is stated in the plan: maintenance without a stop date is ongoing until progression; first line without
    transplant runs until progression, with transplant its drugs end there.

    Returns
    -------
    DataFrame
        Index of `patients`; `first_line_drugs`, `second_line_drugs` (joined by "+"), `first_line_standard`,
        `second_line_standard`, `first_line_recognized`, `second_line_recognized`, `first_line_quadruplet` (boolean),
        `lenalidomide_exposure` {naive, exposed, refractory}, `anti_cd38_exposed`, `anti_cd38_refractory` {no, yes},
        `second_line_carfilzomib` {yes, no}, `second_line_krd` {KRd, other},
        `second_line_class` (the first of the classes that its drugs fulfill). Unknown drugs, or dates that leave it
        open, are missing.

    References
    ----------
    .. [1] Rajkumar SV et al. Blood 2011;117:4691-4695.

    Examples
    --------
    >>> from fhrmm.schema import conform
    >>> from fhrmm.study import load_study
    >>> patients = conform(pd.DataFrame({"first_line_regimen": ["DVTd"], "second_line_regimen": ["KRD"]}), "patients")
    >>> derive_exposure(patients, load_study()).loc[0, ["first_line_standard", "second_line_krd"]].tolist()
    ['D-VTd', 'KRd']
    """
    first, second = patients["first_line_regimen"], patients["second_line_regimen"]
    refractory = _refractory_to_first_line(patients, study)
    anti_cd38 = _ask_regimen(first, lambda regimen: regimen.contains_class(ANTI_CD38))
    lenalidomide = _ask_regimen(first, lambda regimen: LENALIDOMIDE in regimen.drugs)
    maintenance = lenalidomide_maintenance(patients)
    on_maintenance = maintenance & _refractory_to_maintenance(patients, study)
    exposed = lenalidomide | maintenance
    level = exposed.map({False: "naive", True: "exposed"})
    is_refractory = exposed & ((lenalidomide & refractory) | on_maintenance)
    level = level.mask(is_refractory.isna()).mask(is_refractory.fillna(False), "refractory")
    columns = {
        **_describe_regimen(first, "first"),
        **_describe_regimen(second, "second"),
        "first_line_quadruplet": first_line_quadruplet(patients),
        "lenalidomide_exposure": level.astype(pd.CategoricalDtype(EXPOSURE_LEVELS)),
        "anti_cd38_exposed": to_levels(anti_cd38),
        "anti_cd38_refractory": to_levels(anti_cd38 & refractory),
        "second_line_carfilzomib": to_levels(
            ~_ask_regimen(second, lambda regimen: CARFILZOMIB in regimen.drugs), ("yes", "no")
        ),
        "second_line_class": _classify(second),
        "second_line_krd": to_levels(~_ask_regimen(second, lambda given: given.standard == "KRd"), ("KRd", "other")),
    }
    return pd.DataFrame(columns, index=patients.index)


def frontline_asct(patients: pd.DataFrame) -> pd.Series:
    """Say whether a front-line transplant was done: by its date or count; open where neither is recorded."""
    return (patients["asct_count"] > 0).mask(date_bounds(patients, "asct_date").known, True)


def lenalidomide_maintenance(patients: pd.DataFrame) -> pd.Series:
    """Say whether lenalidomide maintenance was given; without front-line transplant there is none to give."""
    without_asct = ~frontline_asct(patients).fillna(True)
    recorded = is_any(patients["maintenance"], ("lenalidomide",))
    return recorded.mask(recorded.isna() & without_asct, False)


def first_line_quadruplet(patients: pd.DataFrame) -> pd.Series:
    """Say whether first line was a daratumumab quadruplet; open where its drugs are unknown."""
    return _ask_regimen(patients["first_line_regimen"], lambda regimen: regimen.is_daratumumab_quadruplet)


def never_minimal_response(patients: pd.DataFrame) -> pd.Series:
    """Say whether first line never reached MR; open where best response is missing or NE, unless dates tell.

    Where a progression is documented and best response is not, timing alone decides: the answer is False.
    """
    best = patients["first_line_best_response"].astype(object)
    never = is_any(best.mask(best == "NE"), ("SD", "PD"))
    return never.mask(never.isna() & date_bounds(patients, "first_progression_date").known, False)


def _refractory_to_first_line(patients: pd.DataFrame, study: Study) -> pd.Series:
    """Say whether the disease was refractory to the drugs of first-line induction: they end with the transplant."""
    rules, asct = study.regimens, frontline_asct(patients)
    progression = date_bounds(patients, "first_progression_date")
    soon_after_asct = compare(progression, date_bounds(patients, "asct_date").shift_days(rules.refractory_days))
    without_asct = True if rules.first_line_without_asct_runs_until_progression else pd.NA
    on_therapy = soon_after_asct.mask(asct.isna()).mask(asct.eq(False).fillna(False), without_asct)
    return never_minimal_response(patients) | on_therapy.where(progression.known, False)


def _refractory_to_maintenance(patients: pd.DataFrame, study: Study) -> pd.Series:
    """Say whether progression fell on maintenance or soon after its last dose."""
    rules = study.regimens
    progression, stop = (date_bounds(patients, name) for name in ("first_progression_date", "maintenance_stop_date"))
    ongoing = True if rules.maintenance_without_stop_is_ongoing else pd.NA
    on_therapy = compare(progression, stop.shift_days(rules.refractory_days)).where(stop.known, ongoing)
    return on_therapy.where(progression.known, False)


def _ask_regimen(column: pd.Series, question: Callable[[Regimen], bool]) -> pd.Series:
    """Answer a question about the drugs of each regimen, each distinct text read once; open where they are unknown."""
    regimens = {text: parse_regimen(text) for text in column.dropna().unique()}
    answers = {text: question(regimen) if regimen.recognized else None for text, regimen in regimens.items()}
    return column.astype(object).map(answers).astype("boolean")


def _classify(column: pd.Series) -> pd.Series:
    """Return the class of each regimen, the first that its drugs fulfill; open where they are unknown."""
    classes = {
        "KRd": lambda given: given.standard == "KRd",
        "other carfilzomib": lambda given: CARFILZOMIB in given.drugs,
        "pomalidomide-based": lambda given: "pomalidomide" in given.drugs,
        "daratumumab-based": lambda given: "daratumumab" in given.drugs,
        "other": lambda given: True,
    }
    found = pd.Series(pd.Categorical([None] * len(column), list(classes)), index=column.index)
    for name, question in reversed(classes.items()):
        found = found.mask(_ask_regimen(column, question).fillna(False).astype(bool), name)
    return found


def _describe_regimen(column: pd.Series, line: str) -> dict[str, pd.Series]:
    regimens = {text: parse_regimen(text) for text in column.dropna().unique()}
    drugs = {text: "+".join(sorted(regimen.drugs)) or None for text, regimen in regimens.items()}
    # what nobody recognizes is a center's free text: it may say more than a regimen, and is shown on no page
    standard = {text: found.standard if found.recognized else UNRECOGNIZED for text, found in regimens.items()}
    recognized = {text: regimen.recognized for text, regimen in regimens.items()}
    written = column.astype(object)
    return {
        f"{line}_line_drugs": written.map(drugs).astype("category"),
        f"{line}_line_standard": written.map(standard).astype("category"),
        f"{line}_line_recognized": written.map(recognized).eq(True),
    }

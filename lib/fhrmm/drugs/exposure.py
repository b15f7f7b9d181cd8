"""Drug exposure before second line: regimens by name, lenalidomide and anti-CD38 exposure and refractoriness."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from fhrmm.drugs.regimens import CARFILZOMIB, LENALIDOMIDE, Regimen, parse_regimen
from fhrmm.study import Study
from fhrmm.threevalued import (
    IN,
    OUT,
    UNDETERMINED,
    Bounds,
    all_of,
    any_of,
    compare,
    date_bounds,
    from_values,
    negate,
    to_yes_no,
)

ANTI_CD38 = "anti-CD38 antibody"
EXPOSURE_LEVELS = ("naive", "exposed", "refractory")


class _Regimens:
    """The regimens of one column: each distinct text is parsed once, its properties are spread over the rows."""

    def __init__(self, column: pd.Series) -> None:
        self.codes, texts = pd.factorize(column.astype(object))
        self.parsed = [parse_regimen(text) for text in texts]
        self.index = column.index

    def state(self, rule: Callable[[Regimen], bool]) -> np.ndarray:
        """Return in/out by a rule on the drug set; undetermined where the drugs are unknown."""
        values = [(IN if rule(regimen) else OUT) if regimen.recognized else UNDETERMINED for regimen in self.parsed]
        return np.array([*values, UNDETERMINED], dtype=np.int8)[self.codes]

    def text(self, rule: Callable[[Regimen], str]) -> pd.Series:
        """Return a text per row as a categorical; empty texts are missing."""
        values = [rule(regimen) for regimen in self.parsed]
        levels = sorted({value for value in values if value})
        codes = np.array([levels.index(value) if value else -1 for value in values] + [-1], dtype=np.int32)
        return pd.Series(pd.Categorical.from_codes(codes[self.codes], categories=levels), index=self.index)


def frontline_asct(patients: pd.DataFrame) -> np.ndarray:
    """Say whether a front-line transplant was done: by its date or count; undetermined where neither is recorded."""
    count = patients["asct_count"]
    some = date_bounds(patients, "asct_date").known | (count > 0).fillna(False).to_numpy(dtype=bool)
    none = (count == 0).fillna(False).to_numpy(dtype=bool)
    return np.select([some, none], [IN, OUT], UNDETERMINED)


def lenalidomide_maintenance(patients: pd.DataFrame) -> np.ndarray:
    """Say whether lenalidomide maintenance was given; without front-line transplant there is none to give."""
    recorded = from_values(patients["maintenance"], "lenalidomide")
    return np.where((recorded == UNDETERMINED) & (frontline_asct(patients) == OUT), OUT, recorded)


def first_line_quadruplet(patients: pd.DataFrame) -> np.ndarray:
    """Say whether first line was a daratumumab quadruplet; undetermined where its drugs are unknown."""
    return _Regimens(patients["first_line_regimen"]).state(lambda regimen: regimen.is_daratumumab_quadruplet)


def derive_exposure(patients: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Derive regimens and drug exposure of each patient up to the start of second line.

    Refractory means: never at least MR on a first line with the drug, or progression on it or within
    ``study.regimens.refractory_days`` of its last dose (any dose, maintenance included) [1]_. What exports do not
    record is stated in the plan: maintenance without a stop date is ongoing until progression; first line without
    transplant runs until progression, with transplant its drugs end there.

    Parameters
    ----------
    patients : DataFrame
        Canonical patients, one row each.
    study : Study
        The plan.

    Returns
    -------
    DataFrame
        Index of `patients`; `first_line_drugs`, `second_line_drugs` (joined by "+"), `first_line_standard`,
        `second_line_standard`, `first_line_recognized`, `second_line_recognized`, `first_line_quadruplet` (boolean),
        `lenalidomide_exposure` {naive, exposed, refractory}, `anti_cd38_exposed`, `anti_cd38_refractory` {no, yes},
        `second_line_carfilzomib` {yes, no}, `second_line_krd` {KRd, other}. Unknown drugs, or dates that leave it
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
    first, second = (_Regimens(patients[f"{line}_line_regimen"]) for line in ("first", "second"))
    index = patients.index
    anti_cd38 = first.state(lambda regimen: regimen.contains_class(ANTI_CD38))
    quadruplet = first.state(lambda regimen: regimen.is_daratumumab_quadruplet)
    refractory_first = refractory_to_first_line(patients, study)
    columns = _names(first, "first") | _names(second, "second")
    columns |= {
        "first_line_quadruplet": _to_boolean(quadruplet, index),
        "lenalidomide_exposure": _lenalidomide_exposure(patients, first, refractory_first, study),
        "anti_cd38_exposed": to_yes_no(anti_cd38, index),
        "anti_cd38_refractory": to_yes_no(all_of(anti_cd38, refractory_first), index),
        "second_line_carfilzomib": to_yes_no(
            negate(second.state(lambda regimen: CARFILZOMIB in regimen.drugs)), index, levels=("yes", "no")
        ),
        "second_line_krd": to_yes_no(
            negate(second.state(lambda regimen: regimen.standard == "KRd")), index, levels=("KRd", "other")
        ),
    }
    return pd.DataFrame(columns, index=index)


def refractory_to_first_line(patients: pd.DataFrame, study: Study) -> np.ndarray:
    """Say whether the disease was refractory to the drugs of first-line induction."""
    asct = frontline_asct(patients)
    progression = date_bounds(patients, "first_progression_date")
    by_asct = _within_days_of(progression, date_bounds(patients, "asct_date"), study.regimens.refractory_days)
    on_therapy = study.regimens.first_line_without_asct_runs_until_progression
    without = IN if on_therapy else UNDETERMINED
    timing = np.select([asct == IN, asct == OUT], [by_asct, np.full(len(patients), without)], UNDETERMINED)
    timing = np.where(progression.known, timing, OUT)
    return any_of(never_minimal_response(patients), timing)


def never_minimal_response(patients: pd.DataFrame) -> np.ndarray:
    """Say whether first line never reached MR; undetermined where best response is missing or NE, unless dates tell.

    Where a progression is documented and best response is not, timing alone decides: the answer is "out".
    """
    best = patients["first_line_best_response"].astype(object)
    known = best.notna().to_numpy() & (best != "NE").to_numpy()
    never = best.isin(["SD", "PD"]).to_numpy()
    timed = date_bounds(patients, "first_progression_date").known
    return np.select([known & never, known, timed], [IN, OUT, OUT], UNDETERMINED)


def _lenalidomide_exposure(
    patients: pd.DataFrame, first: _Regimens, refractory_first: np.ndarray, study: Study
) -> pd.Series:
    induction = first.state(lambda regimen: LENALIDOMIDE in regimen.drugs)
    maintenance = lenalidomide_maintenance(patients)
    exposed = any_of(induction, maintenance)
    on_maintenance = all_of(maintenance, _refractory_to_maintenance(patients, study))
    refractory = all_of(exposed, any_of(all_of(induction, refractory_first), on_maintenance))
    codes = np.select(
        [exposed == OUT, refractory == IN, (exposed == IN) & (refractory == OUT)],
        [0, 2, 1],
        -1,
    )
    return pd.Series(pd.Categorical.from_codes(codes, categories=list(EXPOSURE_LEVELS)), index=patients.index)


def _refractory_to_maintenance(patients: pd.DataFrame, study: Study) -> np.ndarray:
    progression, stop = (date_bounds(patients, name) for name in ("first_progression_date", "maintenance_stop_date"))
    after_stop = _within_days_of(progression, stop, study.regimens.refractory_days)
    ongoing = IN if study.regimens.maintenance_without_stop_is_ongoing else UNDETERMINED
    return np.where(progression.known, np.where(stop.known, after_stop, ongoing), OUT)


def _within_days_of(event: Bounds, last_dose: Bounds, days: int) -> np.ndarray:
    """Say whether an event fell before or within that many days after the last dose."""
    return compare(event, last_dose.shift_days(days))


def _names(regimens: _Regimens, line: str) -> dict[str, pd.Series | np.ndarray]:
    recognized = regimens.state(lambda _: True)
    return {
        f"{line}_line_drugs": regimens.text(lambda regimen: "+".join(sorted(regimen.drugs))),
        f"{line}_line_standard": regimens.text(lambda regimen: regimen.standard),
        f"{line}_line_recognized": recognized == IN,
    }


def _to_boolean(state: np.ndarray, index: pd.Index) -> pd.Series:
    return pd.Series(pd.arrays.BooleanArray(state == IN, state == UNDETERMINED), index=index)


__all__ = [
    "ANTI_CD38",
    "derive_exposure",
    "first_line_quadruplet",
    "frontline_asct",
    "lenalidomide_maintenance",
    "never_minimal_response",
    "refractory_to_first_line",
]

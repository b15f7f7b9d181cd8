"""Suppression in the estimates table, attacked by enumerating every cohort that agrees with what is shown."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from fhrmm.disclosure import suppress_estimates
from fhrmm.disclosure.audit import bound
from fhrmm.disclosure.facts import read_lines
from fhrmm.disclosure.ties import build_ledger
from fhrmm.estimate_table import make_row, to_frame
from fhrmm.estimates.characteristics import estimate_baseline
from fhrmm.estimates.proportions import estimate_best_response, estimate_response
from fhrmm.formats import clean_estimates
from fhrmm.schema import RESPONSES
from fhrmm.study import load_study
from generator.simulation import estimate_performance, population_truth
from timetoevent.results import Estimate

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

STUDY = load_study()
K = 5


def make_estimate(n: int, n_events: int, **what: object) -> dict[str, object]:
    value = Estimate(n_events / n if n else math.nan, 0.1, 0.9, n=n, n_events=n_events, method="m")
    return make_row(value, **{"endpoint": "ORR", "estimand": "proportion", **what})


def make_subgroups(levels: dict[str, tuple[int, int]], *, with_test: bool = True) -> pd.DataFrame:
    """Overall row and one row per level of one variable; (patients, responders) per level."""
    n, events = (sum(pair[place] for pair in levels.values()) for place in (0, 1))
    rows = [make_estimate(n, events)]
    rows += [make_estimate(*pair, variable="v", level=level) for level, pair in levels.items()]
    if with_test:
        rows.append(make_estimate(n, events, variable="v", estimand="fisher_p"))
    return to_frame(rows)


def hidden_levels(levels: dict[str, tuple[int, int]]) -> set[str]:
    shown = suppress_estimates(make_subgroups(levels), K, response=STUDY.response)
    return set(shown[(shown["status"] == "suppressed") & (shown["level"] != "")]["level"])


def agreeing_cohorts(levels: dict[str, tuple[int, int]], hidden: set[str]) -> list[dict[str, tuple[int, int]]]:
    """Every assignment of (responders, others) to the hidden levels that adds up to what is shown."""
    responders = sum(levels[name][1] for name in hidden)
    others = sum(levels[name][0] - levels[name][1] for name in hidden)
    names = sorted(hidden)
    found = []
    for yes in itertools.product(range(responders + 1), repeat=len(names)):
        if sum(yes) != responders:
            continue
        for no in itertools.product(range(others + 1), repeat=len(names)):
            if sum(no) == others and all(a + b > 0 for a, b in zip(yes, no, strict=True)):
                found.append(dict(zip(names, zip(yes, no, strict=True), strict=True)))
    return found


COHORTS = [
    {"no": (40, 30), "yes": (7, 3), "missing": (4, 1)},
    {"a": (20, 10), "b": (3, 1), "c": (30, 12)},
    {"a": (12, 6), "b": (14, 12)},
    {"a": (1, 1), "b": (1, 0), "c": (25, 12)},
    {"a": (11, 11), "b": (13, 1), "c": (12, 6)},
]


@pytest.mark.parametrize("levels", COHORTS)
def test_every_small_count_could_be_large_for_all_a_reader_knows(levels: dict[str, tuple[int, int]]) -> None:
    hidden = hidden_levels(levels)
    worlds = agreeing_cohorts(levels, hidden)
    n_small = 0
    for name, (n, events) in levels.items():
        truth = {"n": n, "yes": events, "no": n - events}
        for what, count in truth.items():
            if 0 < count < K:
                n_small += 1
                assert name in hidden
                values = {"n": [sum(w[name]) for w in worlds], "yes": [w[name][0] for w in worlds]}
                values["no"] = [w[name][1] for w in worlds]
                assert max(values[what]) >= K, (name, what)
    assert n_small > 0


def test_large_groups_are_all_shown() -> None:
    assert hidden_levels({"a": (20, 10), "b": (30, 12), "c": (12, 6)}) == set()


def test_a_test_between_groups_goes_with_a_hidden_group() -> None:
    """Fisher's exact p at full precision, with known margins, is the table itself."""
    shown = suppress_estimates(make_subgroups({"a": (40, 20), "b": (9, 3)}), K)
    test = shown[shown["estimand"] == "fisher_p"].iloc[0]
    assert test["status"] == "suppressed"
    assert math.isnan(test["p_value"])
    assert math.isnan(test["estimate"])


def test_a_suppressed_row_holds_no_number_at_all() -> None:
    shown = suppress_estimates(make_subgroups({"a": (40, 20), "b": (9, 3)}), K)
    gone = shown[shown["status"] == "suppressed"]
    assert len(gone) == 3
    assert gone[["estimate", "ci_lower", "ci_upper", "p_value", "n", "n_events"]].isna().all(axis=None)
    assert (gone["note"] == "small numbers").all()


def test_suppression_again_changes_nothing_and_threshold_one_shows_all() -> None:
    frame = make_subgroups({"a": (40, 20), "b": (9, 3), "c": (13, 6)})
    once = suppress_estimates(frame, K)
    pd.testing.assert_frame_equal(suppress_estimates(once, K), once)
    assert (suppress_estimates(frame, 1)["status"] == "ok").all()


def test_rates_do_not_give_a_category_away() -> None:
    """CR or better is sCR + CR: with CR shown, a hidden sCR would be a subtraction."""
    cohort = pd.DataFrame({"best_response": ["sCR"] * 2 + ["CR"] * 9 + ["VGPR"] * 12 + ["PR"] * 10 + ["PD"] * 14})
    order = list(RESPONSES)
    for name, levels in (
        ("responder", STUDY.response.responders),
        ("vgpr_or_better", STUDY.response.vgpr_or_better),
        ("cr_or_better", STUDY.response.cr_or_better),
        ("clinical_benefit", STUDY.response.clinical_benefit),
    ):
        cohort[name] = cohort["best_response"].isin(levels)
    cohort["evaluable"] = True
    cohort["best_response"] = pd.Categorical(cohort["best_response"], order)
    frame = to_frame(
        row
        for part in (estimate_response(cohort, STUDY), estimate_best_response(cohort, STUDY))
        for row in part.to_dict("records")
    )
    shown = suppress_estimates(frame, K, response=STUDY.response)
    visible = shown[shown["status"] == "ok"]
    categories = set(visible[visible["endpoint"] == "BEST_RESPONSE"]["level"])
    rates = set(visible[visible["population"] == "cohort"]["endpoint"])
    assert "sCR" not in categories
    assert not ({"CR_OR_BETTER"} <= rates and "CR" in categories)
    assert "ORR" in rates, "the headline is kept"


def make_cohort(rng: np.random.Generator, n: int) -> pd.DataFrame:
    route = pd.Categorical(rng.choice(["quadruplet", "early", "both"], n), ["quadruplet", "early", "both"])
    sex = pd.Categorical(rng.choice(["female", "male"], n), ["female", "male"])
    stage = pd.Categorical(rng.choice(["I", "II", "III", None], n, p=[0.3, 0.3, 0.3, 0.1]), ["I", "II", "III"])
    return pd.DataFrame({"route": route, "sex": sex, "stage": stage})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_cell_of_table_one_can_be_bounded_below_the_threshold(seed: int) -> None:
    cohort = make_cohort(np.random.default_rng(seed), 60)
    frame = to_frame(
        row
        for part in (
            estimate_baseline(cohort, ["sex", "stage"]),
            estimate_baseline(cohort, ["sex", "stage"], by="route"),
        )
        for row in part.to_dict("records")
    )
    shown = suppress_estimates(frame, K)
    lines = read_lines(frame.to_dict("records"))
    ledger, sensitive = build_ledger(lines, K, None)
    known = ledger.known(set(np.flatnonzero(shown["status"] == "suppressed")))
    assert sensitive
    for fact in sensitive:
        assert fact not in known
        assert bound(ledger, known, fact)[1] >= K, fact
    assert (shown["status"] == "ok").mean() > 0.2, "something is left to read"


def test_what_was_shown_before_is_taken_into_account() -> None:
    """Overall and one level on an earlier page: the other level, harmless alone, would give the missing ones away."""
    earlier = to_frame([make_estimate(62, 40), make_estimate(49, 32, variable="v", level="no")])
    later = to_frame([make_estimate(11, 6, variable="v", level="yes")])
    assert (suppress_estimates(earlier, K)["status"] == "ok").all()
    alone = suppress_estimates(later, K)
    assert (alone["status"] == "ok").all()
    together = suppress_estimates(later, K, released=suppress_estimates(earlier, K))
    assert (together["status"] == "suppressed").all(), "62 - 49 - 11 = 2 patients with missing value"


def test_what_was_suppressed_before_stays_suppressed() -> None:
    whole = make_subgroups({"a": (40, 20), "b": (12, 6), "c": (3, 1)}, with_test=False)
    first = suppress_estimates(whole, K)
    gone = set(first[first["status"] == "suppressed"]["level"])
    assert len(gone) == 2
    part = whole[whole["level"].isin(gone)]
    again = suppress_estimates(part, K, released=first)
    assert (again["status"] == "suppressed").all()


def test_values_of_single_patients_and_fine_times_are_not_released() -> None:
    months = {"endpoint": "FOLLOW_UP", "time_months": math.nan}
    rows = to_frame(
        [
            make_row(Estimate(0.43, n=62, n_events=20), estimand="minimum_months", **months),
            make_row(Estimate(12.34, 10.9, 14.2, n=62, n_events=20), estimand="median_months", **months),
            make_row(
                Estimate(0.54391, 0.4, 0.7, n=62, n_events=26),
                endpoint="PFS",
                estimand="survival_probability",
                time_months=12.0,
            ),
            make_row(
                Estimate(n=62, n_events=26, status="not_estimable", note="beyond the last observed time (19.13484)"),
                endpoint="PFS",
                estimand="survival_probability",
                time_months=24.0,
            ),
        ]
    )
    shown = suppress_estimates(rows, K)
    assert shown["status"].tolist() == ["suppressed", "ok", "ok", "not_estimable"]
    assert shown["estimate"].tolist()[1:3] == [12.0, 0.54]
    assert "19.13" not in shown["note"].iloc[3]


def test_quantiles_of_few_patients_lose_their_quartiles() -> None:
    def median(n: int) -> pd.DataFrame:
        value = Estimate(61.0, 55.0, 67.0, n=n, method="median, quartiles")
        return to_frame([make_row(value, endpoint="BASELINE", estimand="median", variable="age")])

    assert suppress_estimates(median(8), K)["status"].tolist() == ["suppressed"]
    middle = suppress_estimates(median(15), K)
    assert middle["estimate"].tolist() == [61.0]
    assert middle["ci_lower"].isna().all()
    assert suppress_estimates(median(40), K)["ci_lower"].tolist() == [55.0]


def test_no_rows() -> None:
    assert suppress_estimates(to_frame([]), K).empty


def test_completeness_does_not_tell_how_many_died() -> None:
    def known(variable: str, events: int, model: str = "") -> dict[str, object]:
        return make_estimate(20, events, endpoint="COMPLETENESS", variable=variable, model=model)

    rows = to_frame([known("death_date", 3), known("iss_diagnosis", 18), known("sex", 20), known("asct_date", 9)])
    shown = suppress_estimates(rows, K, response=STUDY.response).set_index("variable")["status"]
    assert shown.to_dict() == {
        "death_date": "suppressed", "iss_diagnosis": "suppressed", "sex": "ok", "asct_date": "ok",
    }  # fmt: skip


def test_completeness_of_centers_does_not_give_a_small_one_away() -> None:
    rows = [make_estimate(30, 12, endpoint="COMPLETENESS", variable="death_date")]
    for center, (n, events) in {"A": (20, 10), "B": (10, 2)}.items():
        rows.append(make_estimate(n, events, endpoint="COMPLETENESS", variable="death_date", model=f"center={center}"))
    shown = suppress_estimates(to_frame(rows), K, response=STUDY.response)
    assert (shown["status"] == "suppressed").sum() >= 2, "the pooled number less the large center is the small one"


def test_a_zero_in_a_tiny_cohort_would_say_where_its_patient_is() -> None:
    one = pd.DataFrame({"route": pd.Categorical(["b"], ["a", "b"]), "stage": pd.Categorical(["I"], ["I", "II"])})
    rows = [make_estimate(1, 0), *estimate_baseline(one, ["stage"], by="route").to_dict("records")]
    shown = suppress_estimates(to_frame(rows), K, response=STUDY.response)
    assert set(shown["status"]) == {"suppressed"}


def test_repetitions_of_a_simulation_are_not_patients_to_protect() -> None:
    rng = np.random.default_rng(1)
    truth = population_truth(STUDY, rng, n=500)
    rows = clean_estimates(estimate_performance(truth, STUDY, rng, n=30, repeats=12))
    kept = suppress_estimates(rows, STUDY.disclosure.minimum_cell_count, response=STUDY.response)
    assert (rows["estimand"] == "coverage").any()
    assert "suppressed" not in set(kept["status"])

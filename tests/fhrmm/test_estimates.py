"""Rows of the estimates table: denominators, missing levels, reasons, and the degenerate cohorts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from fhrmm import estimate_table
from fhrmm.estimate_table import ESTIMATE_COLUMNS
from fhrmm.estimates import centers, characteristics, competing, counts, proportions, regression, survival
from fhrmm.schema import RESPONSES
from fhrmm.study import load_study, override_study

STUDY = load_study()


def make_patients(n: int, *, event_every: int = 2) -> pd.DataFrame:
    """One PFS and one OS row per patient, with two factors; patient i has its event at i + 1 months."""
    patients = pd.DataFrame(
        {
            "center": "C01",
            "patient_id": [f"SYN-{i:03d}" for i in range(n)],
            "time_months": [float(i + 1) for i in range(n)],
            "event": [i % event_every == 0 for i in range(n)],
            "second_line_krd": pd.Categorical(["KRd" if i % 3 else "other" for i in range(n)], ["KRd", "other"]),
            "ecog_2_or_more": pd.Categorical(["0-1" if i % 4 else ">=2" for i in range(n)], ["0-1", ">=2"]),
        }
    )
    for factor in STUDY.factors:
        if factor.variable not in patients:
            patients[factor.variable] = pd.Categorical([factor.reference] * n, [factor.reference, factor.adverse])
    patients["frontline_pathway"] = pd.Categorical(
        [STUDY.pathway.levels[i % 3] for i in range(n)], STUDY.pathway.levels
    )
    described = [
        patients.assign(
            endpoint=endpoint,
            event_description=np.where(patients["event"], "death" if endpoint == "OS" else "progression", None),
            censor_reason=np.where(patients["event"], None, "alive at last contact"),
        )
        for endpoint in ("PFS", "OS")
    ]
    return pd.concat(described, ignore_index=True)


def make_response(best: list[str | None]) -> pd.DataFrame:
    frame = pd.DataFrame({"best_response": pd.Categorical(best, list(RESPONSES))})
    named = {
        "responder": STUDY.response.responders,
        "vgpr_or_better": STUDY.response.vgpr_or_better,
        "cr_or_better": STUDY.response.cr_or_better,
        "clinical_benefit": STUDY.response.clinical_benefit,
    }
    for column, levels in named.items():
        frame[column] = frame["best_response"].isin(levels)
    return frame.assign(evaluable=frame["best_response"].notna() & (frame["best_response"] != "NE"))


def one(frame: pd.DataFrame, **wanted: object) -> pd.Series:
    rows = estimate_table.select_rows(frame, **wanted)
    assert len(rows) == 1, rows
    return rows.iloc[0]


def test_response_counts_missing_and_ne_as_no_response():
    rates = proportions.estimate_response(make_response(["CR", "PR", "MR", "NE", None]), STUDY)
    everyone = one(rates, endpoint="ORR", population="cohort")
    evaluable = one(rates, endpoint="ORR", population="evaluable")
    assert (everyone["n"], everyone["n_events"], everyone["estimate"]) == (5, 2, 2 / 5)
    assert (evaluable["n"], evaluable["n_events"], evaluable["estimate"]) == (3, 2, 2 / 3)
    assert one(rates, endpoint="CBR", population="cohort")["n_events"] == 3


def test_published_counts_give_the_clopper_pearson_interval_of_the_paper():
    """38 of 62: 48.1 to 73.4 percent (exact), as printed for these counts in the calibration sheet."""
    rates = proportions.estimate_response(make_response(["PR"] * 38 + ["SD"] * 24), STUDY)
    row = one(rates, endpoint="ORR", population="cohort")
    assert round(100 * row["ci_lower"], 1) == 48.1
    assert round(100 * row["ci_upper"], 1) == 73.4


def test_response_by_level_keeps_empty_and_missing_levels():
    frame = make_response(["CR", "SD", "PR"]).assign(group=pd.Categorical(["a", None, "a"], ["a", "b"]))
    rates = proportions.estimate_response(frame, STUDY, by="group", endpoints=("ORR",))
    assert rates["level"].tolist() == ["a", "b", "missing"]
    assert rates["status"].tolist() == ["ok", "not_estimable", "ok"]
    assert rates["n"].tolist() == [2, 0, 1]


def test_fisher_by_hand():
    """Two of two against none of two: the two extreme tables of six, 1/6 + 1/6."""
    frame = make_response(["CR", "CR", "SD", "SD"]).assign(group=pd.Categorical(["a", "a", "b", "b"]))
    row = one(proportions.compare_response(frame, STUDY, by="group"), variable="group")
    assert row["p_value"] == pytest.approx(1 / 3, abs=1e-12)


def test_fisher_with_one_outcome_is_not_estimable():
    frame = make_response(["CR", "CR"]).assign(group=pd.Categorical(["a", "b"]))
    assert one(proportions.compare_response(frame, STUDY, by="group"), variable="group")["status"] == "not_estimable"


def test_best_response_categories_sum_to_everyone():
    rows = proportions.estimate_best_response(make_response(["CR", "PR", None, "NE"]), STUDY)
    assert rows["n_events"].sum() == 4
    assert (rows["n"] == 4).all()


def test_survival_by_hand():
    """Four patients, events at 1 and 3 of 1, 2, 3, 4 months: S(1) = 3/4, S(3) = 3/4 * 1/2."""
    found = survival.estimate_survival(make_patients(4), STUDY, endpoint="PFS")
    assert one(found, estimand="rmst_months")["status"] in {"ok", "not_estimable"}
    assert one(found, estimand="median_months")["estimate"] == 3.0
    curve = survival.survival_curves(make_patients(4), STUDY, endpoint="PFS")[""]
    assert curve.loc[curve["time"] == 3.0, "survival"].item() == pytest.approx(3 / 8, abs=1e-15)


def test_rate_beyond_follow_up_has_a_reason():
    found = survival.estimate_survival(make_patients(4, event_every=3), STUDY, endpoint="PFS")
    late = one(found, estimand="survival_probability", time_months=24.0)
    assert late["status"] == "not_estimable" or math.isfinite(late["estimate"])
    if late["status"] == "not_estimable":
        assert late["note"]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_tiny_cohorts_give_values_with_a_status(n):
    patients = make_patients(n, event_every=99) if n else make_patients(2).iloc[:0]
    factors = [factor.variable for factor in STUDY.factors]
    parts = [survival.estimate_follow_up(patients, STUDY), survival.count_reasons(patients)]
    for endpoint in ("PFS", "OS"):
        parts.append(survival.estimate_survival(patients, STUDY, endpoint=endpoint))
        parts += [survival.estimate_survival(patients, STUDY, endpoint=endpoint, by=name) for name in factors]
        parts += [survival.compare_survival(patients, STUDY, endpoint=endpoint, by=name) for name in factors]
        parts.append(regression.fit_univariable(patients, STUDY, endpoint=endpoint, variables=factors))
        parts.append(
            regression.fit_model(patients, STUDY, endpoint=endpoint, terms=STUDY.models.primary, model="primary")
        )
        parts.append(
            regression.check_hazards(patients, STUDY, endpoint=endpoint, terms=STUDY.models.primary, model="primary")
        )
        parts.append(
            regression.estimate_budget(patients, STUDY, endpoint=endpoint, terms=STUDY.models.full, model="full")
        )
    found = estimate_table.collect("C01", "test", *parts, competing.estimate_cumulative_incidence(patients, STUDY)[0])
    assert list(found.columns) == list(ESTIMATE_COLUMNS)
    assert (found.loc[found["status"] == "not_estimable", "note"] != "").all()
    assert not found.loc[found["estimand"] == "log_rank_p", "p_value"].eq(1.0).any()


def test_few_events_fit_no_regression():
    patients = make_patients(9, event_every=3)
    found = regression.fit_model(patients, STUDY, endpoint="PFS", terms=["second_line_krd"], model="m")
    assert (found["status"] == "not_estimable").all()
    assert found["note"].str.contains("3 events").all()


def test_separated_level_is_no_finding():
    """A level in which nobody has an event has no finite hazard ratio."""
    patients = make_patients(30)
    level = np.where(patients["event"], "KRd", "other")
    patients["second_line_krd"] = pd.Categorical(level, ["KRd", "other"])
    found = regression.fit_model(patients, STUDY, endpoint="PFS", terms=["second_line_krd"], model="m")
    row = one(found, estimand="hazard_ratio", model="m", variable="second_line_krd", level="other")
    assert row["status"] == "not_estimable"
    assert math.isnan(row["estimate"])
    firth = regression.fit_model(patients, STUDY, endpoint="PFS", terms=["second_line_krd"], model="m", penalized=True)
    penalized = one(firth, estimand="hazard_ratio", model="m", variable="second_line_krd", level="other")
    assert 0 < penalized["estimate"] < 1


def test_reference_rows_and_incomplete_patients_are_shown():
    patients = make_patients(40)
    patients.loc[patients["patient_id"] == "SYN-003", "second_line_krd"] = np.nan
    found = regression.fit_model(patients, STUDY, endpoint="PFS", terms=["second_line_krd"], model="m")
    reference = one(found, estimand="hazard_ratio", model="m", variable="second_line_krd", level="KRd")
    other = one(found, estimand="hazard_ratio", model="m", variable="second_line_krd", level="other")
    assert reference["estimate"] == 1.0
    assert math.isnan(reference["ci_lower"])
    assert reference["n"] + other["n"] == 39
    assert "1 patient " in one(found, estimand="concordance", model="m")["note"]


def test_collect_refuses_two_answers_to_one_question():
    part = proportions.estimate_response(make_response(["CR"]), STUDY)
    with pytest.raises(ValueError, match="twice"):
        estimate_table.collect("C01", "n", part, part)


def test_standardized_difference_by_hand():
    """Means 2 and 4, both variances 1: |2 - 4| / 1 = 2."""
    frame = pd.DataFrame({"g": pd.Categorical(list("aaabbb")), "x": [1.0, 2.0, 3.0, 3.0, 4.0, 5.0]})
    found = characteristics.estimate_baseline(frame, ["x"], by="g")
    assert one(found, estimand="standardized_mean_difference", variable="x")["estimate"] == pytest.approx(2.0)


def test_binary_standardized_difference_by_hand():
    """p = 1/4 and 3/4: 0.5 / sqrt((3/16 + 3/16) / 2)."""
    frame = pd.DataFrame({"g": pd.Categorical(list("aaaabbbb")), "x": pd.Categorical(list("yzzzyyyz"))})
    found = characteristics.estimate_baseline(frame, ["x"], by="g")
    expected = 0.5 / math.sqrt(3 / 16)
    assert one(found, estimand="standardized_mean_difference", variable="x")["estimate"] == pytest.approx(expected)


def test_the_largest_difference_of_three_groups_and_none_of_separated_ones():
    """Groups a, b, c with shares 1/4, 3/4 and 1/2: a and b differ most; t and u share no level."""
    groups = pd.Categorical(list("aaaabbbbcccc"))
    apart = {"x": pd.Categorical(list("yzzzyyyzyyzz")), "w": pd.Categorical(list("uuuuvvttuvtu"))}
    found = characteristics.estimate_baseline(pd.DataFrame({"g": groups, **apart}), ["x", "w"], by="g")
    largest = one(found, estimand="standardized_mean_difference", variable="x")
    assert largest["estimate"] == pytest.approx(0.5 / math.sqrt(3 / 16))
    separated = one(found, estimand="standardized_mean_difference", variable="w")
    assert separated["status"] == "not_estimable"
    assert "without a value in common" in separated["note"]


def test_an_interval_without_width_is_no_interval():
    rows = survival.estimate_survival(make_patients(12).assign(event=False), STUDY, endpoint="PFS")
    assert len(rows[rows["estimate"].notna()])
    assert rows[["ci_lower", "ci_upper"]].isna().all(axis=None)


def test_a_model_that_is_not_fitted_counts_each_level_by_itself():
    patients = make_patients(12)
    few = patients.assign(event=patients["event"] & (patients.groupby("endpoint").cumcount() < 2))
    found = regression.fit_univariable(few, STUDY, endpoint="PFS", variables=["second_line_krd"])
    pfs = few[few["endpoint"] == "PFS"]
    for level, part in pfs.groupby("second_line_krd", observed=True):
        row = found[found["level"] == level].iloc[0]
        assert (row["n"], row["n_events"], row["status"]) == (len(part), part["event"].sum(), "not_estimable")


def test_an_endpoint_whose_event_was_never_recorded_is_not_estimated():
    """What would be left of PFS2 is survival, censored too early."""
    patients = make_patients(12)
    pfs2 = patients[patients["endpoint"] == "PFS"].assign(endpoint="PFS2", event_description="death")
    found = survival.estimate_survival(pfs2, STUDY, endpoint="PFS2")
    assert set(found["note"]) == {"no progression on next line is recorded"}
    assert (found["n"] == 12).all()
    recorded = pfs2.assign(event_description="progression on next line")
    assert "ok" in set(survival.estimate_survival(recorded, STUDY, endpoint="PFS2")["status"])


def test_responders_have_no_rate_of_being_without_a_response():
    """All of them have the event; among all patients a rate says something."""
    responders = make_patients(12, event_every=1)
    times = responders[responders["endpoint"] == "PFS"].assign(endpoint="TTR")
    of_all = override_study(STUDY, {"endpoints.TTR.population": "all"})
    for plan, has_rates in ((STUDY, False), (of_all, True)):
        found = survival.estimate_survival(times, plan, endpoint="TTR")
        assert ("survival_probability" in set(found["estimand"])) == has_rates
        assert one(found, estimand="median_months")["estimate"] == 6.5


def test_a_center_that_cannot_record_an_event_leaves_the_others_their_estimate():
    patients = make_patients(12).assign(note="")
    unable = patients["patient_id"] == patients["patient_id"].iloc[0]
    patients.loc[unable, ["time_months", "note"]] = [math.nan, "this export has no way to record a progression"]
    pooled = survival.estimate_survival(patients, STUDY, endpoint="PFS")
    assert one(pooled, estimand="survival_probability", time_months=6.0)["n"] == 11
    assert set(pooled["status"]) != {"not_estimable"}
    alone = survival.estimate_survival(patients[unable], STUDY, endpoint="PFS")
    assert set(alone["note"]) == {"this export has no way to record a progression"}


def test_progression_is_compared_with_death_as_competing_event():
    patients = make_patients(40)
    found = competing.compare_incidence(patients, STUDY, by="second_line_krd")
    ratio = one(found, estimand="subdistribution_hazard_ratio", variable="second_line_krd", level="other")
    pfs = patients[(patients["endpoint"] == "PFS") & (patients["second_line_krd"] == "other")]
    assert (ratio["n"], ratio["n_events"], ratio["status"]) == (len(pfs), pfs["event"].sum(), "ok")
    cox = regression.fit_model(patients, STUDY, endpoint="PFS", terms=["second_line_krd"], model="m")
    plain = one(cox, estimand="hazard_ratio", model="m", variable="second_line_krd", level="other")
    assert ratio["estimate"] == pytest.approx(plain["estimate"], rel=0.02), "without deaths the two are alike"
    nobody = competing.compare_incidence(patients.assign(event=False), STUDY, by="second_line_krd")
    assert set(nobody["status"]) == {"not_estimable"}


def test_completeness_asks_only_those_to_whom_a_variable_applies():
    patients = pd.DataFrame({"asct_count": [0, 1, 2, 0], "asct_date": [None, "2020", None, None], "death_date": None})
    found = characteristics.estimate_completeness(patients, ["asct_count", "asct_date", "death_date"])
    assert found[["variable", "n_events", "n"]].to_numpy().tolist() == [["asct_count", 4, 4], ["asct_date", 1, 2]]


def test_the_flow_begins_with_what_was_received():
    steps = {"criterion": ["all", "a"], "label": ["All", "A"], "n_before": [88, 88], "n_excluded": [0, 8]}
    attrition = pd.DataFrame(steps | {"n_remaining": [88, 80]})
    found = counts.start_at_received(attrition, characteristics.estimate_received(88, 7))
    assert found[["n_before", "n_excluded", "n_remaining"]].to_numpy().tolist() == [
        [95, 0, 95],
        [95, 7, 88],
        [88, 8, 80],
    ]


def test_cumulative_incidences_and_pfs_add_up_to_one():
    patients = make_patients(12)
    dead = patients["event"] & patients["patient_id"].isin(["SYN-004", "SYN-008"])
    patients.loc[dead & (patients["endpoint"] == "PFS"), "event_description"] = "death without progression"
    found, _ = competing.estimate_cumulative_incidence(patients, STUDY)
    pfs = survival.estimate_survival(patients, STUDY, endpoint="PFS")
    total = found.loc[found["time_months"] == 6.0, "estimate"].sum()
    assert total + one(pfs, estimand="survival_probability", time_months=6.0)["estimate"] == pytest.approx(1.0)


def test_reasons_account_for_every_patient():
    found = survival.count_reasons(make_patients(7))
    assert found.groupby("endpoint")["estimate"].sum().tolist() == [7.0, 7.0]


def test_pooled_check_sees_a_patient_counted_twice():
    response = make_response(["CR", "SD", "PR"])
    pfs = survival.estimate_survival(make_patients(3), STUDY, endpoint="PFS")
    overall = survival.estimate_survival(make_patients(3), STUDY, endpoint="OS")

    def scope(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        return estimate_table.collect(name, "n", proportions.estimate_response(frame, STUDY), pfs, overall)

    right = centers.combine_scopes({"C01": scope("C01", response), "ALL": scope("ALL", response)})
    whole = centers.compare_pooled(right).set_index("endpoint")
    assert (whole["Patients, pooled"] == whole["Patients, sum of centers"]).all()
    wrong = centers.combine_scopes({"C01": scope("C01", response.iloc[:2]), "ALL": scope("ALL", response)})
    orr = centers.compare_pooled(wrong).set_index("endpoint").loc["ORR"]
    assert (orr["Patients, pooled"], orr["Patients, sum of centers"]) == (3, 2)


def test_centers_that_respond_alike_do_not_differ_beyond_chance_and_two_predict_nothing():
    def published(*rates: tuple[int, int]) -> pd.DataFrame:
        frames = {
            f"C{place:02d}": proportions.estimate_response(make_response(["CR"] * hits + ["SD"] * (n - hits)), STUDY)
            for place, (hits, n) in enumerate(rates)
        }
        return centers.estimate_heterogeneity(centers.combine_scopes(frames), STUDY).set_index(["endpoint", "estimand"])

    alike = published((10, 20), (5, 10), (15, 30), (1, 2))
    assert alike.loc[("ORR", "i_squared"), "estimate"] == 0
    pooled = alike.loc[("ORR", "pooled_proportion")]
    assert (pooled["estimate"], pooled["n"], pooled["n_events"]) == (pytest.approx(0.5), 60, 30)
    assert alike.loc[("PFS", "i_squared"), "note"].startswith("0 centers")
    apart = published((1, 20), (19, 20), (10, 20))
    assert apart.loc[("ORR", "i_squared"), "estimate"] > 0.8
    assert apart.loc[("ORR", "predicted_proportion"), "ci_lower"] < 0.05
    assert math.isnan(published((1, 20), (19, 20)).loc[("ORR", "predicted_proportion"), "ci_lower"])


def make_visits(between: list[tuple[float, float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One PFS row per patient, progression seen at the second number of months, and none yet at the first."""
    start, size = pd.Timestamp("2023-01-01"), len(between)
    seen = pd.Series([round(last * 30.4375) / 30.4375 for _, last in between])
    clean = [start + pd.Timedelta(days=round(first * 30.4375)) if first >= 0 else pd.NaT for first, _ in between]
    keys = {"center": "C01", "patient_id": [f"SYN-{i:03d}" for i in range(size)]}
    rows = pd.DataFrame(keys | {"endpoint": "PFS", "time_months": seen, "event": True, "origin_date": start})
    response = pd.DataFrame(keys | {"last_visit_without_progression_date": clean})
    return rows.assign(event_description="progression"), response.astype(
        {"last_visit_without_progression_date": "datetime64[ns]"}
    )


def turnbull(rows: pd.DataFrame, response: pd.DataFrame, at: float = 12) -> pd.Series:
    found = survival.estimate_dating(rows, response, STUDY)
    what = {"level": "since the visit before (Turnbull)"}
    return one(found, estimand="survival_probability", time_months=at, **what)


def select_medians(found: pd.DataFrame) -> list[str]:
    return found.loc[found["estimand"] == "median_months", "status"].tolist()


def test_turnbull_by_hand():
    """Progression between 0 and 12, 12 and 24, 0 and 24 months: by symmetry one half at 12; on the day seen 2/3."""
    rows, response = make_visits([(0, 12), (12, 24), (0, 24)])
    assert turnbull(rows, response)["estimate"] == pytest.approx(1 / 2, abs=1e-9)
    own = one(
        survival.estimate_dating(rows, response, STUDY),
        estimand="survival_probability", time_months=12, level="the day it was seen",
    )  # fmt: skip
    assert own["estimate"] == pytest.approx(2 / 3, abs=1e-12)


def test_turnbull_without_visits_is_kaplan_meier():
    rows, response = make_visits([(-1, month) for month in (3, 5, 8, 13, 13, 20)])
    rows.loc[[1, 3], "event"] = False
    row = turnbull(rows, response)
    assert row["estimate"] == pytest.approx(5 / 6 * 3 / 4, abs=1e-6)
    assert (row["n"], row["n_events"]) == (6, 4)
    assert "0 of 4 progressions" in row["note"]
    rows.loc[1:, "event"] = False
    medians = select_medians(survival.estimate_dating(rows, response, STUDY))
    assert medians == ["not_reached", "not_reached"]


def test_turnbull_satisfies_its_own_equation():
    """The estimate of Turnbull (1976) is a fixed point: each mass is the mean share of the patients who may hold it."""
    rng = np.random.default_rng(3)
    days = np.sort(rng.integers(1, 730, (25, 2)), axis=1)
    days[:, 1] += 1
    rows, response = make_visits([(first / 30.4375, last / 30.4375) for first, last in days])
    rows.loc[::4, "event"] = False
    cells = np.append(np.unique(days[:, 1]), 10_000)
    seen = rows["event"].to_numpy()[:, None]
    may = np.where(seen, (cells > days[:, :1]) & (cells <= days[:, 1:]), cells > days[:, 1:])
    mass = np.full(len(cells), 1 / len(cells))
    for _ in range(20_000):
        share = may * mass
        mass = (share / share.sum(axis=1, keepdims=True)).mean(axis=0)
    for month in STUDY.time.rates_at_months:
        row = turnbull(rows, response, month)
        assert row["estimate"] == pytest.approx(1 - mass[cells <= month * 30.4375].sum(), abs=1e-6)


def test_completeness_of_follow_up_by_hand():
    """Clark: 6 months of 12 possible, 12 of 12, and a death after 3 of its 3: 21 of 27 person-months."""
    origin, month = pd.Timestamp("2023-01-01"), pd.Timedelta(days=30.4375)
    rows = pd.DataFrame({"endpoint": "OS", "time_months": [6.0, 12, 3], "event": [False, False, True]})
    found = survival.estimate_follow_up(rows.assign(origin_date=origin), STUDY, origin + 12 * month)
    assert one(found, estimand="completeness")["estimate"] == pytest.approx(21 / 27, abs=1e-3)
    found = survival.estimate_follow_up(rows.assign(origin_date=origin), STUDY)
    assert one(found, estimand="completeness")["note"] == "no data cut-off is stated"


def test_table_one_tests_are_those_of_r():
    """R 4.2.2: wilcox.test (exact without ties, corrected with them), fisher.test; of three groups kruskal.test."""
    frame = pd.DataFrame({"x": [1.0, 2, 5, 3, 4], "t": [1.0, 1, 2, 2, 3], "c": pd.Categorical(list("uuvvv"))})
    frame = frame.assign(g=pd.Categorical(list("aaabb")), h=pd.Categorical(list("aabbc")))

    def p_values(by: str) -> dict[str, float]:
        found = characteristics.estimate_baseline(frame, ["x", "t", "c"], by=by, tests=True)
        return found[found["estimand"] == "difference_p"].set_index("variable")["p_value"].to_dict()

    assert p_values("g") == pytest.approx({"x": 0.8, "t": 0.223542874571, "c": 0.4}, abs=1e-9)
    assert p_values("h") == pytest.approx({"x": 0.223130160148, "t": 0.135335283237, "c": 0.2}, abs=1e-9)
    assert "difference_p" not in set(characteristics.estimate_baseline(frame, ["x"], by="g")["estimand"])


def test_a_late_confirmation_is_told_from_one_in_time():
    keys = {"center": "C01", "patient_id": ["1", "2", "3"]}
    best = pd.Categorical(["PR", "PR", "SD"], list(RESPONSES))
    response = pd.DataFrame(keys | {"n_visits": [2, 2, 0], "best_recorded_response": best}).assign(
        best_confirmed_response=best
    )
    visits = pd.DataFrame(keys | {"confirmed_status": best, "counts": True, "late_confirmation": [True, False, False]})
    found = proportions.estimate_confirmation(response, visits, STUDY)
    assert found[["level", "n", "n_events"]].to_numpy().tolist() == [
        ["as recorded", 2, 2], ["confirmed", 2, 2], ["confirmed within 84 days", 2, 1],
    ]  # fmt: skip


def test_a_response_that_falls_without_progression_is_counted():
    """CR then PR falls; PR then PD is progression; PR, NE, VGPR rises."""
    sequences = {"1": ["CR", "PR"], "2": ["PR", "PD"], "3": ["PR", "VGPR"]}
    visits = pd.DataFrame([("C01", who, seen, False) for who, all_seen in sequences.items() for seen in all_seen])
    visits.columns = ["center", "patient_id", "response", "after_next_therapy"]
    visits["response"] = pd.Categorical(visits["response"], list(RESPONSES))
    row = proportions.estimate_falls(visits, STUDY).iloc[0]
    assert (row["n"], row["n_events"]) == (3, 1)

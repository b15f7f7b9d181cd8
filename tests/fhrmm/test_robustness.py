"""Imputed, frailty, left-out and validated models, and second-line ASCT, against plain fits and known truth."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from fhrmm.cohort import add_derived
from fhrmm.endpoints import derive_time_to_event
from fhrmm.estimates import regression, robustness, subgroups, transplant
from fhrmm.estimates.collector import Collector
from fhrmm.response import derive_response
from fhrmm.schema import empty_table
from fhrmm.study import Study, load_study
from generator import simulate_population
from timetoevent.cox import fit_cox
from timetoevent.proportional_hazards import scaled_schoenfeld_residuals

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

STUDY = load_study()
TERMS = ["second_line_krd", "ecog_2_or_more"]
QUESTION = {"endpoint": "PFS", "terms": TERMS}


@cache
def followed(n: int = 240, *, complete: bool = True) -> pd.DataFrame:
    patients = simulate_population(n, np.random.default_rng(5), visits=False, complete=complete).patients
    cohort = add_derived(patients.assign(center=[f"K{i % 4}" for i in range(n)]), STUDY)
    response = derive_response(cohort, empty_table("assessments"), STUDY)
    return subgroups.join_cohort(derive_time_to_event(cohort, response, STUDY), cohort)


def ratios(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["estimand"] == "hazard_ratio"].set_index(["variable", "level"])


def short(n_bootstrap: int = 40) -> Study:
    return STUDY.model_copy(update={"models": STUDY.models.model_copy(update={"n_bootstrap": n_bootstrap})})


def test_imputation_without_missing_values_is_the_plain_fit():
    plain = ratios(regression.fit_model(followed(), STUDY, model="plain", **QUESTION))
    imputed = ratios(robustness.fit_imputed(followed(), STUDY, np.random.default_rng(1), **QUESTION))
    pd.testing.assert_series_equal(imputed["estimate"], plain["estimate"], rtol=1e-9)
    assert (imputed["status"] == "ok").all()


def test_imputation_keeps_everybody_and_the_seed_decides():
    frame = followed().copy()
    hidden = np.random.default_rng(2).random(len(frame)) < 0.3
    frame["ecog_2_or_more"] = frame["ecog_2_or_more"].mask(pd.Series(hidden, index=frame.index))
    complete = regression.fit_model(frame, STUDY, model="plain", **QUESTION)
    first, again = (robustness.fit_imputed(frame, STUDY, np.random.default_rng(3), **QUESTION) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    per_level = ratios(first).loc["second_line_krd"]["n"].sum()
    assert per_level == (frame["endpoint"] == "PFS").sum() > ratios(complete).loc["second_line_krd"]["n"].sum()


def test_frailty_and_leaving_out_need_several_centers():
    alone = followed()[followed()["center"] == "K0"]
    frailty = robustness.fit_center_frailty(alone, STUDY, **QUESTION)
    without = robustness.leave_one_center_out(alone, STUDY, variable="second_line_krd", **QUESTION)
    for rows in (frailty, without):
        assert set(rows["status"]) == {"not_estimable"}
        assert set(rows["note"]) == {"one center only"}


def test_frailty_variance_is_zero_where_centers_are_labels():
    rows = robustness.fit_center_frailty(followed(), STUDY, **QUESTION)
    variance = rows[rows["estimand"] == "frailty_variance"].iloc[0]
    assert 0 <= variance["estimate"] < 0.05
    assert variance["p_value"] > 0.05


def test_each_left_out_fit_is_the_fit_without_that_center():
    rows = robustness.leave_one_center_out(followed(), STUDY, variable="second_line_krd", **QUESTION)
    assert rows["model"].tolist() == ["all centers", *(f"without K{i}" for i in range(4))]
    rest = followed()[followed()["center"] != "K2"]
    by_hand = ratios(regression.fit_model(rest, STUDY, model="x", **QUESTION)).loc[("second_line_krd", "other")]
    found = rows[rows["model"] == "without K2"].iloc[0]
    assert found["estimate"] == pytest.approx(by_hand["estimate"], rel=1e-9)
    assert (found["n"], found["n_events"]) == (by_hand["n"], by_hand["n_events"])


def test_validation_starts_from_the_apparent_concordance_and_corrects_down():
    study = short()
    rows = robustness.validate_model(followed(), study, np.random.default_rng(4), model="m", **QUESTION)
    fitted = regression.fit_model(followed(), study, model="m", **QUESTION)
    apparent = fitted.loc[fitted["estimand"] == "concordance", "estimate"].iloc[0]
    concordance = rows[rows["estimand"] == "concordance"].set_index("level")["estimate"]
    assert concordance["apparent"] == pytest.approx(apparent, rel=1e-9)
    assert concordance["corrected"] == pytest.approx(concordance["apparent"] - concordance["optimism"], rel=1e-12)
    assert rows.loc[rows["estimand"] == "share_same_sign", "estimate"].between(0, 1).all()


def test_too_few_events_give_reasons_everywhere():
    few = followed().assign(event=False)
    rng = np.random.default_rng(1)
    for rows in (
        robustness.fit_imputed(few, STUDY, rng, **QUESTION),
        robustness.fit_center_frailty(few, STUDY, **QUESTION),
        robustness.leave_one_center_out(few, STUDY, variable="second_line_krd", **QUESTION),
        robustness.validate_model(few, STUDY, rng, model="m", **QUESTION),
    ):
        assert set(rows["status"]) == {"not_estimable"}
        assert rows["note"].str.startswith("0 events").all()
    assert robustness.schoenfeld_residuals(few, STUDY, **QUESTION).empty


def test_one_residual_for_each_event_and_coefficient():
    rows = robustness.schoenfeld_residuals(followed(), STUDY, **QUESTION)
    complete = followed()[followed()["endpoint"] == "PFS"].dropna(subset=TERMS)
    assert rows.groupby("term").size().to_dict() == dict.fromkeys(
        ["second_line_krd=other", "ecog_2_or_more=>=2"], int(complete["event"].sum())
    )


def test_only_coefficients_with_an_estimate_have_residuals():
    """Without an event under KRd its coefficient is infinite; the other ones keep their own residuals."""
    frame = followed().assign(event=followed()["event"] & (followed()["second_line_krd"] != "KRd"))
    complete = frame[frame["endpoint"] == "PFS"].dropna(subset=TERMS)
    rows = robustness.schoenfeld_residuals(frame, STUDY, **QUESTION)
    fit = fit_cox(complete, time="time_months", event="event", terms=TERMS)
    wide = scaled_schoenfeld_residuals(fit, by_term=False)
    assert set(rows["term"]) == {"ecog_2_or_more=>=2"}
    np.testing.assert_allclose(np.sort(rows["residual"]), np.sort(wide["ecog_2_or_more>=2"]))
    alone = robustness.schoenfeld_residuals(frame, STUDY, endpoint="PFS", terms=["second_line_krd"])
    assert alone.empty


def test_a_number_among_the_terms_has_residuals_of_its_own():
    terms = ["age_second_line", "second_line_krd"]
    rows = robustness.schoenfeld_residuals(followed(), STUDY, endpoint="PFS", terms=terms)
    complete = followed()[followed()["endpoint"] == "PFS"].dropna(subset=terms)
    assert rows.groupby("term").size().to_dict() == dict.fromkeys(
        ["age_second_line=", "second_line_krd=other"], int(complete["event"].sum())
    )


def test_a_number_in_a_model_has_one_hazard_ratio_per_unit():
    terms = ["age_second_line", "second_line_krd"]
    rows = ratios(regression.fit_model(followed(), STUDY, endpoint="PFS", terms=terms, model="m"))
    complete = followed()[followed()["endpoint"] == "PFS"].dropna(subset=terms)
    fit = fit_cox(complete.assign(age_second_line=complete["age_second_line"].astype(float)), time="time_months",
                  event="event", terms=terms)  # fmt: skip
    expected = fit.coefficients.set_index("term")["hazard_ratio"]["age_second_line"]
    assert rows.loc[("age_second_line", ""), "estimate"] == pytest.approx(expected, rel=1e-12)
    assert 0.8 < expected < 1.2


def test_an_estimate_that_nearly_runs_away_is_no_finding():
    """As many events as coefficients: Firth's estimate is finite, and beyond all reason."""
    rows = pd.DataFrame({"time_months": [6.0, 5, 4, 3, 2, 1], "event": True, "endpoint": "PFS"})
    rows["x"] = pd.Categorical(list("aaabbb"), categories=["a", "b"])
    collected = Collector(endpoint="PFS", model="full")
    collected.add_ratio(
        {"term": "x", "level": "b", "reference": "a", "hazard_ratio": 2717.4, "ci_lower": 4.6, "ci_upper": 3e8,
         "p_value": 0.01, "n": 4, "n_events": 4, "status": "ok", "note": ""}, "Firth",
    )  # fmt: skip
    told = collected.frame().iloc[0]
    assert told["status"] == "not_estimable"
    assert told["note"].startswith("beyond 1,000-fold")
    assert np.isnan([told["estimate"], told["ci_lower"], told["ci_upper"], told["p_value"]]).all()
    assert (told["n"], told["n_events"]) == (4, 4)
    fitted = ratios(regression.fit_model(rows, STUDY, endpoint="PFS", terms=["x"], model="m", penalized=True))
    assert fitted.loc[("x", "b"), "status"] == "ok", "a separated level alone is what the penalty is for"


def test_as_many_events_as_coefficients_are_no_model():
    complete = followed().loc[followed()["endpoint"] == "PFS"].dropna(subset=[*TERMS, "age_second_line"])
    terms = [*TERMS, "age_second_line", "advanced_stage", "extramedullary_disease"]
    events = complete.dropna(subset=terms)[lambda rows: rows["event"]]
    for n_events, status in ((5, {"not_estimable"}), (40, {"ok"})):
        kept = complete.assign(event=complete.index.isin(events.index[:n_events]))
        rows = regression.fit_model(kept, STUDY, endpoint="PFS", terms=terms, model="m", penalized=True)
        assert set(ratios(rows)["status"]) == status
    rows = regression.fit_model(
        complete.assign(event=complete.index.isin(events.index[:5])), STUDY, endpoint="PFS", terms=terms, model="m"
    )
    assert set(rows["note"]) == {"5 events for 5 coefficients"}
    budget = regression.estimate_budget(complete, STUDY, endpoint="PFS", terms=terms, model="m")
    assert budget["note"].iloc[0] == "5 parameters", "a number takes one parameter, however many values it has"


def transplanted() -> pd.DataFrame:
    """Exponential times, and a transplant planned for everybody at a random month: it does nothing at all."""
    rng = np.random.default_rng(11)
    n = 4000
    time, planned = rng.exponential(12, n), rng.uniform(1, 10, n)
    got_one = planned < time
    base = pd.DataFrame({"center": "A", "patient_id": [str(i) for i in range(n)]})
    pfs = base.assign(endpoint="PFS", time_months=np.minimum(time, 24), event=time <= 24)
    asct = base.assign(endpoint="TTASCT", time_months=np.where(got_one, planned, time), event=got_one)
    return pd.concat([pfs, asct], ignore_index=True)


def test_waiting_time_is_benefit_only_in_the_naive_comparison():
    rows = transplant.compare_by_change(transplanted(), STUDY)
    found = rows[(rows["estimand"] == "hazard_ratio") & (rows["level"] == "yes")]
    naive, landmark, dependent = (row for _, row in found.iterrows())
    assert naive["ci_upper"] < 0.6, "a transplant that does nothing looks protective"
    assert landmark["ci_lower"] < 1 < landmark["ci_upper"]
    assert dependent["ci_lower"] < 1 < dependent["ci_upper"]
    assert dependent["ci_upper"] - dependent["ci_lower"] < 0.25


def test_landmark_counts_who_left_before_it():
    frame = transplanted()
    rows = transplant.compare_by_change(frame, STUDY)
    counts = rows[rows["estimand"] == "count"].set_index("level")["estimate"]
    pfs = frame[frame["endpoint"] == "PFS"]
    early = pfs["time_months"] <= STUDY.models.landmark_months
    assert counts["event before the landmark"] == (early & pfs["event"]).sum()
    assert counts["censored before the landmark"] == (early & ~pfs["event"]).sum()


def test_nobody_transplanted_is_a_reason_not_a_number():
    frame = transplanted()
    frame.loc[frame["endpoint"] == "TTASCT", "event"] = False
    rows = ratios(transplant.compare_by_change(frame, STUDY))
    assert set(rows["note"]) == {"all patients are in one group"}


def test_influence_is_the_range_of_the_fits_without_one_patient():
    frame = followed(60)
    rows = robustness.leave_one_patient_out(frame, STUDY, model="primary", **QUESTION).set_index("variable")
    pfs = regression.take_model_frame(frame, "PFS", TERMS).rows
    fits = [fit_cox(pfs.drop(index=row), time="time_months", event="event", terms=TERMS) for row in pfs.index]
    for term in TERMS:
        found = [fit.coefficients.set_index("term")["hazard_ratio"].dropna()[term] for fit in fits]
        values = [value.iloc[-1] if isinstance(value, pd.Series) else value for value in found]
        assert rows.loc[term, "ci_lower"] == pytest.approx(min(values), rel=1e-6)
        assert rows.loc[term, "ci_upper"] == pytest.approx(max(values), rel=1e-6)

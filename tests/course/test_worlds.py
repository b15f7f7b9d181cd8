"""The truth written into each world of the course is what the right estimator finds in a large sample of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course.lessons import t01, t02, t03, t04, t05, t06, t07, t08, t09, t10, t11, t12, t13
from course.rows import fit_three_ways
from course.simulated import constant_hazard_curve
from timetoevent.cox import fit_cox
from timetoevent.kaplan_meier import median_follow_up, survival_at, survival_quantile
from timetoevent.landmark import make_landmark_data

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

N = 10_000


def ratio(frame: pd.DataFrame, *terms: str) -> float:
    fit = fit_cox(frame, time="time_months", event="event", terms=list(terms))
    return float(fit.coefficients["hazard_ratio"].iloc[0])


def ratios(fits: dict) -> list[float]:
    return [float(fit.coefficients["hazard_ratio"].iloc[0]) for fit in fits.values()]


def test_censoring_that_says_nothing_leaves_the_curve_alone():
    patients = t02.censored_patients(N, dropout_per_month=0.1)
    truth = constant_hazard_curve(t02.PROGRESSION_PER_MONTH, 12)["survival"].iloc[-1]
    assert survival_at(patients["time_months"], patients["event"], at=[12])[0].estimate == pytest.approx(
        truth, abs=0.02
    )
    lost = t02.censored_patients(N, dropout_per_month=0.1, share_lost_before_progression=0.3)
    assert survival_at(lost["time_months"], lost["event"], at=[12])[0].estimate > truth + 0.05


def test_median_and_follow_up_of_the_plateau():
    patients = t03.plateau_patients(N, longest_follow_up=40.0)
    median = survival_quantile(patients["time_months"], patients["event"]).estimate
    assert median == pytest.approx(t03.TRUE_MEDIAN_MONTHS, abs=0.8)
    for speed in (1.0, 2.0):
        part = t03.plateau_patients(N, speed=speed)
        found = median_follow_up(part["time_months"], part["event"]).estimate
        assert found == pytest.approx(12.0, abs=0.4), "uniform from 4 to 20 months, whatever the disease"


@pytest.mark.parametrize("shape", t05.SHAPES)
def test_hazard_ratios_of_each_period(shape):
    early, late, change = t05.SHAPES[shape]
    patients = t05.two_groups(shape, 2 * N)
    is_early = patients["time_months"] <= change
    until = patients.assign(event=patients["event"] & is_early, time_months=patients["time_months"].clip(upper=change))
    after = make_landmark_data(patients, time="time_months", event="event", landmark=change).frame
    assert ratio(until, "treated") == pytest.approx(early, rel=0.1)
    assert ratio(after, "treated") == pytest.approx(late, rel=0.1)


def test_longer_follow_up_shows_the_same_patients():
    short = t05.two_groups("crossing", 500, follow_up_months=9)
    long = t05.two_groups("crossing", 500, follow_up_months=36)
    both = short["event"]
    assert np.allclose(short.loc[both, "time_months"], long.loc[both, "time_months"])


def test_unequal_patients_make_the_ratio_drift():
    patients = t05.two_groups("proportional", N, frailty_variance=2.0, follow_up_months=120)
    assert ratio(patients, "treated") > t05.SHAPES["proportional"][0] + 0.05
    figure = t05.drifting_ratio(2.0).drawing.figure
    between = figure.axes[0].lines[1].get_ydata()
    assert between[0] == pytest.approx(0.5)
    assert 0.5 < between[-1] < 1


@pytest.mark.parametrize("truth", [0.6, 1.0, 1.5])
def test_transplant_truth_is_found_by_time_dependent_analysis_alone(truth):
    fits = fit_three_ways(t06.transplant_patients(N, hazard_ratio=truth), "transplant_months", 6.0)
    naive, landmark, time_dependent = ratios(fits)
    assert time_dependent == pytest.approx(truth, rel=0.07)
    assert naive < 0.7 * truth
    assert abs(np.log(landmark)) <= abs(np.log(truth)) + 0.07, "pulled towards one, not beyond the truth"


def test_transplant_for_the_fit_needs_adjustment():
    patients = t06.transplant_patients(N, is_for_the_fit=True)
    assert ratios(fit_three_ways(patients, "transplant_months", 6.0))[2] < 0.75
    adjusted = fit_three_ways(patients, "transplant_months", 6.0, terms=["is_fit"])
    assert ratios(adjusted)[2] == pytest.approx(1.0, rel=0.07)


def test_response_means_nothing_unless_linked():
    patients = t07.responding_patients(N)
    naive = patients.assign(responded=patients["response_months"].notna())
    assert ratio(naive, "responded") < 0.7
    state = {"responded": "response_months"}
    kept = make_landmark_data(patients, time="time_months", event="event", landmark=6, changes=state).frame
    assert ratio(kept, "responded") == pytest.approx(1.0, rel=0.07)
    linked = t07.responding_patients(N, link=0.6)
    kept = make_landmark_data(linked, time="time_months", event="event", landmark=6, changes=state).frame
    assert ratio(kept, "responded") < 0.8


def test_regimen_is_confounded_by_what_is_measured_and_by_nothing_else():
    patients = t08.regimen_patients(N)
    fits = t08.compare(patients)
    crude, adjusted = (float(fits[name].coefficients["hazard_ratio"].iloc[0]) for name in list(fits)[:2])
    assert crude < 0.8
    assert adjusted == pytest.approx(1.0, rel=0.06)
    assert fits["overlap weights"].estimate == pytest.approx(1.0, rel=0.06)
    hidden = t08.regimen_patients(N, unmeasured=5.0)
    assert ratio(hidden, "krd", *t08.MEASURED) < 0.85
    assert ratio(hidden, "krd", *t08.MEASURED, "frail") == pytest.approx(1.0, rel=0.07)


def test_regimen_may_help_the_naive_alone():
    patients = t08.regimen_patients(N, hazard_ratio=0.6, only_in_naive=True)
    terms = [name for name in t08.MEASURED if name != "lenalidomide_refractory"]
    naive = patients[~patients["lenalidomide_refractory"]]
    assert ratio(naive, "krd", *terms) == pytest.approx(0.6, rel=0.07)


def test_six_factors_have_one_truth():
    fit = fit_cox(t09.six_factor_patients(N), time="time_months", event="event", terms=list(t09.FACTORS))
    assert fit.coefficients["hazard_ratio"].to_numpy(dtype=float) == pytest.approx(1.8, rel=0.08)


def test_empty_level_has_no_event():
    patients = t09.patients_with_an_empty_level()
    assert patients["second_transplant"].sum() == 7
    assert not patients.loc[patients["second_transplant"], "event"].any()
    assert len(patients) == 62


@pytest.mark.parametrize("mechanism", t10.MECHANISMS)
def test_missing_values_come_as_often_as_asked_and_change_nothing_else(mechanism):
    patients = t10.cytogenetic_patients(mechanism=mechanism, share=0.35)
    assert patients["high_risk"].isna().sum() == round(0.35 * len(patients))
    known = patients["high_risk"].notna()
    assert ((patients["high_risk"] == "yes") == patients["high_risk_true"])[known].all()
    other = t10.cytogenetic_patients(mechanism="by chance", share=0.1)
    assert patients.drop(columns="high_risk").equals(other.drop(columns="high_risk"))


def test_cytogenetics_truth():
    patients = t10.cytogenetic_patients(N)
    assert ratio(patients, "high_risk_true", "iss_iii") == pytest.approx(2.0, rel=0.06)
    assert ratio(patients, "iss_iii", "high_risk_true") == pytest.approx(1.5, rel=0.06)


def test_competing_incidence_and_hazards():
    patients = t11.competing_patients(N)
    truth = 0.04 / 0.05 * (1 - np.exp(-0.05 * 24))
    right, naive = t11.incidence_of(patients), t11.one_minus_kaplan_meier(patients)
    at = {
        name: c.loc[c["time"] <= 24, "cumulative_incidence"].iloc[-1]
        for name, c in {"right": right, "naive": naive}.items()
    }
    assert at["right"] == pytest.approx(truth, abs=0.015)
    assert at["naive"] > truth + 0.04
    older = t11.competing_patients(N, death_ratio=4.0)
    assert ratio(older.assign(event=older["cause"] == 1), "older") == pytest.approx(1.0, rel=0.06)


def test_later_relapse_has_the_better_course_and_centers_share_one_rate():
    patients = t12.relapsing_patients(N)
    is_early = patients["relapse_months"] <= 12
    assert ratio(patients.assign(early=is_early), "early") > 1.3
    rates = [t12.center_patients(seed)["is_alive"].mean() for seed in range(200)]
    assert np.mean(rates) == pytest.approx(0.72, abs=0.02)


def test_averages_of_small_centers_lie_nearer_zero_than_the_model_of_all_patients():
    patients = t13.small_centers()
    exact = fit_cox(patients, time="days", event="event", terms=["is_krd"], strata="center").beta[0]
    assert t13.follow_rounds(patients)["log_ratio"].iloc[-1] == pytest.approx(exact, abs=1e-8)
    assert exact < 0 < t13.average(t13.fit_locally(patients).dropna())[0]
    local, pooled = t13.averages_and_exact(40)["mean_log_ratio"]
    assert pooled == pytest.approx(np.log(0.5), abs=0.25)
    assert local > pooled + 0.2


def test_nothing_matters_where_nothing_matters():
    outcome, traits = t04.patients_without_effects(N, 3)
    for name in traits:
        assert ratio(outcome.assign(trait=traits[name]), "trait") == pytest.approx(1.0, abs=0.06)


def test_visits_find_progression_late_and_never_early():
    patients = t01.visited_patients(N, months_between=3.0)
    found = patients["found_months"].notna()
    delay = (patients["found_months"] - patients["progression_months"])[found]
    assert delay.between(0, 3).all()
    assert (patients["last_visit_months"] <= patients["last_contact_months"] + 1e-9).all()


@pytest.mark.parametrize(
    "simulate",
    [
        lambda: t02.censored_patients(50, dropout_per_month=0.1),
        t03.plateau_patients,
        lambda: t05.two_groups("waning", 50),
        lambda: t06.transplant_patients(50),
        lambda: t07.responding_patients(50),
        lambda: t08.regimen_patients(50),
        t09.six_factor_patients,
        lambda: t10.cytogenetic_patients(50),
        lambda: t11.competing_patients(50),
        t12.relapsing_patients,
        t13.small_centers,
        t01.visited_patients,
    ],
)
def test_same_seed_same_patients(simulate):
    assert simulate().equals(simulate())

"""The generator against its own truth: margins, hazards, dates and visits of populations of any size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.generator.true_survival import true_survival

from fhrmm.schema import conform
from fhrmm.study import load_study
from generator import load_truth, simulate_population
from generator.observed import Observed, kaplan_meier, log_hazard_ratio, observe_recorded
from generator.population import simulate_cohort
from generator.truth import FACTORS, MONTH, Truth, load_parameters
from timetoevent.cox import fit_cox
from timetoevent.kaplan_meier import survival_at

LARGE = 60_000


@pytest.fixture(scope="module")
def small():
    return simulate_population(400, np.random.default_rng(11))


@pytest.fixture(scope="module")
def large():
    return simulate_population(LARGE, np.random.default_rng(12), visits=False, complete=True)


def test_months_of_the_generator_are_those_of_the_plan():
    assert load_study().time.days_per_month == MONTH


def test_every_parameter_has_one_value_and_its_evidence():
    names = [parameter.name for parameter in load_parameters()]
    assert sorted(names) == sorted(Truth.model_fields)
    assert {parameter.evidence for parameter in load_parameters()} == {"PUB", "REL", "CALC", "ASM"}
    assert all(parameter.basis for parameter in load_parameters())


@pytest.mark.parametrize("table", ["patients", "assessments", "adverse_events"])
def test_tables_are_canonical(small, table):
    frame = getattr(small, table)
    pd.testing.assert_frame_equal(frame, conform(frame, table))


def test_same_generator_state_gives_the_same_tables(small):
    again = simulate_population(400, np.random.default_rng(11))
    pd.testing.assert_frame_equal(small.patients, again.patients)
    pd.testing.assert_frame_equal(small.assessments, again.assessments)


@pytest.mark.parametrize("n", [1, 2])
def test_smallest_populations(n):
    population = simulate_population(n, np.random.default_rng(3))
    assert len(population.patients) == len(population.latent) == n


def test_population_of_nobody_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        simulate_population(0, np.random.default_rng(3))


def test_complete_population_misses_nothing(large):
    always = ["sex", "iss_diagnosis", "ecog_second_line", "emd_second_line", "ldh_u_l", "del17p", "best_response"]
    assert large.patients[always].notna().all(axis=None)


def test_ids_say_synthetic(small):
    assert small.patients["patient_id"].str.fullmatch(r"SYN-C\d\d-\d+").all()
    assert not small.patients.duplicated(["center", "patient_id"]).any()


ORDERED = [
    ("diagnosis_date", "first_line_start_date"), ("first_line_start_date", "asct_date"),
    ("asct_date", "maintenance_start_date"), ("maintenance_start_date", "maintenance_stop_date"),
    ("maintenance_start_date", "first_progression_date"), ("asct_date", "first_progression_date"),
    ("first_progression_date", "second_line_start_date"), ("maintenance_stop_date", "second_line_start_date"),
    ("second_line_start_date", "best_response_date"), ("best_response_date", "progression_date"),
    ("second_line_start_date", "second_line_asct_date"), ("second_line_asct_date", "progression_date"),
    ("progression_date", "next_line_start_date"), ("progression_date", "last_assessment_date"),
    ("last_assessment_date", "last_contact_date"), ("next_line_start_date", "last_contact_date"),
    ("last_contact_date", "death_date"), ("best_response_date", "last_assessment_date"),
]  # fmt: skip


@pytest.mark.parametrize(("earlier", "later"), ORDERED)
def test_dates_come_in_order(large, earlier, later):
    both = large.patients[[earlier, later]].dropna()
    assert len(both) > 500
    assert (both[earlier] <= both[later]).all()


def test_response_agrees_with_progression(large):
    patients = large.patients
    first = patients["best_response"].eq("PD")
    assert (patients.loc[first, "best_response_date"] == patients.loc[first, "progression_date"]).all()
    better = patients["best_response"].isin(["sCR", "CR", "VGPR", "PR", "MR", "SD"])
    assert patients.loc[better, "best_response_date"].notna().all()
    assert patients.loc[patients["best_response"].eq("NE"), "progression_date"].isna().all()


def test_maintenance_needs_a_transplant(large):
    maintained = large.patients["maintenance"].eq("lenalidomide")
    assert large.patients.loc[maintained, "asct_date"].notna().all()
    assert (large.patients["asct_count"].eq(0) == large.patients["asct_date"].isna()).all()


def test_expected_shares_are_those_of_the_truth(large):
    truth, n = load_truth(), LARGE
    shares = large.latent[list(FACTORS)].mean()
    expected = {
        "extramedullary": sum(truth.extramedullary) / 62, "lenalidomide_maintenance": 19 / 62,
        "no_frontline_asct": 30 / 62, "ecog_2_or_more": 14 / 62, "iss_iii": 23 / 62, "not_krd": 36 / 62,
    }  # fmt: skip
    for name, share in expected.items():
        assert shares[name] == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / n) + 0.004), name


@pytest.mark.parametrize(("category", "count"), list(load_truth().response.items()))
def test_response_shares_are_those_of_the_truth(large, category, count):
    assert large.patients["best_response"].eq(category).mean() * 62 == pytest.approx(count, abs=0.45)


def test_rates_of_the_population_are_the_published_ones(large):
    chances = true_survival(large.latent, load_truth(), 12.0).mean()
    assert chances["pfs"] == pytest.approx(0.54, abs=0.004)
    assert chances["os"] == pytest.approx(0.72, abs=0.004)


@pytest.mark.parametrize("months", [3.0, 12.0, 18.0])
def test_closed_form_survival_is_what_happens(large, months):
    latent, days = large.latent, months * MONTH
    chances = true_survival(latent, load_truth(), months).mean()
    event = latent[["progression_days", "death_days"]].min(axis=1)
    assert (event > days).mean() == pytest.approx(chances["pfs"], abs=0.007)
    assert (latent["death_days"] > days).mean() == pytest.approx(chances["os"], abs=0.007)


@pytest.mark.parametrize("months", [6.0, 12.0, 18.0])
def test_kaplan_meier_of_the_recorded_dates_finds_the_truth(large, months):
    pfs, overall = observe_recorded(large.patients)
    chances = true_survival(large.latent, load_truth(), months).mean()
    assert kaplan_meier(pfs, months * MONTH)[0] == pytest.approx(chances["pfs"], abs=0.01)
    assert kaplan_meier(overall, months * MONTH)[0] == pytest.approx(chances["os"], abs=0.01)


def test_cox_of_the_true_progression_finds_the_hazard_ratios(large):
    latent = large.latent
    known = latent["progression_days"].notna()
    days = latent["progression_days"].where(known, latent["death_days"])
    within = np.minimum(days, 12 * MONTH)
    event = known & (days <= 12 * MONTH)
    fit = fit_cox(pd.DataFrame({"time": within, "event": event} | {name: latent[name] for name in FACTORS}),
                  time="time", event="event", terms=list(FACTORS))  # fmt: skip
    found = fit.coefficients.set_index("term")["hazard_ratio"]
    for name, ratio in load_truth().hr_progression.items():
        assert found[name] == pytest.approx(ratio, rel=0.06), name


def test_frailty_and_effect_modification_change_only_what_they_say():
    truth = load_truth()
    modified = truth.model_copy(update={"krd_helps_only_lenalidomide_naive": True})
    with_krd_effect = simulate_population(4000, np.random.default_rng(5), truth, visits=False).latent
    naive_only = simulate_population(4000, np.random.default_rng(5), modified, visits=False).latent
    changed = with_krd_effect["progression_days"].fillna(-1) != naive_only["progression_days"].fillna(-1)
    assert changed.any()
    assert with_krd_effect.loc[changed, "lenalidomide_refractory"].all()
    assert with_krd_effect.loc[changed, "not_krd"].eq(1).all()
    frail = truth.model_copy(update={"center_frailty_sd": 0.5})
    with pytest.raises(ValueError, match="frailty"):
        true_survival(naive_only, frail, 12.0)


def test_unselected_sample_shows_sampling_variability():
    rates = [
        kaplan_meier(
            observe_recorded(simulate_population(62, np.random.default_rng(seed), visits=False).patients)[0], 365
        )[0]
        for seed in range(12)
    ]
    assert np.ptp(rates) > 0.05


def test_cohort_margins_are_exact():
    truth = load_truth()
    cohort = simulate_cohort(truth.seed, truth)
    factors = cohort.draw["factors"].sum(axis=0)
    assert dict(zip(FACTORS, factors, strict=True)) == {
        "extramedullary": 11, "lenalidomide_maintenance": 19, "no_frontline_asct": 30, "ecog_2_or_more": 14,
        "iss_iii": 23, "not_krd": 36,
    }  # fmt: skip
    assert cohort.patients["center"].value_counts().sort_index().tolist() == list(truth.center_sizes)
    assert cohort.patients["best_response"].value_counts().to_dict() == truth.response
    regimens = cohort.patients["second_line_regimen"].value_counts().to_dict()
    assert {name: regimens[name] for name in ("KRd", "PVd", "DKd", "Isa-Kd", "DRd", "Kd", "DVd")} == {
        "KRd": 26, "PVd": 9, "DKd": 6, "Isa-Kd": 5, "DRd": 5, "Kd": 4, "DVd": 2
    }  # fmt: skip


@pytest.fixture(scope="module")
def observed():
    truth = load_truth()
    cohort = simulate_cohort(truth.seed, truth)
    return cohort, observe_recorded(cohort.patients)[0]


@pytest.mark.parametrize("months", [1.0, 6.0, 12.0, 18.0])
def test_search_kaplan_meier_equals_the_package(observed, months):
    _, pfs = observed
    expected = survival_at(pfs.days / MONTH, pfs.event, at=[months])[0].estimate
    assert kaplan_meier(pfs, months * MONTH)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("position", range(len(FACTORS)))
def test_search_cox_equals_the_package(observed, position):
    cohort, pfs = observed
    adverse = cohort.draw["factors"][:, position]
    frame = pd.DataFrame({"time": pfs.days, "event": pfs.event, "x": adverse})
    fit = fit_cox(frame, time="time", event="event", terms=["x"])
    assert log_hazard_ratio(pfs, adverse) == pytest.approx(fit.beta[0], abs=1e-7)


def test_search_kaplan_meier_by_hand():
    observed = Observed(np.array([1, 2, 2, 3, 4]), np.array([True, True, False, False, True]))
    assert kaplan_meier(observed, 1) == (4 / 5, 0.0)
    assert kaplan_meier(observed, 3)[0] == pytest.approx(4 / 5 * 3 / 4)

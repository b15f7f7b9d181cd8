"""Simulated laboratory values lead back to the response and the progression that they were made from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fhrmm.cohort import apply_criteria
from fhrmm.response import derive_response
from fhrmm.study import load_study
from generator import simulate_population

MEASURABLE = ["IgG", "IgA", "IgD", "light_chain", "other"]


@pytest.fixture(scope="module")
def population():
    return simulate_population(1500, np.random.default_rng(21), complete=True)


@pytest.fixture(scope="module")
def study():
    return load_study()


@pytest.fixture(scope="module")
def from_labs(population, study):
    """Response of every patient when only laboratory values are known."""
    labs = population.assessments.copy()
    for name in ("response", "progression_basis"):
        labs[name] = pd.Categorical([None] * len(labs), categories=labs[name].cat.categories)
    return derive_response(population.patients, labs, study).merge(
        population.patients[["center", "patient_id", "isotype", "progression_basis", "progression_date"]],
        on=["center", "patient_id"], suffixes=("", "_true"),
    )  # fmt: skip


def test_everybody_simulated_is_eligible(population, study):
    assert len(apply_criteria(population.patients, study).cohort) == len(population.patients)


def test_recorded_visit_responses_confirm_the_recorded_best_response(population, study):
    found = derive_response(population.patients, population.assessments, study)
    evaluable = found[~found["best_recorded_response"].isin(["NE", "PD"])]
    assert len(evaluable) > 1000
    assert (evaluable["best_confirmed_response"].astype(str) == evaluable["best_recorded_response"].astype(str)).all()


@pytest.mark.parametrize("category", ["CR", "VGPR", "PR", "MR", "SD"])
def test_labs_alone_give_the_true_response(from_labs, category):
    chosen = from_labs[from_labs["best_recorded_response"].eq(category) & from_labs["isotype"].isin(MEASURABLE)]
    assert len(chosen) > 50
    assert chosen["best_confirmed_response"].eq(category).all()


def test_labs_alone_show_stringent_complete_response_as_complete(from_labs):
    stringent = from_labs[from_labs["best_recorded_response"].eq("sCR")]
    assert stringent["best_confirmed_response"].isin(["sCR", "CR"]).all()


def test_progression_found_from_labs_is_on_the_recorded_day(from_labs):
    both = from_labs.dropna(subset=["confirmed_progression_date", "progression_date_true"])
    assert (both["confirmed_progression_date"] == both["progression_date_true"]).all()
    without = from_labs["progression_date_true"].isna()
    assert from_labs.loc[without, "confirmed_progression_date"].isna().all()
    missed = from_labs["progression_date_true"].notna() & from_labs["confirmed_progression_date"].isna()
    assert missed.sum() < 0.03 * from_labs["progression_date_true"].notna().sum()


def test_increments_at_progression_exceed_the_nadir_as_required(population):
    visits = population.assessments
    serum = visits.merge(population.patients[["patient_id", "isotype", "progression_basis"]], on="patient_id")
    serum = serum[serum["isotype"].isin(["IgG", "IgA"]) & serum["progression_basis_y"].eq("biochemical")]
    nadir = serum.groupby("patient_id")["serum_m_protein_g_dl"].min()
    progressed = serum[serum["response"].eq("PD")].groupby("patient_id")["serum_m_protein_g_dl"].min()
    rise = progressed - nadir.loc[progressed.index]
    assert len(rise) > 100
    assert (rise >= 0.5).all()
    assert (rise >= 0.25 * nadir.loc[progressed.index]).all()


def test_complete_response_has_no_band_and_little_marrow(population):
    complete = population.assessments[population.assessments["response"].isin(["sCR", "CR"])]
    assert complete["serum_immunofixation"].eq("negative").all()
    assert complete["urine_immunofixation"].eq("negative").all()
    assert complete["bm_plasma_cells_pct"].lt(5).all()
    stringent = complete[complete["response"].eq("sCR")]
    assert (stringent["flc_kappa_mg_l"] / stringent["flc_lambda_mg_l"]).between(0.26, 1.65).all()


def test_visits_lie_between_baseline_and_last_contact(population):
    visits = population.assessments.merge(
        population.patients[["patient_id", "second_line_start_date", "last_contact_date", "last_assessment_date"]]
    )
    days = (visits["assessment_date"] - visits["second_line_start_date"]).dt.days
    assert days.ge(-7).all()
    assert (days.le(0) == visits["response"].isna()).all()
    assert (visits["assessment_date"] <= visits["last_contact_date"]).all()
    last = visits[days > 0].groupby("patient_id")[["assessment_date", "last_assessment_date"]].max()
    assert (last["assessment_date"] == last["last_assessment_date"]).all()
    assert not visits.duplicated(["patient_id", "assessment_date"]).any()

"""A plan as a whole: all that is wrong with it is said at once, with the key, what was found and what is near."""

from __future__ import annotations

import pandas as pd
import pytest

from fhrmm.cohort import add_derived
from fhrmm.errors import StudyError
from fhrmm.plan_check import load_plan
from fhrmm.schema import conform
from fhrmm.study import load_study, repository_root

TEXT = (repository_root() / "study.toml").read_text(encoding="utf-8")

# what stands in the plan, what is written instead, and what must be said of it
WRONG = [
    ("headline_months = 12", "headline_month = 12", ["time.headline_month: unknown key", "nearest: 'headline_months'"]),
    ("[regimens]", "[regimen]", ["regimen: unknown key", "nearest: 'regimens'"]),
    ("seed = 20250409", 'seed = "now"', ["models.seed", "'now'"]),
    ('source = "recorded" ', 'source = "recordet" ', ["response.source", "'recordet'", "nearest: 'recorded'"]),
    ("headline_months = 12", "headline_months = 9", ["time.headline_months", "9", "6, 12, 18, 24"]),
    ("rates_at_months = [6, 12, 18, 24]", "rates_at_months = [12, 6]", ["time.rates_at_months", "rising"]),
    ("rates_at_months = [6, 12, 18, 24]", "rates_at_months = [-6, 12]", ["time.rates_at_months"]),
    ("second_line_to = 2024-12-31", "second_line_to = 2020-12-31", ["cohort.second_line_to", "2020-12-31"]),
    ('criteria = ["second_line_started"', 'criteria = ["second_line"', ["cohort.criteria", "'second_line_started'"]),
    ('"reported_once", "adult"', '"adult", "adult"', ["cohort.criteria", "'adult'", "twice"]),
    ('definition = "seed_union" ', 'definition = "seed_onion" ', ["functional_high_risk.definition", "'seed_union'"]),
    ('criteria_version = "IMWG 2016"', 'criteria_version = "IMWG 2015"', ["response.criteria_version", "'IMWG 2016'"]),
    ('variable = "ecog_2_or_more"', 'variable = "ecog_2_or_mor"', ["factors.3.variable", "nearest: 'ecog_2_or_more'"]),
    ('adverse = ">=2"', 'adverse = "2+"', ["factors.3.adverse", "'2+'", "0-1, >=2"]),
    ('adverse = ">=2"', 'adverse = "0-1"', ["factors.3", "as reference and as adverse"]),
    ('variable = "ecog_2_or_more"', 'variable = "iss"', ["factors.3.variable", "two levels"]),
    ('variable = "ecog_2_or_more"', 'variable = "advanced_stage"', ["factors", "'advanced_stage'", "twice"]),
    ('reference = "no ASCT"', 'reference = "none"', ["pathway.reference"]),
    ('primary = ["frontline_pathway",', 'primary = ["frontline_path",', ["models.primary", "'frontline_pathway'"]),
    ('"second_line_krd", "ecog_2_or_more"]', '"death_date", "second_line_krd"]', ["models.primary", "'death_date'"]),
    ('treatment = "second_line_krd"', 'treatment = "second_line_kr"', ["comparison.treatment", "'second_line_krd'"]),
    ('population_levels = ["naive"]', 'population_levels = ["nave"]', ["comparison.population_levels", "'naive'"]),
    ('"advanced_stage", "age_second_line"]', '"age_second_lin"]', ["comparison.covariates", "'age_second_line'"]),
    ('interaction_with = "lenalidomide_exposure"', 'interaction_with = "age_second_line"', ["comparison.interaction"]),
    ("[endpoints.DOR]", "[endpoints.DORR]", ["endpoints", "'DOR'"]),
    ('"patients.last_contact_date", reason = "alive at last contact"', '"patients.last_contact", reason = "alive"',
     ["endpoints.OS.censors", "'patients.last_contact_date'"]),
    ('advanced_stage_levels = ["III"]', 'advanced_stage_levels = ["IV"]', ["staging.advanced_stage_levels", "'IV'"]),
    ('["paraskeletal", "extramedullary"]', '["paraosseous"]', ["staging.extramedullary_levels", "'paraosseous'"]),
    ("iss_beta2_microglobulin_low = 3.5", "iss_beta2_microglobulin_low = 6.5", ["staging.iss_beta2_microglobulin_low"]),
    ('vgpr_or_better = ["sCR", "CR", "VGPR"]', 'vgpr_or_better = ["sCR", "VGRP"]', ["response.vgpr", "'VGPR'"]),
    ('cr_or_better = ["sCR", "CR"]', 'cr_or_better = ["sCR", "SD"]', ["response.vgpr_or_better", "without SD"]),
    ("light_chain_ratio = [0.26, 1.65]           #", "light_chain_ratio = [1.65, 0.26] #",
     ["response_criteria.IMWG 2016.light_chain_ratio"]),
    ("serum_shares = [0.90, 0.50, 0.25]", "serum_shares = [0.25, 0.5, 0.9]",
     ["response_criteria.IMWG 2016.serum_shares"]),
    ('{ endpoint = "ORR", estimand', '{ endpoint = "OR", estimand', ["published.results.0.endpoint", "'ORR'"]),
    ('"frontline_asct", "ecog_2_or_more", "advanced_stage", "second_line_krd"]\n\n[time]', '"ecog"]\n\n[time]',
     ["published.adverse_factors", "'ecog'"]),
    ('"functional_high_risk.definition" = "fhr12_asct"', '"functional_high_risk.definition" = "fhr12"',
     ["sensitivity.0.options.2", "'fhr12_asct'"]),
    ('"time.partial_date_policy" = "lower"', '"time.partial_policy" = "lower"',
     ["sensitivity.1.options.5", "partial_policy"]),
    ('label = "Overall survival"', 'label = "Progression-free survival"', ["endpoints", "label", "twice"]),
    ('name = "confirmed", overrides', 'name = "as recorded", overrides', ["sensitivity.2.options", "twice"]),
    ("alpha = 0.05", "alpha = 5", ["models.alpha"]),
    ('needs = "progression on next line"', 'needs = "progression on a line"', ["endpoints.PFS2.needs", "nearest"]),
    ("bins = { age_second_line", "bins = { age", ["pool.bins", "'age'"]),
    ("rounding_base = 6", "rounding_base = 0", ["disclosure.rounding_base"]),
]  # fmt: skip


def write(folder, *changes):
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("old", "new", "words"), WRONG, ids=[case[1][:30] for case in WRONG])
def test_a_wrong_plan_is_refused_with_key_found_and_nearest(old, new, words, tmp_path):
    with pytest.raises(StudyError) as error:
        load_plan(write(tmp_path, (old, new)))
    lines = str(error.value).splitlines()[1:]
    assert any(all(word in line for word in words) for line in lines), str(error.value)


def test_all_errors_are_said_at_once_whatever_their_kind(tmp_path):
    changes = [WRONG[number][:2] for number in (0, 2, 3, 7, 12)]
    with pytest.raises(StudyError) as error:
        load_plan(write(tmp_path, *changes), {"functional_high_risk.window_months": 99})
    for number in (0, 2, 3, 7, 12):
        assert WRONG[number][2][0].split(":")[0] in str(error.value)
    assert "functional_high_risk.window_months" in str(error.value)


def test_the_plan_of_the_study_and_its_parameters_pass():
    assert load_plan() == load_study()
    study = load_plan(overrides={"cohort.second_line_from": "2020-01-01", "cohort.data_cutoff_date": "2024-06-30"})
    assert study.cohort.second_line_from.isoformat() == "2020-01-01"
    with pytest.raises(StudyError, match=r"cohort\.data_cutoff_date"):
        load_plan(overrides={"cohort.data_cutoff_date": "2020-06-30"})


def test_reference_levels_of_the_plan_come_first_in_the_cohort(tmp_path):
    swapped = ('reference = "0-1"\nadverse = ">=2"', 'reference = ">=2"\nadverse = "0-1"')
    pathway = ('reference = "no ASCT"', 'reference = "ASCT, lenalidomide maintenance"')
    study = load_plan(write(tmp_path, swapped, pathway))
    cohort = add_derived(conform(pd.DataFrame({"ecog_second_line": [0, 3]}), "patients"), study)
    assert list(cohort["ecog_2_or_more"].cat.categories) == [">=2", "0-1"]
    assert cohort["ecog_2_or_more"].tolist() == ["0-1", ">=2"]
    assert cohort["frontline_pathway"].cat.categories[0] == "ASCT, lenalidomide maintenance"

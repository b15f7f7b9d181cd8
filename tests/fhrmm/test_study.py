"""The study plan: loading, overriding, refusing, and the specification grid."""

from __future__ import annotations

import tomllib

import pytest

from fhrmm.errors import StudyError
from fhrmm.study import (
    load_study,
    override_study,
    plan_choices,
    repository_root,
    resolve_path,
    specification_grid,
)

STUDY = load_study()


def test_the_plan_loads_and_is_frozen():
    assert STUDY.functional_high_risk.definition in STUDY.definitions
    with pytest.raises(ValueError, match="frozen"):
        STUDY.functional_high_risk.window_months = 18


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"functional_high_risk.windw_months": 18}, "nearest: 'window_months'"),
        ({"functional_high_rsk.window_months": 18}, "unknown plan value"),
        ({"functional_high_risk.window_months": 0}, "greater than or equal to 1"),
        ({"functional_high_risk.window_months": "soon"}, "functional_high_risk.window_months"),
        ({"response.source": "guessed"}, "'recorded' or 'confirmed'"),
        ({"endpoints.PFS.next_therapy": "stop"}, "endpoints.PFS.next_therapy"),
    ],
)
def test_wrong_values_are_refused_with_what_is_right(overrides, message):
    with pytest.raises(StudyError, match=message):
        load_study(overrides=overrides)
    with pytest.raises(StudyError, match=message):
        override_study(STUDY, overrides)


def test_all_problems_are_said_at_once():
    with pytest.raises(StudyError) as error:
        load_study(overrides={"time.days_per_month": 40, "response.source": "guessed"})
    assert "2 problem(s)" in str(error.value)


def test_none_keeps_the_plan():
    assert load_study(overrides={"functional_high_risk.window_months": None}) == STUDY


def test_override_keeps_what_the_run_replaced():
    run = load_study(overrides={"functional_high_risk.window_months": 18})
    changed = override_study(run, {"response.source": "confirmed"})
    assert (changed.functional_high_risk.window_months, changed.response.source) == (18, "confirmed")
    assert run.response.source == "recorded"
    assert override_study(run, {}) == run


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(StudyError, match="file not found"):
        load_study(tmp_path / "study.toml")
    broken = tmp_path / "study.toml"
    broken.write_text("[study\n", encoding="utf-8")
    with pytest.raises(StudyError, match="not readable as TOML"):
        load_study(broken)


def test_paths_are_taken_from_the_repository_root(tmp_path):
    assert (repository_root() / "study.toml").is_file()
    assert resolve_path("study.toml") == repository_root() / "study.toml"
    assert resolve_path(tmp_path) == tmp_path


def test_labels():
    assert STUDY.label("ecog_2_or_more") == STUDY.factor("ecog_2_or_more").label
    assert STUDY.label(STUDY.pathway.variable) == STUDY.pathway.label
    assert STUDY.label("some_column") == "some column"


def test_grid_is_every_combination_once_and_starts_with_the_plan():
    grid = specification_grid(STUDY)
    expected = 1
    for axis in STUDY.sensitivity:
        expected *= len(axis.options)
    assert len(grid) == len({item.name for item in grid}) == expected
    assert override_study(STUDY, grid[0].overrides) == STUDY


def test_grid_covers_definitions_censoring_eligibility_and_response():
    grid = specification_grid(STUDY)
    used = {item.overrides["functional_high_risk.definition"] for item in grid}
    assert used == set(STUDY.definitions)
    assert {item.overrides.get("functional_high_risk.quadruplet_requires_early") for item in grid} >= {True, False}
    assert {item.overrides.get("endpoints.PFS.next_therapy") for item in grid} >= {"ignore", "event", "censor"}
    assert {item.overrides["response.source"] for item in grid} == {"recorded", "confirmed"}
    for axis in STUDY.sensitivity:
        for option in axis.options:
            assert override_study(STUDY, option.overrides).sensitivity == STUDY.sensitivity


def test_grid_without_axes_is_the_plan_alone():
    alone = STUDY.model_copy(update={"sensitivity": ()})
    assert [item.overrides for item in specification_grid(alone)] == [{}]


def test_every_endpoint_and_definition_of_the_file_is_loaded():
    plan = tomllib.loads((repository_root() / "study.toml").read_text(encoding="utf-8"))
    assert set(plan["endpoints"]) == set(STUDY.endpoints)
    assert set(plan["definitions"]) == set(STUDY.definitions)
    assert set(plan["response_criteria"]) == set(STUDY.response_criteria)


def test_parameters_of_the_notebooks_replace_values_of_the_plan():
    study = load_study(overrides=plan_choices(fhr_window_months=18, response_source=None, partial_date_policy="upper"))
    assert study.functional_high_risk.window_months == 18
    assert (study.response.source, study.time.partial_date_policy) == (STUDY.response.source, "upper")
    with pytest.raises(StudyError, match="belongs to fhr_windw_months"):
        plan_choices(fhr_windw_months=18)

"""Sentences: one row in, one sentence out; no row or two is an error; no direction that the interval does not carry."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from fhrmm.estimate_table import make_row, to_frame
from fhrmm.report.sentences import pick_row, word
from fhrmm.study import load_study
from timetoevent.results import Estimate, not_estimable

STUDY = load_study()


def one(value: Estimate, **what: object) -> dict[str, object]:
    return to_frame([make_row(value, **what)]).iloc[0].to_dict()


def test_proportion() -> None:
    row = one(Estimate(38 / 62, 0.481, 0.734, n=62, n_events=38), endpoint="ORR", estimand="proportion")
    assert word(row, STUDY) == ("Overall response rate was 61.3% (95% CI 48.1% to 73.4%; 38 of 62 patients).")


def test_subgroup_and_population_are_named() -> None:
    value = Estimate(0.5, 0.2, 0.8, n=10, n_events=5)
    names = {"endpoint": "ORR", "estimand": "proportion"}
    subgroup = one(value, variable="ecog_2_or_more", level=">=2", **names)
    assert word(subgroup, STUDY).startswith(
        "ECOG performance status at second line, \u22652: overall response rate was 50% (95% CI 20% to 80%"
    )
    evaluable = one(value, population="evaluable", **names)
    assert word(evaluable, STUDY).startswith("Overall response rate in evaluable patients was 50%")


def test_survival_and_its_absence() -> None:
    what = {"endpoint": "PFS", "estimand": "survival_probability", "time_months": 12.0}
    assert word(one(Estimate(0.539, 0.391, 0.665, n=62, n_events=26), **what), STUDY) == (
        "Progression-free survival at 12 months was 53.9% (95% CI 39.1% to 66.5%; 26 events in 62 patients)."
    )
    gone = not_estimable("beyond the last observed time (7.13331)", n=3)
    assert word(one(gone, **what), STUDY) == (
        "Progression-free survival at 12 months could not be estimated: beyond the last observed time (7.1)."
    )


def test_median_reached_not_reached_and_open_above() -> None:
    what = {"endpoint": "OS", "estimand": "median_months"}
    reached = one(Estimate(31.24, 27.9, 36.0, n=412, n_events=214), **what)
    assert word(reached, STUDY) == (
        "Median overall survival was 31.2 months (95% CI 27.9 to 36.0; 214 events in 412 patients)."
    )
    not_reached = one(Estimate(ci_lower=15.9, n=62, n_events=17, status="not_reached"), **what)
    assert word(not_reached, STUDY) == (
        "Median overall survival was not reached (95% CI 15.9 to not reached; 17 events in 62 patients)."
    )
    nothing = one(Estimate(n=1, n_events=0, status="not_reached"), **what)
    assert word(nothing, STUDY) == "Median overall survival was not reached (0 events in 1 patient)."
    hidden = one(Estimate(status="suppressed", note="\u22646 events"), **what)
    assert word(hidden, STUDY) == "Median overall survival is not part of the release: \u22646 events."


def test_follow_up_with_and_without_range() -> None:
    what = {"endpoint": "FOLLOW_UP"}
    median = one(Estimate(12.2, 11.1, 15.2, n=62, n_events=45), estimand="median_months", **what)
    ends = [
        one(Estimate(value, n=62), estimand=name, **what)
        for name, value in (("minimum_months", 0.0), ("maximum_months", 19.8))
    ]
    assert word(median, STUDY, shortest=ends[0], longest=ends[1]) == (
        "Median follow-up (reverse Kaplan-Meier) was 12.2 months (95% CI 11.1 to 15.2); "
        "observed times ranged from 0.0 to 19.8 months."
    )
    assert word(median, STUDY).endswith("(95% CI 11.1 to 15.2).")
    assert word(median, STUDY, shortest=ends[1], longest=ends[1]).endswith("; every observed time was 19.8 months.")


RATIO = {
    "endpoint": "PFS",
    "estimand": "hazard_ratio",
    "variable": "second_line_krd",
    "level": "other",
    "reference": "KRd",
}


@pytest.mark.parametrize(
    ("value", "reading"),
    [
        (Estimate(2.3, 0.99, 5.3, n=36, n_events=18), "the interval includes 1."),
        (Estimate(2.3, 1.01, 5.3, n=36, n_events=18), "the hazard was higher than in the reference."),
        (Estimate(0.4, 0.2, 0.9, n=36, n_events=18), "the hazard was lower than in the reference."),
        (Estimate(2.3, 1.0, 5.3, n=36, n_events=18), "the interval includes 1."),
        (Estimate(2.3, n=36, n_events=18), "the interval includes 1."),
    ],
)
def test_hazard_ratio_has_a_direction_only_if_the_interval_excludes_one(value: Estimate, reading: str) -> None:
    model = {"model": "overlap weights", "population": "comparison"}
    reference = one(Estimate(1.0, n=26, n_events=8), **RATIO | model | {"level": "KRd"})
    text = word(one(value, **RATIO | model), STUDY, reference=reference)
    assert text.startswith(
        "Second-line regimen (other versus KRd; overlap weights; lenalidomide in first line: naive): "
        "the hazard ratio for PFS was "
    )
    assert text.endswith(reading)
    assert "18 events in 36 patients with other versus 8 events in 26 patients with KRd" in text
    assert "significan" not in text


def test_hazard_ratio_that_does_not_exist_gives_the_reason() -> None:
    text = word(one(not_estimable("3 events; the plan needs 5", n=9), **RATIO | {"level": ""}), STUDY)
    assert text == "Second-line regimen: the hazard ratio for PFS could not be estimated: 3 events; the plan needs 5."


def test_p_value_is_said_without_a_verdict() -> None:
    test = Estimate(0.0004, p_value=0.0004, n=58, n_events=26)
    row = one(test, endpoint="PFS", estimand="log_rank_p", variable="second_line_krd")
    assert word(row, STUDY) == (
        "Second-line regimen, PFS: the log-rank test gave p <0.001 (exploratory; 26 events in 58 patients)."
    )


def test_missing_and_ambiguous_rows_fail_loudly() -> None:
    row = make_row(Estimate(0.5, n=4, n_events=2), endpoint="ORR", estimand="proportion")
    frame = to_frame([row, row])
    with pytest.raises(ValueError, match="2 estimates for endpoint=ORR, estimand=proportion; one expected"):
        pick_row(frame, endpoint="ORR", estimand="proportion")
    with pytest.raises(ValueError, match="no estimate for endpoint=OS"):
        pick_row(frame, endpoint="OS")
    assert pick_row(frame.iloc[:1], endpoint="ORR")["n"] == 4


def test_overall_is_meant_unless_a_subgroup_is_named() -> None:
    value = Estimate(0.5, n=4, n_events=2)
    rows = [make_row(value, endpoint="ORR", estimand="proportion", **what) for what in
            ({}, {"variable": "sex", "level": "male"}, {"population": "evaluable"}, {"time_months": 6.0})]  # fmt: skip
    frame = pd.DataFrame(rows).reindex(columns=to_frame([]).columns)
    assert math.isnan(pick_row(frame, endpoint="ORR")["time_months"])
    assert pick_row(frame, endpoint="ORR", variable="sex", level="male")["level"] == "male"


def test_a_comparison_is_found_without_naming_its_level() -> None:
    rows = [
        make_row(Estimate(1.0, n=5, n_events=2), **RATIO | {"level": "KRd"}),
        make_row(Estimate(2.0, 0.5, 8.0, n=4, n_events=2), **RATIO),
    ]
    found = pick_row(to_frame(rows), endpoint="PFS", estimand="hazard_ratio", variable="second_line_krd")
    assert (found["level"], found["n"]) == ("other", 4)


def test_budget_is_said_beside_the_yardstick() -> None:
    what = {"endpoint": "PFS", "estimand": "events_per_parameter", "model": "primary"}
    assert word(one(Estimate(6.5, n=62, n_events=26, note="4 parameters"), **what), STUDY) == (
        "The primary model has 6.5 events per parameter (26 events, 4 parameters), below the usual 10."
    )
    none = one(not_estimable("no term varies", n=1), **what)
    assert word(none, STUDY) == "The primary model has no budget: no term varies."


def test_baseline_is_said_with_quartiles_and_known_values() -> None:
    age = one(
        Estimate(60.0, 55.0, 63.8, ci_level=0.5, n=62),
        endpoint="BASELINE",
        estimand="median",
        variable="age_second_line",
    )
    assert word(age, STUDY) == "Age at second line, years: median was 60.0 (quartiles 55.0 to 63.8; 62 patients)."


def test_completeness_of_follow_up_is_said_as_a_share_of_time() -> None:
    row = one(Estimate(0.838, n=62, n_events=17), endpoint="FOLLOW_UP", estimand="completeness")
    assert word(row, STUDY) == (
        "The share of the time until death or data cut-off during which patients were followed (Clark's C) was 83.8% "
        "(17 events in 62 patients)."
    )

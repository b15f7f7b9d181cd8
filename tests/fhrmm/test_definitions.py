"""Functional high risk: routes, clock, window, calendar months, tandem anchor, partial dates, every preset."""

from __future__ import annotations

import calendar
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhrmm.cohort import classify, compare_definitions
from fhrmm.errors import StudyError
from fhrmm.schema import conform
from fhrmm.study import load_study
from fhrmm.threevalued import Bounds, compare

STUDY = load_study()
NAMES = {True: "in", False: "out", pd.NA: "undetermined"}
FHR = "functional_high_risk."
START = {"center": "A", "first_line_start_date": "2021-06-01", "second_line_start_date": "2023-06-15"}
ASCT = {"asct_date": "2022-01-31", "asct_count": 1, "first_line_regimen": "VTd", "first_line_best_response": "VGPR"}
QUAD = {"asct_count": 0, "first_line_regimen": "D-VTd", "first_line_best_response": "PR"}


def month(column, text):
    """Return a date known to the month or year only, with its companions."""
    period = pd.Period(text)
    middle = period.start_time + (period.end_time.normalize() - period.start_time) // 2
    return {
        column: middle.normalize(),
        f"{column}_lower": period.start_time,
        f"{column}_upper": period.end_time.normalize(),
        f"{column}_precision": "month" if len(text) == 7 else "year",
    }


def result(columns, study=STUDY, definition=None):
    patients = conform(pd.DataFrame([START | {"patient_id": "1"} | columns]), "patients")
    found = classify(patients, study, definition=definition)
    route = found.route.iloc[0]
    return NAMES[found.state.iloc[0]], None if pd.isna(route) else route


def with_plan(**overrides):
    return load_study(overrides={FHR + name: value for name, value in overrides.items()})


def relapse(date, **columns):
    return ASCT | {"first_progression_date": date} | columns


@pytest.mark.parametrize(
    ("date", "overrides", "state"),
    [
        ("2023-01-31", {}, "in"),
        ("2023-01-31", {"window_inclusive": False}, "out"),
        ("2023-01-31", {"month_rule": "average"}, "in"),
        ("2023-02-01", {"month_rule": "average"}, "out"),
        ("2023-02-01", {}, "out"),
        ("2023-01-30", {"window_inclusive": False}, "in"),
        ("2023-02-01", {"window_months": 18}, "in"),
        ("2022-09-01", {"window_months": 6}, "out"),
        ("2022-07-31", {"window_months": 6}, "in"),
        ("2022-02-28", {"window_months": 1}, "in"),
        ("2022-03-01", {"window_months": 1}, "out"),
        ("2022-05-31", {"clock_origin": "first_line_start_date"}, "in"),
        ("2022-06-01", {"clock_origin": "first_line_start_date"}, "in"),
        ("2022-06-02", {"clock_origin": "first_line_start_date"}, "out"),
        ("2022-01-31", {}, "in"),
        ("2021-12-31", {}, "out"),
    ],
)
def test_window_after_transplant(date, overrides, state):
    assert result(relapse(date), with_plan(**overrides))[0] == state


def test_progression_closes_the_window_not_the_second_line():
    late_start = relapse("2023-01-31", second_line_start_date="2023-05-20")
    assert result(late_start) == ("in", "early relapse after ASCT")


PARTIAL = [
    ({**month("asct_date", "2023-06"), **{"first_progression_date": "2024-06-10"}}, "undetermined"),
    ({**month("asct_date", "2023-06"), **{"first_progression_date": "2024-06-01"}}, "in"),
    ({**month("asct_date", "2023-06"), **{"first_progression_date": "2024-07-01"}}, "out"),
    ({**month("asct_date", "2023-06"), **{"first_progression_date": "2024-05-31"}}, "in"),
    ({"asct_date": "2023-06-15", **month("first_progression_date", "2024-06")}, "undetermined"),
    ({"asct_date": "2023-06-15", **month("first_progression_date", "2024-05")}, "in"),
    ({"asct_date": "2023-06-15", **month("first_progression_date", "2024-07")}, "out"),
    ({"asct_date": "2023-06-15", **month("first_progression_date", "2024")}, "undetermined"),
    # the start of second line narrows the year to January to May
    (
        {"asct_date": "2023-06-15", **month("first_progression_date", "2024"), "second_line_start_date": "2024-05-10"},
        "in",
    ),
    ({"asct_date": "2023-06-15"}, "undetermined"),
    ({"asct_date": None, "asct_count": 1, "first_progression_date": "2024-01-01"}, "undetermined"),
    ({"asct_date": None, "asct_count": None, "first_progression_date": "2024-01-01"}, "undetermined"),
    ({"asct_date": None, "asct_count": 0, "first_progression_date": "2022-01-01"}, "out"),
]


@pytest.mark.parametrize(("columns", "state"), PARTIAL)
def test_partial_dates_give_three_answers(columns, state):
    base = ASCT | {"second_line_start_date": "2025-01-01", "first_line_start_date": "2021-01-01"}
    assert result(base | columns)[0] == state


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({"first_line_best_response": "SD"}, "in"),
        ({"first_line_best_response": "PD"}, "in"),
        ({"first_line_best_response": "MR"}, "in"),  # suboptimal: a change of line below PR without progression
        ({"first_line_best_response": "PR"}, "undetermined"),  # no progression documented, not suboptimal
        ({"first_progression_date": "2022-06-01"}, "in"),
        ({"first_progression_date": "2022-06-02"}, "out"),
        ({"first_progression_date": "2022-06-02", "first_line_best_response": "SD"}, "in"),
        ({"first_progression_date": "2022-06-02", "first_line_best_response": None}, "out"),
        ({"first_progression_date": "2022-06-02", "first_line_best_response": "MR"}, "out"),
        ({"first_line_best_response": "NE"}, "undetermined"),
        ({"asct_count": 1, "asct_date": "2021-12-01", "first_progression_date": "2021-11-01"}, "in"),
        ({"asct_count": 1, "asct_date": "2021-12-01", "first_progression_date": "2023-01-01"}, "out"),
    ],
)
def test_quadruplet_route_requires_early_failure(columns, state):
    found = result(QUAD | columns)
    assert found == (state, None if state == "out" else "quadruplet")


def test_switches_of_the_quadruplet_route():
    late = QUAD | {"first_progression_date": "2023-06-01"}
    minimal = QUAD | {"first_line_best_response": "MR"}
    assert result(late, with_plan(quadruplet_requires_early=False)) == ("in", "quadruplet")
    assert result(minimal, with_plan(suboptimal_counts_as_early=False))[0] == "undetermined"
    assert result(QUAD, with_plan(suboptimal_below="VGPR"))[0] == "in"


def test_routes_overlap():
    both = relapse("2022-10-01", first_line_regimen="D-VTd")
    assert result(both) == ("in", "both")
    assert result(relapse("2022-10-01")) == ("in", "early relapse after ASCT")
    unknown_drugs = relapse("2022-10-01", first_line_regimen="study drug")
    assert result(unknown_drugs) == ("in", "early relapse after ASCT")


def test_first_of_a_tandem_lies_between_first_line_start_and_the_last():
    tandem = relapse("2023-01-15", asct_count=2)
    assert result(tandem) == ("in", "early relapse after ASCT")
    assert result(tandem, with_plan(asct_anchor="first"))[0] == "undetermined"
    assert result(relapse("2023-01-15", asct_count=1), with_plan(asct_anchor="first"))[0] == "in"
    assert result(relapse("2023-02-15", asct_count=2), with_plan(asct_anchor="first"))[0] == "out"
    assert result(relapse("2022-05-15", asct_count=2), with_plan(asct_anchor="first"))[0] == "in"


NO_ASCT = {"asct_count": 0, "first_line_regimen": "VTd", "first_line_best_response": "PR"}
PRESETS = [
    # ASCT 2022-01-31, first line from 2021-06-01
    ("fhr12_asct", relapse("2023-01-30"), "in"), ("fhr12_asct", relapse("2023-01-31"), "out"),
    ("fhr12_asct", NO_ASCT | {"first_progression_date": "2021-10-01"}, "out"),
    ("fhr18_asct", relapse("2023-07-30"), "in"), ("fhr18_asct", relapse("2023-07-31"), "out"),
    ("fhr24_asct", relapse("2024-01-30"), "in"), ("fhr24_asct", relapse("2024-01-31"), "out"),
    ("cartitude2b", relapse("2023-01-31"), "in"), ("cartitude2b", relapse("2023-02-01"), "out"),
    ("cartitude2b", NO_ASCT | {"first_progression_date": "2022-06-01"}, "in"),
    ("cartitude2b", NO_ASCT | {"first_progression_date": "2022-06-02"}, "out"),
    ("ikema_early", NO_ASCT | {"first_progression_date": "2022-11-30"}, "in"),
    ("ikema_early", NO_ASCT | {"first_progression_date": "2022-12-01"}, "out"),
    ("ikema_early", relapse("2023-01-30"), "in"), ("ikema_early", relapse("2023-01-31"), "out"),
    ("karmma2_2a", relapse("2022-11-30", maintenance="lenalidomide"), "in"),
    ("karmma2_2a", relapse("2022-11-30", maintenance="none"), "out"),
    ("karmma2_2a", relapse("2022-11-30"), "undetermined"),
    ("karmma2_2a", relapse("2022-12-01", maintenance="lenalidomide"), "out"),
    ("karmma2_2b", NO_ASCT | {"first_progression_date": "2022-11-30"}, "in"),
    ("karmma2_2b", relapse("2022-11-30"), "out"),
    ("ita_te18_nte12", relapse("2022-12-01"), "in"), ("ita_te18_nte12", relapse("2022-12-02"), "out"),
    ("ita_te18_nte12", NO_ASCT | {"first_progression_date": "2022-06-01"}, "in"),
    ("ita_te18_nte12", NO_ASCT | {"first_progression_date": "2022-06-02"}, "out"),
    ("fhr18_start", relapse("2022-12-01"), "in"), ("fhr18_start", relapse("2022-12-02"), "out"),
    ("s_ermm18", relapse("2022-12-01"), "in"), ("s_ermm18", relapse("2022-12-02"), "out"),
    ("primary_refractory", NO_ASCT | {"first_line_best_response": "SD"}, "in"),
    ("primary_refractory", relapse("2022-12-02", first_line_best_response="MR"), "out"),
    ("primary_refractory", relapse("2021-12-02"), "in"),
    ("suboptimal", NO_ASCT | {"first_line_best_response": "MR"}, "in"),
    ("suboptimal", NO_ASCT, "out"),
    ("suboptimal", NO_ASCT | {"first_line_best_response": "MR", "first_progression_date": "2022-06-01"}, "out"),
    ("imsimwg2025", NO_ASCT | {"del17p": "yes"}, "in"), ("imsimwg2025", NO_ASCT, "undetermined"),
    ("seed_union", relapse("2023-01-31"), "in"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "columns", "state"), PRESETS)
def test_presets(definition, columns, state):
    assert result(columns | {"second_line_start_date": "2025-01-01"}, definition=definition)[0] == state


def test_every_definition_of_the_plan_is_tested():
    assert {definition for definition, _, _ in PRESETS} == set(STUDY.definitions)


def test_comparison_counts_every_patient_once_per_definition():
    rows = [START | {"patient_id": str(number)} | columns for number, (_, columns, _) in enumerate(PRESETS)]
    table = compare_definitions(conform(pd.DataFrame(rows), "patients"), STUDY)
    assert table["definition"].tolist() == list(STUDY.definitions)
    assert (table[["n_in", "n_undetermined", "n_out"]].sum(axis=1) == len(PRESETS)).all()


def test_unknown_definition_is_refused():
    with pytest.raises(StudyError, match="no definition 'fhr99'"):
        classify(conform(pd.DataFrame({"patient_id": []}), "patients"), STUDY, definition="fhr99")


def test_wider_window_never_loses_a_patient():
    rng = np.random.default_rng(2)
    rows = [
        relapse(np.datetime64("2022-01-31") + int(day), patient_id=str(day)) | START for day in rng.integers(0, 800, 60)
    ]
    patients = conform(pd.DataFrame(rows), "patients")
    states = [classify(patients, with_plan(window_months=months)).state for months in (6, 12, 18, 24)]
    assert all((later | ~earlier).all() for earlier, later in itertools.pairwise(states))


DAYS = st.dates(min_value=pd.Timestamp("2019-01-01").date(), max_value=pd.Timestamp("2026-12-31").date())


@given(DAYS, DAYS, DAYS, DAYS, st.booleans())
def test_comparison_of_intervals_equals_all_pairs_of_their_ends(a, b, c, d, inclusive):
    (a, b), (c, d) = sorted((a, b)), sorted((c, d))
    bounds = [Bounds(*(pd.Series(pd.to_datetime([end])) for end in ends)) for ends in ((a, b), (c, d))]
    answers = {(first <= second) if inclusive else (first < second) for first in (a, b) for second in (c, d)}
    expected = {(True,): "in", (False,): "out"}.get(tuple(answers), "undetermined")
    assert NAMES[compare(*bounds, inclusive=inclusive)[0]] == expected


@given(DAYS, st.integers(min_value=1, max_value=60))
def test_calendar_months_keep_the_day_or_take_the_last_one(day, months):
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    shifted = Bounds(*(pd.Series(pd.to_datetime([day])),) * 2).shift_months(months)
    assert shifted.lower[0] == shifted.upper[0] == pd.Timestamp(year, month + 1, min(day.day, last))


def test_months_of_average_length_are_days_rounded_down():
    shifted = Bounds(*(pd.Series(pd.to_datetime(["2024-01-31"])),) * 2).shift_months(12, days_per_month=30.4375)
    assert shifted.lower[0] == pd.Timestamp("2025-01-30")


def test_what_is_open_follows_kleene():
    states = [False, pd.NA, True]
    a, b = (pd.Series(values, dtype="boolean") for values in zip(*itertools.product(states, states), strict=True))
    assert (~(a & b)).equals(~a | ~b)
    assert (a & b).tolist() == [False, False, False, False, pd.NA, pd.NA, False, pd.NA, True]

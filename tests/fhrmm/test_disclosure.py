"""Suppression, attacked: enumerate everything that agrees with a release, and look at what is left certain."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from fhrmm.disclosure import (
    PROTECTED,
    DisclosureError,
    coarsen_curves,
    refuse_identifiers,
    suppress_attrition,
    suppress_mapping,
    suppress_risk,
    suppress_table,
)
from fhrmm.disclosure.audit import Ledger, Sum, bound
from fhrmm.disclosure.protect import protect

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

THRESHOLD = 3


def compositions(total: int, parts: int) -> list[tuple[int, ...]]:
    """Every way to write a total as that many counts of 0 or more."""
    cuts = itertools.combinations(range(total + parts - 1), parts - 1)
    return [tuple(b - a - 1 for a, b in itertools.pairwise((-1, *cut, total + parts - 1))) for cut in cuts]


def published(counts: tuple[int, ...]) -> tuple[int | None, ...]:
    column = suppress_table(pd.DataFrame({"n": counts}), THRESHOLD)["n"].tolist()
    return tuple(None if value is pd.NA else value for value in column)


@pytest.mark.parametrize(("total", "parts"), [(6, 3), (9, 3), (10, 4)])
def test_reader_who_knows_the_total_cannot_tell_that_a_count_is_small(total: int, parts: int) -> None:
    """Every table of that total: of each hidden count, some world agreeing with the release has it large."""
    worlds = compositions(total, parts)
    n_small = 0
    for counts in worlds:
        release = published(counts)
        agreeing = [
            world
            for world in worlds
            if all(value > 0 if shown is None else value == shown for value, shown in zip(world, release, strict=True))
        ]
        for place, value in enumerate(counts):
            assert release[place] is None or not 0 < release[place] < THRESHOLD
            if 0 < value < THRESHOLD:
                n_small += 1
                assert max(world[place] for world in agreeing) >= THRESHOLD, (counts, release)
    assert n_small > 10


def test_no_more_is_hidden_than_needed() -> None:
    """One small count among large ones costs exactly one further count."""
    for counts in ((1, 4, 6, 9), (9, 2, 30), (1, 1, 8, 9, 10)):
        n_small = sum(0 < count < THRESHOLD for count in counts)
        n_hidden = sum(shown is None for shown in published(counts))
        assert n_hidden <= n_small + 1, counts


def test_zeros_are_shown_and_a_total_alone_is_no_secret() -> None:
    assert published((0, 4, 6)) == (0, 4, 6)
    assert published((1, 4, 6)) == (None, None, 6)


def test_total_row_and_row_identities_are_taken_into_account() -> None:
    table = pd.DataFrame({"level": ["a", "b", "c", "Total"], "n": [2, 9, 30, 41]})
    assert suppress_table(table, 5)["n"].isna().tolist() == [True, True, False, False]
    rows = pd.DataFrame({"rows_read": [20, 30], "rows_accepted": [18, 20], "rows_quarantined": [2, 10]})
    shown = suppress_table(rows, 5)
    hidden = shown.isna()
    assert hidden.loc[0, "rows_quarantined"]
    assert hidden["rows_quarantined"].all(), "the column's total would give it away"
    assert hidden.loc[0, ["rows_read", "rows_accepted"]].any(), "the row would give it away"
    assert hidden.loc[1, ["rows_read", "rows_accepted"]].any(), "the other row would give its partner away"


def test_suppression_is_idempotent_and_leaves_other_columns_alone() -> None:
    table = pd.DataFrame({"level": ["a", "b", "c"], "n": [2, 9, 30], "share": [0.1, 0.2, 0.7]})
    once = suppress_table(table, 5)
    twice = suppress_table(once, 5)
    pd.testing.assert_frame_equal(once, twice)
    assert once["share"].tolist() == [0.1, 0.2, 0.7]
    assert once.attrs[PROTECTED]
    assert table["n"].tolist() == [2, 9, 30], "the input is not changed"


@pytest.mark.parametrize("frame", [pd.DataFrame({"n": pd.Series(dtype="int64")}), pd.DataFrame({"name": ["a"]})])
def test_nothing_to_suppress_is_no_problem(frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(suppress_table(frame, 5), frame, check_dtype=False)


def test_mapping_of_counts() -> None:
    assert suppress_mapping({"quadruplet": 30, "early": 3, "both": 12}, 5) == {
        "quadruplet": 30,
        "early": None,
        "both": None,
    }


def make_attrition(excluded: list[int], start: int) -> pd.DataFrame:
    rows, left = [], start
    for place, count in enumerate([0, *excluded]):
        rows.append({"criterion": f"c{place}", "label": f"c{place}", "n_before": left, "n_excluded": count})
        left -= count
        rows[-1]["n_remaining"] = left
    return pd.DataFrame(rows)


def agrees(world: pd.DataFrame, release: pd.DataFrame) -> bool:
    for name in ("n_before", "n_excluded", "n_remaining"):
        for value, shown in zip(world[name].tolist(), release[name].tolist(), strict=True):
            if (value == 0) if shown is pd.NA else (value != shown):
                return False
    return True


@pytest.mark.slow
def test_no_small_exclusion_can_be_told_from_the_flow_of_patients() -> None:
    start = 12
    worlds = [make_attrition(list(out), start) for out in itertools.product(range(start), repeat=3) if sum(out) < start]
    n_small = 0
    for truth in worlds[:: len(worlds) // 40]:
        release = suppress_attrition(truth, THRESHOLD)
        agreeing = [world for world in worlds if agrees(world, release)]
        for step, count in enumerate(truth["n_excluded"]):
            if 0 < count < THRESHOLD:
                n_small += 1
                assert release["n_excluded"].iloc[step] is pd.NA
                assert max(world["n_excluded"].iloc[step] for world in agreeing) >= THRESHOLD
    assert n_small > 20


def test_attrition_keeps_ends_and_zero_criteria_where_it_can() -> None:
    shown = suppress_attrition(make_attrition([4, 1, 0, 5, 6, 8, 2], 88), 5)
    assert shown["n_before"].iloc[0] == 88
    assert shown["n_remaining"].iloc[-1] == 62
    assert shown["n_excluded"].iloc[3] == 0
    assert shown["n_excluded"].isna().tolist()[1:3] == [True, True]
    pd.testing.assert_frame_equal(suppress_attrition(shown, 5), shown)


def test_attrition_of_nobody() -> None:
    empty = make_attrition([], 0).iloc[:0]
    assert suppress_attrition(empty, 5).empty


def test_bounds_by_hand() -> None:
    """Two crossed margins: a hidden 2 x 2 block leaves one degree of freedom."""
    cells = {("a", "x"): 1, ("a", "y"): 6, ("b", "x"): 7, ("b", "y"): 9}
    margins = {("a", ""): 7, ("b", ""): 16, ("", "x"): 8, ("", "y"): 15}
    sums = [Sum((row, ""), ((row, "x"), (row, "y"))) for row in "ab"]
    sums += [Sum(("", column), (("a", column), ("b", column))) for column in "xy"]
    ledger = Ledger({**cells, **margins}, sums, [])
    assert bound(ledger, set(margins), ("a", "x")) == (1.0, 6.0)
    assert bound(ledger, {*margins, ("b", "y")}, ("a", "x")) == (1.0, 1.0)


def test_a_bridge_between_hidden_blocks_is_found() -> None:
    """Every line of sums has two hidden cells, and yet one cell follows from all of them together."""
    values = {"a": 4, "b": 6, "c": 1, "ab": 10, "abc": 11}
    sums = [Sum("ab", ("a", "b")), Sum("abc", ("a", "b", "c"))]
    ledger = Ledger(values, sums, [frozenset([key]) for key in values])
    suppressed = protect(ledger, ["c"], 5)
    known = ledger.known(suppressed)
    assert "c" not in known
    assert bound(ledger, known, "c")[1] >= 5


def test_midpoint_rounding_hides_a_single_patient() -> None:
    rounded = suppress_risk(pd.DataFrame({"n_at_risk": range(81)}), 5)["n_at_risk"].tolist()
    assert rounded[0] == 0
    assert set(Counter(rounded[1:]).values()) == {5}


def make_curve(events: list[int], at_risk: int) -> pd.DataFrame:
    rows, survival, left = [], 1.0, at_risk
    for place, count in enumerate(events, start=1):
        survival *= 1 - count / left
        rows.append({"time": place + 0.37, "n_at_risk": float(left), "n_events": float(count), "n_censored": 0.0,
                     "survival": survival, "std_error": 0.1, "ci_lower": survival, "ci_upper": survival})  # fmt: skip
        left -= count
    return pd.DataFrame(rows)


def test_released_curves_step_only_for_enough_events() -> None:
    curve = coarsen_curves({"": make_curve([1] * 20, 40)}, 5)[""]
    assert len(curve) == 4
    assert (np.diff([1.0, *curve["survival"]]) <= -5 / 40 + 0.011).all()
    assert (curve["time"] == curve["time"].round()).all()
    assert not {"n_events", "n_censored", "std_error"} & set(curve.columns)


def test_released_curve_of_few_events_or_patients_is_not_a_flat_line() -> None:
    assert coarsen_curves({"": make_curve([1, 1], 30)}, 5)[""].empty
    assert coarsen_curves({"": make_curve([1], 4)}, 5)[""].empty
    no_event = coarsen_curves({"": make_curve([0, 0], 30)}, 5)[""]
    assert no_event["survival"].tolist() == [1.0]


def test_released_risk_table_never_shows_a_small_count_as_it_is() -> None:
    table = pd.DataFrame(
        {"group": "", "at": [0.0, 6.0], "n_at_risk": [62, 4], "n_censored": [0, 2], "n_events": [0, 7]}
    )
    shown = suppress_risk(table, 5)
    assert shown["n_at_risk"].tolist() == [63, 3]
    assert shown["n_censored"].tolist() == [0, 3]
    assert shown["at"].tolist() == [0.0, 6.0]


@pytest.mark.parametrize(
    "text",
    ["seen 2023-04-01", "il 03/04/2023", "3.4.2023", "04-31-2023 4/31/2023 12/31/2023", "SYN-C01-001", "syn-c9-2",
     "RSSMRA80A01H501U", "<td>2021-01-31</td>", "a,2019-12-31,b"],
)  # fmt: skip
def test_what_looks_like_a_patient_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(DisclosureError) as caught:
        refuse_identifiers(text, where="table x")
    assert "table x" in str(caught.value)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["38 of 62 (61.3%)", "doi:10.1007/s00277-025-06572-y", "Ann Hematol 2025;104(9):4749-4757", "0.5 to 1.2.",
     "sha256 2023a04b01", "versions 2.3.3, 1.17.1", "95% CI 9.3 to 12.1", "2021-09",
     "data:image/png;base64,U1lOLTAwMQ=="],
)  # fmt: skip
def test_ordinary_report_text_passes(text: str) -> None:
    refuse_identifiers(text, where="text")


def test_known_identifiers_are_found_as_whole_words_only() -> None:
    ids = {"A17", "7", "PAZ/0012", "Rossi Mario"}
    refuse_identifiers("17 patients, 7 events, A1704", where="text", patient_ids=ids)
    for text in ("patient A17.", "(PAZ/0012)", "<td>Rossi Mario</td>"):
        with pytest.raises(DisclosureError):
            refuse_identifiers(text, where="text", patient_ids=ids)


def test_dates_of_the_plan_pass_and_definitions_may_hold_any() -> None:
    refuse_identifiers("from 2021-09-01", where="text", allowed_dates={"2021-09-01"})
    refuse_identifiers("1900-01-01", where="rules", allowed_dates=None)
    with pytest.raises(DisclosureError):
        refuse_identifiers("SYN-C01-001", where="rules", allowed_dates=None)


def test_bound_of_a_count_that_nothing_limits_is_infinite() -> None:
    assert bound(Ledger({"a": 1}, [], []), set(), "a") == (1.0, math.inf)

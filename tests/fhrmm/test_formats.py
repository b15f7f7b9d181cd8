"""One formatter per kind: fixed decimals, no invented precision, words for what is not a number."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from fhrmm.estimate_table import ESTIMATE_COLUMNS
from fhrmm.formats import (
    clean_estimates,
    format_ci,
    format_count,
    format_number,
    format_p,
    format_pct,
    format_ratio,
    format_value,
    humanize,
    kind_of,
    name_level,
    name_variable,
    status_text,
    tidy_note,
)
from fhrmm.study import load_study

STUDY = load_study()
DISPLAY = STUDY.display


@pytest.mark.parametrize(
    ("share", "text"), [(38 / 62, "61.3%"), (0.0, "0.0%"), (1.0, "100.0%"), (-0.00001, "0.0%"), (math.nan, "\u2013")]
)
def test_percent(share: float, text: str) -> None:
    assert format_pct(share, DISPLAY) == text


def test_percent_without_sign_and_negative() -> None:
    assert format_pct(-0.125, DISPLAY, sign=False) == "\u221212.5"


@pytest.mark.parametrize(("months", "text"), [(11.26, "11.3"), (0.04, "0.0"), (None, "\u2013"), (-1.25, "\u22121.2")])
def test_months(months: float | None, text: str) -> None:
    assert format_value(months, "median_months", DISPLAY) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(2.254, "2.25"), (0.995, "0.99"), (99.999, "100.0"), (12.345, "12.3"), (100.4, "100"), (1e7, ">1000"),
     (math.inf, ">1000"), (0.004, "<0.01"), (0.006, "0.01"), (0.0, "0.00"), (math.nan, "\u2013")],
)  # fmt: skip
def test_ratio_never_shows_separation_as_a_long_number(ratio: float, text: str) -> None:
    assert format_ratio(ratio, DISPLAY) == text


@pytest.mark.parametrize(
    ("p_value", "text"),
    [(0.0, "<0.001"), (0.00099, "<0.001"), (0.001, "0.001"), (0.0499, "0.050"), (0.0996, "0.10"), (0.5, "0.50"),
     (0.991, ">0.99"), (1.0, ">0.99"), (math.nan, "\u2013")],
)  # fmt: skip
def test_p(p_value: float, text: str) -> None:
    assert format_p(p_value) == text


def test_interval_uses_to_and_names_a_missing_limit() -> None:
    assert format_ci(0.481, 0.734, "proportion", DISPLAY) == "48.1% to 73.4%"
    assert format_ci(9.3, math.nan, "median_months", DISPLAY) == "9.3 to not reached"
    assert format_ci(0.5, math.nan, "hazard_ratio", DISPLAY) == "0.50 to not estimable"
    assert format_ci(math.nan, math.nan, "hazard_ratio", DISPLAY) == "\u2013"


def test_counts_and_numbers() -> None:
    assert (format_count(1234567), format_count(np.int64(3)), format_count(pd.NA)) == ("1,234,567", "3", "\u2013")
    assert (format_number(61.04), format_number(221.5), format_number(math.nan)) == ("61.0", "222", "\u2013")


@pytest.mark.parametrize(
    ("estimand", "kind"),
    [("proportion", "percent"), ("rmst_months", "months"), ("gray_p", "p_value"), ("odds_ratio", "ratio"),
     ("count", "count"), ("median", "number")],
)  # fmt: skip
def test_every_estimand_has_a_kind(estimand: str, kind: str) -> None:
    assert kind_of(estimand) == kind


def test_status_words_with_and_without_reason() -> None:
    row = {"status": "not_estimable", "note": "3 events; limit 4.123456"}
    assert status_text(row) == "not estimable"
    assert status_text({"status": "suppressed", "note": ""}) == "suppressed"
    assert status_text({"status": "suppressed", "note": "\u22646"}) == "\u22646"
    assert status_text({"status": "ok", "note": "x"}) == ""
    assert (tidy_note("3 events; limit 4.123456"), tidy_note(math.nan)) == ("3 events; limit 4.1", "")


def test_names_come_from_the_plan_then_the_dictionary() -> None:
    assert name_variable("second_line_krd", STUDY) == "Second-line regimen"
    assert name_variable("albumin_g_dl", STUDY) == "Albumin, g/dL"
    assert name_variable("something_new", STUDY) == "Something new"
    assert (name_level(">=2"), name_level("True"), name_level("light_chain")) == ("≥2", "yes", "light chain")
    assert (humanize("n_excluded"), humanize("sCR"), humanize("time_months")) == ("Excluded", "sCR", "Time months")


def test_estimates_read_back_from_csv_equal_the_fresh_ones(tmp_path) -> None:
    row = dict.fromkeys(ESTIMATE_COLUMNS, "") | {
        "endpoint": "ORR", "time_months": math.nan, "estimate": 38 / 62, "ci_lower": 0.48, "ci_upper": 0.73,
        "ci_level": 0.95, "p_value": math.nan, "n": 62, "n_events": 38, "status": "ok",
    }  # fmt: skip
    fresh = pd.DataFrame([row], columns=list(ESTIMATE_COLUMNS))
    fresh.to_csv(tmp_path / "e.csv", index=False)
    back = pd.read_csv(tmp_path / "e.csv")
    pd.testing.assert_frame_equal(clean_estimates(fresh), clean_estimates(back), check_exact=True)
    assert clean_estimates([fresh, back]).shape[0] == 2


def test_a_frame_that_is_no_estimates_table_is_refused() -> None:
    with pytest.raises(ValueError, match="columns absent: scope, notebook"):
        clean_estimates(pd.DataFrame({"estimate": [1.0]}))

"""Tables: every number with its denominator, reference rows, missing as rows, words for what is not a number."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from fhrmm.estimate_table import make_row, to_frame
from fhrmm.estimates import proportions
from fhrmm.study import load_study, override_study
from fhrmm.tables import (
    Cells,
    render_table,
    tabulate_across,
    tabulate_attrition,
    tabulate_balance,
    tabulate_baseline,
    tabulate_estimates,
    tabulate_frame,
    tabulate_headline,
    tabulate_limits,
    tabulate_model,
    tabulate_performance,
    tabulate_range,
    tabulate_row_accounting,
    tabulate_sample_size,
    tabulate_survival,
    tabulate_truth,
    tabulate_within,
)
from timetoevent.results import Estimate, not_estimable

STUDY = load_study()


def rate(n: int, n_events: int, **what: object) -> dict[str, object]:
    value = Estimate(n_events / n, 0.481, 0.734, n=n, n_events=n_events, method="Clopper-Pearson")
    return make_row(value, **{"endpoint": "ORR", "estimand": "proportion", **what})


def ratio(model: str, variable: str, level: str, reference: str, value: Estimate) -> dict[str, object]:
    what = {"model": model, "variable": variable, "level": level, "reference": reference}
    return make_row(value, endpoint="PFS", estimand="hazard_ratio", **what)


def text_of(table: Cells) -> list[list[str]]:
    return table.text.to_numpy(dtype=object).tolist()


def test_versions_of_an_estimate_can_be_told_apart() -> None:
    """Optimism-corrected concordance has a level but no variable."""
    versions = [
        make_row(Estimate(value, n=61, n_events=25), endpoint="PFS", estimand="concordance", level=level)
        for level, value in (("apparent", 0.66), ("optimism", 0.04), ("corrected", 0.62))
    ]
    shown = tabulate_estimates(to_frame(versions), STUDY).text
    assert shown["What"].tolist() == ["Concordance, apparent", "Concordance, optimism", "Concordance, corrected"]


def test_a_number_may_part_from_its_interval_and_breaks_nowhere_else() -> None:
    text = pd.DataFrame({"In": ["a", "b"], "Rate": ["not reached (8.2 to not reached)", "not estimable [a]"]})
    html = render_table(Cells(text, numeric=frozenset({"Rate"})), caption="Rates")
    assert '<td class="numeric pair"><span>not estimable</span> <span>[a]</span></td>' in html
    assert '<td class="numeric pair"><span>not reached</span> <span>(8.2 to not reached)</span></td>' in html


class Outline(HTMLParser):
    """Collects the tags of a table with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_html_is_a_table_that_can_be_heard_and_reached() -> None:
    cells = Cells(
        pd.DataFrame({"Level": ["a", "b", "c"], "n = 62": ["1", "2", "3"]}),
        group=("First", "First", "Second"),
        numeric=frozenset({"n = 62"}),
        notes=("a note", "a note"),
    )
    outline = Outline(render_table(cells, caption="What it says", table_id="t", notes=("before",)))
    assert len(outline.all("caption")) == 1
    assert [th["scope"] for th in outline.all("th")] == ["col", "col", "rowgroup", "row", "row", "rowgroup", "row"]
    container = outline.all("div")[0]
    assert (container["tabindex"], container["role"], container["aria-labelledby"]) == ("0", "region", "t-caption")
    assert len(outline.all("tbody")) == 2
    assert len(outline.all("li")) == 2, "the same note once"
    assert not [1 for _, attributes in outline.tags if {"style", "width", "bgcolor", "align"} & set(attributes)]


def test_html_escapes_what_centers_write() -> None:
    html = render_table(Cells(pd.DataFrame({"<b>": ["<script>alert(1)</script>"]})), caption="a < b & c")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "a &lt; b &amp; c" in html


def test_a_caption_is_required() -> None:
    with pytest.raises(ValueError, match="caption"):
        render_table(Cells(pd.DataFrame({"a": ["1"]})), caption=" ")


def test_an_empty_table_says_so() -> None:
    html = render_table(tabulate_estimates(to_frame([]), STUDY), caption="Nothing")
    assert "No rows" in html


def test_estimates_one_per_row_with_reason_as_footnote() -> None:
    rows = [rate(62, 38), make_row(not_estimable("no events", n=3), endpoint="PFS", estimand="median_months")]
    cells = tabulate_estimates(to_frame(rows), STUDY)
    assert cells.text.columns.tolist() == ["Patients in", "What", "Patients", "Events", "Value", "95% CI"]
    assert cells.text.iloc[0].tolist() == ["All patients", "ORR, %", "62", "38", "61.3", "48.1 to 73.4"]
    assert cells.text.iloc[1].tolist() == ["All patients", "Median, months", "3", "0", "not estimable [a]", "\u2013"]
    assert cells.notes[0] == "[a] no events"
    assert cells.group == ("Overall response rate", "Progression-free survival")


def test_categories_are_counts_of_a_whole() -> None:
    rows = [rate(62, n, endpoint="BEST_RESPONSE", variable="best_response", level=level) for level, n in (("CR", 9),)]
    cells = tabulate_estimates(to_frame(rows), STUDY)
    assert cells.text.columns.tolist()[:4] == ["Best response", "Number", "Of", "Proportion, %"]
    assert cells.text.iloc[0].tolist()[:4] == ["CR", "9", "62", "14.5"]


def test_a_method_is_named_once_and_only_where_there_is_a_number() -> None:
    few = pd.DataFrame({"responder": [True], "evaluable": [False], "best_response": ["CR"]})
    rates = proportions.estimate_response(few, STUDY, endpoints=("ORR",))
    assert set(rates["method"]) == {"Clopper-Pearson interval"}
    assert rates["note"].tolist() == ["", "no patients"]
    elsewhere = rates.assign(method=["Clopper-Pearson interval", "Aalen-Johansen"])
    assert "Methods: Clopper-Pearson interval." in tabulate_estimates(elsewhere, STUDY).notes


def test_groups_side_by_side_with_the_test_in_the_first_row() -> None:
    factor = {"variable": "extramedullary_disease"}
    rows = [rate(49, 34, level="no", **factor), rate(9, 3, level="yes", **factor)]
    rows += [rate(49, 24, level="no", endpoint="VGPR_OR_BETTER", **factor)]
    test = Estimate(0.059, p_value=0.059, n=58, n_events=37, method="Fisher")
    rows.append(make_row(test, endpoint="ORR", estimand="fisher_p", **factor))
    cells = tabulate_across(to_frame(rows), STUDY)
    assert cells.group == ("Extramedullary disease at second line",) * 2
    assert cells.text.iloc[0].tolist() == [
        "no", "49", "34; 69.4 (48.1 to 73.4)", "24; 49.0 (48.1 to 73.4)", "0.059",
    ]  # fmt: skip
    assert cells.text.iloc[1].tolist() == ["yes", "9", "3; 33 (48 to 73)", "\u2013", ""]


def test_two_estimates_for_one_cell_are_refused() -> None:
    with pytest.raises(ValueError, match="two estimates for one cell"):
        _ = tabulate_across(to_frame([rate(62, 38), rate(62, 37)]), STUDY)


def test_survival_table_has_median_rates_and_words() -> None:
    median = Estimate(ci_lower=8.2, n=62, n_events=26, status="not_reached", method="Kaplan-Meier")
    rows = [make_row(median, endpoint="PFS", estimand="median_months")]
    at = Estimate(0.539, 0.391, 0.665, n=62, n_events=26)
    rows.append(make_row(at, endpoint="PFS", estimand="survival_probability", time_months=12.0))
    cells = tabulate_survival(to_frame(rows), STUDY, endpoint="PFS")
    assert cells.text.columns.tolist() == ["Patients in", "Patients", "Events", "Median, months", "At 12 months, %"]
    assert cells.text.iloc[0].tolist() == [
        "All patients", "62", "26", "not reached (8.2 to not reached)", "53.9 (39.1 to 66.5)",
    ]  # fmt: skip


def test_several_endpoints_are_rows() -> None:
    rows = []
    for endpoint in ("PFS", "OS"):
        rows.append(make_row(Estimate(5.0, n=62, n_events=26), endpoint=endpoint, estimand="median_months"))
        rows.append(make_row(Estimate(8.0, n=62, n_events=26), endpoint=endpoint, estimand="rmst_months"))
    cells = tabulate_across(to_frame(rows), STUDY)
    assert cells.text["Endpoint"].tolist() == ["Progression-free survival", "Overall survival"]
    assert cells.text.shape == (2, 5)


def test_models_side_by_side_with_reference_rows_first() -> None:
    reference, other = Estimate(1.0, n=26, n_events=8), Estimate(2.3, 0.99, 5.3, p_value=0.05, n=36, n_events=18)
    rows = [
        ratio("univariable", "second_line_krd", "other", "KRd", other),
        ratio("univariable", "second_line_krd", "KRd", "KRd", reference),
        ratio("primary", "second_line_krd", "KRd", "KRd", Estimate(1.0, n=25, n_events=7)),
        ratio("primary", "second_line_krd", "other", "KRd", not_estimable("monotone likelihood", n=35, n_events=17)),
    ]
    cells = tabulate_model(to_frame(rows), STUDY)
    assert cells.text["Variable"].tolist() == ["KRd", "other"]
    assert cells.text.iloc[0].tolist() == [
        "KRd", "8/26", "1 (reference)", "\u2013", "7/25", "1 (reference)", "\u2013",
    ]  # fmt: skip
    assert cells.text.iloc[1].tolist() == [
        "other", "18/36", "2.30 (0.99 to 5.30)", "0.050", "17/35", "not estimable [a]", "\u2013",
    ]  # fmt: skip
    assert cells.notes[0] == "[a] monotone likelihood"


def test_models_of_two_endpoints_do_not_share_a_table() -> None:
    rows = [ratio("m", "v", "a", "b", Estimate(1.0, n=1)) | {"endpoint": name} for name in ("PFS", "OS")]
    with pytest.raises(ValueError, match="several endpoints"):
        _ = tabulate_model(to_frame(rows), STUDY)


def count(population: str, level: str, members: int, n: int) -> list[dict[str, object]]:
    names = {"endpoint": "BASELINE", "variable": "sex", "level": level, "population": population}
    value = Estimate(float(members), n=n, n_events=members, method="count")
    rows = [make_row(value, estimand="count", **names)]
    if level != "missing":
        rows.append(make_row(Estimate(members / n, n=n, n_events=members), estimand="proportion", **names))
    return rows


def test_table_one_has_groups_then_all_missing_rows_and_differences() -> None:
    rows = [
        *count("cohort", "male", 33, 62),
        *count("quadruplet", "missing", 2, 30),
        *count("quadruplet", "male", 15, 30),
    ]
    difference = Estimate(0.2, n=60)
    rows.append(make_row(difference, endpoint="BASELINE", estimand="standardized_mean_difference", variable="sex"))
    cells = tabulate_baseline(to_frame(rows), STUDY)
    assert cells.text.columns.tolist() == ["Characteristic", "Quadruplet (n = 30)", "All patients (n = 62)", "SMD"]
    assert cells.text["Characteristic"].tolist() == ["male", "missing"], "missing last"
    assert cells.text.iloc[0].tolist() == ["male", "15 (50.0%)", "33 (53.2%)", "0.20"]
    assert cells.text.iloc[1].tolist() == ["missing", "2", "0", ""]


KNOWN = [
    {"endpoint": "ORR", "estimand": "proportion", "estimate": 38 / 62},
    {"endpoint": "PFS", "estimand": "median_months", "status": "not_reached"},
    {"endpoint": "PFS", "estimand": "hazard_ratio", "variable": "second_line_krd", "level": "other", "estimate": 1.9},
]
TRUTH = to_frame([{"status": "ok"} | row for row in KNOWN])


def test_headline_keeps_published_truth_and_run_apart() -> None:
    rows = [rate(62, 37), ratio("univariable", "second_line_krd", "other", "KRd", Estimate(2.3, 0.99, 5.3, n=36))]
    cells = tabulate_headline(to_frame(rows), STUDY, truth=TRUTH)
    by_name = {row[0]: row[1:] for row in cells.text.to_numpy(dtype=object).tolist()}
    assert by_name["Overall response rate"] == ["61%", "61.3%", "59.7% (48.1 to 73.4%)"]
    assert by_name["Patients"] == ["62", "\u2013", "62"]
    krd = by_name["Second-line regimen: other versus KRd"]
    assert krd == ["adverse, size not stated", "1.90", "2.30 (0.99 to 5.30)"]
    assert by_name["Median progression-free survival, months"][:2] == ["not reached", "not reached"]
    assert by_name["12-month overall survival"][2] == "not computed in this run"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Estimate(3.05, 1.2, 7.7, n=17), "3.05 (1.20 to 7.70); as published"),
        (Estimate(1.4, 0.5, 3.9, n=17), "1.40 (0.50 to 3.90); direction as published, the interval includes one"),
        (Estimate(0.6, 0.2, 1.9, n=17), "0.60 (0.20 to 1.90); not in the published direction"),
        (not_estimable("no overlap"), "not estimable"),
    ],
)
def test_published_statements_stand_beside_what_was_computed(value: Estimate, shown: str) -> None:
    krd = ratio("overlap weights", "second_line_krd", "other", "KRd", value)
    route = {"variable": "fhr_route", "endpoint": "BASELINE", "estimand": "count"}
    routes = [rate(62, 37) | route | {"level": name, "estimate": n} for name, n in (("quadruplet", 9), ("both", 5))]
    cells = tabulate_headline(to_frame([rate(62, 37), *routes]), STUDY, comparison=to_frame([krd]))
    by_name = {row[0]: row[1:] for row in cells.text.to_numpy(dtype=object).tolist()}
    assert by_name["Eligible by either route"] == [STUDY.published.eligibility, "quadruplet: 9; both: 5"]
    name = "Benefit of KRd, naive: hazard ratio for PFS, other versus KRd, overlap-weighted"
    published, ours = by_name[name]
    assert published == STUDY.published.krd_benefit
    assert ours.startswith(shown)


def test_headline_of_real_data_has_no_synthetic_column() -> None:
    cells = tabulate_headline(to_frame([rate(4, 1)]), STUDY)
    assert cells.text.columns.tolist() == ["Quantity", "Published", "This run (95% CI)"]
    assert "ynthetic" not in render_table(cells, caption="c")


def test_the_lowest_count_of_a_release_says_that_it_may_be_of_nobody() -> None:
    attrition = pd.DataFrame({"label": ["a"], "n_before": [9], "n_excluded": [3], "n_remaining": [pd.NA]})
    assert text_of(tabulate_attrition(attrition, STUDY)) == [["a", "9", "3", "\u2013"]]
    attrition.attrs["few"] = (3, "\u22646")
    assert text_of(tabulate_attrition(attrition, STUDY)) == [["a", "9", "\u22646", "\u2013"]]


def test_row_accounting_states_its_identity() -> None:
    frame = pd.DataFrame({"center": ["C01"], "file": ["a.csv"], "rows_read": [1200], "rows_accepted": [1200],
                          "rows_quarantined": [0], "rows_duplicate": [0]})  # fmt: skip
    cells = tabulate_row_accounting(frame, STUDY)
    assert cells.text.iloc[0].tolist() == ["C01", "a.csv", "1,200", "1,200", "0", "0"]
    assert cells.notes == ("Rows read = accepted + quarantined + exact duplicates, in each file.",)


def test_endpoints_of_any_frame_are_named() -> None:
    cells = tabulate_frame(pd.DataFrame({"endpoint": ["VGPR_OR_BETTER"], "n": [3]}))
    assert cells.text["Endpoint"].tolist() == ["Very good partial response or better"]


def test_any_frame_is_laid_out_as_it_is() -> None:
    frame = pd.DataFrame({"rule": ["r", None], "age_years": [61.25, math.nan], "ok": [True, False]})
    cells = tabulate_frame(frame)
    assert cells.text.columns.tolist() == ["Rule", "Age years", "Ok"]
    assert cells.text.to_numpy(dtype=object).tolist() == [["r", "61.2", "yes"], ["\u2013", "\u2013", "no"]]


@pytest.mark.parametrize(
    "tabulate",
    [
        lambda rows: tabulate_estimates(rows, STUDY),
        lambda rows: tabulate_across(rows, STUDY),
        lambda rows: tabulate_survival(rows, STUDY, endpoint="PFS"),
        lambda rows: tabulate_model(rows, STUDY),
        lambda rows: tabulate_baseline(rows, STUDY),
        lambda rows: tabulate_headline(rows, STUDY, truth=TRUTH),
        lambda rows: tabulate_balance(rows, STUDY),
        lambda rows: tabulate_sample_size(rows, STUDY),
        lambda rows: tabulate_within(rows, STUDY),
        lambda rows: tabulate_limits(rows, STUDY, heads=["Model", "Value"]),
    ],
)
@pytest.mark.parametrize("kind", ["none", "one patient", "all missing", "suppressed", "one level", "long label"])
def test_every_table_survives_what_small_centers_send(tabulate, kind: str) -> None:
    long_label = "a label that goes on and on " * 8
    rows = {
        "none": [],
        "one patient": [rate(1, 1), make_row(Estimate(0.4, n=1, n_events=1), endpoint="PFS", estimand="median_months")],
        "all missing": [make_row(not_estimable("no patients"), endpoint="PFS", estimand="median_months")],
        "suppressed": [make_row(Estimate(status="suppressed"), endpoint="ORR", estimand="proportion")],
        "one level": [ratio("primary", "sex", "male", "male", Estimate(1.0, n=1, n_events=0))],
        "long label": [ratio("primary", "sex", long_label, "male", Estimate(2.0, 1.0, 4.0, n=1, n_events=0))],
    }[kind]
    table = tabulate(to_frame(rows))
    html = render_table(table, caption="c")
    assert not re.search(r"\bnan\b|<NA>", html, re.IGNORECASE)
    assert "None" not in html


def test_estimates_may_come_in_parts() -> None:
    parts = [to_frame([rate(62, 38)]), to_frame([rate(62, 26, endpoint="VGPR_OR_BETTER")])]
    assert tabulate_across(parts, STUDY).text.shape == (1, 4)


def weighted(estimand: str, model: str, value: float, **what: object) -> dict[str, object]:
    return make_row(Estimate(value, n=40), endpoint="PFS", estimand=estimand, model=model, **what)


def test_balance_has_one_column_before_and_one_per_kind_of_weights() -> None:
    values = {
        "a weights, before": 0.25,
        "a weights, after": -1e-12,
        "b weights, before": 0.25,
        "b weights, after": 0.02,
    }
    what = {"variable": "extramedullary_disease", "level": "yes"}
    rows = [weighted("standardized_mean_difference", model, value, **what) for model, value in values.items()]
    table = tabulate_balance(to_frame(rows), STUDY)
    assert list(table.text) == ["Covariate", "Before weighting", "A weights", "B weights"]
    assert text_of(table) == [["Extramedullary disease at second line: yes", "0.25", "0.00", "0.02"]]


def test_effective_size_by_group_and_of_both() -> None:
    arms = [("second_line_krd", "other", 15.91), ("", "", 36.3)]
    rows = [weighted("effective_sample_size", "a weights", n, variable=name, level=level) for name, level, n in arms]
    assert text_of(tabulate_sample_size(to_frame(rows), STUDY)) == [["other", "40", "15.9"], ["Both", "40", "36.3"]]


def test_comparison_within_groups_and_the_interaction() -> None:
    sides = {"variable": "second_line_krd", "reference": "KRd"}
    effect = Estimate(2.714, 1.03, 7.18, p_value=0.044, n=19, n_events=10, ci_level=0.95)
    rows = [
        ratio("within naive", level="KRd", value=Estimate(1.0, n=24, n_events=7), **sides),
        ratio("within naive", level="other", value=effect, **sides),
        ratio("within exposed", level="other", value=not_estimable("2 events", n=2, n_events=2), **sides),
        make_row(Estimate(0.049), endpoint="PFS", estimand="interaction_p", model="interaction"),
    ]
    table = tabulate_within(to_frame(rows), STUDY)
    assert list(table.text)[1:] == [
        "KRd, events/patients", "other, events/patients", "Hazard ratio (95% CI)", "p",
    ]  # fmt: skip
    assert text_of(table) == [
        ["Naive", "7/24", "10/19", "2.71 (1.03 to 7.18)", "0.044"],
        ["Exposed", "\u2013", "2/2", "not estimable [a]", "\u2013"],
        ["Interaction", "\u2013", "\u2013", "\u2013", "0.049"],
    ]


def test_e_value_of_the_estimate_and_of_the_limit() -> None:
    values = [Estimate(3.381, 1.15), not_estimable("no model")]
    rows = [
        make_row(v, endpoint="PFS", estimand="e_value", model=f"{m} weights") for v, m in zip(values, "ab", strict=True)
    ]
    expected = [["A weights", "3.38", "1.15"], ["B weights", "not estimable [a]", "\u2013"]]
    assert (
        text_of(tabulate_limits(to_frame(rows), STUDY, heads=["Model", "E-value", "E-value of the limit"])) == expected
    )


def test_range_is_written_in_the_unit_of_the_result() -> None:
    values = [Estimate(value, n=n) for value, n in ((1 / 6, 6), (0.6, 60), (0.697, 33))] + [not_estimable("nobody")]
    rows = [make_row(v, endpoint="ORR", estimand="proportion", model=f"a={i}") for i, v in enumerate(values)]
    study = override_study(STUDY, {"display.minimum_patients": 5})
    assert text_of(tabulate_range(to_frame(rows), study)) == [
        ["Overall response rate", "16.7% (6)", "60.0% (60)", "69.7% (33)", "3", "3 of 4"]
    ]


def test_performance_has_one_row_per_estimator_and_size() -> None:
    def row(estimand: str, n: int, value: float, samples: int = 100) -> dict[str, object]:
        model = f"PFS rate, samples of {n}"
        return make_row(Estimate(value, n=samples), endpoint="PFS", estimand=estimand, model=model)

    rows = [row("bias", 62, -0.004), row("coverage", 62, 0.96), row("exaggeration_ratio", 62, 2.06, samples=34)]
    both = tabulate_performance(to_frame([*rows, row("coverage", 5000, 1.0)]), STUDY, only=["bias", "coverage"])
    assert list(both.text) == ["Estimator", "Samples", "Bias", "Coverage, %"]
    assert both.group == ("Samples of 62 patients", "Samples of 5,000 patients")
    assert text_of(both) == [["PFS rate", "100", "0.00", "96.0"], ["PFS rate", "100", "\u2013", "100.0"]]


def test_truth_is_written_in_the_unit_of_its_estimator() -> None:
    truth = {"PFS rate": 0.5417, "PFS restricted mean": 8.81, "hazard ratio, univariable": 1.786}
    values = [row[1] for row in text_of(tabulate_truth(truth, STUDY))]
    assert values == ["54.2%", "8.8 months", "1.79"]

"""Figures: drawn from tidy rows only, same bytes each time, alive for every small cohort, able to say their shape."""

from __future__ import annotations

import inspect
import io
import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from PIL import Image

from fhrmm import figures
from fhrmm.estimate_table import make_row, to_frame
from fhrmm.figures.specifications import parse_choices
from fhrmm.figures.steps import cut_curve
from fhrmm.figures.style import LINE_STYLES, PALETTE, style_of
from fhrmm.study import load_study
from fhrmm.wording import read_words
from timetoevent.kaplan_meier import kaplan_meier, numbers_at_risk
from timetoevent.results import Estimate, not_estimable

STUDY = load_study()
LONG = "a label that goes on and on and on, longer than any label of a real study would ever be"


def curve(n: int, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    time, event = rng.exponential(10, n), rng.random(n) < 0.6
    return kaplan_meier(time, event), numbers_at_risk(time, event, at=[0, 6, 12, 18, 24]).assign(group="")


def every_course() -> pd.DataFrame:
    """A patient for each level of response, with every mark: the longest legend beside the fewest bars."""
    levels = ["sCR", "CR", "VGPR", "PR", "MR", "SD", "PD", "NE"]
    marks = ["first_response", "asct", "next_line", "progression", "death"]
    rows = pd.DataFrame({"end_months": 12.0, "best_response": levels, "ongoing": True})
    return rows.assign(**{f"{mark}_months": float(place) for place, mark in enumerate(marks, start=1)})


def curves_of(levels: dict[str, int]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    made = {level: curve(n, seed) for seed, (level, n) in enumerate(levels.items())}
    tables = [risk.assign(group=level) for level, (_, risk) in made.items()]
    empty = pd.DataFrame(columns=["group", "at", "n_at_risk", "n_events", "n_censored"])
    return {level: one for level, (one, _) in made.items()}, pd.concat(tables) if tables else empty


def ratio_rows(level: str = "other", value: Estimate | None = None) -> pd.DataFrame:
    value = value or Estimate(2.3, 0.99, 5.3, n=36, n_events=18)
    names = {"endpoint": "PFS", "estimand": "hazard_ratio", "model": "univariable", "variable": "second_line_krd"}
    reference = make_row(Estimate(1.0, n=26, n_events=8), level="KRd", reference="KRd", **names)
    return to_frame([reference, make_row(value, level=level, reference="KRd", **names)]).assign(scope="ALL")


def rate_rows(n: int, n_events: int, **what: object) -> pd.DataFrame:
    value = Estimate(n_events / n, 0.2, 0.9, n=n, n_events=n_events) if n else not_estimable("no patients")
    return to_frame([make_row(value, **{"endpoint": "ORR", "estimand": "proportion", **what})]).assign(scope="ALL")


def two_scopes(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.assign(scope="C01")])


def categories(counts: dict[str, int]) -> pd.DataFrame:
    n = sum(counts.values())
    return to_frame(
        make_row(
            Estimate(count / n if n else math.nan, n=n, n_events=count),
            endpoint="BEST_RESPONSE",
            estimand="proportion",
            variable="best_response",
            level=level,
        )
        for level, count in counts.items()
    )


def attrition(*excluded: int) -> pd.DataFrame:
    rows, left = [], 10
    for place, count in enumerate((0, *excluded)):
        row = {"label": LONG if place == 1 else f"c{place}", "n_before": left, "n_excluded": count}
        left -= count
        rows.append({**row, "n_remaining": left})
    return pd.DataFrame(rows, columns=["label", "n_before", "n_excluded", "n_remaining"])


def routes(**n: int) -> pd.DataFrame:
    return pd.DataFrame({"route": list(n), "n": list(n.values())})


def completeness(share: float, n_centers: int = 2) -> pd.DataFrame:
    value = Estimate(share, n=3) if not math.isnan(share) else not_estimable("no patients")
    what = {"endpoint": "COMPLETENESS", "estimand": "proportion", "variable": "albumin_g_dl"}
    named = [f"C{number:03d}" for number in range(n_centers)]
    return to_frame([make_row(value, model=f"center={name}", **what) for name in named])


def residuals(n: int) -> pd.DataFrame:
    return pd.DataFrame({"term": [LONG] * n, "time": np.arange(n, dtype=float), "residual": np.linspace(-1, 1, n)})


def draw_curves(levels: dict[str, int]) -> figures.Drawing:
    made, risk = curves_of(levels)
    return figures.plot_kaplan_meier(made, risk, study=STUDY, endpoint="PFS", variable="second_line_krd")


def draw_incidence(n: int) -> figures.Drawing:
    steps = pd.DataFrame(
        {"cause": ["progression"] * n, "time": np.arange(n, dtype=float), "cumulative_incidence": np.linspace(0, 1, n),
         "ci_lower": math.nan, "ci_upper": math.nan}
    )  # fmt: skip
    return figures.plot_cumulative_incidence(steps, study=STUDY)


CASES = {
    "km none": lambda: draw_curves({}),
    "km one patient": lambda: draw_curves({"": 1}),
    "km all": lambda: draw_curves({"": 40}),
    "km long labels": lambda: draw_curves({LONG: 30, LONG + "!": 30, LONG + "?": 2}),
    "km five groups": lambda: draw_curves({f"g{i}": 12 for i in range(5)}),
    "incidence none": lambda: draw_incidence(0),
    "incidence one": lambda: draw_incidence(1),
    "incidence": lambda: draw_incidence(9),
    "forest none": lambda: figures.plot_forest(to_frame([]), study=STUDY),
    "forest": lambda: figures.plot_forest(ratio_rows(), study=STUDY),
    "forest long label": lambda: figures.plot_forest(ratio_rows(LONG), study=STUDY),
    "forest not estimable": lambda: figures.plot_forest(ratio_rows("other", not_estimable("separated")), study=STUDY),
    "forest beyond": lambda: figures.plot_forest(ratio_rows("other", Estimate(50.0, 0.001, 1e9, n=3)), study=STUDY),
    "forest no interval": lambda: figures.plot_forest(ratio_rows("other", Estimate(2.0, n=3)), study=STUDY),
    "centers none": lambda: figures.plot_rates(to_frame([]), study=STUDY, endpoint="ORR"),
    "centers one": lambda: figures.plot_rates(two_scopes(rate_rows(1, 1)), study=STUDY, endpoint="ORR"),
    "centers nobody": lambda: figures.plot_rates(two_scopes(rate_rows(0, 0)), study=STUDY, endpoint="ORR"),
    "center forest": lambda: figures.plot_forest(
        pd.concat([ratio_rows().assign(scope=name) for name in ("C01", "ALL")]), study=STUDY
    ),
    "rates none": lambda: figures.plot_rates(to_frame([]), study=STUDY, endpoint="ORR"),
    "rates": lambda: figures.plot_rates(rate_rows(3, 1, variable="sex", level=LONG), study=STUDY, endpoint="ORR"),
    "rates few none": lambda: figures.plot_rates(
        pd.concat([rate_rows(3, 1), rate_rows(3, 1, variable="sex", level="male")]), study=STUDY, endpoint="ORR"
    ),
    "flow none": lambda: figures.plot_flow(attrition().iloc[:0]),
    "flow": lambda: figures.plot_flow(attrition(3, 0, 2), routes(quadruplet=3, both=0, **{LONG: 2})),
    "flow nobody": lambda: figures.plot_flow(attrition(10)),
    "missingness none": lambda: figures.plot_missingness(to_frame([])),
    "missingness": lambda: figures.plot_missingness(completeness(0.5), study=STUDY),
    "missingness many": lambda: figures.plot_missingness(completeness(0.5, 300), study=STUDY),
    "missingness nobody": lambda: figures.plot_missingness(completeness(math.nan), study=STUDY),
    "bars none": lambda: figures.plot_response_bars(to_frame([]), study=STUDY),
    "bars": lambda: figures.plot_response_bars(categories({"CR": 1, "PD": 2, "missing": 40}), None, study=STUDY),
    "bars nobody none": lambda: figures.plot_response_bars(categories({"CR": 0}), study=STUDY),
    "swimmer every mark": lambda: figures.plot_swimmer(every_course()),
    "swimmer none": lambda: figures.plot_swimmer(pd.DataFrame({"end_months": []})),
    "swimmer one": lambda: figures.plot_swimmer(pd.DataFrame({"end_months": [0.0]})),
    "swimmer unknown": lambda: figures.plot_swimmer(pd.DataFrame({"end_months": [math.nan]})),
    "waterfall none": lambda: figures.plot_waterfall(pd.DataFrame({"change_pct": []})),
    "waterfall one": lambda: figures.plot_waterfall(pd.DataFrame({"change_pct": [400.0]})),
    "schoenfeld none": lambda: figures.plot_schoenfeld(residuals(0)),
    "schoenfeld one": lambda: figures.plot_schoenfeld(residuals(1)),
    "schoenfeld": lambda: figures.plot_schoenfeld(residuals(20), study=STUDY),
    "specifications none": lambda: figures.plot_specification_curve(to_frame([]), study=STUDY),
    "specifications one": lambda: figures.plot_specification_curve(rate_rows(9, 4, model="window=12"), study=STUDY),
}


@pytest.mark.parametrize("name", CASES)
def test_no_legend_leaves_the_figure_or_meets_the_mark_of_synthetic_data(name: str) -> None:
    figure = CASES[name]().figure
    if figure is None:
        return
    figures.mark_synthetic(figure)
    figures.save_figure(figure, "svg")
    (mark,) = (text.get_window_extent() for text in figure.texts if text.get_gid() == "synthetic-mark")
    for legend in figure.findobj(Legend):
        words = [text.get_window_extent() for text in legend.get_texts()]
        assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in words), "beyond the sides"
        assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in words), "beyond top or bottom"
        assert not any(box.overlaps(mark) for box in words)


@pytest.mark.parametrize("name", CASES)
def test_every_figure_survives_and_describes_itself(name: str) -> None:
    drawing = CASES[name]()
    if name.endswith((" none", " one patient", "swimmer unknown")):
        assert drawing.figure is None, "an empty panel says nothing that a line of text does not"
    else:
        assert figures.save_figure(drawing.figure, "svg").startswith(b"<?xml")
    assert drawing.alt.endswith(".")
    assert "nan" not in drawing.alt


@pytest.mark.parametrize("name", CASES)
def test_figures_give_rows_unless_they_show_patients_or_nothing(name: str) -> None:
    rows = CASES[name]().rows
    if name.startswith(("swimmer", "waterfall", "schoenfeld")):
        assert rows is None
    elif rows is not None:
        assert len(rows)
        assert not {"patient_id", "center"} & set(rows.columns)


def test_a_map_of_hundreds_of_centers_has_no_numbers_and_few_names() -> None:
    drawing = figures.plot_missingness(completeness(0.5, 300), study=STUDY)
    figure = drawing.figure
    assert not figure.axes[0].texts
    assert 30 <= len(figure.axes[0].get_xticklabels()) <= 40
    assert len(figures.save_figure(figure, "svg")) < 100_000
    assert len(drawing.rows) == 300, "the data beside the figure have every number"


def test_nothing_is_left_open_in_pyplot() -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    draw_curves({"": 20})
    CASES["missingness"]()
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize("kind", ["svg", "png", "pdf", "tiff"])
def test_same_figure_same_bytes(kind: str) -> None:
    first, second = (figures.save_figure(draw_curves({"KRd": 26, "other": 36}).figure, kind) for _ in range(2))
    assert first == second
    assert b"Matplotlib v" not in first
    assert b"<dc:date>" not in first
    assert b"CreationDate" not in first


def test_last_digits_of_the_layout_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver of the layout may end differently in another process; names inside an SVG are made from its result."""
    first = figures.save_figure(draw_curves({"": 30}).figure, "svg")
    solve = ConstrainedLayoutEngine.execute

    def solve_a_little_differently(engine: ConstrainedLayoutEngine, figure: Figure) -> None:
        solve(engine, figure)
        for axes in figure.axes:
            axes.set_position([value + 3e-13 for value in axes.get_position(original=True).bounds])

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", solve_a_little_differently)
    assert figures.save_figure(draw_curves({"": 30}).figure, "svg") == first


def test_a_pdf_has_the_fonts_that_journals_take() -> None:
    content = figures.save_figure(draw_curves({"KRd": 26, "other": 36}).figure, "pdf")
    assert b"/Subtype /CIDFontType2" in content
    assert b"/Subtype /Type3" not in content


def test_dollars_are_dollars_in_every_format() -> None:
    figure = figures.plot_response_bars(categories({"CR": 1}).assign(model="center=from $5 to $10"), study=STUDY).figure
    assert b"from $5 to $10" in figures.save_figure(figure, "svg")
    assert all(figures.save_figure(figure, kind) for kind in ("png", "pdf", "tiff"))


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_pixels_are_those_of_print_and_say_what_they_show(kind: str) -> None:
    content = figures.save_figure(draw_curves({"": 30}).figure, kind, caption="Survival.", alt="A falling curve.")
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size[0] == pytest.approx(300 * 160 / 25.4, abs=1)
        assert [round(dots) for dots in picture.info["dpi"]] == [300, 300]
        assert "Survival." in (picture.text["Title"] if kind == "png" else picture.tag_v2[270])


def test_an_svg_keeps_its_caption_and_its_shape_in_words() -> None:
    figure = draw_curves({"": 30}).figure
    assert read_words(figures.save_figure(figure, "svg", caption="PFS < OS", alt="Falls.")) == ("PFS < OS", "Falls.")


def test_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="known are svg, pdf, png, tiff"):
        figures.save_figure(draw_curves({"": 10}).figure, "gif")


def test_synthetic_mark_is_written_once() -> None:
    figure = draw_curves({"": 20}).figure
    figures.mark_synthetic(figure)
    figures.mark_synthetic(figure)
    assert [text.get_text() for text in figure.texts] == ["synthetic data"]


def test_risk_rows_are_the_table_to_the_digit() -> None:
    made, risk = curves_of({"KRd": 26, "other": 36})
    below = figures.plot_kaplan_meier(made, risk, study=STUDY, endpoint="PFS").figure.axes[1]
    shown = [text.get_text() for text in below.texts if text.get_text().isdigit()]
    wanted = [
        f"{count:.0f}"
        for level in ("KRd", "other")
        for column in ("n_at_risk", "n_censored", "n_events")
        for count in risk[risk["group"] == level][column]
    ]
    assert shown == wanted


def test_curve_stops_where_too_few_are_at_risk() -> None:
    made, _ = curve(40)
    cut = cut_curve(made, 5)
    assert cut["time"].iloc[0] == 0
    assert cut["time"].iloc[-1] == made[made["n_at_risk"] >= 5]["time"].iloc[-1]
    line = draw_curves({"": 40}).figure.axes[0].lines[0]
    assert max(line.get_xdata()) < made["time"].max()


@pytest.mark.parametrize("first", [0.0, 0.1])
def test_no_curve_where_too_few_are_left_after_a_few_days(first: float) -> None:
    made = pd.DataFrame({"time": [first, 3.0], "survival": [0.8, 0.6], "n_at_risk": [5.0, 4.0]})
    assert cut_curve(made, 5).empty


def test_events_at_time_zero_do_not_double_the_start() -> None:
    made = kaplan_meier([0.0, 0.0, *[3.0] * 8], [True, False, *[True] * 8])
    assert cut_curve(made, 5)["time"].tolist() == [0.0, 3.0]


def test_two_endpoints_share_one_figure() -> None:
    made, _ = curve(40)
    drawing = figures.plot_kaplan_meier({"PFS": made, "OS": made}, study=STUDY)
    named = {text.get_text() for text in drawing.figure.axes[2].texts}
    assert {"Progression-free survival", "Overall survival"} <= named
    assert drawing.alt.startswith("Progression-free survival falls to ")
    assert set(drawing.rows["group"]) == {"PFS", "OS"}


@pytest.mark.parametrize("smallest", [1, 5])
def test_no_number_of_few_patients_stands_beside_a_curve(smallest: int) -> None:
    """One patient has no median, no rate, and no test against the others: the plan says how many are too few."""
    what = {"endpoint": "PFS", "variable": "second_line_krd"}
    rows = [
        make_row(Estimate(value, n=n, n_events=n), estimand=estimand, level=level, **what, **at)
        for level, n in (("KRd", 30), ("other", smallest), ("third", 30))
        for estimand, value, at in (("survival_probability", 0.5, {"time_months": 12.0}), ("median_months", 9.0, {}))
    ]
    rows.append(make_row(Estimate(0.01, p_value=0.01, n=30 + smallest), estimand="log_rank_p", **what))
    curves, _ = curves_of({"KRd": 30, "other": smallest, "third": 30})
    figure = figures.plot_kaplan_meier(curves, None, to_frame(rows), study=STUDY, **what).figure
    texts = [text.get_text() for text in figure.axes[2].texts]
    is_few = smallest < STUDY.display.minimum_patients
    assert texts.count("too few") == 2 * is_few
    assert texts[-1].startswith("Too few: fewer than 5 patients, so no log-rank test." if is_few else "Log-rank p ")


def test_groups_are_not_drawn_where_there_is_nothing_to_compare() -> None:
    drawing = draw_curves({"KRd": 30, "other": 2})
    assert (drawing.figure, drawing.alt) == (None, "No two groups have 5 patients at risk.")


def test_a_caption_ends_with_who_is_shown_and_what_the_marks_are() -> None:
    what = {"endpoint": "PFS", "estimand": "survival_probability", "time_months": 12.0}
    row = make_row(Estimate(0.5, n=40, n_events=26, method="Kaplan-Meier, log-log interval"), **what)
    follow_up = make_row(Estimate(12.19, 11.1, 15.2, n=40), endpoint="FOLLOW_UP", estimand="median_months")
    curves, risk = curves_of({"": 40})
    drawing = figures.plot_kaplan_meier(curves, risk, to_frame([row, follow_up]), study=STUDY, endpoint="PFS")
    assert drawing.note == (
        "Events/patients: 26/40. Shaded, pointwise 95% intervals; ticks, censored patients; a curve ends where fewer "
        "than 5 patients are at risk. Methods: Kaplan-Meier, log-log interval."
    )
    texts = [text.get_text() for text in drawing.figure.axes[2].texts]
    assert texts[-1] == "Median follow-up, months: 12.2."
    assert "open diamonds" in CASES["forest"]().note
    assert "open diamonds" not in CASES["center forest"]().note


def test_forest_writes_counts_and_values_and_cuts_endless_intervals() -> None:
    figure = CASES["forest beyond"]().figure
    texts = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"8/26", "0/3", "1 (reference)", "50.0 (<0.01 to >1000)"} <= texts
    low, high = figure.axes[1].get_xlim()
    assert 0.02 < low < high < 40


def test_forest_shows_every_model_of_the_last_level() -> None:
    models = ["univariable", "primary", "full", "imputed"]
    rows = pd.concat([ratio_rows().assign(model=model) for model in models], ignore_index=True)
    axes = figures.plot_forest(rows, study=STUDY, models=models).figure.axes[1]
    bottom, top = axes.get_ylim()
    shown = [height for points in axes.collections for _, height in points.get_offsets() if len(points.get_offsets())]
    assert len(set(shown)) >= len(models)
    assert all(top < height < bottom for height in shown)


def test_one_comparison_by_many_models_has_a_named_line_for_each() -> None:
    models = ["all centers", *(f"without C{number:02d}" for number in range(1, 11))]
    rows = ratio_rows()
    rows = pd.concat([rows[rows["level"] != rows["reference"]].assign(model=name) for name in models])
    figure = figures.plot_forest(rows, study=STUDY).figure
    named = [text.get_text() for text in figure.axes[0].texts]
    assert {"All centers", *models[1:]} <= {name.replace("Without", "without") for name in named}
    published = rows.assign(scope=["ALL"] + [""] * (len(rows) - 1))  # read back, beside what was just computed
    again = [text.get_text() for text in figures.plot_forest(published, study=STUDY).figure.axes[0].texts]
    assert again == named
    assert not figure.legends


def test_forest_of_several_endpoints_is_refused() -> None:
    both = pd.concat([ratio_rows(), ratio_rows().assign(endpoint="OS")])
    with pytest.raises(ValueError, match="several endpoints"):
        figures.plot_forest(both, study=STUDY)
    assert figures.plot_forest(both, study=STUDY, endpoint="OS").rows is not None


def test_center_rates_refuse_two_rows_per_center_and_put_the_pool_last() -> None:
    with pytest.raises(ValueError, match="several rates per scope"):
        figures.plot_rates(two_scopes(pd.concat([rate_rows(3, 1), rate_rows(3, 2)])), study=STUDY, endpoint="ORR")
    rows = pd.concat([rate_rows(62, 38), rate_rows(5, 2).assign(scope="C09"), rate_rows(5, 1).assign(scope="C01")])
    drawing = figures.plot_rates(rows, study=STUDY, endpoint="ORR")
    assert drawing.alt.endswith(
        "from 20% (C01) to 40% (C09). All patients: 61%, which lies within the interval of 2 of them."
    )
    names = [text.get_text() for text in drawing.figure.axes[0].texts]
    assert [name for name in names if name in ("C01", "C09", "All centers")] == ["C01", "C09", "All centers"]


def test_flow_keeps_criteria_that_exclude_nobody() -> None:
    texts = [text.get_text() for text in CASES["flow"]().figure.axes[0].texts]
    assert sum("excluded: n = 0" in text for text in texts) == 1
    assert any(text.startswith("Cohort") and "n = 5" in text for text in texts)


def test_a_category_keeps_its_color_and_every_place_its_line() -> None:
    assert style_of("KRd", 0)[0] == style_of("KRd", 3)[0] == PALETTE["KRd"]
    assert len({style_of("level", place)[1] for place in range(7)}) == 7 == len(LINE_STYLES)
    assert style_of("yes", 0, "frontline_asct")[0] == PALETTE["no"], "the favorable level is blue whatever its name"


def test_texts_state_the_shape() -> None:
    made = pd.DataFrame({"time": [1.0, 7.0, 13.0], "survival": [0.9, 0.6, 0.5], "n_at_risk": [40.0, 20.0, 9.0]})
    text = figures.plot_kaplan_meier({"": made}, study=STUDY, endpoint="PFS").alt
    assert text == (
        "Progression-free survival falls to 90% at 6 months, 60% at 12 months; the curve ends at 13 months."
    )
    few = figures.plot_kaplan_meier({"a": made.assign(n_at_risk=2.0)}, study=STUDY, endpoint="PFS")
    assert (few.figure, few.alt) == (None, "Fewer than 5 patients at risk.")
    assert figures.plot_forest(ratio_rows(), study=STUDY).alt.startswith(
        "Forest plot of 1 estimate: 1 above 1, 1 with an interval that includes 1."
    )
    assert CASES["flow"]().alt.startswith("Flow diagram: 10 patients, 5 in the cohort; most were excluded by")
    assert figures.plot_response_bars(categories({"CR": 1, "PD": 3}), study=STUDY).alt == (
        "Stacked bar of best response among 4 patients: CR 25%, PD 75%."
    )


def test_parts_of_a_stacked_bar_stand_in_the_order_of_responses_with_their_patients() -> None:
    axes = CASES["bars"]().figure.axes[0]
    ends = [bars[0].get_x() + bars[0].get_width() for bars in axes.containers]
    assert ends == pytest.approx([1 / 43, 3 / 43, 1.0])
    assert [text.get_text() for text in axes.texts] == ["1", "2", "40"]


def test_every_frame_is_protected_by_its_place_and_cannot_be_given_by_name() -> None:
    plots = [plot for plot in vars(figures).values() if isinstance(plot, figures.Plot)]
    assert len(plots) == 13
    for plot in plots:
        parameters = inspect.signature(plot).parameters.values()
        assert len(plot.kinds) == sum(one.kind is inspect.Parameter.POSITIONAL_ONLY for one in parameters)
        assert all(one.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD for one in parameters)


def test_swimmer_shows_neither_ids_nor_dates() -> None:
    courses = pd.DataFrame(
        {"patient_id": ["SYN-1", "SYN-2"], "end_months": [5.0, 9.0], "best_response": ["CR", None],
         "progression_months": [4.0, math.nan], "ongoing": [False, True]}
    )  # fmt: skip
    drawing = figures.plot_swimmer(courses)
    figure = drawing.figure
    words = [text.get_text() for axes in figure.axes for text in (*axes.texts, *axes.get_yticklabels())]
    assert not any("SYN" in word for word in words)
    assert drawing.alt == "One bar for each of 2 patients, the longest 9 months; 1 with progression, 0 with death."


def test_choices_of_a_specification() -> None:
    assert parse_choices("a=1; b=x = y") == {"a": "1", "b": "x = y"}
    assert parse_choices("primary") == {}

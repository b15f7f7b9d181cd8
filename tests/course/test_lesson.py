"""What a lesson puts on a page: figures with caption and alt, tables, verdicts, controls that degrade to figures."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from course import display as shown_by
from course import figures as lessons
from course import start_lesson
from course.controls import make_controls
from course.lessons import t02
from course.lessons.t02 import censored_patients, seven_patients
from fhrmm.errors import StudyError
from timetoevent.kaplan_meier import kaplan_meier

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Collect what is displayed."""
    displayed: list[object] = []
    monkeypatch.setattr(shown_by, "display", lambda what, **_: displayed.append(getattr(what, "data", what)))
    return displayed


def test_figure_is_numbered_marked_and_described(page):
    lesson = start_lesson("T02")
    lesson.show_figure(lessons.plot_follow_up(seven_patients()), caption="Seven patients.")
    html = page[-1]
    assert "Figure 1." in html
    assert "Synthetic data" in html
    assert re.search(r'alt="7 horizontal lines of 2 to 12 months; 4 end', html)


def test_figure_needs_a_caption(page):
    with pytest.raises(ValueError, match="caption"):
        start_lesson("T02").show_figure(lessons.plot_follow_up(seven_patients()), caption=" ")


def test_table_is_numbered_rounded_and_aligned(page):
    frame = pd.DataFrame({"time": [1.0, 2.0], "share": [1 / 3, np.nan], "name": ["a", "b"]})
    start_lesson("T02").show_table(frame, caption="Shares", decimals=3)
    html = page[-1]
    assert "Table 1. Shares" in html
    assert "0.333" in html
    assert "1.000" not in html, "a column of whole numbers shows none"
    assert html.count('class="numeric"') == 3


@pytest.mark.parametrize(("answer", "css"), [(4, "right"), (3, "wrong"), (..., "open"), ("x", "wrong")])
def test_verdict_is_said_in_words_and_color(page, answer, css):
    start_lesson("T02").check(1, answer)
    assert f'class="verdict {css}"' in page[-1]
    assert ("<summary>Hint</summary>" in page[-1]) == (css != "right")


def test_controls_degrade_to_the_figures_of_the_page(page):
    lesson = start_lesson("T02")
    settings = [{"dropout_per_month": 0.05, "patients": 50}, {"dropout_per_month": 0.2, "patients": 50}]
    choices = {"dropout_per_month": [0.05, 0.2], "patients": [50, 100]}
    lesson.explore(t02.three_ways, choices, show=settings)
    bundle = page[-1]
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    assert bundle["text/html"].count("<figure") == 2
    start_lesson("T02", controls=False).explore(t02.three_ways, choices, show=settings)
    assert page[-1].count("<figure") == 2


def test_sliders_redraw_the_figure():
    box = make_controls(lambda a, b: f"{a} and {b}", {"a": [1, 2], "b": ["x", "y"]}, first={"a": 2, "b": "x"})
    first, second, picture = box.children
    assert picture.value == "2 and x"
    second.value = "y"
    first.value = 1
    assert picture.value == "1 and y"


def test_nothing_that_looks_like_a_patient_is_shown(page):
    with pytest.raises(StudyError, match="patient identifier"):
        start_lesson("T02").say("SYN-C01-0001 progressed")


INTERVALS = pd.DataFrame({"label": ["a", "b"], "estimate": [0.5, 1.2], "ci_lower": [0.3, 0.9], "ci_upper": [0.8, 1.6]})
BALANCE = pd.DataFrame({"label": ["age", "stage"], "before": [0.5, -0.2], "after": [0.02, -0.01]})
CURVE = kaplan_meier(*censored_patients(60, dropout_per_month=0.02).to_numpy(dtype=float).T)


@pytest.mark.parametrize(
    "figure",
    [
        lessons.plot_follow_up(seven_patients().assign(change_months=[1, None, 2, None, None, None, 3])),
        lessons.plot_curves({"one": CURVE, "two": CURVE}, truth={"truth": CURVE}, lines_at=[6], has_half=True),
        lessons.plot_intervals(INTERVALS, truth=1.0),
        lessons.plot_intervals(INTERVALS, is_log=False),
        lessons.plot_lines({"p": ([1, 2], [0.1, 0.9])}, x_label="x", y_label="y", is_percent=True, level=0.8),
        lessons.plot_lines({"p": ([1, 2], [1, 4]), "q": ([1, 2], [2, 3])}, x_label="x", y_label="y", is_log_x=True),
        lessons.plot_spread(
            {"s": [1.0, 2.0, 3.0]}, label="HR", truth=2, is_log=True, marked={"s": [True, False, True]}
        ),
        lessons.plot_balance(BALANCE),
    ],
)
def test_figures_draw_without_warning_and_describe_their_shape(figure):
    assert len(figure.alt) > 25
    figure.figure.canvas.draw()


def test_intervals_say_which_miss_the_truth():
    assert "outside the interval of a." in lessons.plot_intervals(INTERVALS, truth=1.0).alt
    assert "inside every interval" in lessons.plot_intervals(INTERVALS[1:], truth=1.0).alt

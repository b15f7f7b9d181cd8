"""Every exercise accepts its solution, rejects its listed wrong answers with the right words, and never raises."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

from course.answers import as_given, kind, same
from course.exercise import Exercise, Mistake, find_exercise, is_same, judge, list_exercises
from fhrmm.study import repository_root

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

NOTEBOOKS = sorted((repository_root() / "notebooks" / "teaching").glob("T*.ipynb"))
EXERCISES = [e for path in NOTEBOOKS for e in list_exercises(path.stem[:3]).values()]
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)
MISTAKES = [(exercise, number) for exercise in EXERCISES for number in range(len(exercise.mistakes))]


@every_exercise
def test_solution_is_accepted(exercise):
    verdict = judge(exercise, exercise.solution())
    assert verdict.correct is True
    assert not verdict.hint


@every_exercise
def test_rounded_solution_is_accepted(exercise):
    solution = exercise.solution()
    if kind(solution) != "a number" or exercise.scale == "count":
        pytest.skip("nothing to round")
    assert judge(exercise, round(float(solution), exercise.decimals)).correct is True
    assert judge(exercise, f"{solution:.6f}").correct is True
    assert judge(exercise, np.float64(solution)).correct is True
    if exercise.scale == "probability":
        assert judge(exercise, 100 * float(solution)).correct is True
        assert judge(exercise, f"{100 * solution:.4f} %").correct is True


@pytest.mark.parametrize(("exercise", "number"), MISTAKES, ids=[f"{e.key}-{n}" for e, n in MISTAKES])
def test_listed_wrong_answer_is_rejected_and_explained(exercise, number):
    mistake = exercise.mistakes[number]
    verdict = judge(exercise, mistake.answer())
    assert verdict.correct is False
    assert verdict.message == mistake.explanation
    assert verdict.hint == exercise.hint


@every_exercise
@pytest.mark.parametrize("empty", [..., None, "", "..."])
def test_open_answer_is_no_error(exercise, empty):
    verdict = judge(exercise, empty)
    assert verdict.correct is None
    assert verdict.hint


@every_exercise
@pytest.mark.parametrize("odd", [print, [], {}, "a guess", math.nan, -math.inf, np.array([1.0, 2.0]), object(), True])
def test_odd_answers_are_judged_not_raised(exercise, odd):
    if kind(odd) == kind(exercise.solution()) == "yes or no":
        pytest.skip("a fair answer")
    verdict = judge(exercise, odd)
    assert verdict.correct is False
    assert verdict.message


@every_exercise
def test_words_do_not_give_the_answer_away(exercise):
    solution = exercise.solution()
    told = [exercise.hint, *(mistake.explanation for mistake in exercise.mistakes)]
    if kind(solution) == "a number" and exercise.scale != "count":
        shown = f"{float(solution):.{exercise.decimals}f}"
        assert not any(shown in text for text in told)
    assert all(len(text) > 15 for text in told)
    assert len(exercise.mistakes) >= 1, "what goes wrong most often?"


# worked by hand from the small tables, as a student would
BY_HAND = {
    "T01.1": 172 / 30.4375,
    "T01.2": (4, 2),
    "T01.4": 162 / 30.4375,
    "T02.1": 4,
    "T02.2": (6 / 7) * (5 / 6) * (2 / 3),
    "T02.3": (5 / 7) * math.sqrt(1 / (7 * 6) + 1 / (6 * 5)),
    "T03.1": 8.0,
    "T03.5": 9.0,
    "T04.1": 3 / 6 + 2 / 5 + 1 / 4 + 1 / 3,
    "T04.2": 1 - 0.95**20,
    "T04.3": (0.03, 0.06, 0.06),
    "T05.1": 2 / (2 + 1 + 2 + 1),
    "T05.2": 0.54**0.5,
    "T06.1": 4 + 8 + 5 + 6,
    "T06.2": (2 / 29) / (3 / 42),
    "T06.3": (5, 3),
    "T07.1": 0,
    "T08.2": -0.2 / math.sqrt((0.1 * 0.9 + 0.3 * 0.7) / 2),
    "T08.3": (5.0, 0.8),
    "T09.1": math.ceil((1.959964 + 0.841621) ** 2 / (math.log(2) ** 2 * 0.3 * 0.7)),
    "T09.3": 25 / 6,
    "T10.1": 14 / 41,
    "T10.2": 0.9**6,
    "T10.3": math.sqrt(0.04 + (4 / 3) * 0.01),
    "T11.1": 1 / 7 + (5 / 7) / 5 + (4 / 7) / 3,
    "T12.1": (True, False, False),
    "T12.3": 0.72,
    "T13.5": 13,
}


@pytest.mark.parametrize("key", BY_HAND)
def test_solution_equals_arithmetic_by_hand(key):
    assert find_exercise(key).solution() == pytest.approx(BY_HAND[key], abs=1e-9)


def test_e_value_by_its_formula():
    ratio = (1 - 0.5 ** math.sqrt(1 / 0.6)) / (1 - 0.5 ** math.sqrt(0.6))
    assert find_exercise("T08.4").solution() == pytest.approx(ratio + math.sqrt(ratio * (ratio - 1)))


def test_lessons_have_three_to_five_exercises_each_with_question_answer_and_solution():
    wrong = []
    for path in NOTEBOOKS:
        number = path.stem.split("_")[0]
        keys = {int(key.split(".")[1]) for key in list_exercises(number)}
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = {
            tag: [cell for cell in cells if tag in cell["metadata"].get("tags", [])]
            for tag in ("question", "exercise", "solution", "instructor")
        }
        asked = [int(n) for c in tagged["question"] for n in re.findall(r"### Exercise (\d)", "".join(c["source"]))]
        for tag in ("exercise", "solution"):
            code = "\n".join("".join(cell["source"]) for cell in tagged[tag] if cell["cell_type"] == "code")
            checked = [int(n) for n in re.findall(r"lesson\.check\((\d)", code)]
            if checked != asked:
                wrong.append(f"{number}: {tag} cells check {checked}, asked {asked}")
        if set(asked) != keys or not 3 <= len(keys) <= 5 or not tagged["instructor"]:
            wrong.append(f"{number}: asked {asked}, known {sorted(keys)}")
    assert NOTEBOOKS
    assert wrong == []


HALF = Exercise("X.1", lambda: 0.5, "Divide.", (Mistake(lambda: 0.4, "Others."),), scale="probability")


@pytest.mark.parametrize("answer", [0.5, 0.505, 50, "50%", "0,5", "50 percent", np.float32(0.5), "0.50"])
def test_number_is_read_tolerantly(answer):
    assert judge(HALF, answer).correct is True


@pytest.mark.parametrize("answer", [0.51, 0.49, 5, 5000, "half", "50 months off"])
def test_tolerance_ends_somewhere(answer):
    assert judge(HALF, answer).correct is False


@pytest.mark.parametrize(
    ("scale", "solution", "slip", "word"),
    [
        ("probability", 0.3, 0.7, "opposite"),
        ("ratio", 2.0, 0.5, "upside down"),
        ("ratio", 2.0, math.log(2), "logarithm"),
        ("months", 12.0, 365.25, "days"),
        ("months", 12.0, 1.0, "years"),
        ("number", 3.0, -3.0, "sign"),
    ],
)
def test_usual_slips_are_told(scale, solution, slip, word):
    exercise = Exercise("X.2", lambda: solution, "Think.", scale=scale)
    verdict = judge(exercise, slip)
    assert verdict.correct is False
    assert word in verdict.message


def test_a_slip_that_is_right_by_chance_is_right():
    assert judge(Exercise("X.3", lambda: 0.5, "Think.", scale="probability"), 0.5).correct is True
    assert judge(Exercise("X.4", lambda: 1.0, "Think.", scale="ratio"), 1.0).correct is True


def test_counts_have_no_tolerance():
    exercise = Exercise("X.5", lambda: 4, "Count.", scale="count")
    assert judge(exercise, 4.0).correct is True
    assert judge(exercise, 4.01).correct is False


def test_choice_lists_what_there_is_to_choose():
    exercise = Exercise("X.6", lambda: "too high", "Think.", scale="choice", choices=("too high", "too low"))
    assert judge(exercise, "Too-High ").correct is True
    assert "too low" in judge(exercise, "none").message
    assert judge(exercise, "too low").message == "That is not it."


def test_values_in_order():
    exercise = Exercise("X.7", lambda: (1, 2.5), "Count.", scale="several")
    assert judge(exercise, [1, 2.5]).correct is True
    assert judge(exercise, np.array([1, 2.504])).correct is True
    assert judge(exercise, [2.5, 1]).correct is False
    assert judge(exercise, [1]).message == "Expected 2 values, found 1."


@pytest.mark.parametrize(("scale", "choices"), [("share", ()), ("choice", ()), ("ratio", ("a",))])
def test_impossible_exercise_is_refused(scale, choices):
    with pytest.raises(ValueError, match=r"X\.8"):
        Exercise("X.8", lambda: 1, "Think.", scale=scale, choices=choices)


def test_unknown_exercise_names_its_neighbors():
    with pytest.raises(KeyError, match=r"T02\.1"):
        find_exercise("T02.9")


def test_kinds_are_not_confused():
    assert not same(True, 1, 0.1)
    assert not same("1", 1, 0.1)
    assert as_given("3", "three") == "3"
    assert is_same(HALF, 50, 0.5)
    assert not is_same(Exercise("X.9", lambda: 0.5, "Think."), 50, 0.5)

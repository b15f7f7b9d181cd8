"""Exercises: a solution that is computed, tolerance, and the mistakes that are worth a word."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from course.answers import Answer, as_given, kind, same
from fhrmm.study import load_study

_SCALES = ("number", "count", "probability", "ratio", "months", "choice", "several")
_UNANSWERED = (None, Ellipsis, "", "...")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong answer that tells what was misunderstood.

    Attributes
    ----------
    answer : callable
        Computes the wrong answer, so that it stays wrong in the right way when the data change.
    explanation : str
        What probably happened, and where to look; never the right answer.
    """

    answer: Callable[[], Answer]
    explanation: str


@dataclass(frozen=True, slots=True)
class Exercise:
    """One question with its computed solution.

    Attributes
    ----------
    key : str
        Notebook and number, such as ``T02.1``.
    solution : callable
        Computes the right answer from the same data the student has.
    hint : str
        Shown with an unanswered answer, and with a wrong one that no mistake explains.
    mistakes : tuple of Mistake
        The likely wrong answers.
    scale : str
        What a number is, so that usual slips can be told: ``count``, ``probability`` (also accepted in percent),
        ``ratio``, ``months`` or ``number``; ``choice`` for one word out of several; ``several`` for values in order.
    decimals : int
        A number is right when it agrees after rounding to so many decimals.
    choices : tuple of str
        The words to choose from.
    because : str
        Said after a right answer: why it is right, or what it means.
    """

    key: str
    solution: Callable[[], Answer]
    hint: str
    mistakes: tuple[Mistake, ...] = ()
    scale: str = "number"
    decimals: int = 2
    choices: tuple[str, ...] = ()
    because: str = ""

    def __post_init__(self) -> None:
        """Refuse an exercise that could never be judged."""
        if self.scale not in _SCALES:
            raise ValueError(f"{self.key}: scale {self.scale!r}; known are {', '.join(_SCALES)}")
        if (self.scale == "choice") != bool(self.choices):
            raise ValueError(f"{self.key}: choices belong to scale 'choice', and to no other")

    @property
    def tolerance(self) -> float:
        """Half a unit of the last decimal asked for, and a little for what was rounded on the way."""
        return 0.0 if self.scale == "count" else 0.6 * 10.0**-self.decimals


def ask(key: str, solution: Callable[[], Answer], hint: str, *mistakes: Mistake, **how: object) -> Exercise:
    """Return an exercise with its likely mistakes; scale, decimals and reason as of `Exercise`."""
    return Exercise(key, solution, hint, mistakes, **how)


def choose(key: str, right: str, hint: str, choices: Mapping[str, str]) -> Exercise:
    """Return an exercise that asks for one word out of several, each with what is said to it: of the right one, why."""
    wrong = [Mistake(lambda word=word: word, said) for word, said in choices.items() if word != right]
    return Exercise(
        key, lambda: right, hint, tuple(wrong), scale="choice", choices=tuple(choices), because=choices[right]
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker says: `correct` is None while the answer is not given; the hint is offered apart."""

    correct: bool | None
    message: str
    hint: str = ""


def judge(exercise: Exercise, answer: Answer) -> Verdict:
    """Compare an answer with the solution and with the known mistakes.

    Numbers are compared after rounding, probabilities also in percent, numbers as text are read ("62 %"), words
    without regard to case and hyphens, sequences item by item, sets without order.

    Returns
    -------
    Verdict
        Right; wrong with the explanation of a known mistake; wrong with the hint; or not answered yet.

    Examples
    --------
    >>> half = Exercise("X.1", lambda: 0.5, "Divide.", (Mistake(lambda: 0.4, "Others than those."),),
    ...                 scale="probability")
    >>> [judge(half, answer).correct for answer in (0.501, 50, "50%", ...)]
    [True, True, True, None]
    >>> judge(half, 0.4).message
    'Others than those.'
    """
    if any(answer is empty or (isinstance(answer, str) and answer == empty) for empty in _UNANSWERED):
        return Verdict(None, "Not answered yet.", exercise.hint)
    solution = exercise.solution()
    given = as_given(answer, solution)
    if is_same(exercise, given, solution):
        return Verdict(True, exercise.because)
    for mistake in (*exercise.mistakes, *_slips(exercise, solution)):
        if is_same(exercise, given, mistake.answer()):
            return Verdict(False, mistake.explanation, exercise.hint)
    return Verdict(False, _complaint(exercise, given, solution), exercise.hint)


def is_same(exercise: Exercise, answer: Answer, other: Answer) -> bool:
    """Say whether two answers to an exercise are the same: probabilities may be given in percent."""
    if same(answer, other, exercise.tolerance):
        return True
    if exercise.scale != "probability" or not kind(answer) == kind(other) == "a number":
        return False
    may_be_percent = float(answer) > 1 or 0 < float(other) < 0.01
    return may_be_percent and same(float(answer) / 100, other, exercise.tolerance / 100)


def _slips(exercise: Exercise, solution: Answer) -> list[Mistake]:
    """Return the slips usual for that kind of number, unless they are right by chance."""
    if kind(solution) != "a number" or not math.isfinite(float(solution)):
        return []
    value, found = float(solution), []
    if exercise.scale == "probability":
        found = [(1 - value, "That is the probability of the opposite: subtract it from one.")]
    elif exercise.scale == "ratio" and value > 0:
        found = [
            (1 / value, "The ratio is upside down: which group is the reference?"),
            (math.log(value), "That is the logarithm of the ratio, the coefficient of the model. Exponentiate it."),
            (math.exp(value), "Exponentiated once too often."),
        ]
    elif exercise.scale == "months":
        found = [
            (value * load_study().time.days_per_month, "That is in days. Months are asked for."),
            (value / 12, "That is in years. Months are asked for."),
        ]
    elif exercise.scale == "number" and value != 0:
        found = [(-value, "The sign is turned around.")]
    return [Mistake(lambda slip=slip: slip, text) for slip, text in found if not is_same(exercise, slip, solution)]


def _complaint(exercise: Exercise, answer: Answer, solution: Answer) -> str:
    if exercise.choices and isinstance(answer, str) and answer.lower() not in map(str.lower, exercise.choices):
        return f"The answer is one of: {', '.join(exercise.choices)}."
    if kind(answer) != kind(solution):
        return f"Expected {kind(solution)}, found {kind(answer)}."
    if kind(solution) == "several values" and len(list(answer)) != len(list(solution)):
        return f"Expected {len(list(solution))} values, found {len(list(answer))}."
    return "That is not it."


@cache
def list_exercises(lesson: str) -> dict[str, Exercise]:
    """Return the exercises of a lesson by key.

    Raises
    ------
    ValueError
        If two exercises have the same key.

    Examples
    --------
    >>> list_exercises("T02")["T02.1"].key
    'T02.1'
    """
    listed = import_module(f"course.lessons.{lesson.lower()}").EXERCISES
    found = {exercise.key: exercise for exercise in listed}
    if len(found) < len(listed):
        raise ValueError(f"two exercises of {lesson} have the same key")
    return found


def find_exercise(key: str) -> Exercise:
    """Return one exercise.

    Raises
    ------
    KeyError
        If there is no such exercise; the message lists those of the same notebook.
    """
    known = list_exercises(key.split(".")[0])
    if key not in known:
        raise KeyError(f"no exercise {key!r}; this notebook has {', '.join(known)}")
    return known[key]

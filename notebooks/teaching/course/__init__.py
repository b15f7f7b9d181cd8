"""The course: lessons whose truth is known, exercises that check themselves, controls that degrade to figures."""

from course.exercise import Exercise, Mistake, Verdict, find_exercise, judge, list_exercises
from course.lesson import Lesson, start_lesson
from course.view import View

__all__ = [
    "Exercise",
    "Lesson",
    "Mistake",
    "Verdict",
    "View",
    "find_exercise",
    "judge",
    "list_exercises",
    "start_lesson",
]

"""The course: lessons whose truth is known, exercises that check themselves, controls that degrade to figures."""

from course.lesson import start_lesson

__all__ = ["start_lesson"]

"""A picture with its words: what a control redraws."""

from __future__ import annotations

from dataclasses import dataclass

from fhrmm.figures import Drawing


@dataclass(frozen=True, slots=True)
class View:
    """A figure, what is said under it, and its shape in words.

    Attributes
    ----------
    drawing : Drawing
        As returned by a function of `course.figures`.
    caption : str
        What, in whom, by which method.
    alt : str
        The shape; empty for the words of the drawing itself.
    """

    drawing: Drawing
    caption: str
    alt: str = ""

"""A picture with its words: what a control redraws."""

from __future__ import annotations

from dataclasses import dataclass

from fhrmm.figures.output import Figure


@dataclass(frozen=True, slots=True)
class View:
    """A figure, what is said under it, and its shape in words.

    Attributes
    ----------
    figure : Figure
        As returned by a function of `fhrmm.figures`.
    caption : str
        What, in whom, by which method.
    alt : str
        The shape; empty if the figure describes itself.
    """

    figure: Figure
    caption: str
    alt: str = ""

"""One lesson as a notebook shows it: banner, figures, tables, sentences, controls, verdicts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

import pandas as pd

from course.answers import Answer
from course.controls import Choices, make_controls
from course.display import show_lesson, show_live, show_style
from course.exercise import find_exercise, judge
from fhrmm.figures import Drawing, mark_synthetic, save_figure
from fhrmm.formats import format_p
from fhrmm.report.markup import figure_html
from fhrmm.tables import render_table, tabulate_frame

_STATES = {True: ("right", "✓", "right"), False: ("wrong", "✗", "not yet"), None: ("open", "○", "not answered yet")}


class View(NamedTuple):
    """A figure with what is said under it (what, in whom, by which method): what a control redraws."""

    drawing: Drawing
    caption: str


@dataclass(slots=True)
class Lesson:
    """One lesson on its way down the page; counts its figures and tables.

    Attributes
    ----------
    number : str
        ``T01`` to ``T13``.
    is_live : bool
        Whether sliders are offered where a kernel answers.
    """

    number: str
    is_live: bool = True
    n_figures: int = 0
    n_tables: int = 0

    def show_figure(self, drawing: Drawing, *, caption: str, alt: str = "") -> None:
        """Show a figure, numbered, marked as synthetic; without `alt` in its own words.

        Raises
        ------
        ValueError
            If the caption is empty.
        """
        self.n_figures += 1
        show_lesson(self._figure_html(View(drawing, caption), alt=alt), f"figure {self.n_figures}")

    def show_table(
        self,
        table: pd.DataFrame,
        *,
        caption: str,
        labels: Mapping[str, str] | None = None,
        decimals: int = 2,
        notes: Collection[str] = (),
    ) -> None:
        """Show a small frame as a numbered table, numbers rounded for display.

        Raises
        ------
        ValueError
            If the caption is empty.
        """
        self.n_tables += 1
        shown = table.copy()
        numeric = [name for name in shown.columns if pd.api.types.is_float_dtype(shown[name])]
        for name in numeric:
            if name == "p_value":
                shown[name] = [format_p(value) for value in shown[name]]
                continue
            places = 0 if (shown[name].dropna() % 1 == 0).all() else decimals
            shown[name] = ["" if pd.isna(x) else f"{x:.{places}f}".replace("inf", "∞") for x in shown[name]]
        cells = tabulate_frame(shown, labels=labels)
        headings = dict(zip(shown.columns, cells.text.columns, strict=True))
        aligned = cells.numeric | {headings[name] for name in numeric if name != shown.columns[0]}
        html = render_table(
            type(cells)(cells.text, numeric=frozenset(aligned)),
            caption=f"Table {self.n_tables}. {caption}",
            table_id=f"{self.number}-table-{self.n_tables}",
            notes=tuple(notes),
        )
        show_lesson(html, f"table {self.n_tables}")

    def say(self, text: str) -> None:
        """Show a sentence made from numbers of this lesson."""
        show_lesson(f'<p class="finding">{escape(text)}</p>', "text")

    def explore(self, draw: Callable[..., View], controls: Choices, *, show: Sequence[Mapping[str, object]]) -> None:
        """Let the reader choose settings of a figure; on a page, show the figure for some of them.

        Parameters
        ----------
        draw : callable
            Makes the `View` from the named settings.
        controls : mapping of str to sequence
            The values each setting may take, in order; the name is shown in words.
        show : sequence of mapping
            The settings of the static figures; the first one is where the sliders start.
        """
        views = []
        for settings in show:
            self.n_figures += 1
            views.append(self._figure_html(draw(**settings)))
        first = self.n_figures - len(show) + 1
        if controls:
            names = ", ".join(name.replace("_", " ") for name in controls)
            views.insert(0, f'<p class="sliders">In JupyterLab with sliders: {escape(names)}.</p>')
        if not (self.is_live and controls):
            show_lesson("\n".join(views), f"figure {first}")
            return

        def redraw(**settings: object) -> str:
            return self._figure_html(draw(**settings), number=first)

        show_live(make_controls(redraw, controls, first=show[0]), "\n".join(views), f"figure {first}")

    def check(self, exercise: int | str, answer: Answer) -> None:
        """Say whether an answer is right, and if not, what probably went wrong; an open answer is no error."""
        verdict = judge(find_exercise(f"{self.number}.{exercise}"), answer)
        css, mark, state = _STATES[verdict.correct]
        message = f" {escape(verdict.message)}" if verdict.message and verdict.correct is not None else ""
        hint = f"<details><summary>Hint</summary><p>{escape(verdict.hint)}</p></details>" if verdict.hint else ""
        head = f'<span class="outcome">{mark} Exercise {escape(str(exercise))}: {state}.</span>'
        show_lesson(f'<div class="verdict {css}" role="status"><p>{head}{message}</p>{hint}</div>', "verdict")

    def _figure_html(self, view: View, number: int = 0, alt: str = "") -> str:
        number = number or self.n_figures
        if not view.caption.strip():
            raise ValueError(f"figure {number} needs a caption")
        figure, alt = view.drawing.figure, alt or view.drawing.alt
        mark_synthetic(figure)
        caption = f"<strong>Figure {number}.</strong> {escape(view.caption)}"
        html = figure_html(save_figure(figure, "svg", caption=view.caption, alt=alt), caption, alt, is_synthetic=True)
        return html.replace("<figure", '<figure tabindex="0"', 1)  # no link is in it, and on a telephone it scrolls


def start_lesson(number: str, *, controls: bool = True) -> Lesson:
    """Begin a lesson: give the page its look and say that everything is invented.

    Parameters
    ----------
    number : str
        ``T01`` to ``T13``.
    controls : bool
        Whether to offer sliders where a kernel answers.
    """
    show_style()
    banner = (
        '<aside class="banner synthetic" aria-label="About the data"><p><strong>Invented patients.</strong> They were '
        "made up or simulated, so the truth is known and every method can be held against it. Nothing here is evidence "
        "about any treatment.</p></aside>"
    )
    show_lesson(banner, "banner")
    return Lesson(number, is_live=controls)

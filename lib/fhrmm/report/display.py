"""Show figures, tables, sentences and the colophon; write what is shown next to the page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from html import escape
from importlib.metadata import version
from typing import Any

from fhrmm.errors import StudyError
from fhrmm.figures import describe_figure, drawn_by, figure_data, mark_synthetic, save_figure
from fhrmm.figures.output import PRINT_DPI, Figure
from fhrmm.report.markup import figure_html
from fhrmm.report.page import Page, overridden_values, show_html
from fhrmm.report.publish import protect_frame, protections
from fhrmm.store import write_report_bytes, write_report_csv
from fhrmm.study import repository_root
from fhrmm.tables import Cells, render_table, tabulate_frame

_PACKAGES = ("fhrmm-compendium", "numpy", "pandas", "scipy", "matplotlib", "seaborn")
_DOWNLOADS = {"svg": "SVG", "png": f"PNG, {PRINT_DPI} dpi", "pdf": "PDF", "csv": "data as CSV"}


def show_figure(page: Page, fig: Figure, name: str, *, caption: str, alt: str = "") -> None:
    """Show a figure with caption and text alternative, and write it as SVG, PNG and PDF, with its data as CSV.

    Parameters
    ----------
    page : Page
        The page.
    fig : Figure
        As returned by a function of `fhrmm.figures`. In release it is drawn again from protected frames; one
        that shows single patients is not shown.
    name : str
        Of the files: ``figures/<notebook>_<name>.svg``, ``.png``, ``.pdf`` and ``.csv``. A figure that shows single
        patients gets no CSV.
    caption : str
        What, population, time origin, patients and events, interval method.
    alt : str
        The shape of the result in one or two sentences, not the title. Without one, and always in release, the
        figure describes itself from what it is drawn from.

    Raises
    ------
    ValueError
        If the caption is empty, or there is no alt and the figure cannot describe itself.
    StudyError
        If a figure that was not drawn by `fhrmm.figures` is to be released.
    """
    if not caption.strip():
        raise ValueError(f"figure {name!r} needs a caption")
    figure = _protect_figure(page, fig, name)
    if figure is None:
        show_notice(page, f"{caption} This figure shows single patients and is left out of released reports.")
        return
    if page.info.synthetic:
        mark_synthetic(figure)
    stem = f"{page.notebook}_{name}"
    text = alt if alt.strip() and not page.is_release else describe_figure(figure)
    said = f"{caption.rstrip()} {_release_note(page, figure)}".rstrip()
    page.check(f"{said} {text}", f"figure {name}")
    files = {kind: save_figure(figure, kind, dpi=PRINT_DPI, caption=said) for kind in ("svg", "png", "pdf")}
    files |= _data_file(page, figure, name)
    for kind, content in files.items():
        write_report_bytes(page.run, "figures", f"{stem}.{kind}", content)
    width, height = figure.get_size_inches()
    shape = "tall" if height > width else "wide"
    show_html(page, _figure_html(page, files, stem, said, text, shape), f"figure {name}")


def show_table(
    page: Page,
    rows: Any,
    layout: Callable[..., Cells] = tabulate_frame,
    *,
    name: str,
    caption: str,
    notes: Collection[str] = (),
    public: bool = False,
    **options: object,
) -> None:
    """Lay a table out, show it and write its cells to ``tables/<notebook>_<name>.csv``.

    Parameters
    ----------
    page : Page
        The page.
    rows : DataFrame
        What the table is made from: estimates, attrition, or counts. In release it is protected first.
    layout : callable
        A function of `fhrmm.tables`; by default a small frame is shown as it is.
    name : str
        Of the file.
    caption : str
        What the table says, in whom.
    notes : collection of str
        Footnotes before those of the layout.
    public : bool
        True for definitions and settings, in which no number is a number of patients: nothing is protected.
    **options
        Further arguments of the layout; the plan is given by the page.

    Raises
    ------
    ValueError
        If the caption is empty.
    DisclosureError
        If a cell holds what looks like a patient identifier or a date.
    """
    cells = layout(rows if public else protect_frame(page, rows), page.study, **options)
    html = render_table(cells, caption=caption, table_id=f"table-{name}", notes=tuple(notes))
    show_html(page, html, f"table {name}", with_dates=public)
    grouped = cells.text
    if cells.group:
        grouped = cells.text.copy()
        grouped.insert(0, "Group", list(cells.group))
    write_report_csv(page.run, f"{page.notebook}_{name}", grouped)


def show_text(page: Page, text: str) -> None:
    """Show one paragraph of generated text."""
    show_html(page, f'<p class="finding">{escape(text)}</p>', "text")


def show_notice(page: Page, text: str) -> None:
    """Say why there is nothing to show here."""
    show_html(page, f'<aside class="notice" role="note"><p>{escape(text)}</p></aside>', "notice")


def show_colophon(page: Page) -> None:
    """Show what the page was made with: plan, parameters, package versions; no times, no paths."""
    plan = (repository_root() / "study.toml").read_bytes()
    changed = [f"{name} = {new} (plan: {old})" for name, old, new in overridden_values(page.study)]
    facts = [
        ("Notebook", f"{page.notebook}, scope {page.run.scope}"),
        ("Data set", page.info.name + (" (synthetic)" if page.info.synthetic else "")),
        ("Study plan", f"study.toml, sha256 {hashlib.sha256(plan).hexdigest()}"),
        ("Differs from the plan", "; ".join(changed) or "nothing"),
        ("Packages", ", ".join(f"{name} {version(name)}" for name in _PACKAGES)),
    ]
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    html = f'<section class="colophon" aria-label="Colophon"><dl>{items}</dl></section>'
    show_html(page, html, "colophon")


def _release_note(page: Page, figure: Figure) -> str:
    """What protection did to a figure of curves; nothing in local display."""
    drawn = drawn_by(figure)
    if not page.is_release or drawn is None or "curves" not in drawn.kinds.values():
        return ""
    threshold = page.study.disclosure.minimum_cell_count
    return (
        f"Released form: each step stands for at least {threshold} events, times are whole months, counts are rounded."
    )


def _protect_figure(page: Page, fig: Figure, name: str) -> Figure | None:
    if not page.is_release:
        return fig
    drawn = drawn_by(fig)
    if drawn is None:
        raise StudyError(f"figure {name!r}: only figures drawn by fhrmm.figures can be protected and released")
    return None if drawn.shows_patients else drawn.redraw(protections(page))


def _data_file(page: Page, figure: Figure, name: str) -> dict[str, bytes]:
    """The rows that a figure shows, as drawn: in release from protected frames. None for single patients."""
    rows = figure_data(figure)
    if rows is None:
        return {}
    text = rows.to_csv(index=False, lineterminator="\n")
    page.check(text, f"data of figure {name}")
    return {"csv": text.encode("utf-8")}


def _figure_html(page: Page, files: Mapping[str, bytes], stem: str, caption: str, alt: str, shape: str) -> str:
    links = " ".join(f'<a href="figures/{stem}.{kind}">{_DOWNLOADS[kind]}</a>' for kind in files)
    said = f'{escape(caption)}<span class="downloads">Figure as {links}</span>'
    is_synthetic, anchor = page.info.synthetic, f"figure-{stem}"
    return figure_html(files["svg"], said, alt, is_synthetic=is_synthetic, shape=shape, anchor=anchor)

"""Show figures, tables, sentences and the colophon; write what is shown next to the page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from html import escape
from importlib.metadata import version
from typing import Any

import pandas as pd

from fhrmm.disclosure import name_bounds
from fhrmm.errors import StudyError
from fhrmm.figures import PRINT_DPI, SCREEN_DPI, Drawing, Plot, mark_synthetic, save_figure
from fhrmm.formats import capitalize
from fhrmm.report.markup import figure_html
from fhrmm.report.page import Page, changed_values, number, show_html
from fhrmm.report.publish import protect_frame, protection
from fhrmm.store import write_report_bytes, write_report_csv
from fhrmm.study import describe_rounding, repository_root
from fhrmm.tables import Cells, render_table, tabulate_frame

_PACKAGES = ("fhrmm-compendium", "numpy", "pandas", "scipy", "matplotlib", "seaborn")
_NOT_RELEASED = "Not part of a release: of single centers, files or patients, few events, or not from rounded counts."
_DOWNLOADS = {"svg": "SVG", "pdf": "PDF", "png": f"PNG, {PRINT_DPI} dpi", "tiff": "TIFF", "csv": "data as CSV"}


def show_figure(page: Page, plot: Plot, *frames: object, name: str, caption: str, **options: object) -> None:
    """Draw a figure, show it with caption and text alternative, and write it as SVG, with its data as CSV.

    `plot` is a function of `fhrmm.figures`, `frames` and `options` are its arguments; the plan is given by the page. In
    a release it gets rounded frames, and one that shows single patients or centers is not drawn. The files are
    ``figures/<notebook>_<name>.svg`` and ``.csv`` (none of single patients), and other formats where the plan asks for
    them. The caption says what, in whom, from which origin.

    Raises
    ------
    ValueError
        If the caption is empty.
    StudyError
        If a function that is not of `fhrmm.figures` is to draw in release.
    """
    if not caption.strip():
        raise ValueError(f"figure {name!r} needs a caption")
    kinds = plot.kinds if isinstance(plot, Plot) else ()
    if page.is_release:
        if not kinds:
            raise StudyError(f"figure {name!r}: only figures drawn by fhrmm.figures have a form for release")
        frames = () if "patients" in kinds else _protect(page, kinds, frames)
        if not frames:
            show_notice(page, f"{caption} {_NOT_RELEASED}")
            return
        steps = "; spread evenly over their months, no step is a patient's" if "curves" in kinds else ""
        caption = f"{caption.rstrip()} {capitalize(describe_rounding(page.study))}{steps}."
    drawing = plot(*frames, study=page.study, **options)
    if drawing.figure is None:
        show_notice(page, f"{caption.rstrip('.')}: not drawn. {drawing.alt}")
        return
    caption = f"{caption} {drawing.note}".rstrip()
    if page.info.synthetic:
        mark_synthetic(drawing.figure)
    stem = f"{page.notebook}_{name}"
    for kind, content in (files := _figure_files(page, drawing, caption)).items():
        write_report_bytes(page.run, "figures", f"{stem}.{kind}", content)
    links = " · ".join(f'<a href="figures/{stem}.{kind}">{_DOWNLOADS[kind]}</a>' for kind in files)
    head = number(page, "Figure", f"figure-{stem}")
    said = f'{head}{escape(caption)} <span class="downloads">Figure as {links}</span>'
    width, height = drawing.figure.get_size_inches()
    where = {"shape": "tall" if height > width else "wide", "anchor": f"figure-{stem}"}
    html = figure_html(files["svg"], said, drawing.alt, is_synthetic=page.info.synthetic, **where)
    # for viewers of the notebook that draw no SVG, or none from somebody they do not trust
    pixels = save_figure(drawing.figure, "png", caption=caption, alt=drawing.alt, dpi=SCREEN_DPI)
    show_html(html, f"figure {name}", pixels=pixels)


def show_table(
    page: Page,
    rows: Any,
    layout: Callable[..., Cells] = tabulate_frame,
    *,
    name: str,
    caption: str,
    notes: Collection[str] = (),
    public: bool = False,
    folded: bool = False,
    **options: object,
) -> None:
    """Lay a table out, show it and write its cells to ``tables/<notebook>_<name>.csv``.

    Parameters
    ----------
    page : Page
        The page.
    rows : DataFrame
        What the table is made from: estimates, attrition, or counts. In a release it is rounded first.
    layout : callable
        A function of `fhrmm.tables`, which takes `options`; by default a small frame is shown as it is.
    name, caption : str
        Of the file; what the table says, in whom.
    notes : collection of str
        Footnotes before those of the layout.
    public : bool
        True for definitions and settings, in which no number is a number of patients: nothing is rounded.
    folded : bool
        True for a long table to look things up in: closed until it is opened, and on paper.
    **options
        Further arguments of the layout; the plan is given by the page.

    Raises
    ------
    ValueError
        If the caption is empty.
    """
    if page.is_release and public and isinstance(rows, pd.DataFrame):
        rows = rows.drop(columns="found here", errors="ignore")  # says of each rule whether anybody broke it
    shown = rows if public else protect_frame(page, rows)
    if page.is_release and not public:
        if not len(shown):
            show_notice(page, f"{caption}. {_NOT_RELEASED}")
            return
        notes = (f"{capitalize(describe_rounding(page.study))}.", *name_bounds(shown), *notes)
    cells = layout(shown, page.study, **options)
    said = number(page, "Table", f"table-{name}") + caption
    html = render_table(cells, caption=said, table_id=f"table-{name}", notes=tuple(notes))
    if folded:
        html = f'<details class="folded"><summary>{escape(caption)}</summary>{html}</details>'
    show_html(html, f"table {name}")
    grouped = cells.text
    if page.is_release and not public:
        suffix = f"_midpoint{page.study.rounding}" + ("_derived" if layout is not tabulate_frame else "")
        grouped = grouped.rename(columns={head: f"{head}{suffix}" for head in cells.numeric})
    if cells.group:
        grouped = grouped.copy()
        grouped.insert(0, "Group", list(cells.group))
    write_report_csv(page.run, f"{page.notebook}_{name}", grouped)


def show_sentence(text: str) -> None:
    """Show one paragraph; notebooks have none of their own, so that no number escapes the rounding of a release."""
    show_html(f'<p class="finding">{escape(text)}</p>', "text")


def show_notice(page: Page, text: str) -> None:
    """Say why there is nothing to show here."""
    show_html(f'<aside class="notice" role="note"><p>{escape(text)}</p></aside>', "notice")


def show_colophon(page: Page) -> None:
    """Show what the page was made with: plan, parameters, package versions; no times, no paths."""
    plan = (repository_root() / "study.toml").read_bytes()
    changed = changed_values(page.study)
    facts = [
        ("Notebook", f"{page.notebook}, scope {page.run.scope}"),
        ("Data set", page.info.name + (" (synthetic)" if page.info.synthetic else "")),
        ("Study plan", f"study.toml, sha256 {hashlib.sha256(plan).hexdigest()}"),
        ("Differs from the plan", "; ".join(changed) or "nothing"),
        ("Packages", ", ".join(f"{name} {version(name)}" for name in _PACKAGES)),
    ]
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    html = f'<section class="colophon" aria-label="Colophon"><dl>{items}</dl></section>'
    show_html(html, "colophon")


def _protect(page: Page, kinds: tuple[str, ...], frames: tuple[object, ...]) -> tuple[object, ...]:
    """Frames as a release may show them; none where nothing is left of what a figure is about."""
    pairs = zip(kinds, frames, strict=False)
    shown = tuple(None if frame is None else protection(page, kind)(frame) for kind, frame in pairs)
    return shown if len(shown[0]) else ()  # type: ignore[arg-type]


def _figure_files(page: Page, drawing: Drawing, caption: str) -> dict[str, bytes]:
    """The figure in each format asked for, and the rows that it shows; none of single patients."""
    kinds = dict.fromkeys(("svg", *page.study.display.figure_formats))
    files = {kind: save_figure(drawing.figure, kind, caption=caption, alt=drawing.alt) for kind in kinds}
    if drawing.rows is not None:
        files["csv"] = drawing.rows.to_csv(index=False, lineterminator="\n").encode("utf-8")
    return files

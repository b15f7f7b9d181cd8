"""The gate to reports/: everything is protected and checked for identifiers before it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from fhrmm.disclosure import (
    coarsen_curves,
    suppress_attrition,
    suppress_estimates,
    suppress_mapping,
    suppress_risk,
    suppress_table,
)
from fhrmm.estimate_table import ESTIMATE_COLUMNS, Estimates, clean_estimates, collect, to_publish
from fhrmm.figures import count_routes
from fhrmm.report.page import Page, remember
from fhrmm.store import write_report_csv


def protect_estimates(page: Page, estimates: Estimates) -> pd.DataFrame:
    """Return estimates as they may be shown on this page; in release, safe together with all shown before."""
    frame = clean_estimates(estimates)
    if not page.is_release:
        return frame
    named = frame.assign(scope=frame["scope"].mask(frame["scope"] == "", page.run.scope))
    before = pd.DataFrame(list(page.released.values()), columns=list(ESTIMATE_COLUMNS))
    threshold = page.study.disclosure.minimum_cell_count
    shown = suppress_estimates(named, threshold, response=page.study.response, released=before)
    remember(page, shown)
    return shown


def publish_estimates(page: Page, *parts: pd.DataFrame) -> pd.DataFrame:
    """Join the estimates of a notebook, protect them, write them in full precision, and return what was written.

    Parameters
    ----------
    page : Page
        The page; in release, small numbers and what would reveal them are suppressed.
    *parts : DataFrame
        All estimates of the notebook: suppression looks at them together.

    Returns
    -------
    DataFrame
        The published rows; draw tables, figures and sentences from these.

    Raises
    ------
    ValueError
        If two rows answer the same question.
    DisclosureError
        If a text holds what looks like a patient identifier or a date.
    """
    shown = to_publish(protect_estimates(page, collect(page.run.scope, page.notebook, *parts)))
    page.check(shown.to_csv(index=False), "estimates")
    write_report_csv(page.run, f"estimates/{page.notebook}", shown)
    return shown


def publish_table(page: Page, frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Protect a table of counts, write it to ``tables/<name>.csv``, and return what was written."""
    published = protect_frame(page, frame)
    page.check(published.to_csv(index=False), f"table {name}")
    write_report_csv(page.run, name, published)
    return published


def protect_frame(page: Page, frame: Estimates) -> pd.DataFrame:
    """Return what a table is laid out from as it may be shown; its columns say what it is."""
    columns = set(frame.columns) if isinstance(frame, pd.DataFrame) else set(ESTIMATE_COLUMNS)
    if set(ESTIMATE_COLUMNS) <= columns:
        return protect_estimates(page, frame)
    return protections(page)["attrition" if {"n_excluded", "n_remaining"} <= columns else "counts"](frame)


def _protect_counts(
    counts: pd.DataFrame | pd.Series | Mapping[str, int], threshold: int
) -> pd.DataFrame | dict[str, int | str]:
    """Protect a frame of counts, a mapping of counts, or one value per patient that a figure will count."""
    if isinstance(counts, pd.DataFrame):
        return suppress_table(counts, threshold)
    return suppress_mapping(count_routes(counts), threshold)


def protections(page: Page) -> dict[str, Callable]:
    """Return the protection of each kind of frame; in local display nothing is changed."""
    threshold = page.study.disclosure.minimum_cell_count
    if not page.is_release:
        return dict.fromkeys(("estimates", "curves", "risk", "attrition", "counts"), lambda frame: frame)
    return {
        "estimates": lambda frame: protect_estimates(page, frame),
        "curves": lambda curves: coarsen_curves(curves, threshold),
        "risk": lambda frame: suppress_risk(frame, threshold),
        "attrition": lambda frame: suppress_attrition(frame, threshold),
        "counts": lambda counts: _protect_counts(counts, threshold),
    }

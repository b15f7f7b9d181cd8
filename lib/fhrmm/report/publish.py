"""What is written below reports/; in a release, frames are rounded before anything is made from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from fhrmm.disclosure import round_counts, round_estimates, round_risk, take_curves
from fhrmm.estimate_table import ESTIMATE_COLUMNS, Estimates, clean_estimates, collect, to_publish
from fhrmm.report.page import Page
from fhrmm.store import write_report_csv


def protect_estimates(page: Page, estimates: Estimates) -> pd.DataFrame:
    """Return estimates as they may be shown on this page."""
    return round_estimates(estimates, page.study) if page.is_release else clean_estimates(estimates)


def publish_estimates(page: Page, *parts: pd.DataFrame) -> pd.DataFrame:
    """Join the estimates of a notebook, write them in full precision, and return what was written.

    In a release the numbers follow from rounded counts: draw tables, figures and sentences from what is returned.

    Raises
    ------
    ValueError
        If two rows answer the same question.
    """
    shown = to_publish(protect_estimates(page, collect(page.run.scope, page.notebook, *parts)))
    write_report_csv(page.run, f"estimates/{page.notebook}", shown)
    return shown


def publish_table(page: Page, frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Write a table of counts to ``tables/<name>.csv``, and return what was written; in a release no line of a file."""
    published = protect_frame(page, frame)
    write_report_csv(page.run, name, published)
    return published


def protect_frame(page: Page, frame: Estimates) -> pd.DataFrame:
    """Return what a table is laid out from as it may be shown; its columns say what it is."""
    columns = set(frame.columns) if isinstance(frame, pd.DataFrame) else set(ESTIMATE_COLUMNS)
    return protection(page, "estimates" if set(ESTIMATE_COLUMNS) <= columns else "attrition")(frame)


def protection(page: Page, kind: str) -> Callable[[Any], Any]:
    """Return what is done to a frame of a kind before it is shown: nothing where the report stays with the center."""
    base = page.study.rounding
    if kind == "estimates":
        return lambda frame: protect_estimates(page, frame)
    if not page.is_release:
        return lambda frame: frame
    return {
        "curves": take_curves,
        "risk": lambda frame: round_risk(frame, base),
        "attrition": lambda frame: round_counts(frame, base),
        "counts": lambda frame: round_counts(frame, base),
    }[kind]

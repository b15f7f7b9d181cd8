"""Show sentences made from estimates; a missing or ambiguous row is an error, a row without number is worded."""

from __future__ import annotations

from html import escape

import pandas as pd

from fhrmm.report.display import show_notice, show_text
from fhrmm.report.page import Page, show_html
from fhrmm.report.publish import protect_estimates
from fhrmm.report.sentences import pick_row, word

_MOST_FACTORS = 6


def say(page: Page, estimates: pd.DataFrame, *, endpoint: str, estimand: str, **where: object) -> None:
    """Say one result in a sentence; its estimand chooses the words.

    Parameters
    ----------
    page : Page
        The page.
    estimates : DataFrame
        Rows of the estimates table.
    endpoint, estimand : str
        Which result: ``ORR`` and ``proportion``, ``PFS`` and ``median_months``, ...
    **where
        population, variable, level, model, time_months: which row, if not that of the whole cohort. A probability is
        that at the headline time of the plan. The level needs naming only where a variable has more than two.

    Raises
    ------
    ValueError
        If no row or several answer.
    """
    at = {"time_months": float(page.study.time.headline_months)} if estimand == "survival_probability" else {}
    frame = protect_estimates(page, estimates)
    row = pick_row(frame, endpoint=endpoint, estimand=estimand, **(at | where))
    show_text(page, _word(row, frame, page))


def key_findings(page: Page, estimates: pd.DataFrame, *, model: str = "primary") -> None:
    """Show the main results among the estimates as a list.

    Parameters
    ----------
    page : Page
        The page.
    estimates : DataFrame
        Rows of the estimates table; what is absent is left out.
    model : str
        Regression model whose hazard ratios are listed.
    """
    frame = protect_estimates(page, estimates)
    overall = frame[(frame["variable"] == "") & (frame["model"] == "") & (frame["population"] == "cohort")]
    at_headline = overall["time_months"].isna() | (overall["time_months"] == page.study.time.headline_months)
    rows = [
        row
        for endpoint, estimand in (
            ("ORR", "proportion"),
            ("VGPR_OR_BETTER", "proportion"),
            ("CR_OR_BETTER", "proportion"),
            ("FOLLOW_UP", "median_months"),
            ("PFS", "survival_probability"),
            ("PFS", "median_months"),
            ("OS", "survival_probability"),
            ("OS", "median_months"),
        )
        for row in overall[at_headline & (overall["endpoint"] == endpoint) & (overall["estimand"] == estimand)].to_dict(
            "records"
        )
    ]
    ratios = frame[(frame["model"] == model) & (frame["estimand"] == "hazard_ratio") & (frame["variable"] != "")]
    ratios = ratios[ratios["endpoint"] == ratios["endpoint"].iloc[0]] if len(ratios) else ratios
    compared = ratios[(ratios["level"] != ratios["reference"]) | (ratios["level"] == "")]
    rows += compared.to_dict("records")[:_MOST_FACTORS]
    if not rows:
        show_notice(page, "No key findings: nothing could be estimated on this page.")
        return
    items = "".join(f"<li>{escape(_word(row, overall, page))}</li>" for row in rows)
    show_html(page, f'<ul class="findings" aria-label="Key findings">{items}</ul>', "key findings")


def _word(row: dict[str, object], estimates: pd.DataFrame, page: Page) -> str:
    """Word a row; follow-up with the range of observed times."""
    follow_up = estimates[(estimates["endpoint"] == "FOLLOW_UP") & (estimates["endpoint"] == row["endpoint"])]
    ends = {end["estimand"]: end for end in follow_up.to_dict("records")}
    return word(row, page.study, shortest=ends.get("minimum_months"), longest=ends.get("maximum_months"))

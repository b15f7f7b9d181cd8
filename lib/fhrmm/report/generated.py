"""Show sentences generated from estimates; a missing or ambiguous row is an error, a row without number is worded."""

from __future__ import annotations

from html import escape

import pandas as pd

from fhrmm.formats import clean_estimates
from fhrmm.report.display import say, show_notice
from fhrmm.report.page import Page, show_html
from fhrmm.report.publish import protect_estimates
from fhrmm.report.sentences import (
    Row,
    pick_row,
    word_difference,
    word_follow_up,
    word_hazard_ratio,
    word_median,
    word_proportion,
    word_survival,
    word_test,
)

_MOST_FACTORS = 6


def say_proportion(page: Page, estimates: pd.DataFrame, *, endpoint: str, **where: object) -> None:
    """Say one proportion, such as the overall response rate.

    Parameters
    ----------
    page : Page
        The page.
    estimates : DataFrame
        Rows of the estimates table.
    endpoint : str
        ORR, VGPR_OR_BETTER, ...
    **where
        population, variable, level, model: which row, if not the overall one.

    Raises
    ------
    ValueError
        If no row or several answer.
    """
    say(
        page,
        word_proportion(
            pick_row(protect_estimates(page, estimates), endpoint=endpoint, estimand="proportion", **where), page.study
        ),
    )


def say_survival(page: Page, estimates: pd.DataFrame, *, endpoint: str, time_months: float, **where: object) -> None:
    """Say one survival probability at a time; raises as `say_proportion`."""
    row = pick_row(
        protect_estimates(page, estimates),
        endpoint=endpoint,
        estimand="survival_probability",
        time_months=float(time_months),
        **where,
    )
    say(page, word_survival(row, page.study))


def say_median(page: Page, estimates: pd.DataFrame, *, endpoint: str, **where: object) -> None:
    """Say one median time; raises as `say_proportion`."""
    say(
        page,
        word_median(
            pick_row(protect_estimates(page, estimates), endpoint=endpoint, estimand="median_months", **where),
            page.study,
        ),
    )


def say_follow_up(page: Page, estimates: pd.DataFrame) -> None:
    """Say the median follow-up and the observed range; raises as `say_proportion`."""
    say(page, _follow_up(protect_estimates(page, estimates), page))


def say_difference(
    page: Page,
    estimates: pd.DataFrame,
    *,
    endpoint: str,
    variable: str,
    estimand: str = "rmst_difference_months",
    **where: object,
) -> None:
    """Say a difference between two groups, neutrally when the interval includes none; raises as `say_proportion`.

    Level, reference and time are taken from the row: they need naming only where a variable has several.
    """
    row = _pick_comparison(protect_estimates(page, estimates), endpoint, variable, estimand, where)
    say(page, word_difference(row, page.study))


def say_hazard_ratio(
    page: Page, estimates: pd.DataFrame, *, endpoint: str, variable: str, model: str, **where: object
) -> None:
    """Say the hazard ratio of a variable in a model; raises as `say_proportion`.

    The level needs naming only where the variable has more than two.
    """
    row = _pick_comparison(
        protect_estimates(page, estimates), endpoint, variable, "hazard_ratio", {"model": model} | where
    )
    say(page, word_hazard_ratio(row, page.study))


def say_test(page: Page, estimates: pd.DataFrame, *, endpoint: str, estimand: str, **where: object) -> None:
    """Say a p-value without a verdict; raises as `say_proportion`."""
    say(
        page,
        word_test(
            pick_row(protect_estimates(page, estimates), endpoint=endpoint, estimand=estimand, **where), page.study
        ),
    )


def key_findings(page: Page, estimates: pd.DataFrame, *, model: str = "") -> None:
    """Show the main results among the estimates as a list.

    Parameters
    ----------
    page : Page
        The page.
    estimates : DataFrame
        Rows of the estimates table; what is absent is left out.
    model : str
        Regression model whose hazard ratios are listed; by default ``primary`` if there, else none.
    """
    findings = list_findings(page, estimates, model=model)
    if not findings:
        show_notice(page, "No key findings: nothing could be estimated on this page.")
        return
    items = "".join(f"<li>{escape(text)}</li>" for text in findings)
    show_html(page, f'<ul class="findings" aria-label="Key findings">{items}</ul>', "key findings")


def list_findings(page: Page, estimates: pd.DataFrame, *, model: str = "") -> list[str]:
    """Return the sentences of `key_findings`."""
    frame = protect_estimates(page, estimates)
    study = page.study
    overall = frame[(frame["variable"] == "") & (frame["model"] == "") & (frame["population"] == "cohort")]
    found: list[str] = []
    for endpoint in ("ORR", "VGPR_OR_BETTER", "CR_OR_BETTER"):
        rows = overall[(overall["endpoint"] == endpoint) & (overall["estimand"] == "proportion")]
        found += [word_proportion(row, study) for row in rows.to_dict("records")]
    if (overall["endpoint"] == "FOLLOW_UP").any():
        found.append(_follow_up(overall, page))
    for endpoint in ("PFS", "OS"):
        rows = overall[overall["endpoint"] == endpoint]
        at_headline = rows["time_months"] == study.time.headline_months
        rates = rows[(rows["estimand"] == "survival_probability") & at_headline]
        found += [word_survival(row, study) for row in rates.to_dict("records")]
        found += [word_median(row, study) for row in rows[rows["estimand"] == "median_months"].to_dict("records")]
    return found + _factor_findings(frame, page, model or "primary")


def _factor_findings(frame: pd.DataFrame, page: Page, model: str) -> list[str]:
    rows = frame[(frame["model"] == model) & (frame["estimand"] == "hazard_ratio") & (frame["variable"] != "")]
    rows = rows[rows["endpoint"] == rows["endpoint"].iloc[0]] if len(rows) else rows
    compared = rows[(rows["level"] != rows["reference"]) | (rows["level"] == "")]
    return [word_hazard_ratio(row, page.study) for row in compared.to_dict("records")[:_MOST_FACTORS]]


def _follow_up(estimates: pd.DataFrame, page: Page) -> str:
    median = pick_row(protect_estimates(page, estimates), endpoint="FOLLOW_UP", estimand="median_months")
    ends = []
    for estimand in ("minimum_months", "maximum_months"):
        try:
            ends.append(pick_row(protect_estimates(page, estimates), endpoint="FOLLOW_UP", estimand=estimand))
        except ValueError:
            ends.append(None)
    return word_follow_up(median, *ends, page.study)


def _pick_comparison(
    estimates: pd.DataFrame, endpoint: str, variable: str, estimand: str, where: dict[str, object]
) -> Row:
    """Return the one row that compares a level with its reference; the reference row itself is no comparison."""
    frame = clean_estimates(estimates)
    wanted = {"endpoint": endpoint, "variable": variable, "estimand": estimand, "model": ""} | where
    keep = (frame["level"] != frame["reference"]) | (frame["level"] == "")
    for column, value in wanted.items():
        keep &= frame[column] == value
    rows = frame[keep].to_dict("records")
    if len(rows) != 1:
        asked = ", ".join(f"{column}={value}" for column, value in wanted.items())
        raise ValueError(f"{len(rows)} comparisons for {asked}; one expected")
    return rows[0]

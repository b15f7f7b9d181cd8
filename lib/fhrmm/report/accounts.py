"""Sentences about rows and findings: what became of what was sent, and who is left after the criteria."""

from __future__ import annotations

import pandas as pd

from fhrmm.estimate_table import select_rows
from fhrmm.estimates.specification_curve import summarize_specifications
from fhrmm.formats import format_value, name_result
from fhrmm.report.display import show_sentence
from fhrmm.report.page import Page
from fhrmm.report.publish import protect_estimates
from fhrmm.rounding import is_few, midpoint
from fhrmm.wording import POOLED, counted


def say_accounting(page: Page, row_accounting: pd.DataFrame) -> None:
    """Say what became of the rows of all files together."""
    if page.is_release:
        show_sentence("What became of each row of each file is not part of a release.")
        return
    read, accepted, quarantined, duplicate = (
        int(row_accounting[f"rows_{part}"].sum()) for part in ("read", "accepted", "quarantined", "duplicate")
    )
    files = len(row_accounting)
    kept, held, same = (_count(page, number) for number in (accepted, quarantined, duplicate))
    copies = "an exact duplicate" if same == "1" else "exact duplicates"
    show_sentence(
        f"Of {counted(_count(page, read), 'row')} in {counted(files, 'file')}, {kept} {_were(kept)} accepted, "
        f"{held} quarantined, and {same} {_were(same)} {copies} of another row.",
    )


def say_findings(page: Page, issues: pd.DataFrame, quarantined: pd.DataFrame, unknown_columns: pd.DataFrame) -> None:
    """Say how many findings there are, how many patients are kept out, and which columns were not used."""
    errors, warnings = (int((issues["severity"] == severity).sum()) for severity in ("error", "warning"))
    columns = 0 if page.is_release else len(unknown_columns)
    held = _count(page, len(quarantined))
    text = (
        f"The rules gave {counted(_count(page, errors), 'error')} and {counted(_count(page, warnings), 'warning')}; "
        f"{counted(held, 'patient')} {_were(held)} quarantined."
    )
    unread = sorted(set(issues.loc[issues["rule"] == "center_unreadable", "center"]))
    if unread and not page.is_release:
        text += f" {counted(len(unread), 'center')} could not be read and {_were(str(len(unread)))} left out: "
        text += f"{', '.join(unread)}."
    if columns:
        text += f" {counted(columns, 'column')} unknown to the data dictionary {_were(str(columns))} kept out."
    show_sentence(text)


def say_attrition(page: Page, attrition: pd.DataFrame) -> None:
    """Say how many accepted patients there were and how many form the cohort."""
    if attrition.empty:
        show_sentence("No criterion was applied: there was no patient.")
        return
    first, last = attrition["n_before"].iloc[0], attrition["n_remaining"].iloc[-1]
    first, last = (_count(page, int(number)) if number or page.is_release else "0" for number in (first, last))
    meet, form = ("meets", "forms") if last == "1" else ("meet", "form")
    show_sentence(f"Of {counted(first, 'patient')}, {last} {meet} every criterion and {form} the cohort.")


def say_recording(page: Page, events: pd.DataFrame, cohort: pd.DataFrame) -> None:
    """Say how many centers recorded adverse events, and of how many patients they are; none of them is not zero."""
    if events.empty:
        show_sentence("Adverse events were not recorded by these centers: nothing is known of how many there were.")
        return
    centers, patients = events["center"].nunique(), _count(page, len(events.drop_duplicates(["center", "patient_id"])))
    whole = f"of {counted(cohort['center'].nunique(), 'center')} with patients in the cohort"
    said = f"Adverse events were recorded by {centers} {whole}; their {counted(patients, 'patient')} are described."
    if undated := events.attrs.get("n_undated", 0):
        said += f" Not counted, without a date of onset: {counted(_count(page, undated), 'event')}."
    show_sentence(said)


def say_range(page: Page, curve: pd.DataFrame, *, endpoint: str, estimand: str) -> None:
    """Say between which values one result lies over the specifications with enough patients, and how many differ.

    `curve` are the rows of `fhrmm.estimates.specification_curve.estimate_specifications`.
    """
    rows = protect_estimates(page, curve)
    rows = rows[(rows["endpoint"] == endpoint) & (rows["estimand"] == estimand)]
    name = name_result(rows.iloc[0].to_dict(), page.study) if len(rows) else endpoint
    spread = summarize_specifications(rows, page.study).to_dict("records")
    if not spread or not spread[0]["n_estimable"]:
        show_sentence(f"{name}: no specification could be estimated.")
        return
    found = spread[0]
    ends = [
        f"{format_value(found[end], estimand, page.study.display)} ({counted(int(found[f'{end}_n']), 'patient')})"
        for end in ("smallest", "largest")
    ]
    least = f"specifications with at least {page.study.display.minimum_patients} patients"
    said = f"{counted(found['n_distinct'], 'distinct result')} of {found['n_estimable']} {least}"
    show_sentence(f"{name} ranged from {ends[0]} to {ends[1]} over {said}.")


def say_centers(page: Page, published: pd.DataFrame, *, endpoint: str, estimand: str = "proportion") -> None:
    """Say between which values a share lies over the centers with enough patients; `published` is of every scope."""
    rows = select_rows(published, endpoint=endpoint, estimand=estimand, population="cohort")
    least = page.study.display.minimum_patients
    rows = rows[(rows["scope"] != POOLED) & (rows["n"] >= least) & rows["estimate"].notna()].sort_values("estimate")
    if rows.empty:
        show_sentence(f"No center has at least {least} patients.")
        return
    shown = rows.assign(value=[format_value(value, estimand, page.study.display) for value in rows["estimate"]])
    low, high = (
        f"{row.value} ({row.scope}, {counted(int(row.n), 'patient')})" for row in shown.iloc[[0, -1]].itertuples()
    )
    what = name_result(rows.iloc[0].to_dict(), page.study)
    whose = f"{counted(len(rows), 'center')} with at least {least} patients"
    show_sentence(f"{what} in {whose} ranged from {low} to {high}.")


def say_performance(page: Page, performance: pd.DataFrame) -> None:
    """Say how often intervals held the truth, and how far clear hazard ratios overshot it.

    `performance` are the rows of `generator.simulation.estimate_performance` for one size of samples.
    """
    size = performance["model"].str.rpartition(" ")[2].iloc[0]
    sentences = {
        "coverage": f"In samples of {size} patients, intervals included the true value in {{}} of the samples.",
        "exaggeration_ratio": "Where the interval excluded one, the log hazard ratio was on average {} times the true "
        "value.",
    }
    for name, sentence in sentences.items():
        found = performance.loc[performance["estimand"] == name, "estimate"].dropna()
        if len(found):
            ends = [format_value(end, name, page.study.display) for end in (found.min(), found.max())]
            show_sentence(sentence.format(" to ".join(ends)))


def _count(page: Page, number: int) -> str:
    base = page.study.rounding
    if base:
        return f"at most {base}" if is_few(number, base) else str(midpoint(number, base))
    return "no" if number == 0 else str(number)


def _were(written: str) -> str:
    """Choose the verb by what is written."""
    return "was" if written == "1" else "were"

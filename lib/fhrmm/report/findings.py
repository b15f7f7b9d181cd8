"""Show sentences made from estimates; a missing or ambiguous row is an error, a row without number is worded."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd

from fhrmm.estimate_table import Row, select_rows
from fhrmm.formats import name_result, tidy_note
from fhrmm.report.display import show_notice, show_sentence
from fhrmm.report.page import Page, show_html
from fhrmm.report.publish import protect_estimates
from fhrmm.report.sentences import pick_row, word
from fhrmm.wording import counted

_MAIN_RESULTS = (
    ("ORR", "proportion"),
    ("VGPR_OR_BETTER", "proportion"),
    ("CR_OR_BETTER", "proportion"),
    ("FOLLOW_UP", "median_months"),
    ("PFS", "survival_probability"),
    ("PFS", "median_months"),
    ("OS", "survival_probability"),
    ("OS", "median_months"),
)


def say(page: Page, estimates: pd.DataFrame, *, endpoint: str, estimand: str, **where: object) -> None:
    """Say one result in a sentence; its estimand chooses the words.

    `where` (population, variable, level, model, time_months) says which row, if not that of the whole cohort. A
    probability is that at the headline time of the plan. The level needs naming only where a variable has more than
    two.

    Raises
    ------
    ValueError
        If no row or several answer.
    """
    at = {"time_months": float(page.study.time.headline_months)} if estimand == "survival_probability" else {}
    frame = protect_estimates(page, estimates)
    row = pick_row(frame, endpoint=endpoint, estimand=estimand, **(at | where))
    least, is_of_all = page.study.display.minimum_patients, row["level"] == "" and row["endpoint"] != "FOLLOW_UP"
    if (
        0 < row["n"] < least
        and is_of_all
        and row["estimand"] in ("proportion", "survival_probability", "median_months")
    ):
        n = counted(int(row["n"]), "patient")
        show_sentence(
            f"{name_result(row, page.study)}: {n}, too few to be said as a result (the plan asks for {least})."
        )
        return
    show_sentence(_word(row, frame, page))


def key_findings(
    page: Page, estimates: pd.DataFrame, *, ask: Sequence[tuple[str, str]] = _MAIN_RESULTS, models: Sequence[str] = ()
) -> None:
    """Show the main results among the estimates as a list; what is absent is left out.

    `ask` are the (endpoint, estimand) of the overall results that answer the question of this page, `models` those
    whose hazard ratios are listed: of the univariable ones the clearest, of others every term. Those that could not be
    estimated for one reason are one line.
    """
    frame = protect_estimates(page, estimates)
    overall = select_rows(frame, population="cohort")
    overall = overall[overall["time_months"].isna() | (overall["time_months"] == page.study.time.headline_months)]
    answers = {(row["endpoint"], row["estimand"]): row for row in overall.to_dict("records")}
    rows = [answers[question] for question in ask if question in answers]
    least = page.study.display.minimum_patients
    few = [row for row in rows if row["n"] < least]
    said = [_word(row, frame, page) for row in rows if row not in few]
    if few:
        n = counted(int(max(row["n"] for row in few)), "patient")
        said.append(f"{n}: too few for a rate or a median to be a finding (the plan asks for {least}).")
    ratios = frame[(frame["estimand"] == "hazard_ratio") & (frame["level"] != frame["reference"])]
    ratios = ratios[ratios["endpoint"] == ratios["endpoint"].iloc[0]] if len(ratios) else ratios
    for model in models:
        of_model, head = ratios[ratios["model"] == model], ""
        if model == "univariable" and of_model["p_value"].notna().any():
            head = f"Clearest of {counted(len(of_model), 'univariable association')}: "
            of_model = of_model.sort_values("p_value", kind="stable").head(1)
        alike = of_model[(of_model["status"] == "not_estimable") & of_model.duplicated("note", keep=False)]
        said += [head + _word(row, frame, page) for row in of_model.drop(alike.index).to_dict("records")]
        for note, part in alike.groupby("note", sort=False):
            n = counted(len(part), "association")
            said.append(f"{n} ({model}) could not be estimated: {tidy_note(note)}.")
    if not said:
        show_notice(page, "No key findings: nothing could be estimated on this page.")
        return
    items = "".join(f"<li>{escape(text)}</li>" for text in said)
    show_html(f'<ul class="findings" aria-label="Key findings">{items}</ul>', "key findings")


def _word(row: Row, estimates: pd.DataFrame, page: Page) -> str:
    """Word a row; follow-up with the range of observed times, a hazard ratio with the level it is compared with."""
    rows = estimates[estimates["endpoint"] == row["endpoint"]]
    ends = {end["estimand"]: end for end in rows[rows["endpoint"] == "FOLLOW_UP"].to_dict("records")}
    same = ["population", "model", "variable", "reference", "estimand"]
    of_model = rows[(rows[same] == [row[name] for name in same]).all(axis=1) & (rows["level"] == row["reference"])]
    reference = next(iter(of_model.to_dict("records")), None) if row["level"] != row["reference"] else None
    ends = {"shortest": ends.get("minimum_months"), "longest": ends.get("maximum_months")}
    return word(row, page.study, reference=reference, **ends)

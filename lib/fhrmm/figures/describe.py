"""Text alternatives: the shape of a figure in one or two sentences, made from what it is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from fhrmm.figures.steps import cut_curve
from fhrmm.formats import (
    OK,
    Estimates,
    clean_estimates,
    is_missing,
    kind_of,
    name_endpoint,
    name_level,
    name_variable,
)
from fhrmm.study import Study
from fhrmm.wording import POOLED

Curves = Mapping[str, pd.DataFrame]
_EVERY = 6.0


def describe_curves(
    curves: Curves | Mapping[str, Curves],
    study: Study,
    *,
    endpoint: str = "",
    variable: str = "",
    names: Mapping[str, str] | None = None,
    **_: object,
) -> str:
    """Say how high each Kaplan-Meier curve is at six-month steps, and where it ends.

    Parameters
    ----------
    curves, study, endpoint, variable, names
        As in `plot_kaplan_meier`.

    Returns
    -------
    str
        One sentence per curve.
    """
    if any(isinstance(part, Mapping) for part in curves.values()):
        parts = [describe_curves(part, study, endpoint=name) for name, part in curves.items()]  # type: ignore[arg-type]
        return " ".join(parts)
    subject = name_endpoint(endpoint, study) if endpoint else "Survival"
    minimum = study.display.km_minimum_at_risk
    sentences = []
    for level, curve in curves.items():
        who = (names or {}).get(level, name_level(str(level)))
        cut = cut_curve(curve, minimum, "survival")  # type: ignore[arg-type]
        sentences.append(_curve_sentence(subject, who, cut, "survival", minimum))
    return " ".join(sentences) or f"{subject}: no curve, nobody was followed."


def describe_incidence(curves: pd.DataFrame, study: Study | None = None, **_: object) -> str:
    """Say how far the cumulative incidence of each cause rises."""
    causes = curves.groupby("cause", sort=False, observed=True)
    sentences = [
        _curve_sentence(
            "Cumulative incidence", str(cause), cut_curve(part, 0, "cumulative_incidence"), "cumulative_incidence", 0
        )
        for cause, part in causes
    ]
    return " ".join(sentences) or "Cumulative incidence: no curve, nobody was followed."


def describe_forest(
    estimates: Estimates,
    study: Study,
    *,
    endpoint: str = "",
    models: Sequence[str] | Mapping[str, str] | None = None,
    estimand: str = "hazard_ratio",
    **_: object,
) -> str:
    """Say how many estimates lie on which side of 1, and how many intervals include 1."""
    frame = clean_estimates(estimates)
    keep = (frame["estimand"] == estimand) & (frame["variable"] != "") & (frame["level"] != frame["reference"])
    keep &= (frame["endpoint"] == endpoint) if endpoint else True
    keep &= frame["model"].isin(list(models)) if models else True
    rows, ok = frame[keep], frame[keep & (frame["status"] == OK)]
    if ok.empty:
        return f"Forest plot without estimates: {len(rows)} could not be estimated."
    above = int((ok["estimate"] > 1).sum())
    includes = int(((ok["ci_lower"] <= 1) & (ok["ci_upper"] >= 1)).sum())
    text = (
        f"Forest plot of {_number(len(ok), 'estimate')}: {above} above 1, {includes} with an interval that includes 1."
    )
    largest = ok.loc[ok["estimate"].idxmax()]
    where = f"{name_variable(largest['variable'], study)}, {name_level(largest['level'])}"
    text += f" The largest is {largest['estimate']:.2f} ({where})."
    left = len(rows) - len(ok)
    return text + (f" {left} could not be shown as numbers." if left else "")


def describe_rates(estimates: Estimates, study: Study | None = None, *, endpoint: str = "", **_: object) -> str:
    """Say the range of the rates of groups, and that of all patients."""
    frame = clean_estimates(estimates)
    rows = frame[_is_rate(frame) & ((frame["endpoint"] == endpoint) if endpoint else True)]
    groups = rows[(rows["variable"] != "") & (rows["status"] == OK)]
    if groups.empty:
        return "Rates by group: none could be estimated."
    low, high = groups.loc[groups["estimate"].idxmin()], groups.loc[groups["estimate"].idxmax()]
    ends = f"from {_group_rate(low, study)} to {_group_rate(high, study)}"
    text = f"Rates of {_number(len(groups), 'group')} with intervals, {ends}."
    whole = rows[(rows["variable"] == "") & (rows["status"] == OK)]
    return text + (f" All patients: {whole['estimate'].iloc[0]:.0%}." if len(whole) else "")


def describe_center_rates(estimates: Estimates, study: Study | None = None, *, endpoint: str = "", **_: object) -> str:
    """Say the range of the centers' rates and the pooled one."""
    frame = clean_estimates(estimates)
    keep = _is_rate(frame) & (frame["variable"] == "") & frame["population"].isin(["cohort", ""])
    keep &= (frame["endpoint"] == endpoint) if endpoint else True
    if study is not None:
        keep &= frame["time_months"].isna() | (frame["time_months"] == study.time.headline_months)
    rows = frame[keep]
    centers = rows[rows["scope"] != POOLED]
    ok = centers[centers["status"] == OK]
    if ok.empty:
        return f"Rates of {_number(len(centers), 'center')}: none could be estimated."
    text = (
        f"Rates of {_number(len(ok), 'center')} with intervals, "
        f"from {ok['estimate'].min():.0%} to {ok['estimate'].max():.0%}."
    )
    pooled = rows[(rows["scope"] == POOLED) & (rows["status"] == OK)]
    if len(pooled):
        row = pooled.iloc[0]
        inside = int(((ok["ci_lower"] <= row["estimate"]) & (ok["ci_upper"] >= row["estimate"])).sum())
        text += f" Pooled: {row['estimate']:.0%}, which lies within the interval of {inside} of them."
    return text


def describe_center_forest(
    estimates: Estimates,
    study: Study | None = None,
    *,
    endpoint: str,
    variable: str,
    level: str = "",
    model: str = "univariable",
    **_: object,
) -> str:
    """Say in how many centers the hazard ratio could be estimated, on which side of 1, and the pooled one.

    Parameters
    ----------
    estimates, study, endpoint, variable, level, model
        As in `plot_center_forest`.

    Returns
    -------
    str
        One or two sentences.
    """
    rows = select_comparison(clean_estimates(estimates), endpoint, variable, model, level)
    centers = rows[rows["scope"] != POOLED]
    ok = centers[centers["status"] == OK]
    above = int((ok["estimate"] > 1).sum())
    text = f"Hazard ratio in {_number(len(centers), 'center')}: estimated in {len(ok)}, above 1 in {above}."
    pooled = rows[(rows["scope"] == POOLED) & (rows["status"] == OK)]
    return text + (f" Pooled: {pooled['estimate'].iloc[0]:.2f}." if len(pooled) else "")


def select_comparison(estimates: pd.DataFrame, endpoint: str, variable: str, model: str, level: str) -> pd.DataFrame:
    """Return the hazard ratio rows of one variable against its reference, one per scope."""
    keep = (estimates["estimand"] == "hazard_ratio") & (estimates["endpoint"] == endpoint)
    keep &= (estimates["variable"] == variable) & (estimates["model"] == model)
    keep &= (estimates["level"] != estimates["reference"]) | (estimates["level"] == "")
    return estimates[keep & estimates["level"].isin([level, ""])] if level else estimates[keep]


def describe_flow(attrition: pd.DataFrame, routes: object = None, **_: object) -> str:
    """Say how many patients came in, which criterion excluded most, and how many form the cohort."""
    if attrition.empty:
        return "Flow diagram without patients."
    first, last = (
        "an undisclosed number of" if is_missing(count) else str(count)
        for count in (attrition["n_remaining"].iloc[0], attrition["n_remaining"].iloc[-1])
    )
    text = f"Flow diagram: {first} accepted patients, {last} in the cohort"
    excluded = pd.to_numeric(attrition["n_excluded"]).astype("Float64").fillna(0)
    if excluded.max() > 0:
        most = attrition.loc[excluded.idxmax()]
        text += f"; most were excluded by: {most['label']} ({most['n_excluded']})"
    return text + "."


def describe_missingness(completeness: Estimates, study: Study | None = None, **_: object) -> str:
    """Say how many variables are nearly complete, and which is known least often."""
    frame = clean_estimates(completeness)
    rows = frame[(frame["endpoint"] == "COMPLETENESS") & (frame["status"] == OK)]
    if rows.empty:
        return "Completeness map without values."
    mean = rows.groupby("variable", sort=False)["estimate"].mean()
    complete = int((mean >= 0.95).sum())
    worst = name_variable(str(mean.idxmin()), study)
    return (
        f"Map of {_number(len(mean), 'variable')}: {complete} known in at least 95% of patients; "
        f"known least often: {worst}, {mean.min():.0%}."
    )


def describe_response(categories: Estimates, *_: object, **__: object) -> str:
    """Say the most frequent best response and the shares of the outer categories."""
    frame = clean_estimates(categories)
    rows = frame[(frame["endpoint"] == "BEST_RESPONSE") & (frame["model"] == "") & (frame["status"] == OK)]
    rows = rows[rows["n"] > 0]
    if rows.empty:
        return "Best response: no patient could be shown."
    shares = ", ".join(
        f"{row['level']} {row['estimate']:.0%}" for row in rows.to_dict("records") if row["n_events"] > 0
    )
    return f"Stacked bar of best response among {rows['n'].iloc[0]:.0f} patients: {shares}."


def describe_swimmer(courses: pd.DataFrame, **_: object) -> str:
    """Say how many courses there are, how long the longest is, and how many ended with progression or death."""
    courses = courses.dropna(subset=["end_months"])
    if courses.empty:
        return "Swimmer plot without patients."
    ends = {
        name: int(courses[f"{name}_months"].notna().sum())
        for name in ("progression", "death")
        if f"{name}_months" in courses
    }
    said = ", ".join(f"{count} with {name}" for name, count in ends.items())
    return (
        f"One bar for each of {_number(len(courses), 'patient')}, the longest {courses['end_months'].max():.0f} months"
        + (f"; {said}." if said else ".")
    )


def describe_waterfall(changes: pd.DataFrame, **_: object) -> str:
    """Say how many values fell, and by how much in the middle."""
    known = changes["change_pct"].dropna()
    if known.empty:
        return "Waterfall plot without measured changes."
    fell = int((known < 0).sum())
    return (
        f"Waterfall plot of the best change of the M-protein in {_number(len(known), 'patient')}: "
        f"{fell} fell, median change {known.median():.0f}%."
    )


def describe_specifications(specifications: Estimates, **_: object) -> str:
    """Say the range of the estimates over all specifications."""
    frame = clean_estimates(specifications)
    ok = frame[(frame["status"] == OK) & frame["estimate"].notna()]
    if ok.empty:
        return "Specification curve without estimates."
    is_share = kind_of(str(ok["estimand"].iloc[0])) == "percent"
    low, high = (
        f"{value:.0%}" if is_share else f"{value:.2f}" for value in (ok["estimate"].min(), ok["estimate"].max())
    )
    return f"{_number(len(ok), 'specification')} in order of their estimates, from {low} to {high}."


def describe_schoenfeld(residuals: pd.DataFrame, study: Study | None = None, **_: object) -> str:
    """Say which terms are shown and how their residuals go with time."""
    terms = list(dict.fromkeys(residuals["term"])) if len(residuals) else []
    if not terms:
        return "Schoenfeld residuals: no model was fitted."
    parts = []
    for term in terms:
        part = residuals[residuals["term"] == term]
        slope = part["time"].corr(part["residual"], method="spearman") if len(part) > 2 else float("nan")
        trend = "no clear trend" if is_missing(slope) or abs(slope) < 0.3 else ("rising" if slope > 0 else "falling")
        variable, _sign, level = str(term).partition("=")
        name = name_variable(variable, study) + (f" ({name_level(level)})" if level else "")
        parts.append(f"{name}: {trend}")
    return f"Scaled Schoenfeld residuals over time. {'; '.join(parts)}."


def _curve_sentence(subject: str, who: str, curve: pd.DataFrame, value: str, minimum: int) -> str:
    head = f"{subject} ({who})" if who else subject
    if curve.empty:
        return f"{head}: no curve, fewer than {minimum} at risk."
    end = float(curve["time"].iloc[-1])
    ticks = [at for at in (_EVERY * step for step in range(1, 21)) if at <= end]
    heights = [f"{_height(curve, at, value):.0%} at {at:g} months" for at in ticks]
    verb = "falls" if value == "survival" else "rises"
    if not heights:
        heights = [f"{curve[value].iloc[-1]:.0%} at its end"]
    return f"{head} {verb} to {', '.join(heights)}; the curve ends at {end:.0f} months."


def _height(curve: pd.DataFrame, at: float, value: str) -> float:
    return float(curve[curve["time"] <= at + 1e-9][value].iloc[-1])


def _is_rate(frame: pd.DataFrame) -> pd.Series:
    return frame["estimand"].isin(["proportion", "survival_probability"])


def _group_rate(row: pd.Series, study: Study | None) -> str:
    return f"{row['estimate']:.0%} ({name_variable(row['variable'], study)}, {name_level(row['level'])})"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

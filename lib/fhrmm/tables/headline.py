"""The headline table: what was published, what the synthetic data were made from, what this run gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from fhrmm.formats import (
    DASH,
    OK,
    Estimates,
    clean_estimates,
    format_count,
    format_ratio,
    format_value,
    is_missing,
    name_endpoint,
    name_level,
    status_text,
)
from fhrmm.study import Factor, PublishedResult, Study
from fhrmm.tables.table import Cells, Footnotes, Table
from fhrmm.tables.write import write_cell

PUBLISHED, TRUTH, RUN = "Published", "Synthetic truth", "This run (95% CI)"
Record = Mapping[str, object]


def tabulate_headline(
    estimates: Estimates, study: Study, truth: Sequence[Record] | None = None, *, model: str = "univariable"
) -> Table:
    """Lay out published, synthetic truth and this run side by side.

    Parameters
    ----------
    estimates : DataFrame
        Estimates of the scope: the published quantities, and PFS hazard ratios of the factors under `model`.
    study : Study
        The plan, with what was published.
    truth : sequence of mappings, optional
        What the synthetic data were made from: endpoint, estimand, estimate, and time_months, variable, level,
        status where they apply. None for real data: the column is then absent.
    model : str
        The model whose hazard ratios are shown.

    Returns
    -------
    Table
        A quantity that was not computed in this run says so.
    """
    return Table(clean_estimates(estimates), partial(_draw, study=study, truth=truth, model=model))


def _draw(estimates: pd.DataFrame, *, study: Study, truth: Sequence[Record] | None, model: str) -> Cells:
    frame = clean_estimates(estimates)
    notes = Footnotes()
    content = [_size_row(frame, study)]
    content += [_result_row(result, frame, study, truth, notes) for result in study.published.results]
    content += [_factor_row(study.factor(name), frame, study, truth, notes, model) for name in _factors(study)]
    text = pd.DataFrame(content, columns=["Quantity", PUBLISHED, TRUTH, RUN]).astype(object)
    if truth is None:
        text = text.drop(columns=TRUTH)
    group = ("Cohort",) + ("Outcomes",) * len(study.published.results)
    group += ("Hazard ratio for PFS, adverse against reference level",) * len(_factors(study))
    lines = (*notes.lines(), f"Published: {study.study.published_reference}")
    return Cells(text, group, numeric=frozenset([PUBLISHED, TRUTH, RUN]), notes=lines)


def _factors(study: Study) -> list[str]:
    declared = {factor.variable for factor in study.factors}
    return [name for name in study.published.adverse_factors if name in declared]


def _size_row(frame: pd.DataFrame, study: Study) -> list[str]:
    whole = (frame["endpoint"] == "ORR") & (frame["population"] == "cohort") & (frame["variable"] == "")
    sizes = frame[whole & (frame["model"] == "") & (frame["estimand"] == "proportion")]["n"].dropna()
    found = format_count(sizes.iloc[0]) if len(sizes) else DASH
    return ["Patients", format_count(study.published.n_patients), DASH, found]


def _result_row(
    result: PublishedResult, frame: pd.DataFrame, study: Study, truth: Sequence[Record] | None, notes: Footnotes
) -> list[str]:
    key = {"endpoint": result.endpoint, "estimand": result.estimand, "time_months": result.time_months}
    name = name_endpoint(result.endpoint, study)
    if result.estimand == "survival_probability":
        name = f"{result.time_months:g}-month {name[:1].lower() + name[1:]}"
    elif result.estimand == "median_months":
        name = f"Median {name[:1].lower() + name[1:]}, months"
    published = status_text({"status": result.status}) or _published_number(result, study)
    return [name, published, _truth_text(truth, key, study), _run_text(frame, key, study, notes)]


def _published_number(result: PublishedResult, study: Study) -> str:
    """The abstract prints whole percentages; no decimal is invented for it."""
    if result.estimate is not None and result.estimand in ("proportion", "survival_probability"):
        return f"{100 * result.estimate:.0f}%"
    return format_value(result.estimate, result.estimand, study.display)


def _factor_row(
    factor: Factor,
    frame: pd.DataFrame,
    study: Study,
    truth: Sequence[Record] | None,
    notes: Footnotes,
    model: str,
) -> list[str]:
    key = {"endpoint": "PFS", "estimand": "hazard_ratio", "variable": factor.variable, "level": factor.adverse}
    name = f"{factor.label}: {name_level(factor.adverse)} against {name_level(factor.reference)}"
    return [
        name,
        "adverse, size not stated",
        _truth_text(truth, key, study),
        _run_text(frame, key | {"model": model}, study, notes),
    ]


def _truth_text(truth: Sequence[Record] | None, key: Record, study: Study) -> str:
    for record in truth or ():
        if all(_same(record.get(name), wanted) for name, wanted in key.items()):
            status = status_text({"status": record.get("status", OK)})
            if status or key["estimand"] == "hazard_ratio":
                return status or format_ratio(record.get("estimate"), study.display)  # type: ignore[arg-type]
            return format_value(record.get("estimate"), str(key["estimand"]), study.display)  # type: ignore[arg-type]
    return DASH


def _run_text(frame: pd.DataFrame, key: Record, study: Study, notes: Footnotes) -> str:
    wanted = {"variable": "", "level": "", "model": "", "time_months": None} | dict(key)
    keep = frame["population"].isin(["cohort", ""])
    for name, value in wanted.items():
        keep &= frame[name].isna() if value is None else frame[name] == value
    rows = frame[keep].to_dict("records")
    if not rows:
        return "not computed in this run"
    return _with_sign(rows[0], study, notes)


def _with_sign(row: dict[str, object], study: Study, notes: Footnotes) -> str:
    text = write_cell(row, study, notes)
    is_share = row["estimand"] in ("proportion", "survival_probability") and row["status"] == OK
    return text.replace(" (", "% (", 1).replace(")", "%)") if is_share and "(" in text else text


def _same(found: object, wanted: object) -> bool:
    if is_missing(wanted):
        return is_missing(found)
    if isinstance(wanted, int | float) and not is_missing(found):
        return math.isclose(float(found), float(wanted))  # type: ignore[arg-type]
    return found == wanted

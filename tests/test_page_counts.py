"""Patients and events beside every estimate, counted again from the tables of patients by other code."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pandas as pd
import pytest

from fhrmm.study import load_study

pytestmark = pytest.mark.slow
STUDY = load_study()
KEYS = ["center", "patient_id"]
TREATED = STUDY.comparison.treatment
LANDMARK = float(STUDY.models.landmark_months)
COMPLETE = {
    "primary": list(STUDY.models.primary),
    "full, Firth": list(STUDY.models.full),
    "overlap weights": [TREATED, *STUDY.comparison.covariates],
    "inverse probability weights": [TREATED, *STUDY.comparison.covariates],
}
CHANGES = {"TTASCT": "second_line_asct", "TTR": "response"}
COUNTED = [
    "survival_probability", "median_months", "rmst_months", "log_rank_p", "rmst_difference_months", "hazard_ratio",
    "concordance", "ph_test_p", "interaction_p", "e_value", "influence",
]  # fmt: skip


def patients_of(work: Path, scope: str) -> pd.DataFrame:
    """One row per patient and endpoint with what is known of the patient, and the months to a transplant in time."""
    times = pd.read_parquet(work / scope / "time_to_event.parquet")
    cohort = pd.read_parquet(work / scope / "cohort.parquet")
    joined = times.merge(cohort[[*KEYS, *cohort.columns.difference(times.columns)]], on=KEYS)
    joined = joined[joined["time_months"].notna()]
    for change, variable in CHANGES.items():
        happened = joined[(joined["endpoint"] == change) & joined["event"]].set_index(KEYS)["time_months"]
        joined = joined.drop(columns=variable, errors="ignore").join(happened.rename(change), on=KEYS)
        joined[change] = joined[change].where(joined[change] <= joined["time_months"])
        joined[variable] = joined[change].notna().map({True: "yes", False: "no"})
    return joined


def recount(row: dict[str, object], patients: pd.DataFrame) -> tuple[int, int]:
    """Patients and events that the estimate of a row is made from."""
    model, variable, level = str(row["model"]), str(row["variable"]), str(row["level"])
    found = patients[patients["endpoint"] == row["endpoint"]]
    if row["population"] == "comparison":
        found = found[found[STUDY.comparison.population_variable].isin(STUDY.comparison.population_levels)]
    if model.startswith("within "):
        found = found[found[STUDY.comparison.interaction_with] == model.removeprefix("within ")]
    if model == "interaction":
        found = found.dropna(subset=[variable, STUDY.comparison.interaction_with])
    if model.startswith("without "):
        found = found[found["center"] != model.removeprefix("without ")]
    is_primary = model.startswith(("without ", "all centers", "center frailty"))
    found = found.dropna(subset=COMPLETE.get("primary" if is_primary else model, []))
    if model.startswith("landmark"):
        found = found[found["time_months"] > LANDMARK]
        for change, name in CHANGES.items():
            found = found.assign(**{name: (found[change] <= LANDMARK).map({True: "yes", False: "no"})})
    if variable in found.columns:
        found = found[found[variable].notna()]
        is_of_both = str(row["estimand"]).startswith("rmst_difference")
        found = found[found[variable].astype(str) == level] if level and not is_of_both else found
    events = int(found["event"].astype(bool).sum())
    # until the day of the transplant a patient counts as one without
    if model == "time-dependent" and level == "no":
        whole = patients[patients["endpoint"] == row["endpoint"]]
        change = next(change for change, name in CHANGES.items() if name == variable)
        return int((whole[change].isna() | (whole[change] > 0)).sum()), events
    return len(found), events


def pairs_on_page(text: str) -> set[tuple[int, int]]:
    """Pairs of events and patients that the sentences and tables of a page print."""
    words = html.unescape(re.sub(r"<[^>]+>", " ", text))
    said = re.findall(r"(\d+) events? in (\d+) patients?", words)
    written = re.findall(r"<td[^>]*>\s*(\d+)/(\d+)\s*</td>", text)
    return {(int(events), int(n)) for events, n in (*said, *written)}


def test_every_count_beside_an_estimate_is_that_of_the_patients_it_was_made_from(built_report) -> None:
    checked = 0
    for table in sorted(built_report.reports.glob("*/tables/estimates.csv")):
        scope = table.parts[-3]
        patients = patients_of(built_report.work, scope)
        rows = pd.read_csv(table, keep_default_na=False)
        rows = rows[
            rows["notebook"].isin(["04_pfs_os", "05_multivariable", "06_sensitivity", "08_treatment_comparison"])
        ]
        rows = rows[
            ~rows["model"].str.contains("=|validated")
            & rows["estimand"].isin(COUNTED)
            & rows["endpoint"].isin(patients["endpoint"])
        ]
        imputed = rows[(rows["model"] == "imputed") & (rows["status"] == "ok")]
        totals = imputed.astype({"n": int}).groupby(["endpoint", "variable"])["n"].sum()
        rounded = [abs(n - (patients["endpoint"] == endpoint).sum()) <= 1 for (endpoint, _), n in totals.items()]
        assert all(rounded), "the levels of an imputed variable are not all patients"
        for row in rows[rows["model"] != "imputed"].to_dict("records"):
            assert (int(row["n"]), int(row["n_events"])) == recount(row, patients), f"{scope}: {row}"
            checked += 1
    assert checked > 200


def test_every_count_on_a_page_is_that_of_an_estimate(built_report) -> None:
    for scope in sorted(path.parent.parent for path in built_report.reports.glob("*/tables/estimates.csv")):
        rows = pd.read_csv(scope / "tables" / "estimates.csv", keep_default_na=False)
        known = {
            (int(events), int(n)) for events, n in zip(rows["n_events"], rows["n"], strict=True) if n != "" != events
        }
        for name in ("00_overview", "04_pfs_os", "05_multivariable", "08_treatment_comparison"):
            printed = pairs_on_page((scope / f"{name}.html").read_text(encoding="utf-8"))
            assert printed <= known, f"{scope.name}/{name}: {printed - known}"

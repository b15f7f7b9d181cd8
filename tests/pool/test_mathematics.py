"""Sums over centers say what R says of all patients, and what scope ALL counts."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.pool.conftest import Played

from fhrmm.estimates import characteristics, proportions, survival
from fhrmm.pool import rounds
from fhrmm.pool.answer import answer, split_sums
from fhrmm.pool.likelihood import FARTHEST, count_days, evaluate, fit_alone
from fhrmm.pool.models import estimate_models, follow
from fhrmm.pool.question import first_round, univariable
from fhrmm.pool.results import Counts, write_out_times
from fhrmm.study import repository_root
from timetoevent.cox import fit_cox
from timetoevent.firth import fit_firth_cox

FROZEN = repository_root() / "tests" / "oracle" / "pool" / "frozen"
R = json.loads((FROZEN / "stratified.json").read_text(encoding="utf-8"))


def ask_of(case: Mapping, kind: str, **more: object) -> dict:
    terms = [{"column": name, "levels": case["levels"][name]} for name in case["terms"]]
    size = sum(len(term["levels"]) - 1 for term in terms)
    block = {"name": "cox", "kind": kind, "table": "PFS", "terms": terms, "model": "primary", "at": [0.0] * size}
    return block | {"third": False, "drift": False, "weight": []} | more


def tables_of(case: Mapping) -> list[dict[str, pd.DataFrame]]:
    frame = pd.DataFrame(case["data"]).astype(dict.fromkeys(case["terms"], str))
    return [{"PFS": part.assign(event=part["event"] == 1)} for _, part in frame.groupby("center")]


def sum_up(block: dict, tables: list) -> object:
    return split_sums([block], sum(answer({"ask": [block]}, each) for each in tables))["cox"]


@pytest.mark.parametrize("name", ["embedded", "lung", "veteran"])
def test_cox_by_center_equals_r_in_at_most_six_rounds(name):
    case, history = R[name], []
    block = ask_of(case, "cox")
    while True:
        history.append((block, sum_up(block, tables_of(case))))
        fit = follow(history)
        if fit.is_final:
            break
        block = fit.next_block()
    assert len(history) <= 6
    np.testing.assert_allclose(fit.beta, case["coefficient"], atol=1e-8, rtol=0)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance())), case["std_error"], rtol=1e-6)
    found = [moments["log_likelihood"] for moments in (fit.null, fit.moments)]
    np.testing.assert_allclose(found, case["log_likelihood"], rtol=1e-9)
    np.testing.assert_allclose([test.statistic for test in fit.hazards_tests().values()], case["zph"], rtol=1e-6)


def test_most_centers_of_the_embedded_data_cannot_fit_alone_and_are_in_the_sums():
    case = R["embedded"]
    able = sum_up(ask_of(case, "alone"), tables_of(case))["contributors"]
    informed = sum_up(ask_of(case, "cox"), tables_of(case))["contributors"]
    assert (able < len(tables_of(case)) / 2).all()
    assert (informed > able).all()


@pytest.mark.parametrize("name", ["embedded", "lung", "veteran"])
def test_logrank_by_center_equals_r(name):
    case, last = R[name], R[name]["terms"][-1]
    block = ask_of({**case, "terms": [last]}, "logrank")
    sums = sum_up(block, tables_of(case))
    gap, covariance = sums["observed"] - sums["expected"], sums["covariance"]
    statistic = gap[1:] @ np.linalg.solve(covariance[1:, 1:], gap[1:])
    assert statistic == pytest.approx(case["logrank"], rel=1e-9)


def test_kaplan_meier_and_logrank_equal_r_on_the_same_grid(study):
    frame = pd.read_csv(FROZEN / "pfs.csv")
    frame = frame.assign(event=frame["event"] == 1, week=np.ceil(frame["days"] / 7))
    names = ("weeks/PFS", "weeks/PFS/second_line_krd")
    blocks = {block["name"]: block for block in first_round(study) if block["name"] in names}
    asked = list(blocks.values())
    total = sum(answer({"ask": asked}, {"PFS": part}) for _, part in frame.groupby("center"))
    counts = Counts(study, blocks, split_sums(asked, total))
    rows = survival.estimate_survival(write_out_times(counts, "PFS"), study, endpoint="PFS")
    rates = rows[rows["estimand"] == "survival_probability"].head(3)
    for column, name in (("estimate", "survival"), ("ci_lower", "lower")):
        np.testing.assert_allclose(rates[column], R["weekly"][name], rtol=1e-9)
    by_krd = write_out_times(counts, "PFS/second_line_krd")
    test = survival.compare_survival(by_krd, study, endpoint="PFS", by="second_line_krd").iloc[0]
    assert test["estimate"] == pytest.approx(stats.chi2.sf(R["weekly"]["logrank"], 1), rel=1e-9)


def test_every_pooled_count_equals_that_of_all_patients(finished, everybody, study):
    counts, _ = rounds.read_rounds(finished.folder, study)
    asked = {"ask": [block for block in first_round(study) if block["kind"] in ("count", "rates", "logrank")]}
    whole = split_sums(asked["ask"], answer(asked, everybody))
    for name, block in counts.blocks.items():
        for part in {"count": ("counts",), "rates": ("events", "months")}.get(block["kind"], ()):
            np.testing.assert_allclose(counts.sums[name][part], whole[name][part], atol=1e-6, err_msg=name)


def test_shown_numbers_equal_those_of_all_patients(finished, everybody, study):
    pooled = rounds.read_results(finished.folder, study)
    patients = everybody["patients"]
    assert pooled["flow"]["n_remaining"].iloc[-1] == len(patients)
    whole = pd.concat(
        [
            proportions.estimate_response(patients, study),
            *(proportions.estimate_response(patients, study, by=name) for name in univariable(study)),
            characteristics.estimate_baseline(patients, ["sex", "iss", "first_line_quadruplet", "r_iss"]),
        ]
    )
    keys = ["population", "endpoint", "variable", "level", "estimand"]
    both = pd.concat([pooled["response"], pooled["baseline"]]).merge(whole, on=keys, suffixes=("", "_all"))
    shown = both[both["status"] == "ok"]
    assert len(shown) > 30
    for column in ("estimate", "ci_lower", "ci_upper", "n", "n_events"):
        np.testing.assert_allclose(shown[column], shown[f"{column}_all"], rtol=1e-12)


def test_hazard_ratios_shown_are_exact_and_the_average_of_local_fits_is_not(finished, study):
    counts, fits = rounds.read_rounds(finished.folder, study)
    rows = estimate_models(counts, fits, len(finished.tables))
    krd = rows[(rows["endpoint"] == "PFS") & (rows["variable"] == "second_line_krd") & (rows["level"] == "other")]
    log_ratio = dict(zip(krd["model"], np.log(krd["estimate"]), strict=True))
    options = {"time": "days", "event": "event", "strata": "center"}
    frame, primary = stack(finished.tables), list(study.models.primary)
    adjusted = fit_cox(frame.dropna(subset=primary), terms=primary, **options).coefficients
    is_krd = (adjusted["term"] == "second_line_krd") & (adjusted["level"] == "other")
    assert log_ratio["primary, stratified by center"] == pytest.approx(
        adjusted.loc[is_krd, "coefficient"].item(), abs=1e-8
    )
    exact = fit_cox(frame, terms=["second_line_krd"], **options).beta[0]
    assert log_ratio["univariable, stratified by center"] == pytest.approx(exact, abs=1e-8)
    assert exact > 0 > log_ratio["univariable, meta-analysis of local fits"], "the average turns the sign"
    note = krd.loc[krd["model"] == "univariable, meta-analysis of local fits", "note"].item()
    assert "of 10 that can fit alone" in note


def stack(tables: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    return pd.concat([part["PFS"].assign(center=center) for center, part in tables.items()], ignore_index=True)


def test_firth_by_center_is_that_of_all_patients(finished, study):
    _, fits = rounds.read_rounds(finished.folder, study)
    terms = list(study.models.full)
    frame = stack(finished.tables).dropna(subset=terms)
    whole = fit_firth_cox(
        frame, time="days", event="event", terms=terms, strata="center", ties="efron", profile_terms=()
    )
    fit = fits["cox/PFS/full, Firth"]
    assert fit.is_final
    np.testing.assert_allclose(fit.beta, whole.beta, atol=1e-8)


@pytest.fixture
def table():
    random = np.random.default_rng(3)
    days, event = random.integers(1, 40, 120), random.random(120) < 0.6
    pattern = random.integers(0, 4, 120)
    return count_days(days, event, pattern, np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]))


def test_third_moments_are_the_derivative_of_the_information(table):
    beta, h = np.array([0.3, -0.5]), 1e-5
    third = evaluate(table, beta, third=True)["third"]
    for place in range(2):
        ahead, behind = (evaluate(table, beta + sign * h * np.eye(2)[place])["information"] for sign in (1, -1))
        np.testing.assert_allclose(third[:, :, place], (ahead - behind) / (2 * h), atol=1e-6)


def test_bend_is_the_second_derivative_of_the_trace_of_weight_times_information(table):
    beta, h, weight = np.array([0.3, -0.5]), 1e-5, np.array([[0.7, 0.2], [0.2, 0.4]])
    bend = evaluate(table, beta, weight=weight)["bend"]
    for place in range(2):
        ahead, behind = (evaluate(table, beta + s * h * np.eye(2)[place], third=True)["third"] for s in (1, -1))
        slope = np.einsum("ab,abj->j", weight, (ahead - behind) / (2 * h))
        np.testing.assert_allclose(bend[:, place], slope, atol=1e-6)


def test_center_that_is_alone_in_a_level_or_without_events_answers():
    case = R["embedded"]
    alone = {"PFS": tables_of(case)[0]["PFS"].assign(frontline_pathway="no ASCT")}
    quiet = {"PFS": tables_of(case)[1]["PFS"].assign(event=False)}
    empty = {"PFS": alone["PFS"].iloc[:0]}
    for tables, is_silent in ((alone, False), (quiet, True), (empty, True)):
        for kind in ("cox", "alone", "logrank"):
            asked = {**case, "terms": case["terms"][:1]} if kind == "logrank" else case
            numbers = answer({"ask": [ask_of(asked, kind, third=kind == "cox", drift=kind == "cox")]}, tables)
            assert np.isfinite(numbers).all()
            assert kind == "logrank" or not is_silent or not numbers.any()


def test_local_fit_is_that_of_the_library_and_says_what_it_cannot_fit(table):
    beta, variance = fit_alone(table)
    assert (np.abs(beta) < FARTHEST).all()
    rows = [
        {"days": day, "event": True, "a": x[0], "b": x[1]}
        for day, counts in zip(table.days, table.events, strict=True)
        for x, n in zip(table.x, counts, strict=True)
        for _ in range(int(n))
    ]
    whole = fit_cox(pd.DataFrame(rows), time="days", event="event", terms=["a", "b"])
    only = count_days(
        np.array([int(row["days"]) for row in rows]),
        np.ones(len(rows), dtype=bool),
        np.array([int(row["a"] * 2 + row["b"]) for row in rows]),
        table.x,
    )
    np.testing.assert_allclose(fit_alone(only)[0], whole.beta, atol=1e-6)
    np.testing.assert_allclose(np.sqrt(fit_alone(only)[1]), whole.coefficients["std_error"], rtol=1e-5)
    separated = count_days(np.arange(6) + 1, np.arange(6) < 3, (np.arange(6) < 3).astype(int), np.array([[0.0], [1]]))
    assert np.isnan(fit_alone(separated)[0]).all()
    assert np.isfinite(variance).all()


def test_nobody_has_an_event_and_nothing_is_made_up(tmp_path, centers, study):
    quiet = {
        center: {
            name: table.assign(event=False, ended="censored") if "event" in table else table
            for name, table in tables.items()
        }
        for center, tables in list(centers.items())[:4]
    }
    played = Played(tmp_path, study, quiet)
    played.join(*quiet)
    while not played.ask()[1]:
        played.answer_all()
    pooled = rounds.read_results(played.folder, study)
    models = pooled["models"]
    ratios = models[(models["estimand"] == "hazard_ratio") & (models["level"] != models["reference"])]
    assert (ratios["status"] != "ok").all()
    assert (models.loc[models["estimand"] != "hazard_ratio", "status"] != "ok").all()
    tests = pooled["survival"][pooled["survival"]["estimand"] == "log_rank_p"]
    assert (tests["status"] != "ok").all()

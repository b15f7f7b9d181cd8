"""The release rule, attacked: what is shown is a function of rounded counts, and pins no count of 1 to 5."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhrmm.cohort import add_derived
from fhrmm.disclosure import Secrets, release, round_counts, round_estimates, search_folder, search_text
from fhrmm.disclosure.certainty import Ledger, read_ledger
from fhrmm.disclosure.release import begin_release, check_release, finish_release, remember_release
from fhrmm.endpoints import derive_time_to_event
from fhrmm.errors import StudyError
from fhrmm.estimate_table import collect, make_row, to_frame, to_publish
from fhrmm.estimates import characteristics, competing, counts, proportions, regression, subgroups, survival
from fhrmm.local_report import warn_of_identifiers
from fhrmm.response import derive_response
from fhrmm.rounding import band, midpoint, round_times
from fhrmm.schema import empty_table
from fhrmm.study import as_release, load_study
from fhrmm.wording import RELEASE_MARK
from generator.population import simulate_population
from generator.simulation import simulate_follow_up
from timetoevent.kaplan_meier import survival_at
from timetoevent.results import Estimate, not_estimable

STUDY = load_study()
RELEASE = as_release(STUDY)
BASE = 6
MANIFEST = ("version", "title", "dataset", "parameters", "packages")


@given(st.integers(0, 10_000), st.sampled_from([5, 6, 10]))
def test_a_count_lies_in_the_band_of_its_midpoint(count: int, base: int) -> None:
    low, high = band(midpoint(count, base), base)
    assert low <= count <= high
    assert high - low == base - 1 + (low == 0)
    assert midpoint(midpoint(count, base), base) == midpoint(count, base)


def follow_up(seed: int, n: int = 62) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    event, censored = rng.exponential(18, n), rng.uniform(6, 26, n)
    return np.minimum(event, censored), event <= censored


@pytest.mark.parametrize("seed", range(20))
def test_rounded_follow_up_says_nothing_of_a_patient_but_of_every_sixth_the_month(seed: int) -> None:
    time, event = follow_up(seed)
    shown = round_times(time, event, BASE)
    assert len(shown[0]) == 63
    assert int(shown[1].sum()) == midpoint(int(event.sum()), BASE)
    order = np.argsort(time)
    kinds = [order, order[event[order]], order[~event[order]]]
    known = {place for kind in kinds for place in kind[::BASE]}
    rng, moved = np.random.default_rng(seed), time.copy()
    for before, place, after in zip(order, order[1:], order[2:], strict=False):
        if place not in known:
            moved[place] = rng.uniform(moved[before], moved[after])
    assert (moved != time).sum() > 30
    again = round_times(moved, event, BASE)
    np.testing.assert_array_equal(shown[0], again[0])


def test_events_spread_over_their_months_err_least_and_within_the_bound_that_is_printed() -> None:
    """Against the step at the first event of each bin, in cohorts drawn from the generator's population."""
    rng = np.random.default_rng(7)
    population = simulate_follow_up(3000, STUDY, rng)
    times, events = population["time_months"].to_numpy(dtype=float), population["event"].to_numpy(dtype=bool)

    def at_first(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = []
        for kind in (event, ~event):
            first = np.ceil(np.sort(time[kind]))[::BASE] - 0.5
            parts.append(np.repeat(first, [BASE // 2] + [BASE] * (len(first) - 1)))
        return np.concatenate(parts), np.repeat([True, False], [len(part) for part in parts])

    for n in (62, 150):
        errors: dict[str, list[float]] = {"spread": [], "first": []}
        moved = []
        for _ in range(150):
            drawn = rng.choice(len(times), n, replace=False)
            time, event = times[drawn], events[drawn]
            (exact,) = survival_at(time, event, at=[12.0])
            for name, shown in (("spread", round_times(time, event, BASE)), ("first", at_first(time, event))):
                errors[name].append(abs(survival_at(*shown, at=[12.0])[0].estimate - exact.estimate))
            moved.append(errors["spread"][-1] * (round_times(time, event, BASE)[0] >= 12).sum())
        assert np.sqrt(np.mean(np.square(errors["spread"]))) < np.sqrt(np.mean(np.square(errors["first"])))
        assert np.quantile(moved, 0.95) <= 3.0, "19 of 20 within the bound"


def published(n: int, seed: int, folder: Path, n_small: int = 0) -> Path:
    """Estimate most of what the notebooks do in a cohort, and write it as a release does; some factors made rare."""
    rng = np.random.default_rng(seed)
    cohort = add_derived(simulate_population(n, rng, visits=False).patients, STUDY)
    for size, factor in enumerate(STUDY.factors[:n_small], start=1):
        levels = [factor.adverse] * size + [factor.reference] * (n - size)
        cohort[factor.variable] = pd.Categorical(levels, [factor.reference, factor.adverse])
    response = derive_response(cohort, empty_table("assessments"), STUDY)
    times = subgroups.join_cohort(derive_time_to_event(cohort, response, STUDY), cohort)
    patients = subgroups.join_cohort(response, cohort)
    names = [factor.variable for factor in STUDY.factors]
    primary = list(STUDY.models.primary)
    incidence, _ = competing.estimate_cumulative_incidence(times, RELEASE)
    parts = [
        characteristics.estimate_cohort_size(cohort),
        characteristics.estimate_baseline(cohort, counts.BASELINE_VARIABLES),
        proportions.estimate_response(patients, RELEASE),
        proportions.estimate_best_response(patients, RELEASE),
        *(proportions.estimate_response(patients, RELEASE, by=name, endpoints=("ORR",)) for name in names),
        *(proportions.compare_response(patients, RELEASE, by=name) for name in names),
        *(survival.estimate_survival(times, RELEASE, endpoint=name) for name in ("PFS", "OS", "DOR")),
        *(survival.estimate_survival(times, RELEASE, endpoint="PFS", by=name) for name in names),
        survival.estimate_follow_up(times, RELEASE), survival.count_reasons(times), incidence,
        survival.estimate_dating(times, response, RELEASE),
        regression.estimate_budget(times, RELEASE, endpoint="PFS", terms=primary, model="primary"),
        regression.fit_univariable(times, RELEASE, endpoint="PFS", variables=names),
    ]  # fmt: skip
    (folder / "ALL" / "tables").mkdir(parents=True)
    shown = to_publish(round_estimates(collect("ALL", "04_pfs_os", *parts), RELEASE))
    shown.to_csv(folder / "ALL" / "tables" / "estimates.csv", index=False)
    cross = round_counts(counts.count_cross(cohort, "lenalidomide_exposure", "second_line_krd"), BASE)
    heads = {name: f"{name}_midpoint6" for name in cross.columns[1:]}
    cross.rename(columns=heads).to_csv(folder / "ALL" / "tables" / "02_cohort_cross.csv", index=False)
    (folder / "manifest.json").write_text(
        '{"version": 1, "title": "", "dataset": {}, "parameters": {}, "packages": {}}'
    )
    finish_release(folder, STUDY)
    return folder


SIZES = {"62 patients": (62, 0), "49 patients, levels of 1 to 4": (49, 4), "6 patients": (6, 2)}


@pytest.fixture(scope="module", params=SIZES)
def released(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    n, n_small = SIZES[request.param]
    folder = published(n, 11, tmp_path_factory.mktemp("released") / "r", n_small)
    assert read_ledger(folder / "ALL", STUDY).find_pinned(BASE) == []
    return pd.read_csv(folder / "ALL" / "tables" / "estimates.csv", na_values=[""], keep_default_na=False)


def test_every_count_is_a_midpoint_and_every_share_that_of_midpoints(released: pd.DataFrame) -> None:
    for name in ("n_midpoint6", "n_events_midpoint6"):
        assert set(pd.to_numeric(released[name]).dropna() % BASE) == {3}
    shares = released[(released["estimand"] == "proportion") & (released["status"] == "ok")].astype(
        {"estimate_midpoint6_derived": float, "n_midpoint6": float, "n_events_midpoint6": float}
    )
    expected = shares["n_events_midpoint6"] / shares["n_midpoint6"]
    np.testing.assert_allclose(shares["estimate_midpoint6_derived"], expected, rtol=1e-12)


def test_no_number_of_few_patients_or_events_is_shown(released: pd.DataFrame) -> None:
    shown = released[released["status"] == "ok"]
    assert (shown["n_midpoint6"].astype(float) > BASE).all()
    with_events = shown[shown["n_events_midpoint6"].notna()]
    assert (with_events["n_events_midpoint6"].astype(float) > BASE).all()
    hidden = released[released["status"] == "suppressed"]
    assert hidden["estimate_midpoint6_derived"].isna().all()
    assert hidden["p_value"].isna().all()


def test_models_have_two_significant_decimals_and_notes_no_counts(released: pd.DataFrame) -> None:
    models = released[released["estimand"].isin(["hazard_ratio", "log_rank_p", "concordance", "fisher_p"])]
    for name in ("estimate_midpoint6_derived", "ci_lower_midpoint6_derived", "ci_upper_midpoint6_derived", "p_value"):
        for value in models[name].dropna().astype(float):
            assert float(f"{value:.1e}") == value
    notes = released["note"].dropna()
    harmless = r"\u2264\d+.*|within \d+ points.*|\d+ parameters?|the curve ends at .*|.*beyond the last observed time.*"
    assert [note for note in notes if re.search(r"\d", note) and not re.fullmatch(harmless, note)] == []


def test_extremes_and_rows_that_exist_for_somebody_are_left_out(released: pd.DataFrame) -> None:
    assert not released["estimand"].isin(["minimum_months", "maximum_months"]).any()
    few = released[(released["estimand"] == "count") & (released["status"] == "suppressed")]
    assert "missing" not in few["level"].tolist()
    assert not few["variable"].isin(["second_line_standard", "end_of_observation"]).any()
    isotypes = released[(released["variable"] == "isotype") & (released["estimand"] == "count")]
    if (released["n_midpoint6"].astype(float) > BASE).any():
        assert len(isotypes) >= 7, "every level of the plan is listed"


@pytest.mark.parametrize("events", range(7))
def test_a_group_of_few_events_is_the_same_whatever_their_number(events: int) -> None:
    def shown(n_events: int) -> list[object]:
        value = Estimate(n_events / 20, 0.1, 0.6, n=20, n_events=n_events) if n_events else not_estimable("none", n=20)
        what = {"variable": "sex", "level": "male"}
        rows = [make_row(value, endpoint="ORR", estimand="proportion", **what),
                make_row(value, endpoint="PFS", estimand="hazard_ratio", reference="f", **what)]  # fmt: skip
        return round_estimates(to_frame(rows), RELEASE).fillna(-1).to_numpy().tolist()

    assert shown(events) == shown(1)


def test_a_second_pass_changes_nothing() -> None:
    value = Estimate(38 / 62, 0.4, 0.7, n=62, n_events=38)
    rows = to_frame(
        [
            make_row(value, endpoint="ORR", estimand="proportion"),
            make_row(value, endpoint="PFS", estimand="concordance"),
        ]
    )
    once = round_estimates(rows, RELEASE)
    pd.testing.assert_frame_equal(round_estimates(once, RELEASE), once)


def test_a_model_whose_reference_has_few_events_would_give_them_away_by_its_interval() -> None:
    names = {"endpoint": "PFS", "estimand": "hazard_ratio", "model": "univariable", "variable": "sex", "reference": "f"}
    rows = [make_row(Estimate(1.0, n=30, n_events=2), level="f", **names),
            make_row(Estimate(2.0, 0.4, 9.0, n=32, n_events=20), level="m", **names)]  # fmt: skip
    assert round_estimates(to_frame(rows), RELEASE)["status"].tolist() == ["suppressed", "suppressed"]


def test_cross_tables_list_no_level_that_is_there_for_somebody() -> None:
    frame = pd.DataFrame({"a": ["x"] * 30 + ["y"] * 20 + ["z"] * 2, "b": (["p", "q"] * 26)})
    shown = round_counts(counts.count_cross(frame, "a", "b"), BASE)
    assert shown["a"].tolist() == ["x", "y", "Total"]
    assert shown["Total"].tolist() == [27, 21, 51]


def test_a_table_without_a_line_keeps_its_columns() -> None:
    nobody = pd.DataFrame({"rule": pd.Series(dtype=object), "findings": pd.Series(dtype="int64")})
    assert round_counts(nobody, BASE).columns.tolist() == ["rule", "findings"]
    assert len(round_counts(pd.DataFrame({"rule": ["a"], "findings": [2]}), BASE)) == 0


def test_a_level_that_nobody_has_reads_as_one_that_few_have() -> None:
    """By no method, and by no row that is there for somebody alone."""

    def shown(n_at_level: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        population = simulate_population(45, np.random.default_rng(2), visits=False).patients
        cohort = add_derived(population, STUDY)
        levels = list(cohort["frontline_pathway"].cat.categories)
        some = ["few"] * n_at_level + ["many"] * (20 - n_at_level) + ["most"] * 25
        names = dict(zip(("most", "many", "few"), levels, strict=True))
        cohort["frontline_pathway"] = pd.Categorical([names[one] for one in some], levels)
        response = derive_response(cohort, empty_table("assessments"), STUDY)
        times = subgroups.join_cohort(derive_time_to_event(cohort, response, STUDY), cohort)
        by = {"endpoint": "PFS", "by": "frontline_pathway"}
        parts = [
            survival.estimate_survival(times, RELEASE, **by),
            survival.compare_survival(times, RELEASE, **by),
            regression.fit_univariable(times, RELEASE, endpoint="PFS", variables=["frontline_pathway"]),
        ]
        rows = round_estimates(pd.concat(parts, ignore_index=True), RELEASE)
        of_few = rows["level"] == levels[2]
        keys = rows[["level", "reference", "estimand", "time_months"]].drop_duplicates()
        return keys[keys["level"] != ""].reset_index(drop=True), rows[of_few].reset_index(drop=True)

    for n_at_level in (1, 2):
        for nobody, few in zip(shown(0), shown(n_at_level), strict=True):
            pd.testing.assert_frame_equal(nobody, few)


def test_what_is_certain_is_found() -> None:
    ledger = Ledger()
    ledger.know("whole", 12, 12)
    ledger.know("large", 7, 7)
    ledger.know("small", 0, 6)
    ledger.add_up("whole", ["large", "small"], is_all=True)
    assert ledger.find_pinned(BASE) == ["small"]
    assert Ledger().find_pinned(BASE) == []
    assert Ledger({"alone": (2, 2), "open": (0, 6)}).find_pinned(BASE) == ["alone"]
    open_ledger = Ledger({"whole": (7, 12), "large": (7, 12), "small": (0, 6)})
    open_ledger.add_up("whole", ["large", "small"], is_all=True)
    assert open_ledger.find_pinned(BASE) == []
    ledger.know("large", 13, 18)
    with pytest.raises(StudyError, match="contradict"):
        ledger.find_pinned(BASE)


LEAKS = {
    "patient identifier": ["<td>PAZ-0017</td>", "file PAZ-0017.csv"],
    "direct identifier": ["RSSMRA80A01F205X", "anna.rossi@hospital.it"],
    "date of a patient": ["2023-05-02", "2.5.2023", "02/05/2023", "05/02/2023"],
    "absolute path": ["/" + "home/anna/x.csv", r"C:\anna", "/" + "srv/x"],
    "name of a folder, user, machine or center": ["for C17 alone"],
    "output that no function of fhrmm.report made": [
        '<pre class="text-output">62</pre>', '<div class="html-output"><b>62</b>', '<table class="dataframe">',
    ],
}  # fmt: skip
SECRETS = Secrets({"PAZ-0017", "12"}, {date(2023, 5, 2)}, {"C17"})


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in LEAKS.items() for text in texts])
def test_the_gate_finds(kind: str, text: str) -> None:
    assert search_text(f"<p>before {text} after</p>", SECRETS) == [kind]


@pytest.mark.parametrize(
    "text",
    ["12 of 62 patients", "Lancet 2016-17", "2021-09-01", "https://doi.org/10.1016/x", "0.5.2023", "</div>/x",
     '<div class="html-output"><p class="finding">', '<div class="html-output">\n<div class="table-scroll">'],
)  # fmt: skip
def test_the_gate_lets_pass(text: str) -> None:
    assert search_text(text, SECRETS) == []


@pytest.mark.parametrize("suffix", [".html", ".svg", ".csv", ".json", ".ipynb", ".docx", ".js"])
def test_no_kind_of_file_is_passed_over(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".docx":
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("word/document.xml", "<w:t>PAZ-</w:t><w:t>0017</w:t>")
    else:
        path.write_text("alt: PAZ-0017")
    assert search_folder(tmp_path, SECRETS) == [(path.name, "patient identifier")]


def test_a_page_is_read_within_its_pictures_and_between_its_breaks(tmp_path: Path) -> None:
    import base64

    picture = base64.b64encode(b"<svg><desc>PAZ-0017</desc></svg>").decode()
    (tmp_path / "a.html").write_text(f'<img src="data:image/svg+xml;base64,{picture}">')
    (tmp_path / "b.html").write_text("PAZ_<wbr>1 and A&amp;B 7")
    found = search_folder(tmp_path, Secrets({"PAZ-0017", "PAZ_1"}))
    assert found == [("a.html", "patient identifier"), ("b.html", "patient identifier")]


def make_centers(folder: Path, n_centers: int) -> Path:
    for number in range(n_centers):
        (folder / f"C{number:02d}").mkdir(parents=True)
    return folder


@pytest.mark.parametrize(("n_centers", "is_refused"), [(1, False), (2, True), (3, False)])
def test_two_centers_would_see_each_other(tmp_path: Path, n_centers: int, is_refused: bool) -> None:
    data = make_centers(tmp_path / "data", n_centers)
    begin: Callable[[], None] = lambda: begin_release(data, tmp_path / "out", tmp_path / "staged", STUDY)  # noqa: E731
    if is_refused:
        with pytest.raises(StudyError, match="at least 3"):
            begin()
    else:
        begin()
        assert "midpoint of 6" in (tmp_path / "staged" / RELEASE_MARK).read_text()


def test_a_release_goes_into_no_folder_that_has_something(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "index.html").touch()
    with pytest.raises(StudyError, match="not empty"):
        begin_release(make_centers(tmp_path / "data", 3), tmp_path / "reports", tmp_path / "staged", STUDY)


def test_the_register_refuses_what_differs_by_few_patients(tmp_path: Path) -> None:
    def remember(*patients: int) -> None:
        rows = tmp_path / "rows" / "ALL"
        rows.mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"center": "C01", "patient_id": [f"P{p}" for p in patients]}).to_parquet(rows / "cohort.parquet")
        remember_release(tmp_path, tmp_path / "rows", STUDY, date(2026, 1, 31))

    remember(*range(60))
    for patients in (range(60), range(59), range(65), range(2, 62)):
        with pytest.raises(StudyError, match=r"release of 2026-01-31 differs .* by fewer than 6 patients"):
            remember(*patients)
    remember(*range(70))
    entries = json.loads((tmp_path / "releases.json").read_text())
    assert [len(entry["cohort"]) for entry in entries] == [60, 70]
    assert "P1" not in (tmp_path / "releases.json").read_text()
    assert (tmp_path / "releases.key").stat().st_mode & 0o077 == 0


def test_nothing_passes_that_the_gate_or_the_last_check_stops(tmp_path: Path) -> None:
    folder = published(49, 3, tmp_path / "r", 4)
    check_release(folder, SECRETS, STUDY)
    (folder / "ALL" / "03_response.html").write_text("<td>PAZ-0017</td>")
    with pytest.raises(StudyError, match=r"nothing is published\n- ALL/03_response.html: patient identifier"):
        check_release(folder, SECRETS, STUDY)


def test_a_local_report_is_searched_again_only_when_it_has_changed(tmp_path, monkeypatch):
    """The cover warns of a patient on a page, in a run that changes nothing too; pages are read when they are new."""
    work, page = tmp_path / "work" / "C01", tmp_path / "reports" / "C01" / "01_cleaning.html"
    work.mkdir(parents=True)
    page.parent.mkdir(parents=True)
    pd.DataFrame({"center": ["C01"], "patient_id": ["PZ-0815-77"]}).to_parquet(work / "patients.parquet")
    page.write_text("<p>seen: PZ-0815-77</p>", encoding="utf-8")
    warned = warn_of_identifiers(tmp_path / "reports", tmp_path / "work")
    assert "01_cleaning.html" in warned[-1]
    with monkeypatch.context() as patch:
        patch.setattr(release, "find_identifiers", lambda *_: pytest.fail("read again"))
        assert warn_of_identifiers(tmp_path / "reports", tmp_path / "work") == warned
    page.write_text("<p>nobody</p>", encoding="utf-8")
    assert len(warn_of_identifiers(tmp_path / "reports", tmp_path / "work")) == 1

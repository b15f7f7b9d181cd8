"""The page: what is shown is written beside it, and in a release made from rounded counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fhrmm import figures, report, tables
from fhrmm.errors import StudyError
from fhrmm.estimate_table import make_row, to_frame
from fhrmm.estimates import survival
from fhrmm.report import page as page_module
from fhrmm.report.page import Page
from fhrmm.study import load_study
from fhrmm.wording import RELEASE_MARK, read_words
from timetoevent.kaplan_meier import kaplan_meier
from timetoevent.results import Estimate

STUDY = load_study()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everything displayed, as HTML."""
    found: list[str] = []
    monkeypatch.setattr(page_module, "display", lambda bundle, *, raw: found.append(bundle["text/html"]))
    return found


@pytest.fixture
def start(tmp_path: Path, shown: list[str]) -> Callable[..., Page]:
    """Start a page of a dataset with two centers."""

    def make(*, synthetic: bool = True, scope: str = "ALL", release: bool = False, **plan: object) -> Page:
        data = tmp_path / "data"
        for center in ("C01", "C02"):
            (data / center).mkdir(parents=True, exist_ok=True)
        text = f'name = "Ten centers"\nsynthetic = {str(synthetic).lower()}\ndata_cutoff_date = 2025-03-31\n'
        (data / "dataset.toml").write_text(text, encoding="utf-8")
        reports = tmp_path / ("release" if release else "reports")
        reports.mkdir(exist_ok=True)
        if release:
            (reports / RELEASE_MARK).touch()
        places = {"data_dir": data, "work_dir": tmp_path / "work", "reports_dir": reports}
        names = {"center": scope, "study_file": "study.toml", **places, **plan}
        return report.open_page("04_pfs_os", names | {"of the notebook": "not a parameter"})

    return make


def rate(n: int, n_events: int, **what: object) -> dict[str, object]:
    value = Estimate(n_events / n, 0.4, 0.7, n=n, n_events=n_events, method="Clopper-Pearson")
    return make_row(value, **{"endpoint": "ORR", "estimand": "proportion", **what})


def curve_times() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return rng.exponential(10, 60), rng.random(60) < 0.6


def show_curve(page: Page, caption: str = "PFS") -> None:
    time, event = curve_times()
    rows = pd.DataFrame({"endpoint": "PFS", "time_months": time, "event": event})
    risk = survival.tabulate_risk(rows, page.study, endpoint="PFS")
    curves = survival.survival_curves(rows, page.study, endpoint="PFS")
    report.show_figure(page, figures.plot_kaplan_meier, curves, risk, name="pfs", caption=caption, endpoint="PFS")


def show_courses(page: Page) -> None:
    courses = pd.DataFrame({"end_months": [3.0]})
    report.show_figure(page, figures.plot_swimmer, courses, name="swimmer", caption="Courses.")


def test_banner_says_what_the_data_are(start, shown: list[str]) -> None:
    start()
    banner = shown[1]
    assert "All centers pooled (2)" in banner
    assert "SYNTHETIC" in banner
    assert 'class="banner synthetic"' in banner
    assert "2025-03-31" in banner
    start(synthetic=False, scope="C02")
    assert "Center C02" in shown[3]
    assert "SYNTHETIC" not in shown[3]


def test_banner_and_colophon_name_what_differs_from_the_plan(start, shown: list[str]) -> None:
    page = start(fhr_window_months=18)
    assert "functional_high_risk.window_months = 18 (plan: 12)" in shown[1]
    report.show_colophon(page)
    assert "functional_high_risk.window_months = 18 (plan: 12)" in shown[-1]
    assert re.search(r"sha256 [0-9a-f]{64}", shown[-1])
    assert "pandas 2" in shown[-1]
    assert "/" not in re.sub(r"</?\w+[^>]*>", "", shown[-1]), "no path"


def test_figure_is_shown_with_alt_and_written_with_its_data(start, shown: list[str]) -> None:
    page = start()
    show_curve(page, "PFS < all")
    html = shown[-1]
    assert html.count("<img ") == 1
    assert 'alt="Progression-free survival falls to' in html
    assert "PFS &lt; all" in html
    assert "Synthetic data" in html
    folder = page.run.reports / "figures"
    offered = re.findall('href="figures/([^"]+)"', html)
    assert offered == [f"04_pfs_os_pfs.{kind}" for kind in ("svg", "csv")]
    assert sorted(path.name for path in folder.iterdir()) == sorted(offered)
    svg = (folder / "04_pfs_os_pfs.svg").read_bytes()
    assert b"synthetic-mark" in svg
    assert read_words(svg)[0].startswith("PFS < all "), "a picture that travels alone says what it shows"


def test_other_formats_are_written_where_the_plan_asks_and_are_no_change_of_it(start, shown: list[str]) -> None:
    page = start(figure_formats="pdf,tiff")
    assert "Changed from the plan" not in shown[-1]
    show_curve(page)
    kinds = [path.suffix for path in sorted((page.run.reports / "figures").iterdir())]
    assert kinds == [".csv", ".pdf", ".svg", ".tiff"]
    assert re.findall(r'href="figures/04_pfs_os_pfs\.(\w+)"', shown[-1]) == ["svg", "pdf", "tiff", "csv"]
    with pytest.raises(StudyError, match="figure_formats"):
        start(figure_formats="gif")


def test_data_of_a_figure_are_the_steps_it_draws_and_the_counts_under_it(start, shown: list[str]) -> None:
    page = start()
    show_curve(page)
    rows = pd.read_csv(page.run.reports / "figures" / "04_pfs_os_pfs.csv")
    curve = rows[rows["part"] == "curve"]
    full = kaplan_meier(*curve_times())
    shown_part = full[(full["n_at_risk"] >= STUDY.display.km_minimum_at_risk) & (full["time"] <= 24)]
    assert curve["survival"].iloc[0] == 1.0
    np.testing.assert_allclose(curve["survival"].iloc[1:], shown_part["survival"], rtol=1e-12)
    counts = rows[rows["part"] == "numbers_at_risk"]
    assert counts[["time", "n_at_risk"]].iloc[0].tolist() == [0, 60]


def test_released_figure_and_its_data_are_made_from_rounded_counts(start, shown: list[str]) -> None:
    local, release = start(), start(release=True)
    found = {}
    for page in (local, release):
        show_curve(page)
        found[page.is_release] = pd.read_csv(page.run.reports / "figures" / "04_pfs_os_pfs.csv")
    assert "Counts rounded to the midpoint of 6" in shown[-1]
    counts = found[True].query("part == 'numbers_at_risk'")
    assert counts[["n_events", "n_censored"]].iloc[0].tolist() == [0, 0]
    assert set(counts[["n_events", "n_censored"]].iloc[1:].to_numpy().ravel() % 6) <= {0, 3}
    steps = {key: set(rows.query("part == 'curve'")["time"]) for key, rows in found.items()}
    assert not steps[True] & (steps[False] - {0.0}), "no time of a patient"
    report.show_figure(release, figures.plot_rates, to_frame(SMALL), name="f", caption="By sex", endpoint="ORR")
    rates = pd.read_csv(release.run.reports / "figures" / "04_pfs_os_f.csv").set_index("level")
    assert rates.loc["male", ["n", "n_events"]].tolist() == [51, 33]
    assert rates.loc["male", "estimate"] == 33 / 51
    assert rates.loc["female", "status"] == "suppressed"
    exact = {"": kaplan_meier(*curve_times())}
    report.show_figure(release, figures.plot_kaplan_meier, exact, name="x", caption="X")
    assert "not from rounded counts" in shown[-1], "its steps would be those of patients"


def test_figures_of_single_patients_give_no_data(start, shown: list[str]) -> None:
    page = start()
    show_courses(page)
    kinds = sorted(path.suffix for path in (page.run.reports / "figures").iterdir())
    assert kinds == [".svg"]
    assert ".csv" not in shown[-1]


def test_figure_of_real_data_has_no_mark_and_describes_itself(start, shown: list[str]) -> None:
    page = start(synthetic=False)
    show_curve(page)
    assert "ynthetic" not in shown[-1]
    assert 'alt="Progression-free survival falls to' in shown[-1]
    with pytest.raises(ValueError, match="needs a caption"):
        show_curve(page, " ")


def test_two_runs_write_the_same_bytes(start) -> None:
    page = start()
    contents = []
    for _ in range(2):
        show_curve(page)
        report.publish_estimates(page, to_frame([rate(62, 38)]))
        files = sorted(path for path in page.run.reports.rglob("*") if path.is_file())
        contents.append([path.read_bytes() for path in files])
    assert contents[0] == contents[1]


def test_table_is_shown_and_written_as_shown(start, shown: list[str]) -> None:
    page = start()
    rows = to_frame([rate(62, 38)])
    report.show_table(page, rows, tables.tabulate_estimates, name="rates", caption="Rates", notes=["A note."])
    assert "<caption" in shown[-1]
    assert "A note." in shown[-1]
    written = pd.read_csv(page.run.reports / "tables" / "04_pfs_os_rates.csv", dtype=str)
    assert written.iloc[0].tolist() == ["All patients", "62", "38", "61.3", "40.0 to 70.0"]
    report.show_table(page, pd.DataFrame({"center": ["C01"], "n_patients": [3]}), name="plain", caption="Plain")
    assert '<th scope="row">C01</th>' in shown[-1]


@pytest.mark.parametrize("text", ["REDCap_2023-05-06.csv", "KRd dal 2023-05-02", "seen on 4.5.2023"])
def test_a_date_stops_no_page(start, shown: list[str], text: str) -> None:
    page = start()
    report.show_table(page, pd.DataFrame({"file": [text]}), name="files", caption="Files")
    report.show_notice(page, text)
    assert text in shown[-1]


def test_the_plans_own_dates_may_be_shown(start) -> None:
    page = start()
    report.show_notice(page, f"Accrual from {STUDY.cohort.second_line_from} to {STUDY.cohort.second_line_to}.")
    report.show_table(page, pd.DataFrame({"rule": ["1900-01-01"]}), name="rules", caption="Rules", public=True)


def test_published_estimates_keep_full_precision(start) -> None:
    page = start()
    published = report.publish_estimates(page, to_frame([rate(62, 38)]))
    back = pd.read_csv(page.run.reports / "tables" / "estimates" / "04_pfs_os.csv")
    assert back["estimate"].tolist() == [38 / 62] == published["estimate"].tolist()
    assert published["n"].dtype == "Int64"
    assert published[["scope", "notebook"]].to_numpy().tolist() == [["ALL", "04_pfs_os"]]


SMALL = [rate(62, 38), rate(53, 35, variable="sex", level="male"), rate(9, 3, variable="sex", level="female")]


def test_release_rounds_in_every_way_of_showing(start, shown: list[str]) -> None:
    page, frame = start(release=True), to_frame(SMALL)
    assert "release: counts rounded to the midpoint of 6" in shown[-1]
    published = report.publish_estimates(page, frame)
    assert published["n"].tolist() == [63, 51, 9]
    assert published["status"].tolist() == ["ok", "ok", "suppressed"]
    report.show_table(page, frame, tables.tabulate_across, name="t", caption="By sex")
    assert "33.3" not in shown[-1]
    assert "\u22646" in shown[-1]
    assert "Counts rounded to the midpoint of 6" in shown[-1]
    report.say(page, frame, endpoint="ORR", estimand="proportion")
    assert "39 of 63 patients; within 7 points of the exact value" in shown[-1]
    report.say(page, frame, endpoint="ORR", estimand="proportion", variable="sex", level="female")
    assert "is not part of the release: \u22646" in shown[-1]
    report.show_figure(page, figures.plot_rates, frame, name="f", caption="By sex", endpoint="ORR")
    assert "33%" not in shown[-1], "the text alternative is made from rounded rows"
    assert report.publish_estimates(start(), frame)["n"].tolist() == [62, 53, 9]


@pytest.mark.parametrize(("n", "local"), [(1, "1 patient was quarantined"), (3, "3 patients were quarantined")])
def test_release_does_not_give_a_small_number_away_by_its_grammar(start, shown: list[str], n: int, local: str) -> None:
    issues = pd.DataFrame({"severity": ["error"] * n, "rule": "date_unreadable", "center": "C01"})
    quarantined, unknown = pd.DataFrame({"patient": range(n)}), pd.DataFrame({"column": []})
    report.say_findings(start(), issues, quarantined, unknown)
    assert local in shown[-1]
    report.say_findings(start(), issues.assign(rule="center_unreadable"), quarantined, unknown)
    assert "1 center could not be read and was left out: C01." in shown[-1]
    report.say_findings(start(release=True), issues, quarantined, unknown)
    assert "at most 6 patients were quarantined" in shown[-1]
    assert "at most 6 errors" in shown[-1]
    report.say_findings(start(release=True), issues.assign(rule="center_unreadable"), quarantined, unknown)
    assert "C01" not in shown[-1]


def test_release_leaves_out_single_patients_centers_files_and_foreign_figures(start, shown: list[str]) -> None:
    page = start(release=True)
    show_courses(page)
    assert "Not part of a release" in shown[-1]
    by_center = to_frame([rate(9, 8, variable="sex", model=f"center=C0{number}") for number in (1, 2)])
    report.show_figure(page, figures.plot_missingness, by_center, name="m", caption="Completeness.")
    assert "Not part of a release" in shown[-1]
    report.show_table(page, pd.DataFrame({"file": ["a.csv"], "rows": [88]}), name="files", caption="Files")
    assert "Not part of a release" in shown[-1]
    assert not list(page.run.reports.rglob("*.*"))
    with pytest.raises(StudyError, match="have a form for release"):
        report.show_figure(page, lambda **_: figures.plot_flow(pd.DataFrame()), name="own", caption="Own.")


def test_a_release_does_not_say_which_rules_were_broken(start, shown: list[str]) -> None:
    rules = pd.DataFrame({"rule": ["a", "b"], "found here": ["yes", "no"]})
    for page, is_said in ((start(), True), (start(release=True), False)):
        report.show_table(page, rules, name="rules", caption="Rules", public=True)
        assert ("Found here" in shown[-1]) == is_said


def test_how_many_recorded_adverse_events_is_rounded_in_a_release(start, shown: list[str]) -> None:
    events = pd.DataFrame({"center": "C01", "patient_id": [*range(25), 1]})
    report.say_recording(start(), events, events)
    assert "recorded by 1 of 1 center with patients in the cohort; their 25 patients" in shown[-1]
    report.say_recording(start(release=True), events, events)
    assert "their 27 patients" in shown[-1]


def test_attrition_keeps_every_criterion_in_a_release(start, shown: list[str]) -> None:
    attrition = pd.DataFrame({"criterion": ["all", "a", "b"], "label": ["All", "A", "B"], "n_before": [88, 88, 86],
                              "n_excluded": [0, 2, 9], "n_remaining": [88, 86, 77]})  # fmt: skip
    page = start(release=True)
    published = report.publish_table(page, attrition, "attrition")
    assert published["n_excluded"].tolist() == [3, 3, 9]
    assert published["n_remaining"].tolist() == [87, 87, 75]
    report.show_table(page, attrition, tables.tabulate_attrition, name="a", caption="Attrition")
    assert shown[-1].count("\u22646") == 2
    report.say_attrition(page, attrition)
    assert "Of 87 patients, 75 meet" in shown[-1]
    pd.testing.assert_frame_equal(report.publish_table(start(), attrition, "attrition"), attrition)


def test_key_findings_are_the_rows_there_are(start, shown: list[str]) -> None:
    page = start()
    names = {"endpoint": "PFS", "estimand": "hazard_ratio", "model": "primary", "variable": "second_line_krd"}
    rows = [
        rate(62, 38),
        make_row(Estimate(n=62, n_events=26, status="not_reached"), endpoint="PFS", estimand="median_months"),
        make_row(Estimate(1.0, n=26, n_events=8), level="KRd", reference="KRd", **names),
        make_row(Estimate(2.4, 0.9, 6.5, n=36, n_events=18), level="other", reference="KRd", **names),
    ]
    report.key_findings(page, to_frame(rows), models=["primary"])
    assert shown[-1].count("<li>") == 3
    assert "not reached" in shown[-1]
    assert "18 events in 36 patients with other versus 8 events in 26 patients with KRd" in shown[-1]
    report.key_findings(page, to_frame([rate(2, 1)]))
    assert "2 patients: too few for a rate" in shown[-1]
    assert "50.0%" not in shown[-1]
    report.key_findings(page, to_frame([]))
    assert "nothing could be estimated" in shown[-1]


def test_what_no_model_could_estimate_is_one_finding(start, shown: list[str]) -> None:
    """A center with two events has no finding for each of eight factors, but one that says why."""
    what = {"endpoint": "PFS", "estimand": "hazard_ratio", "level": "yes", "reference": "no", "model": "univariable"}
    few = Estimate(n=6, n_events=2, status="not_estimable", note="2 events; the plan fits no regression")
    rows = [make_row(few, variable=name, **what) for name in ("ecog_2_or_more", "advanced_stage", "second_line_krd")]
    report.key_findings(start(), to_frame(rows), models=["univariable"])
    assert shown[-1].count("<li>") == 1
    assert "3 associations (univariable) could not be estimated: 2 events; the plan fits no regression." in shown[-1]


def test_sentences_through_the_page(start, shown: list[str]) -> None:
    page = start()
    at = {"endpoint": "PFS", "estimand": "survival_probability", "time_months": 12.0}
    ratio = {"endpoint": "PFS", "estimand": "hazard_ratio", "model": "m", "variable": "sex", "reference": "male"}
    frame = to_frame(
        [
            make_row(Estimate(0.5, 0.4, 0.6, n=9, n_events=4), **at),
            make_row(Estimate(4.0, n=9, n_events=4), endpoint="PFS", estimand="median_months"),
            make_row(Estimate(12.0, n=9, n_events=5), endpoint="FOLLOW_UP", estimand="median_months"),
            make_row(Estimate(2.0, 0.5, 8.0, n=4, n_events=2), level="female", **ratio),
            make_row(Estimate(1.0, n=5, n_events=2), level="male", **ratio),
            make_row(Estimate(0.4, p_value=0.4, n=9), endpoint="PFS", estimand="log_rank_p", variable="sex"),
        ]
    )
    report.say(page, frame, endpoint="PFS", estimand="survival_probability")
    report.say(page, frame, endpoint="PFS", estimand="median_months")
    report.say(page, frame, endpoint="FOLLOW_UP", estimand="median_months")
    report.say(page, frame, endpoint="PFS", estimand="hazard_ratio", variable="sex", model="m")
    report.say(page, frame, endpoint="PFS", estimand="log_rank_p", variable="sex")
    assert all(html.startswith('<p class="finding">') for html in shown[2:])
    assert len(shown) == 7
    with pytest.raises(ValueError, match="no estimate"):
        report.say(page, frame, endpoint="OS", estimand="hazard_ratio", variable="sex", model="m")


def test_notice(start, shown: list[str]) -> None:
    report.show_notice(start(), "No curve: nobody was <followed>.")
    assert shown[-1] == '<aside class="notice" role="note"><p>No curve: nobody was &lt;followed&gt;.</p></aside>'

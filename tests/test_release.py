"""A release of the embedded data, end to end, attacked with nothing but the released folder."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import run_all
from scipy import stats

from fhrmm.disclosure.certainty import read_ledger
from fhrmm.study import load_study
from fhrmm.wording import RELEASE_MARK
from generator.population import simulate_population
from timetoevent.proportions import proportion

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data" / "synthetic"
BASE = 6


@dataclass(frozen=True)
class Release:
    folder: Path
    work: Path
    status: int
    output: str

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / "ALL" / f"{name}.csv")

    @property
    def pages(self) -> list[Path]:
        return sorted(self.folder.rglob("*.html"))


def make_release(place: Path, *, data: Path = DATA) -> Release:
    out, work = place / "release", place / "work"
    places = ["--data", str(data), "--out", str(out), "--work", str(work)]
    command = [sys.executable, "run_all.py", "--release", *places, "-p", "n_samples", "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1500)
    assert done.returncode == 0, done.stdout + done.stderr
    return Release(out, work, done.returncode, done.stdout + done.stderr)


def of_one_center(place: Path, n: int) -> Release:
    """Make a release of a dataset of one center, drawn from the generator's population; some levels are rare in it."""
    population, center = simulate_population(n, np.random.default_rng(5 + n)), place / "data" / "H01"
    center.mkdir(parents=True)
    for name in ("patients", "assessments"):
        table = getattr(population, name)
        derived = [column for column in table if column.endswith(("_lower", "_upper", "_precision"))]
        table.drop(columns=["center", *derived]).to_csv(center / f"{name}.csv", index=False)
    described = 'name = "Small"\nsynthetic = true\ndata_cutoff_date = 2025-03-31\n'
    (center.parent / "dataset.toml").write_text(described, encoding="utf-8")
    return make_release(place, data=center.parent)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The one release of the embedded data that all attacks of this file share."""
    return make_release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def of_49(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return of_one_center(tmp_path_factory.mktemp("of_49"), 49)


@pytest.fixture(scope="module")
def of_6(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return of_one_center(tmp_path_factory.mktemp("of_6"), 6)


@pytest.fixture(params=["release", "of_49", "of_6"])
def attacked(request: pytest.FixtureRequest) -> Release:
    """One release after the other, of which an attack reads nothing but the folder."""
    return request.getfixturevalue(request.param)


@pytest.mark.slow
def test_the_folder_is_a_release_of_the_pool_alone(release: Release) -> None:
    assert {path.name for path in release.folder.iterdir()} == {
        "ALL", "index.html", "manifest.json", "run_times.js", RELEASE_MARK
    }  # fmt: skip
    pages = {path.stem for path in (release.folder / "ALL").glob("*.html")}
    assert "04_pfs_os" in pages
    assert not {f"{name}.ipynb" for name in pages} & set(run_all.NOT_RELEASED)
    assert not list(release.folder.parent.glob(".unchecked*")), "nothing unchecked is left"
    assert "midpoint of 6" in html.unescape((release.folder / "index.html").read_text(encoding="utf-8"))
    refused = subprocess.run(
        [sys.executable, "run_all.py", "--out", str(release.folder), "--work", str(release.work)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "is a release" in refused.stderr


@pytest.mark.slow
def test_every_table_and_figure_says_that_counts_are_rounded(attacked: Release) -> None:
    for page in (attacked.folder / "ALL").glob("*.html"):
        text = html.unescape(page.read_text(encoding="utf-8"))
        assert "release: counts rounded to the midpoint of 6" in text, page.name
        assert text.count("suppressed") == 0, "no desert"


@pytest.mark.slow
def test_every_count_is_a_midpoint(attacked: Release) -> None:
    files = [attacked.folder / "ALL" / "tables" / "estimates.csv", *(attacked.folder / "ALL" / "figures").glob("*.csv")]
    for path in files:
        frame = pd.read_csv(path)
        frame = frame[frame["population"] != "simulated"] if "population" in frame else frame
        assert not {"n", "n_events", "n_at_risk", "n_excluded"} & set(frame.columns), path.name
        for name in ("n_midpoint6", "n_events_midpoint6", "n_excluded_midpoint6", "n_remaining_midpoint6"):
            if name in frame:
                assert set(frame[name].dropna() % BASE) <= {3, 0} - ({0} if "events" not in name else set()), path.name


@pytest.mark.slow
def test_intervals_lead_back_to_midpoints_alone(attacked: Release) -> None:
    rows = attacked.table("tables/estimates").query("estimand == 'proportion' and status == 'ok' and model != model")
    rows = rows[rows["ci_lower_midpoint6_derived"].notna() & (rows["population"] != "simulated")]
    assert len(rows) > 20 or attacked.table("tables/attrition").iloc[0]["n_before_midpoint6"] == BASE // 2
    for row in rows.drop_duplicates(["n_midpoint6", "n_events_midpoint6"]).to_dict("records"):
        limits = row["ci_lower_midpoint6_derived"], row["ci_upper_midpoint6_derived"]
        near = [
            (events, n)
            for n in range(1, 100)
            for events in range(n + 1)
            if abs(events / n - row["estimate_midpoint6_derived"]) < 1e-9
            and abs(proportion(events, n).ci_lower - limits[0]) + abs(proportion(events, n).ci_upper - limits[1]) < 1e-9
        ]
        assert near == [(row["n_events_midpoint6"], row["n_midpoint6"])]


@pytest.mark.slow
def test_no_time_of_a_patient_is_on_a_curve(attacked: Release) -> None:
    for path in (attacked.folder / "ALL" / "figures").glob("04_pfs_os_*.csv"):
        frame = pd.read_csv(path)
        steps = frame[frame["part"] == "curve"] if "part" in frame else frame
        # halves of months, and sixths of the months between two of them
        assert ((steps["time"] * 12).round(6) % 1 == 0).all(), path.name


@pytest.mark.slow
def test_pages_alternatives_and_pictures_hold_no_exact_number_of_patients(release: Release) -> None:
    for path in [*release.pages, *release.folder.rglob("*.svg")]:
        text = html.unescape(path.read_text(encoding="utf-8"))
        assert not re.search(
            r"\b88 (accepted )?patients|\b26 events|\b(38|26|15) of 62 patients|in 6[12] patients", text
        )


@pytest.mark.slow
def test_manifest_names_no_input(release: Release) -> None:
    text = (release.folder / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert "nodes" not in manifest
    files = {path.name for center in DATA.glob("C*") for path in center.iterdir()}
    assert [name for name in files if name in text] == []
    assert set(manifest["files"]) == {
        path.relative_to(release.folder).as_posix()
        for path in release.folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


@pytest.mark.slow
def test_models_show_no_level_of_few_events(attacked: Release) -> None:
    rows = attacked.table("tables/estimates")
    ratios = rows[(rows["estimand"] == "hazard_ratio") & (rows["status"] == "ok")]
    assert (ratios[["n_midpoint6", "n_events_midpoint6"]] > BASE).all(axis=None)
    assert not rows["estimand"].isin(["influence", "minimum_months", "maximum_months"]).any()
    assert not rows["variable"].eq("center").any() or set(rows[rows["variable"] == "center"]["level"].dropna()) == set()
    assert not rows["model"].fillna("").str.contains("center=|without C").any()


@pytest.mark.slow
def test_linear_programming_pins_no_count_of_one_to_five(attacked: Release) -> None:
    ledger = read_ledger(attacked.folder / "ALL", load_study())
    assert len(ledger.limits) > 500
    assert len(ledger.sums) > 500
    assert ledger.find_pinned(BASE) == []


@pytest.mark.slow
def test_subtracting_any_two_counts_gives_whole_bands(attacked: Release) -> None:
    """Within a table, between tables, definitions and figures: a difference of two midpoints is never 1 to 5."""
    known: set[float] = set()
    for path in attacked.folder.rglob("*.csv"):
        frame = pd.read_csv(path)
        if "population" in frame:
            frame = frame[frame["population"] != "simulated"]
        if "estimand" in frame:
            known |= set(frame.loc[frame["estimand"] == "count", "estimate_midpoint6_derived"].dropna())
        # those at risk are what events and censored have left of all: a difference of midpoints already
        heads = [head for head in frame if head.endswith("_midpoint6") and head != "n_at_risk_midpoint6"]
        heads = [head for head in heads if frame[head].dtype != object]
        known |= {value for head in heads for value in frame[head].dropna()}
    known -= {0.0}  # of a table of numbers at risk, before the month of the first event, which its curve shows
    assert len(known) >= 1
    assert {value % BASE for value in known} == {BASE // 2}


@pytest.mark.slow
def test_curves_and_their_intervals_lead_back_to_rounded_counts(attacked: Release) -> None:
    """S(t) and its log-log interval give Greenwood's variance, and with it at risk and events of each step."""
    for path in (attacked.folder / "ALL" / "figures").glob("04_pfs_os_*.csv"):
        frame = pd.read_csv(path)
        if "survival_midpoint6_derived" not in frame:
            continue
        for _, rows in frame.assign(group=frame["group"].fillna("")).groupby("group"):
            curve, table = (rows[rows["part"] == part] for part in ("curve", "numbers_at_risk"))
            survival, lower, upper = (
                curve[f"{name}_midpoint6_derived"].to_numpy() for name in ("survival", "ci_lower", "ci_upper")
            )
            step = np.flatnonzero(np.diff(survival) < 0) + 1
            with np.errstate(all="ignore"):
                error = (np.log(-np.log(lower)) - np.log(-np.log(upper))) / (2 * stats.norm.ppf(0.975))
            variance = np.nan_to_num((error * np.log(survival)) ** 2)
            hazard = 1 - survival[step] / survival[step - 1]
            at_risk = hazard / ((variance[step] - variance[step - 1]) * (1 - hazard))
            events = hazard * at_risk
            np.testing.assert_allclose(events, np.rint(events), atol=1e-4)  # whole ones of rounding, and of no day
            assert events.sum() <= table["n_events_midpoint6"].max() + 1e-4
            assert at_risk.max(initial=0) <= table["n_at_risk_midpoint6"].max() + 1e-4


NUMBER = re.compile(
    r"(?<![\w.,\u2264\u2265-])(?<!at most )(?<!fewer than )(?<!amples of )(?<!at least )(?<!groups have )"
    r"(\d+)(?: of (\d+))? (?:patients?|events?|deaths?|responders?|responses)\b"
)


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Return what every file says: text, alternatives, and pictures within pages and notebooks."""
    for path in folder.rglob("*"):
        if path.suffix in (".html", ".ipynb", ".svg", ".csv", ".json", ".txt", ".js"):
            text = path.read_text(encoding="utf-8")
            drawn = [b64decode(one).decode() for one in re.findall(r"image/svg\+xml;base64,([A-Za-z0-9+/=]+)", text)]
            yield path.name, re.sub(r"<[^>]+>", "", html.unescape(" ".join([text, *drawn]).casefold()))
            yield path.name, " ".join(re.findall(r'(?:alt|aria-label)="([^"]*)"', html.unescape(text).casefold()))


@pytest.mark.slow
def test_no_sentence_alternative_picture_or_notebook_has_an_exact_number_of_patients(attacked: Release) -> None:
    for name, text in texts(attacked.folder):
        for found in NUMBER.finditer(text):
            assert {int(number) % BASE for number in found.groups() if number} == {BASE // 2}, (name, found[0])


@pytest.mark.slow
def test_a_release_of_six_is_that_of_any_other_six_or_fewer(of_6: Release, tmp_path: Path) -> None:
    """Four other patients, and not a byte differs: nothing leads back to who they are, or how many."""
    other = of_one_center(tmp_path, 4)
    timed = {"manifest.json", "run_times.js"}
    names = [
        {path.relative_to(one.folder) for path in one.folder.rglob("*") if path.is_file() and path.name not in timed}
        for one in (of_6, other)
    ]
    assert names[0] == names[1]
    assert [name for name in names[0] if (of_6.folder / name).read_bytes() != (other.folder / name).read_bytes()] == []


@pytest.mark.slow
def test_tables_say_how_far_rounding_may_have_moved_a_percentage(release: Release) -> None:
    page = html.unescape((release.folder / "ALL" / "03_response.html").read_text(encoding="utf-8"))
    assert re.search(r"Percentages lie within \d+ points of the exact value\.", page)
    page = html.unescape((release.folder / "ALL" / "04_pfs_os.html").read_text(encoding="utf-8"))
    assert re.search(r"Percentages lie within \d+ points of the exact value in 19 of 20 simulated cohorts\.", page)


@pytest.mark.slow
def test_the_register_knows_the_release_and_no_patient(release: Release) -> None:
    entries = json.loads((release.work / "releases.json").read_text(encoding="utf-8"))
    assert [len(entry["cohort"]) for entry in entries] == [62]
    assert "SYN-" not in json.dumps(entries)


@pytest.mark.parametrize(
    "option", [("--matrix", "x.yaml"), ("--center", "C01"), ("--notebook", "04_pfs_os"), ("--list",)]
)
def test_a_release_is_one_report_of_one_plan(
    option: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_all.run(["--release", "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work"), *option]) == 2
    assert f"does not go with {option[0]}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("status", [1, 2, 130])
def test_nothing_is_published_where_a_page_failed(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as one whose exception quotes a patient."""
    monkeypatch.setattr(run_all, "main", lambda *_: status)
    assert run_all.run(["--release", "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]) == status
    assert "nothing is published" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["work"]


def test_two_centers_are_no_pool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for center in ("C01", "C02"):
        (tmp_path / "data" / center).mkdir(parents=True)
    places = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    assert run_all.run(["--release", *places]) == 1
    assert "2 centers; a release pools at least 3" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

"""A release of the embedded data, end to end, attacked with nothing but the released folder."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import run_all

from fhrmm.disclosure.certainty import read_ledger
from fhrmm.study import load_study
from fhrmm.wording import RELEASE_MARK
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


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The one release that all attacks of this file share."""
    place = tmp_path_factory.mktemp("release")
    out, work = place / "release", place / "work"
    command = [
        sys.executable,
        "run_all.py",
        "--release",
        "--out",
        str(out),
        "--work",
        str(work),
        "-p",
        "n_samples",
        "4",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1500)
    assert done.returncode == 0, done.stdout + done.stderr
    return Release(out, work, done.returncode, done.stdout + done.stderr)


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
def test_every_table_and_figure_says_that_counts_are_rounded(release: Release) -> None:
    for page in (release.folder / "ALL").glob("*.html"):
        text = html.unescape(page.read_text(encoding="utf-8"))
        assert "release: counts rounded to the midpoint of 6" in text, page.name
        assert text.count("suppressed") == 0, "no desert"


@pytest.mark.slow
def test_every_count_is_a_midpoint(release: Release) -> None:
    files = [release.folder / "ALL" / "tables" / "estimates.csv", *(release.folder / "ALL" / "figures").glob("*.csv")]
    for path in files:
        frame = pd.read_csv(path)
        frame = frame[frame["population"] != "simulated"] if "population" in frame else frame
        assert not {"n", "n_events", "n_at_risk", "n_excluded"} & set(frame.columns), path.name
        for name in ("n_midpoint6", "n_events_midpoint6", "n_excluded_midpoint6", "n_remaining_midpoint6"):
            if name in frame:
                assert set(frame[name].dropna() % BASE) <= {3, 0} - ({0} if "events" not in name else set()), path.name


@pytest.mark.slow
def test_intervals_lead_back_to_midpoints_alone(release: Release) -> None:
    rows = release.table("tables/estimates").query("estimand == 'proportion' and status == 'ok' and model != model")
    rows = rows[rows["ci_lower_midpoint6_derived"].notna() & (rows["population"] != "simulated")]
    assert len(rows) > 20
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
def test_no_time_of_a_patient_is_on_a_curve(release: Release) -> None:
    for path in (release.folder / "ALL" / "figures").glob("04_pfs_os_*.csv"):
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
def test_models_show_no_level_of_few_events(release: Release) -> None:
    rows = release.table("tables/estimates")
    ratios = rows[(rows["estimand"] == "hazard_ratio") & (rows["status"] == "ok")]
    assert (ratios[["n_midpoint6", "n_events_midpoint6"]] > BASE).all(axis=None)
    assert not rows["estimand"].isin(["influence", "minimum_months", "maximum_months"]).any()
    assert not rows["variable"].eq("center").any() or set(rows[rows["variable"] == "center"]["level"].dropna()) == set()
    assert not rows["model"].fillna("").str.contains("center=|without C").any()


@pytest.mark.slow
def test_linear_programming_pins_no_count_of_one_to_five(release: Release) -> None:
    ledger = read_ledger(release.folder / "ALL", load_study())
    assert len(ledger.limits) > 500
    assert len(ledger.sums) > 500
    assert ledger.find_pinned(BASE) == []


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

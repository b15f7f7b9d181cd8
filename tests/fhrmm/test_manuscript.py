"""The manuscript says what was published, to the digit, and nothing of a machine or a patient."""

from __future__ import annotations

import ast
import getpass
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import docx
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fhrmm import figures
from fhrmm.errors import StudyError
from fhrmm.estimate_table import make_row
from fhrmm.estimates import survival as survival_estimates
from fhrmm.formats import clean_estimates
from fhrmm.manuscript import write_manuscript
from fhrmm.manuscript.checklists import CHECKLISTS, load_checklist
from fhrmm.manuscript.methods import write_methods
from fhrmm.manuscript.published import CHOICES, NEEDED
from fhrmm.report import Page, open_page, publish_estimates, show_figure
from fhrmm.report import page as page_module
from fhrmm.store import combine_estimates
from fhrmm.study import PLAN_PARAMETERS, load_study, repository_root
from fhrmm.wording import RELEASE_MARK
from notebookrun.glossary import read_glossary
from timetoevent.results import Estimate

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

ROOT = repository_root()
STUDY = load_study()
Builder = Callable[..., Path]
Node = dict[str, object]
LEGEND = "Progression-free survival."
GLOSSARY = {form: term.name for term in read_glossary(ROOT / "docs" / "glossary.md") for form in term.forms}


def baseline() -> pd.DataFrame:
    rows = []
    for place, population in enumerate(("quadruplet", "both", "cohort")):
        n = (24, 38, 62)[place]
        median = Estimate(58.25 + place, 51.5, 66.75, n=n, method="median, quartiles")
        rows.append(
            make_row(median, endpoint="BASELINE", estimand="median", population=population, variable="age_second_line")
        )
        for level, count in (("female", n // 3), ("male", n - n // 3)):
            what = {"endpoint": "BASELINE", "population": population, "variable": "sex", "level": level}
            rows.append(make_row(Estimate(count, n=n, n_events=count), estimand="count", **what))
            rows.append(make_row(Estimate(count / n, n=n, n_events=count), estimand="proportion", **what))
        what = {"endpoint": "BASELINE", "population": population, "variable": "second_line_standard", "level": "KRd"}
        rows.append(make_row(Estimate(n, n=n, n_events=n), estimand="count", **what))
    return pd.DataFrame(rows)


def response() -> pd.DataFrame:
    def rate(n_events: int, **what: str) -> dict[str, object]:
        value = Estimate(n_events / 62, 0.4143, 0.7218, n=62, n_events=n_events, method="Clopper-Pearson interval")
        return make_row(value, estimand="proportion", **what)

    rates = [rate(38, endpoint="ORR"), rate(26, endpoint="VGPR_OR_BETTER")]
    best = [
        rate(n, endpoint="BEST_RESPONSE", level=level) for level, n in (("CR", 13), ("PR", 25), ("PD", 21), ("NE", 3))
    ]
    return pd.DataFrame([*rates, *best])


def survival() -> pd.DataFrame:
    rows = []
    for endpoint, n_events in (("PFS", 26), ("OS", 17)):
        what = {"endpoint": endpoint, "estimand": "survival_probability"}
        rows += [
            make_row(Estimate(0.7519, 0.622, 0.8426, n=62, n_events=n_events), time_months=6.0, **what),
            make_row(Estimate(0.5386, 0.3912, 0.6649, n=62, n_events=n_events), time_months=12.0, **what),
        ]
        unreached = Estimate(np.nan, 8.2136, np.nan, n=62, n_events=n_events, status="not_reached")
        rows.append(make_row(unreached, endpoint=endpoint, estimand="median_months"))
    rows.append(
        make_row(Estimate(12.19, 11.1, 15.18, n=62, n_events=17), endpoint="FOLLOW_UP", estimand="median_months")
    )
    return pd.DataFrame(rows)


def models() -> pd.DataFrame:
    rows = []
    for endpoint in ("PFS", "OS"):
        for model in ("univariable", "primary", "full, Firth"):
            what = {"endpoint": endpoint, "estimand": "hazard_ratio", "model": model, "variable": "second_line_krd"}
            first = Estimate(1.0, n=26, n_events=8)
            other = Estimate(2.2955, 0.9915, 5.3144, p_value=0.0523, n=36, n_events=18, method="Cox regression")
            rows.append(make_row(first, level="KRd", reference="KRd", **what))
            rows.append(make_row(other, level="other", reference="KRd", **what))
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that publishes a small report as notebooks do, once per kind of dataset and release."""

    @cache
    def publish(synthetic: bool, release: bool) -> Path:
        folder = tmp_path_factory.mktemp("published")
        (folder / "data" / "C01").mkdir(parents=True)
        info = f'name = "Ten centers"\nsynthetic = {str(synthetic).lower()}\ndata_cutoff_date = 2025-03-31\n'
        (folder / "data" / "dataset.toml").write_text(info, encoding="utf-8")
        names = {f"{name}_dir": str(folder / name) for name in ("data", "work", "reports")}
        names |= {"center": "ALL", "study_file": "study.toml", "figure_formats": "pdf,tiff"}
        (folder / "reports").mkdir()
        if release:
            (folder / "reports" / RELEASE_MARK).touch()
        frames = dict(zip(NEEDED, (baseline(), response(), survival(), models()), strict=True))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(page_module, "display", lambda *_, **__: None)
            for notebook, frame in frames.items():
                page = open_page(notebook, names)
                publish_estimates(page, frame)
                if notebook == "04_pfs_os":
                    draw(page)
        combine_estimates(folder / "reports", "ALL")
        return folder

    return publish


@pytest.fixture
def build(published: Callable[..., Path], tmp_path: Path) -> Builder:
    """Return a function that gives the folder of a report of one's own, some nodes of its manifest changed."""

    def make(*, synthetic: bool = True, release: bool = False, nodes: dict[str, Node] | None = None) -> Path:
        shutil.copytree(published(synthetic, release), tmp_path, dirs_exist_ok=True)
        write_states(tmp_path / "reports", nodes or {})
        return tmp_path / "reports"

    return make


def draw(page: Page) -> None:
    """Publish a curve, and courses of single patients."""
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"endpoint": "PFS", "time_months": rng.exponential(10, 60), "event": rng.random(60) < 0.6})
    risk = survival_estimates.tabulate_risk(rows, page.study, endpoint="PFS")
    curves = survival_estimates.survival_curves(rows, page.study, endpoint="PFS")
    show_figure(page, figures.plot_kaplan_meier, curves, risk, name="pfs", caption=LEGEND)
    show_figure(page, figures.plot_swimmer, pd.DataFrame({"end_months": [3.0]}), name="swimmer", caption="Courses.")


def write_states(reports: Path, changes: dict[str, Node]) -> None:
    nodes = {}
    for notebook in NEEDED:
        files = [path for path in (reports / "ALL").rglob(f"*{notebook}*") if path.is_file()]
        outputs = {f"reports/{path.relative_to(reports).as_posix()}": "0" for path in files}
        nodes[f"ALL/{notebook}"] = {
            "state": "ok",
            "reason": "",
            "outputs": {f"reports/ALL/{notebook}.html": "0", **outputs},
            "parameters": {"center": "ALL"},
        }
    for node, change in changes.items():
        nodes[node] |= change
    (reports / "manifest.json").write_text(json.dumps({"nodes": nodes}), encoding="utf-8")


def write(reports: Path) -> Path:
    return write_manuscript(reports, reports.parent / "data", "ALL", GLOSSARY)[-1].parent


def cells_of(path: Path) -> list[str]:
    """Return the text of every cell of a document's tables."""
    tables = docx.Document(str(path)).tables
    return [cell.text for table in tables for row in table.rows for cell in row.cells]


def text_of(path: Path) -> str:
    document = docx.Document(str(path))
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells_of(path)])


def shown_numbers(cell: str) -> Iterator[str]:
    """Return the numbers of a cell that are results: names of regimens, levels and methods hold none that count."""
    yield from re.findall(r"(?<![\w.-])\d+\.\d+(?![\w-])", cell)
    if re.fullmatch(r"\d+(; .*| \(.*\))?", cell):
        yield re.match(r"\d+", cell)[0]  # type: ignore[index]


def published_numbers(estimates: pd.DataFrame) -> set[str]:
    """Return every number of the table as a reader may meet it, rounded here without the library's formatters."""
    values = estimates[["estimate", "ci_lower", "ci_upper"]].to_numpy(dtype=float).ravel()
    p_values = estimates["p_value"].dropna().to_numpy(dtype=float)
    counts = estimates[["n", "n_events"]].to_numpy(dtype=float).ravel()
    written = {f"{value:.{decimals}f}" for value in values if np.isfinite(value) for decimals in (0, 1, 2)}
    written |= {f"{100 * value:.{digits}f}" for value in values if np.isfinite(value) for digits in (0, 1)}
    written |= {f"{value:.{decimals}f}" for value in p_values for decimals in (2, 3)} | {"0.001"}
    return written | {f"{count:.0f}" for count in counts if np.isfinite(count)}


def check_numbers(manuscript: Path) -> int:
    """Compare every number of the four tables with the estimates table; return how many there were."""
    known = published_numbers(pd.read_csv(manuscript.parent / "tables" / "estimates.csv"))
    found = [
        (path.name, number)
        for path in sorted(manuscript.glob("table_*.docx"))
        for cell in cells_of(path)
        for number in shown_numbers(cell)
    ]
    assert [(name, number) for name, number in found if number not in known] == []
    return len(found)


def test_every_number_of_the_tables_is_an_estimate(build: Builder) -> None:
    folder = write(build())
    assert check_numbers(folder) > 60
    assert "38; 61.3 (41.4 to 72.2)" in cells_of(folder / "table_2_response.docx")
    assert "not reached (8.2 to not reached)" in cells_of(folder / "table_3_survival.docx")
    assert cells_of(folder / "table_4_models.docx").count("2.30 (0.99 to 5.31)") == 6
    assert "58.2 (51.5 to 66.8)" in cells_of(folder / "table_1_baseline.docx")


def test_a_number_that_was_not_published_would_be_noticed(build: Builder) -> None:
    reports = build()
    folder = write(reports)
    table = reports / "ALL" / "tables" / "estimates.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("0.5386", "0.5486"), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"53\.9"):
        check_numbers(folder)


def test_tables_have_three_lines_units_denominators_and_footnotes(build: Builder) -> None:
    folder = write(build())
    document = docx.Document(str(folder / "table_3_survival.docx"))
    xml = document.tables[0]._tbl.xml
    assert len(re.findall("<w:top ", xml)) == len(document.tables[0].columns)
    assert len(re.findall("<w:bottom ", xml)) == 2 * len(document.tables[0].columns)
    assert "w:tblHeader" in xml, "the head is repeated on every page"
    widths = [column.width.mm for column in document.tables[0].columns]
    assert sum(widths) == pytest.approx(210 - 36, abs=0.1), "as wide as the text of the page"
    assert max(widths) == widths[0], "room for what heads the rows"
    text = text_of(folder / "table_3_survival.docx")
    assert "At 12 months, %" in text
    assert "Abbreviations: CI, confidence interval" in text
    assert "n = 62" in text_of(folder / "table_1_baseline.docx")
    assert "KRd, carfilzomib, dexamethasone, lenalidomide" in text_of(folder / "table_1_baseline.docx")


def test_figures_are_tiff_at_300_dpi_and_pdf_without_single_patients(build: Builder) -> None:
    folder = write(build())
    names = sorted(path.name for path in (folder / "figures").iterdir())
    assert names == ["figure_3_pfs_os_pfs.pdf", "figure_3_pfs_os_pfs.tiff"]
    with Image.open(folder / "figures" / names[1]) as picture:
        assert (picture.info["dpi"], picture.info["compression"], picture.mode) == ((300, 300), "tiff_lzw", "RGB")
        assert picture.size[0] / 300 * 25.4 == pytest.approx(160, abs=1), "as wide as the text of a page, mm"
        assert picture.tag_v2[270].startswith(f"{LEGEND} Shaded, pointwise 95% intervals; ticks, censored patients")
    assert (folder / "figures" / names[0]).read_bytes().startswith(b"%PDF")
    legend = text_of(folder / "figure_legends.docx")
    assert f"Figure 3. {LEGEND} Shaded, pointwise 95% intervals; ticks, censored patients; a curve ends where" in legend
    assert "patients are at risk. Synthetic data." in legend
    assert "Not in this scope: Figure 1 (02_cohort_flow)." in (folder / "README.md").read_text(encoding="utf-8")


def test_every_document_says_what_the_data_are(build: Builder) -> None:
    for synthetic in (True, False):
        folder = write(build(synthetic=synthetic))
        files = sorted(folder.glob("*.docx"))
        assert len(files) == 4 + 2 + len(CHECKLISTS)
        for path in files:
            header = docx.Document(str(path)).sections[0].header.paragraphs[0].text
            assert ("SYNTHETIC DATA" in header) is synthetic, path.name
            assert "Ten centers · scope ALL" in header
        assert ("SYNTHETIC" in (folder / "README.md").read_text(encoding="utf-8")) is synthetic


def test_same_report_same_bytes_and_nothing_of_the_machine(build: Builder) -> None:
    reports = build()
    first = {path.relative_to(reports): path.read_bytes() for path in sorted(write(reports).rglob("*.*"))}
    second = {path.relative_to(reports): path.read_bytes() for path in sorted(write(reports).rglob("*.*"))}
    assert first == second
    for name, content in first.items():
        parts = [content]
        if name.suffix == ".docx":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
                parts = [archive.read(member) for member in archive.namelist()]
        for part in parts:
            assert str(ROOT).encode() not in part, name
            assert str(reports.parent).encode() not in part, name
            assert b"CreationDate" not in part, name
            assert f"/{getpass.getuser()}/".encode() not in part, name
            assert b"python-docx" not in part, name


def test_release_says_that_counts_are_rounded(build: Builder) -> None:
    reports = build(release=True)
    folder = write(reports)
    header = docx.Document(str(folder / "methods.docx")).sections[0].header.paragraphs[0].text
    assert "counts rounded to the midpoint of 6" in header
    rows = clean_estimates(pd.read_csv(reports / "ALL" / "tables" / "estimates.csv"))
    assert set(rows["n"].dropna() % 6) == {3}
    assert any("39 of 63" in cell or "61.9" in cell for cell in cells_of(folder / "table_2_response.docx"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "failed", "reason": "reads x, which it does not declare"}, "04_pfs_os: reads x, which"),
        ({"state": "stale", "reason": "data have changed"}, "04_pfs_os: data have changed"),
        ({"state": "interrupted", "reason": ""}, "04_pfs_os: interrupted"),
        ({"parameters": {"fhr_window_months": 18}}, "different parameters"),
    ],
)
def test_a_notebook_that_is_not_ready_is_named_and_no_old_manuscript_stays(
    build: Builder, change: dict[str, object], words: str
) -> None:
    folder = write(build())
    assert list(folder.glob("*.docx"))
    reports = build(nodes={"ALL/04_pfs_os": change})
    with pytest.raises(StudyError, match=words):
        write(reports)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_scope_without_any_estimate_gets_a_manuscript_that_says_so(build: Builder) -> None:
    reports = build()
    table = reports / "ALL" / "tables" / "estimates.csv"
    table.write_text(table.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    folder = write(reports)
    for path in folder.glob("table_*.docx"):
        assert "No rows" in cells_of(path), path.name


def test_no_report_is_said(build: Builder, tmp_path: Path) -> None:
    reports = build()
    (reports / "manifest.json").unlink()
    with pytest.raises(StudyError, match="run the notebooks first"):
        write(reports)
    with pytest.raises(StudyError, match="no center 'C99'"):
        write_manuscript(reports, reports.parent / "data", "C99", GLOSSARY)


def test_figures_without_the_formats_of_journals_are_refused(build: Builder) -> None:
    reports = build()
    (reports / "ALL" / "figures" / "04_pfs_os_pfs.tiff").unlink()
    write_states(reports, {})
    with pytest.raises(StudyError, match="run with -p figure_formats pdf,tiff"):
        write(reports)


def test_methods_follow_the_plan_and_the_parameters(build: Builder) -> None:
    changed = {f"ALL/{name}": {"parameters": {"fhr_window_months": 18}} for name in NEEDED}
    text = text_of(write(build(nodes=changed)) / "methods.docx")
    assert "it was 18 calendar months" in text
    assert "functional_high_risk.window_months = 18 (plan: 12)" in text
    assert "nothing." in text_of(write(build()) / "methods.docx")


def test_methods_hold_no_constant_of_their_own() -> None:
    """Change every number and word that the plan could give: the sentences must follow."""
    others = {
        "time.days_per_month": 30.0, "time.headline_months": 9.0, "time.rmst_horizon_months": 7.0,
        "functional_high_risk.window_months": 17, "models.ci_level": 0.9, "models.minimum_events": 3,
        "models.events_per_parameter": 8.0, "disclosure.rounding_base": 11, "regimens.refractory_days": 45,
        "display.km_minimum_at_risk": 4, "display.km_limit_months": 33.0, "cohort.minimum_age_years": 21,
        "functional_high_risk.definition": "ikema_early", "response.source": "confirmed",
        "response.criteria_version": "IMWG 2006", "response.denominator": "evaluable",
        "models.n_imputations": 7, "models.landmark_months": 4.0, "time.partial_date_policy": "lower",
        "functional_high_risk.quadruplet_requires_early": False,
    }  # fmt: skip
    plan = " ".join(text for _, text in write_methods(STUDY))
    for name, value in others.items():
        assert " ".join(text for _, text in write_methods(load_study(overrides={name: value}))) != plan, name


def test_choices_are_those_of_the_notebooks() -> None:
    for name in NEEDED:
        cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        parameters = {node.target.id for node in ast.parse(source).body if isinstance(node, ast.AnnAssign)}
        said = set(PLAN_PARAMETERS) - {"figure_formats"}  # a format of files changes nothing that is said
        assert parameters & said == set(CHOICES), name


ITEMS = {
    "strobe": """1a 1b 2 3 4 5 6a 6b 7 8 9 10 11 12a 12b 12c 12d 12e 13a 13b 13c 14a 14b 14c 15 16a 16b 16c
                 17 18 19 20 21 22""",
    "record": "1.1 1.2 1.3 6.1 6.2 6.3 7.1 12.1 12.2 12.3 13.1 19.1 22.1",
    "remark": " ".join(str(number) for number in range(1, 21)),
    "esmo_grow": " ".join(str(number) for number in range(1, 36)),
}


@pytest.mark.parametrize("name", CHECKLISTS)
def test_checklists_are_complete_and_answered(name: str) -> None:
    checklist = load_checklist(name)
    assert [item.number for item in checklist.items] == ITEMS[name].split()
    assert all(item.not_applicable.startswith("because") for item in checklist.items if item.not_applicable)


def headings() -> set[str]:
    found = set()
    for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        found |= {f"{path.stem}/{name}" for name in re.findall(r"^#{2,3} (?:\d+ )?(.+)$", text, flags=re.MULTILINE)}
    return found


def test_checklists_point_to_what_exists() -> None:
    decisions = set(re.findall(r"^### (D\d\d)", (ROOT / "docs" / "decisions.md").read_text("utf-8"), flags=re.M))
    parts = {"Methods", *(f"Table {n}" for n in range(1, 5)), *(f"Figure {n}" for n in range(1, 6))}
    known = headings() | decisions | parts
    places = [
        (name, item.number, where) for name in CHECKLISTS for item in load_checklist(name).items for where in item.where
    ]
    assert [place for place in places if place[2] not in known and not (ROOT / place[2]).is_file()] == []


def test_checklist_leads_to_pages_of_the_report(build: Builder) -> None:
    text = text_of(write(build()) / "checklist_strobe.docx")
    assert 'ALL/04_pfs_os.html, section "Endpoints"' in text
    assert "06_sensitivity (not in this report)" in text
    assert "Not applicable, because no patient was matched" in text


@pytest.mark.slow
def test_manuscript_of_a_real_report(built_report, tmp_path: Path) -> None:
    reports = Path(shutil.copytree(built_report.reports, tmp_path / "reports"))
    for scope in ("ALL", "C10"):
        folder = write_manuscript(reports, ROOT / "data" / "synthetic", scope, GLOSSARY)[-1].parent
        assert check_numbers(folder) > 100
    assert len(list((reports / "ALL" / "manuscript" / "figures").glob("figure_[1-5]_*.tiff"))) == 5

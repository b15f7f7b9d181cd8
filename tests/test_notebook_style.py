"""Notebooks read alike: anatomy, sizes, plain parameters, no outputs, links that lead somewhere."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

from fhrmm.study import repository_root

ROOT = repository_root()
FOLDER = ROOT / "notebooks"
FIXED = {
    "00_overview", "01_cleaning", "02_cohort", "03_response", "04_pfs_os", "05_multivariable", "06_sensitivity",
    "07_centers", "08_treatment_comparison", "09_methods_checks", "10_safety", "11_pool",
}  # fmt: skip
NUMBERED = sorted(FOLDER.glob("[0-9]*.ipynb"))
TEACHING = sorted((FOLDER / "teaching").glob("*.ipynb"))

MOST_CELLS, FEWEST_CELLS, MOST_LINES = 35, 20, 25
PARAMETERS = ["center", "data_dir", "work_dir", "reports_dir", "study_file"]
# in this order, each as a heading or as the bold start of a paragraph
ANATOMY = ["Abstract", "Objectives", "Assumes", "Checks", "Summary", "Limitations", "Next", "References"]

every_notebook = pytest.mark.parametrize("path", [*NUMBERED, *TEACHING], ids=lambda path: path.stem)
every_numbered = pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)


@cache
def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == kind]


def parameters_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in cells(path, "code") if "parameters" in cell.metadata.get("tags", [])]


def markdown(path: Path) -> str:
    return "\n".join(cell.source for cell in cells(path, "markdown"))


def test_the_fixed_set_is_complete():
    if not NUMBERED:
        pytest.skip("there is no notebook yet")
    assert FIXED - {path.stem for path in NUMBERED} == set()


@every_notebook
def test_is_valid_and_stripped(path):
    notebook = read(path)
    nbformat.validate(notebook)
    dirty = [cell.id for cell in cells(path, "code") if cell.outputs or cell.execution_count is not None]
    assert dirty == [], "strip outputs before committing: make format"
    assert "papermill" not in notebook.metadata
    assert "widgets" not in notebook.metadata


@every_notebook
def test_kernel_and_cell_ids_do_not_depend_on_a_machine(path):
    raw = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    assert raw.metadata.kernelspec.name == "python3"
    assert (raw.nbformat, raw.nbformat_minor >= 5) == (4, True), "cell ids need format 4.5"
    ids = [cell.get("id") for cell in raw.cells]
    assert None not in ids
    assert len(set(ids)) == len(ids)


@every_notebook
def test_length(path):
    n_cells = len(read(path).cells)
    assert n_cells <= MOST_CELLS
    assert n_cells >= FEWEST_CELLS or path in TEACHING
    long = {cell.id: len(cell.source.splitlines()) for cell in cells(path, "code")}
    assert {name: n for name, n in long.items() if n > MOST_LINES} == {}


@every_notebook
def test_code_is_calls_not_definitions(path):
    found = []
    for cell in cells(path, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.append(f"{cell.id}: defines {node.name}")
            if isinstance(node, ast.Attribute) and node.attr in {"iterrows", "itertuples"}:
                found.append(f"{cell.id}: loops over rows")
    assert found == []


@every_numbered
def test_no_patient_rows_are_displayed(path):
    """The last expression of a cell is displayed: it is a call that shows or writes, an assignment or nothing."""
    silent = ("report.show_", "report.say", "report.key_findings", "store.write_")
    shown = []
    for cell in cells(path, "code"):
        last = ast.parse(cell.source).body[-1:]
        if last and isinstance(last[0], ast.Expr) and not ast.unparse(last[0]).startswith(silent):
            shown.append(f"{cell.id}: {ast.unparse(last[0])[:60]}")
    assert shown == []


@every_numbered
def test_imports_stand_together_after_the_parameters(path):
    code = cells(path, "code")
    importing = [
        index
        for index, cell in enumerate(code)
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(ast.parse(cell.source)))
    ]
    assert importing == [1], "parameters first, then one cell of imports"


@every_numbered
def test_one_setup_cell_opens_the_page_and_a_heading_follows(path):
    setup = cells(path, "code")[1]
    assert re.search(rf'^page = report\.open_page\(\s*"{path.stem}",\s*globals\(\)', setup.source, flags=re.MULTILINE)
    following = read(path).cells[read(path).cells.index(setup) + 1]
    assert (following.cell_type, following.source[:5]) == ("markdown", "## 1 ")


@every_notebook
def test_first_cell_is_the_numbered_title(path):
    first = read(path).cells[0]
    number = path.stem.split("_")[0]
    assert first.cell_type == "markdown"
    assert re.match(rf"# {number} \S", first.source), f"expected '# {number} Title'"


@every_notebook
def test_has_exactly_one_plain_parameters_cell(path):
    found = parameters_cells(path)
    assert len(found) == 1
    for node in ast.parse(found[0].source).body:
        assert isinstance(node, ast.AnnAssign), "one typed assignment a line"
        assert isinstance(node.annotation, ast.Name), "a plain type, or papermill does not see the parameter"
        assert isinstance(node.value, ast.Constant), "derive values in a later cell"
    for line in found[0].source.splitlines():
        statement, _, help_text = line.partition("  # ")
        assert help_text, f"{statement}: say what it means"
        assert "=" not in help_text, "an equals sign in the comment hides the parameter from papermill"


@every_numbered
def test_common_parameters_come_first_and_in_order(path):
    names = [node.target.id for node in ast.parse(parameters_cells(path)[0].source).body]
    assert names[: len(PARAMETERS)] == PARAMETERS


def test_a_parameter_means_the_same_everywhere():
    lines: dict[str, set[str]] = {}
    for path in NUMBERED:
        for line in parameters_cells(path)[0].source.splitlines():
            lines.setdefault(line.split(":")[0], set()).add(line)
    assert {name: found for name, found in lines.items() if len(found) > 1} == {}


@every_numbered
def test_anatomy(path):
    after_title = markdown(path).split("\n", 1)[1]
    starts = re.findall(r"^(?:#+ (?:\d+ )?|\*\*)([A-Z][a-z]+)", after_title, flags=re.MULTILINE)
    assert [name for name in starts if name in ANATOMY] == ANATOMY


@every_numbered
def test_sections_are_numbered_like_the_objectives(path):
    text = markdown(path)
    objectives = re.findall(r"^(\d+)\. ", text.split("**Objectives**")[1].split("\n\n\n")[0], flags=re.MULTILINE)
    sections = re.findall(r"^## (\d+) \S", text, flags=re.MULTILINE)
    assert sections == objectives == [str(number + 1) for number in range(len(sections))]


@every_notebook
def test_says_what_it_reads_and_writes(path):
    declared = read(path).metadata.get("notebookrun")
    if path in TEACHING and declared is None:
        return
    assert set(declared) - {"keeps"} == {"reads", "writes", "scopes"}
    assert declared["scopes"] in {"each", "ALL", "POOL"}
    assert re.search(r"\| *Reads *\|", markdown(path)), "the reader sees the table of what is read and written"


@every_notebook
def test_links_lead_to_files(path):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", markdown(path))
    local = [target for target in targets if not target.startswith(("http", "mailto:", "attachment:"))]
    assert [target for target in local if not (path.parent / target).exists()] == []

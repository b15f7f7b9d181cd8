"""Documents agree with what they document: dictionary, plan, commands, versions, glossary, citation."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import textwrap
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml

from fhrmm.schema import RESPONSES, TABLES, column_types, load_dictionary, variables
from fhrmm.store import list_centers
from fhrmm.study import load_study, repository_root

ROOT = repository_root()
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md", *sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")
)]  # fmt: skip


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    """Return the lines of all shell blocks of a page, without comments."""
    blocks = re.findall(r"```sh\n(.*?)```", read(name), flags=re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_dictionary_is_the_schema():
    with (ROOT / "data" / "dictionary.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["table"], row["column"]) for row in csv.DictReader(file)]
    assert len(set(rows)) == len(rows)
    assert {table for table, _ in rows} == set(TABLES)
    assert rows == [(variable.table, variable.column) for variable in load_dictionary()]
    for table in TABLES:
        assert set(variables(table)) <= set(column_types(table))


@pytest.mark.parametrize("variable", load_dictionary(), ids=lambda variable: f"{variable.table}.{variable.column}")
def test_variable_is_fully_described(variable):
    assert variable.type in {"id", "category", "yes_no", "integer", "number", "date", "regimen", "text"}
    assert bool(variable.levels) == (variable.type in {"category", "yes_no"})
    assert variable.column.endswith("_date") == (variable.type == "date")
    assert variable.label_en
    assert variable.label_it
    if variable.minimum is not None and variable.maximum is not None:
        assert variable.minimum < variable.maximum
    if variable.type == "number":
        assert variable.unit, "a measured number has a unit"


def test_plan_uses_the_levels_of_the_dictionary():
    study, patients = load_study(), variables("patients")
    assert patients["best_response"].levels == patients["first_line_best_response"].levels == RESPONSES
    assert variables("assessments")["response"].levels == RESPONSES
    assert set(study.staging.extramedullary_levels) < set(patients["emd_second_line"].levels)


def test_plan_names_columns_that_exist():
    known = set(variables("patients"))
    sources = [
        source
        for endpoint in load_study().endpoints.values()
        for source in (endpoint.origin, *(e.source for e in endpoint.events), *(c.source for c in endpoint.censors))
    ]
    named = {source.removeprefix("patients.") for source in sources if source.startswith("patients.")}
    assert named - known == set()


def test_a_canonical_export_has_the_columns_of_the_dictionary():
    """A center without `center.toml` uses canonical names, so its header is the documented one."""
    if not any((ROOT / "data" / "synthetic").glob("C*")):
        pytest.skip("there is no synthetic dataset yet")
    folders = [ROOT / "data" / "synthetic" / center for center in list_centers("data/synthetic")]
    plain = [folder for folder in folders if not (folder / "center.toml").exists()]
    assert plain, "one center shows that no center.toml is needed"
    for path in [path for folder in plain for path in folder.glob("*.csv")]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file))
        assert set(header) <= set(variables(path.stem)), path.name


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_make_targets_exist(name):
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))
    used = {line.split()[1] for line in commands(name) if line.startswith("make ")}
    assert used
    assert used - targets == set()


@pytest.mark.skipif(not (ROOT / "run_all.py").is_file(), reason="there is no runner yet")
def test_flags_of_the_runner_exist():
    shown = subprocess.run(
        [sys.executable, "run_all.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    used = {
        flag
        for name in ("README.md", "CONTRIBUTING.md")
        for line in commands(name)
        if "run_all.py" in line or "ARGS" in line
        for flag in re.findall(r"(?<!\S)-{1,2}[a-z][a-z-]*", line)
    }
    assert used
    assert [flag for flag in sorted(used) if flag not in shown] == []


@pytest.mark.skipif(not (ROOT / "run_all.py").is_file(), reason="there is no runner yet")
def test_parameters_named_in_the_readme_exist():
    shown = subprocess.run(
        [sys.executable, "run_all.py", "--list-parameters"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    used = set(re.findall(r"-p (\w+) ", read("README.md")))
    assert used
    assert [name for name in sorted(used) if not re.search(rf"\b{name}\b", shown)] == []


def test_worked_example_is_the_plan():
    """The endpoint that CONTRIBUTING shows is the one in force."""
    (block,) = re.findall(r"```toml\n(.*?)```", read("CONTRIBUTING.md"), flags=re.DOTALL)
    shown, plan = tomllib.loads(textwrap.dedent(block)), tomllib.loads(read("study.toml"))
    assert shown["endpoints"]["TTNT"] == plan["endpoints"]["TTNT"]


def test_make_says_what_it_can():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^([a-z-]+):.*##", read("Makefile"), flags=re.MULTILINE)
    assert [target for target in targets if f"make {target}" not in shown] == []


@pytest.mark.parametrize("name", PAGES)
def test_local_links_lead_somewhere(name):
    if name == "data/README.md" and not (ROOT / name).is_file():
        pytest.skip("written with the dataset")
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(name))
    local = [target for target in targets if not target.startswith(("http", "mailto:"))]
    assert [target for target in local if not ((ROOT / name).parent / target).exists()] == []


def test_versions_agree():
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert str(yaml.safe_load(read("CITATION.cff"))["version"]) == version
    first = re.search(r"^## (\S+)", read("CHANGELOG.md"), flags=re.MULTILINE)
    assert first.group(1) == version


def test_citation_has_the_required_fields():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in {"software", "dataset"}
    assert all(citation[field] for field in ("message", "title", "authors", "license", "abstract"))
    for person in [*citation["authors"], *(a for r in citation["references"] for a in r["authors"])]:
        assert "name" in person or {"family-names", "given-names"} <= set(person)
    assert set(citation["license"]) == {"MIT", "CC-BY-4.0"}
    published = load_study().study.published_reference
    assert all(reference["doi"] in published for reference in citation["references"])


def test_license_covers_code_and_text():
    text = read("LICENSE")
    assert "SPDX-License-Identifier: MIT AND CC-BY-4.0" in text
    assert tomllib.loads(read("pyproject.toml"))["project"]["license"] == "MIT AND CC-BY-4.0"


DECISIONS = re.split(r"^(?=###? )", read("docs/decisions.md"), flags=re.MULTILINE)
PARAGRAPHS = [section for section in DECISIONS if section.startswith("### ")]


@pytest.mark.parametrize("section", PARAGRAPHS, ids=[section[4:7] for section in PARAGRAPHS])
def test_decision_is_dated_placed_and_referenced(section):
    title = section.splitlines()[0]
    found = re.fullmatch(r"### D\d\d .+ \((\d{4}-\d{2}-\d{2})\)", title)
    assert found, title
    date.fromisoformat(found.group(1))
    assert "\nWhere: " in section
    reference = section.split("\nReference: ")[1]
    assert re.search(r"\b\d{4}\b|\bD\d\d\b|R package", reference)


def decision_numbers():
    return [int(section[5:7]) for section in PARAGRAPHS]


def test_decisions_have_numbers_of_their_own():
    """A decision that no longer holds is taken out, and its number is not given again."""
    assert len(decision_numbers()) == len(set(decision_numbers()))


def test_decisions_point_to_each_other():
    cited = {int(number) for number in re.findall(r"\bD(\d\d)\b", read("docs/decisions.md") + read("docs/glossary.md"))}
    assert cited <= set(decision_numbers())


def test_every_section_of_the_plan_is_decided():
    plan, decisions = tomllib.loads(read("study.toml")), read("docs/decisions.md")
    without_choice = {"schema_version", "study", "display", "factors"}
    assert [name for name in plan if name not in without_choice and f"[{name}" not in decisions] == []


def test_every_dependency_has_its_job():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {requirement.split("==")[0] for group in groups for requirement in group}
    table = read("docs/decisions.md").split("## Dependencies")[1]
    listed = {name for row in re.findall(r"^\| (`.*?) \|", table, flags=re.M) for name in re.findall(r"`(.+?)`", row)}
    assert listed == names


def glossary() -> dict[str, str]:
    sections = re.split(r"^## ", read("docs/glossary.md"), flags=re.MULTILINE)[1:]
    return {section.split("\n", 1)[0]: section.split("\n", 1)[1] for section in sections}


@pytest.mark.parametrize("term", glossary())
def test_term_has_definition_and_reference(term):
    definition, _, reference = glossary()[term].partition("\nReference: ")
    assert 20 < len(definition.replace("\n", " ")) < 420, "a hover text: one short paragraph"
    assert "\n\n" not in definition.strip()
    assert re.search(r"\d{4}|D\d\d", reference)


def test_terms_are_unique():
    headings = re.findall(r"^## (.+)$", read("docs/glossary.md"), flags=re.MULTILINE)
    keys = [key.lower() for heading in headings for key in re.findall(r"[^()]+", heading)]
    assert len({key.strip() for key in keys}) == len(keys)


def test_every_endpoint_and_response_is_explained():
    text = " ".join(glossary())
    wanted = [
        *load_study().endpoints,
        *RESPONSES,
        "ORR",
        "CBR",
        "ASCT",
        "FHRMM",
        "ECOG",
        "ISS",
        "R-ISS",
    ]
    assert [name for name in wanted if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)] == []


def test_numbers_of_the_readme_are_those_of_the_project():
    from fhrmm.estimates.counts import describe_agreement
    from fhrmm.study import load_study, specification_grid

    said, agreement = " ".join(read("README.md").split()), describe_agreement()
    assert f"{agreement['Cases'].sum()} frozen cases of {len(agreement)} operations" in said
    assert f"{len(specification_grid(load_study()))} specifications" in said
    measured = read("docs/benchmarks.md")
    rows = {
        "66 seconds": "| 66 s; ",
        "under 2 seconds": "| 1.2 s | 2 s |",
        "a tenth of a second, with 383 KB": "| 0.06, 0.09, 0.24 s; answer 383 KB |",
    }
    rows["two to three times as long"] = "56 s beside 20 s on a busy machine, 2.8 times |"
    for number, row in rows.items():
        assert number in said
        assert row in measured, f"measured anew: the README says {number}"


def test_images_are_small_enough_and_used():
    images = sorted((ROOT / "docs" / "images").glob("*.png"))
    everything = "".join(read(name) for name in PAGES if (ROOT / name).is_file())
    assert [image.name for image in images if image.name not in everything] == []


def test_pages_have_one_title():
    for name in PAGES:
        if Path(ROOT / name).is_file():
            titles = re.findall(r"^# \S", re.sub(r"```.*?```", "", read(name), flags=re.DOTALL), flags=re.MULTILINE)
            assert len(titles) == 1, name

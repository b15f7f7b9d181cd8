"""Runs every notebook for every center and for all of them, and writes the report: ``python run_all.py --help``."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fhrmm.cover import read_cover
from fhrmm.folders import center_folders
from fhrmm.wording import POOLED, SYNTHETIC_WARNING
from notebookrun.cli import GOOD, MISUSE, SOMETHING_FAILED, build_parser, find_places, main, rewrite_index
from notebookrun.errors import MisuseError
from notebookrun.glossary import read_glossary
from notebookrun.locks import hold_folder
from notebookrun.progress import say_any_letter
from notebookrun.project import Project
from notebookrun.sources import make_step

ROOT = Path(__file__).resolve().parent
GLOSSARY = ROOT / "docs" / "glossary.md"
INVENTED = (
    "Every patient and every center of this report is invented (data set: {name}). Real are the question, the "
    "definitions, the methods, and the published figures that results are held against."
)
PRELOAD = (
    "importlib.readers", "numpy", "pandas", "pyarrow.parquet", "pyarrow.dataset", "scipy.stats", "scipy.optimize",
    "scipy.special", "matplotlib.pyplot", "matplotlib.backends.backend_svg", "seaborn", "pydantic", "openpyxl",
    "IPython.display", "fhrmm.study", "fhrmm.store", "intake.readers", "intake.cleaning", "fhrmm.cohort",
    "fhrmm.response", "fhrmm.endpoints", "fhrmm.estimates", "fhrmm.disclosure", "fhrmm.tables", "fhrmm.figures",
    "fhrmm.report",
)  # fmt: skip


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file; empty if it is absent or broken, which the notebooks say better."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


PLAN = read_toml(ROOT / "study.toml")


def check_plan(values: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with the plan of a run, as its parameters change it."""
    from fhrmm.errors import StudyError
    from fhrmm.plan_check import load_plan
    from fhrmm.study import PLAN_PARAMETERS

    changes = {dotted: values.get(name) for name, dotted in PLAN_PARAMETERS.items()}
    try:
        load_plan(str(values.get("study_file", "study.toml")), changes)
    except StudyError as error:
        return [str(error)]
    return []


def list_scopes(data: Path) -> list[str]:
    """Return the pooled scope and the centers of a dataset."""
    return [POOLED, *center_folders(data)]


def input_files(data: Path, scope: str) -> list[Path]:
    """Return the files of a scope's centers, and what describes the dataset."""
    centers = [name for name in list_scopes(data) if name != POOLED] if scope == POOLED else [scope]
    folders = [data / center for center in centers] + sorted(data.glob("_*"))
    found = [data / "dataset.toml", *(path for folder in folders for path in sorted(folder.rglob("*")))]
    return [path for path in found if path.is_file() and not path.name.startswith((".", "~$"))]


def describe_dataset(data: Path) -> dict[str, Any]:
    """Return what the manifest says about a dataset, the banner of its pages, and what the cover says of it."""
    info = read_toml(data / "dataset.toml")
    is_synthetic, name = bool(info.get("synthetic", False)), info.get("name", data.name)
    facts = {"name": name, "synthetic": is_synthetic, "banner": f"{SYNTHETIC_WARNING}." if is_synthetic else ""}
    return facts | ({"paragraphs": [INVENTED.format(name=name)]} if is_synthetic else {})


def cover(
    reports: Path, scopes: Sequence[str], facts: Mapping[str, Any], plan: Mapping[str, Any] = PLAN
) -> dict[str, Any]:
    """Return what the cover shows; question and headline time are those of the plan."""
    question, months = plan.get("study", {}).get("question", ""), plan.get("time", {}).get("headline_months")
    least = plan.get("display", {}).get("minimum_patients", 1)
    return read_cover(reports, scopes, question, months=months, least=least)


ROWS = "reports/{scope}/tables/estimates/*.csv"
TABLE = "reports/{scope}/tables/estimates.csv"
JOIN = "fhrmm.store:combine_estimates"

PROJECT = Project(
    title=PLAN.get("study", {}).get("title", "Compendium"),
    root=ROOT,
    notebooks=ROOT / "notebooks",
    packages={name: ROOT / "lib" / name for name in ("fhrmm", "intake", "timetoevent")}
    | {"generator": ROOT / "data" / "generator"},
    list_scopes=list_scopes,
    input_files=input_files,
    steps=(make_step("estimates", JOIN, ("reports_dir", "center", "notebooks"), (ROWS,), (TABLE,)),),
    content=cover,
    check=check_plan,
    facts=describe_dataset,
    data="data/synthetic",
    preload=PRELOAD,
    shared_files=("repository/study.toml",),
    glossary=GLOSSARY,
)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the study, with its manuscripts if asked; or look at a center's files and propose its `center.toml`."""
    say_any_letter()
    parser = build_parser(PROJECT)
    parser.add_argument(
        "--init-center", metavar="FOLDER", help="propose a center.toml for that center's files, and stop"
    )
    parser.add_argument(
        "--manuscript",
        action="store_true",
        help="then write tables, figures, methods and checklists for a journal: of each --center, or of all pooled",
    )
    options, _ = parser.parse_known_args(arguments)
    if options.init_center is not None:
        return propose_center(Path(options.init_center))
    if options.manuscript and options.matrix:
        print("run_all: --manuscript does not go with --matrix; run it for one set of parameters", file=sys.stderr)
        return MISUSE
    if options.manuscript:
        arguments = [*(sys.argv[1:] if arguments is None else arguments), "-p", "figure_formats", "pdf,tiff"]
    project = with_plan(PROJECT, options)
    status = main(project, arguments, parser)
    has_run = status in (GOOD, SOMETHING_FAILED) and not (options.list or options.explain or options.list_parameters)
    if options.manuscript and has_run:
        status = write_manuscripts(options) or status
        try:
            rewrite_index(project, options)  # the cover links to what was written just now
        except (MisuseError, OSError) as error:
            print(f"run_all: {error}", file=sys.stderr)
            status = SOMETHING_FAILED
    return status


def with_plan(project: Project, options: argparse.Namespace) -> Project:
    """Return the project under the title, question and headline time of the plan that a run is given."""
    name = dict(options.parameter).get("study_file")
    if name is None:
        return project
    plan = read_toml(ROOT / name)
    return replace(project, title=plan.get("study", {}).get("title", project.title), content=partial(cover, plan=plan))


def propose_center(folder: Path) -> int:
    """Look at a center's files and write a first `center.toml`; say what is in the way where that is not possible."""
    if not folder.is_dir():
        print(f"run_all: no folder {str(folder)!r}; it takes the folder with the center's files", file=sys.stderr)
        return MISUSE
    from fhrmm.errors import StudyError
    from intake.init_center import init_center

    try:
        print(init_center(folder))
    except (StudyError, OSError) as error:
        print(f"run_all: {error}", file=sys.stderr)
        return MISUSE
    return GOOD


def write_manuscripts(options: argparse.Namespace) -> int:
    """Write the manuscript of each scope asked for; one that cannot be written says why and keeps no other back."""
    from fhrmm.errors import StudyError
    from fhrmm.manuscript import write_manuscript

    glossary = {form: term.name for term in read_glossary(GLOSSARY) for form in term.forms}
    places = find_places(PROJECT, options)
    status = GOOD
    for scope in dict.fromkeys(options.center or [POOLED]):
        try:
            with hold_folder(places.reports, "report"):
                files = write_manuscript(places.reports, places.data, scope, glossary)
            words = sys.stderr if options.json_log == "-" else sys.stdout
            print(f"manuscript of {scope}: {len(files)} files in {files[-1].parent}", file=words)
        except (StudyError, MisuseError, OSError) as error:
            print(f"run_all: {error}", file=sys.stderr)
            status = SOMETHING_FAILED
    return status


if __name__ == "__main__":
    sys.exit(run())

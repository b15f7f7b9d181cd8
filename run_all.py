"""Runs every notebook for every center and for all of them, and writes the report: ``python run_all.py --help``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fhrmm.cover import describe_dataset, read_cover, read_toml
from fhrmm.folders import center_folders
from fhrmm.wording import POOL, POOLED, RELEASE_MARK
from notebookrun.cli import GOOD, MISUSE, SOMETHING_FAILED, build_parser, find_places, main, rewrite_index
from notebookrun.errors import MisuseError
from notebookrun.glossary import read_glossary
from notebookrun.locks import hold_folder
from notebookrun.progress import say_any_letter
from notebookrun.project import Project
from notebookrun.sources import make_step

ROOT = Path(__file__).resolve().parent
GLOSSARY = ROOT / "docs" / "glossary.md"
CITATION = ROOT / "CITATION.cff"
MANUSCRIPT = ("-p", "figure_formats", "pdf,tiff")
# They compare centers, or are about their files.
NOT_RELEASED = ("07_centers.ipynb", "11_pool.ipynb")
ACTIONS = {
    "manuscript": "then write tables, figures, methods and checklists for a journal, of each --center or the pool",
    "release": "make a folder that may be shared: all centers pooled, once, from rounded counts (--out release)",
}
PRELOAD = (
    "importlib.readers", "numpy", "pandas", "pyarrow.parquet", "pyarrow.dataset", "scipy.stats", "scipy.optimize",
    "scipy.special", "matplotlib.pyplot", "matplotlib.backends.backend_svg", "seaborn", "pydantic", "openpyxl",
    "IPython.display", "fhrmm.study", "fhrmm.store", "intake.readers", "intake.cleaning", "fhrmm.cohort",
    "fhrmm.response", "fhrmm.endpoints", "fhrmm.estimates", "fhrmm.disclosure", "fhrmm.tables", "fhrmm.figures",
    "fhrmm.report",
)  # fmt: skip


PLAN = read_toml(ROOT / "study.toml")


def check_plan(values: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with the plan of a run, as its parameters change it."""
    from fhrmm.plan_check import say_problems

    return say_problems(values)


def list_scopes(data: Path) -> list[str]:
    """Return the pooled scope and the centers of a dataset."""
    return [POOLED, *center_folders(data)]


def input_files(data: Path, scope: str) -> list[Path]:
    """Return the files of a scope's centers, and what describes the dataset."""
    centers = [name for name in list_scopes(data) if name != POOLED] if scope == POOLED else [scope]
    folders = [data / center for center in centers] + sorted(data.glob("_*"))
    found = [data / "dataset.toml", *(path for folder in folders for path in sorted(folder.rglob("*")))]
    return [path for path in found if path.is_file() and not path.name.startswith((".", "~$"))]


def cover(
    reports: Path, scopes: Sequence[str], facts: Mapping[str, Any], plan: Mapping[str, Any] = PLAN, work: str = ""
) -> dict[str, Any]:
    """Return what the cover shows; with the work folder of a local run also whom it is for."""
    question, months = plan.get("study", {}).get("question", ""), plan.get("time", {}).get("headline_months")
    least = plan.get("display", {}).get("minimum_patients", 1)
    shown = read_cover(reports, scopes, question, months=months, least=least)
    if work:
        from fhrmm.local_report import warn_of_identifiers

        facts = {"paragraphs": [*warn_of_identifiers(reports, Path(work)), *facts.get("paragraphs", ())]}
    return shown | {"paragraphs": list(facts.get("paragraphs", ()))}


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
    facts=partial(describe_dataset, citation=CITATION),
    data="data/synthetic",
    preload=PRELOAD,
    shared_files=("repository/study.toml",),
    file_parameters=("study_file",),
    glossary=GLOSSARY,
)


POOL_STEPS = {
    "join": "at a center: make its keys and write its member file",
    "ask": "at the coordinator: write the next request, or the report when all rounds are there",
    "answer": "at a center: show what would leave, and write the masked answer",
    "status": "say who is awaited, since when, and what to do",
}
POOL_REPORTS = "reports_pool"
POOL_PROJECT = replace(
    PROJECT,
    notebooks=ROOT / "notebooks" / "11_pool.ipynb",
    list_scopes=lambda folder: [POOL],
    input_files=lambda folder, scope: [
        p for p in (folder / "dataset.toml", *sorted(folder.glob("*.json"))) if p.is_file()
    ],
)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the runner's options and the study's own."""
    parser = build_parser(PROJECT)
    for name, help_text in ACTIONS.items():
        parser.add_argument(f"--{name}", action="store_true", help=help_text)
    parser.add_argument("--init-center", metavar="FOLDER", help="propose a center.toml for its files, and stop")
    parser.add_argument(
        "--fetch-redcap", metavar="FOLDER", help="fetch the REDCap project of its center.toml into the folder, and stop"
    )
    pooling = parser.add_argument_group("pooling without patients (docs/pooling.md)")
    for step, help_text in POOL_STEPS.items():
        pooling.add_argument(f"--pool-{step}", metavar="STUDYFOLDER", help=help_text)
    pooling.add_argument("--yes", action="store_true", help="answer without asking a person, for scripts")
    pooling.add_argument("--leave", action="store_true", help="with --pool-answer: sign that it never will")
    parser.add_argument(
        "--freeze", metavar="NAME", help="keep what the run was made from and gave, to see what changes"
    )
    parser.add_argument("--language", choices=("en", "it"), default="en", help="language of the problem lists")
    return parser


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the study, with its manuscripts if asked; or look at a center's files and propose its `center.toml`."""
    say_any_letter()
    parser = make_parser()
    options, _ = parser.parse_known_args(arguments)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if problem := wrong_use(options):
        print(f"run_all: {problem}", file=sys.stderr)
        return MISUSE
    if (status := run_other(options, arguments, parser)) is not None:
        return status
    if options.manuscript:
        arguments += MANUSCRIPT
    if options.language != "en":
        arguments += ["-p", "language", options.language]
    project = with_plan(PROJECT, options, str(find_places(PROJECT, options).work))
    status = main(project, arguments, parser)
    has_run = status in (GOOD, SOMETHING_FAILED) and not (options.list or options.explain or options.list_parameters)
    if not has_run:
        return status
    status = (write_manuscripts(options) if options.manuscript else GOOD) or status
    is_written, outcome = compare_freezes(options)
    status = status or outcome
    if is_written or options.manuscript:
        # the cover links to what was written just now
        status = attempt(lambda: rewrite_index(project, options)) or status
    return status


def attempt(action: Callable[[], object], failed: int = SOMETHING_FAILED, where: str = "") -> int:
    """Do something, and return how it went; where it cannot be done, say why."""
    from fhrmm.errors import StudyError

    try:
        action()
    except (StudyError, MisuseError, OSError) as error:
        print(f"run_all: {where}{error}", file=sys.stderr)
        return failed
    return GOOD


def wrong_use(options: argparse.Namespace) -> str:
    """Say which options of the study do not go together, or name no possible freeze; empty if all is well."""
    for name in ("manuscript", "freeze"):
        if options.matrix and getattr(options, name):
            return f"--{name} does not go with --matrix; run it for one set of parameters"
    is_pooling = any(getattr(options, f"pool_{step}") for step in POOL_STEPS)
    if is_pooling and (options.parameters_file or {name for name, _ in options.parameter} - {"study_file"}):
        return "a pooled study has one plan for all: change it in a file that all have, named by -p study_file FILE"
    if options.freeze is None:
        return ""
    if options.release:
        return "--freeze does not go with --release; freeze the local report"
    from fhrmm.freeze import refuse_name

    return refuse_name(options.freeze, find_places(PROJECT, options).work)


def compare_freezes(options: argparse.Namespace) -> tuple[bool, int]:
    """Write what has changed since each freeze, make a new one if asked; say if there was one, and how it went."""
    places, lines, status = find_places(PROJECT, options), [], GOOD
    if options.freeze or any(places.work.glob("*/frozen_*")):
        from fhrmm.freeze import follow
        from fhrmm.store import Run

        for scope in dict.fromkeys(options.center or list_scopes(places.data)):
            of_scope = Run(scope, places.data, places.work, places.reports)
            status = (
                attempt(lambda its=of_scope: lines.extend(follow(its, options.freeze)), where=f"{scope}: ") or status
            )
    print("\n".join(lines), end="\n" if lines else "", file=sys.stderr if options.json_log == "-" else sys.stdout)
    return bool(lines), status


def run_other(options: argparse.Namespace, arguments: list[str], parser: argparse.ArgumentParser) -> int | None:
    """Do what is asked in place of a local report; None if nothing else is."""
    for step in POOL_STEPS:
        if folder := getattr(options, f"pool_{step}"):
            return pool(step, Path(folder).resolve(), options)
    if options.init_center is not None:
        return propose_center(Path(options.init_center))
    if options.fetch_redcap is not None:
        return fetch_redcap(Path(options.fetch_redcap))
    if options.release or (find_places(PROJECT, options).reports / RELEASE_MARK).is_file():
        return release(options, arguments, parser)
    return None


def with_plan(project: Project, options: argparse.Namespace, work: str = "") -> Project:
    """Return the project under the title, question and headline time of the plan that a run is given."""
    name = dict(options.parameter).get("study_file")
    plan = PLAN if name is None else read_toml(ROOT / name)
    title = plan.get("study", {}).get("title", project.title)
    return replace(project, title=title, content=partial(cover, plan=plan, work=work))


def release(options: argparse.Namespace, arguments: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Run the notebooks for all centers pooled on rounded counts, and publish the folder if nothing is in its way."""
    from fhrmm.disclosure.release import make_release

    options.out = options.out or "release"
    unfit = [name for name in ("matrix", "center", "notebook", "list", "explain") if getattr(options, name)]
    if unfit or not options.release:
        reason = f"--release, one report of one plan, does not go with --{', --'.join(unfit)}" if unfit else ""
        print(f"run_all: {reason or f'{options.out!r} is a release; choose another --out'}", file=sys.stderr)
        return MISUSE
    places = find_places(PROJECT, options)

    def make(folder: Path, words: str) -> int:
        notebooks = folder / "notebooks"
        shutil.copytree(PROJECT.notebooks, notebooks, ignore=shutil.ignore_patterns(*NOT_RELEASED, "teaching"))
        facts = describe_dataset(places.data, CITATION)
        facts |= {"paragraphs": [words, *facts.get("paragraphs", ())]}
        project = replace(with_plan(PROJECT, options), notebooks=notebooks, facts=lambda _: facts)
        project = replace(project, list_scopes=lambda data: list_scopes(data)[:1])
        options.out = str(folder / "reports")
        where = ["--data", str(places.data), "--out", options.out, "--work", str(folder / "work")]
        which = ["--center", POOLED, *(MANUSCRIPT if options.manuscript else ())]
        status = main(project, [*arguments, *where, *which], parser)
        return status or (write_manuscripts(options) if options.manuscript else GOOD)

    status, said = make_release(make, places.data, places.reports, places.work, dict(options.parameter))
    print(said, file=sys.stderr if status or options.json_log == "-" else sys.stdout)
    return status


def pool(step: str, folder: Path, options: argparse.Namespace) -> int:
    """Take one step of a pooled study: as its coordinator, who needs no patient data, or as one center."""
    from fhrmm.errors import StudyError
    from fhrmm.pool.words import says_yes
    from fhrmm.pooling import choose_center, coordinate, take_part
    from fhrmm.store import Run

    places, plan = find_places(PROJECT, options), dict(options.parameter).get("study_file", "study.toml")
    # as in a run of the center itself, whose pages would be out of date by a parameter that says what is the default
    named = [part for name, value in options.parameter for part in ("-p", name, value)]
    shared = ["--work", str(places.work), "--jobs", str(options.jobs), "--quiet", *named]

    def make_tables() -> bool:
        own = ["--data", str(places.data), "--out", str(places.reports), "--center", center, "--notebook", "04_pfs_os"]
        # the plan was held together when the request was checked against it
        return main(replace(PROJECT, check=lambda _: []), [*shared, *own]) == GOOD

    try:
        if not folder.is_dir():
            raise StudyError(f"no folder {folder.name!r}: it is the folder through which the files of the study go")
        if step in ("ask", "status"):
            out = options.out if options.out != PROJECT.reports else str(ROOT / POOL_REPORTS)
            is_done = coordinate(step, folder, places.work, plan)
            if step == "status" or not is_done:
                return GOOD
            return main(POOL_PROJECT, ["--data", str(folder), "--out", out, *shared])
        center = choose_center(center_folders(places.data), options.center)
        own = Run(center, places.data, places.work, places.reports)
        step = "leave" if options.leave and step == "answer" else step
        is_well = take_part(step, folder, own, plan, make_tables, lambda: options.yes or says_yes())
    except (StudyError, OSError) as error:
        print(f"run_all: {error}", file=sys.stderr)
        return MISUSE
    if not is_well:
        print(f"run_all: the notebooks of {center} did not run through; nothing was written", file=sys.stderr)
    return GOOD if is_well else SOMETHING_FAILED


def propose_center(folder: Path) -> int:
    """Look at a center's files and write a first `center.toml`; say what is in the way where that is not possible."""
    if not folder.is_dir():
        print(f"run_all: no folder {str(folder)!r}; it takes the folder with the center's files", file=sys.stderr)
        return MISUSE
    from intake.init_center import init_center

    return attempt(lambda: print(init_center(folder)), MISUSE)


def fetch_redcap(folder: Path) -> int:
    """Fetch a center's REDCap project into its folder, with the token that the environment holds."""
    from fhrmm.errors import StudyError
    from intake.readers.redcap_api import TOKEN, fetch_project

    try:
        names = fetch_project(folder, os.environ.get(TOKEN, ""))
    except (StudyError, OSError) as error:
        print(f"run_all: {error}", file=sys.stderr)
        return MISUSE
    print(f"wrote {', '.join(names)} into {folder.name}; next: python run_all.py --init-center {folder.name}")
    return GOOD


def write_manuscripts(options: argparse.Namespace) -> int:
    """Write the manuscript of each scope asked for; one that cannot be written says why and keeps no other back."""
    from fhrmm.manuscript import write_manuscript

    glossary = {form: term.name for term in read_glossary(GLOSSARY) for form in term.forms}
    places = find_places(PROJECT, options)

    def write(scope: str) -> None:
        with hold_folder(places.reports, "report"):
            files = write_manuscript(places.reports, places.data, scope, glossary)
        words = sys.stderr if options.json_log == "-" else sys.stdout
        print(f"manuscript of {scope}: {len(files)} files in {files[-1].parent}", file=words)

    return max(attempt(partial(write, scope)) for scope in dict.fromkeys(options.center or [POOLED]))


if __name__ == "__main__":
    sys.exit(run())

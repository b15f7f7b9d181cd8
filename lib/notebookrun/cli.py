"""The command line of a study's runner."""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from notebookrun.errors import MisuseError
from notebookrun.files import describe_problem, remove_partial
from notebookrun.graph import build_graph
from notebookrun.matrix import folders_of, read_matrix, write_comparison
from notebookrun.parameters import Parameter, Value, check_values, describe_range, merge_parameters, read_yaml
from notebookrun.places import Places
from notebookrun.plan import Planner
from notebookrun.progress import say_any_letter, tell
from notebookrun.project import Project
from notebookrun.session import Session
from notebookrun.sources import Notebook, read_notebooks
from notebookrun.wording import unknown

GOOD, SOMETHING_FAILED, MISUSE = 0, 1, 2


def build_parser(project: Project) -> argparse.ArgumentParser:
    """Return the parser of all options; a study may add its own."""
    parser = argparse.ArgumentParser(
        description=f"{project.title}: run every notebook for every scope and write the report.",
        epilog="Exit status: 0 all good, 1 something failed (the rest still ran), 2 wrong use (nothing was started).",
    )
    add = parser.add_argument
    add("--data", metavar="DATASET", help=f"dataset folder (default: {project.data})")
    add("--out", metavar="REPORTS", help=f"report folder (default: {project.reports})")
    add("--work", metavar="WORK", help=f"folder of intermediates (default: {project.work})")
    add("--center", metavar="SCOPE", action="append", default=[], help="only this scope; may be repeated")
    add("--notebook", metavar="NAME", action="append", default=[], help="only this notebook and what it needs")
    add("-p", "--parameter", nargs=2, metavar=("NAME", "VALUE"), action="append", default=[], help="set a parameter")
    add("-f", "--parameters-file", metavar="YAML", action="append", default=[], help="set parameters from a file")
    add("--matrix", metavar="YAML", help="run every combination of `name: [value, ...]` into its own folder")
    add("--jobs", type=int, metavar="N", default=os.cpu_count() or 1, help="notebooks at a time (default: %(default)s)")
    add("--time-limit", type=float, metavar="SECONDS", default=3600.0, help="per notebook (default: %(default)g)")
    add("--scheduler", metavar="ADDRESS", help="run on a Dask cluster: tcp://HOST:PORT, or local to start one here")
    add("--exchange", metavar="URL", default="", help="where files go between machines that share no folder (fsspec)")
    add("--cold", action="store_true", help="start every kernel afresh instead of forking a warm one")
    add("--force", action="store_true", help="run also what is unchanged")
    add("--list", action="store_true", help="list scopes and notebooks with their state, and stop")
    add("--list-parameters", action="store_true", help="list parameters with type, default and meaning, and stop")
    add("--explain", action="store_true", help="say why each node would run or not, and stop")
    add("--quiet", action="store_true", help="say nothing but problems and the last line")
    add("--json-log", metavar="FILE", nargs="?", const="-", help="one JSON object per event (- for standard output)")
    return parser


def main(
    project: Project, arguments: Sequence[str] | None = None, parser: argparse.ArgumentParser | None = None
) -> int:
    """Run a study's notebooks as the command line says.

    Returns
    -------
    int
        0 all good, 1 something failed, 2 wrong use; 128 and the number of the signal if interrupted.
    """
    say_any_letter()
    options = (parser or build_parser(project)).parse_args(arguments)
    try:
        return _main(project, options)
    except MisuseError as error:
        for problem in error.problems:
            print(f"run_all: {problem}", file=sys.stderr)
        return MISUSE
    except OSError as error:
        print(f"run_all: the run had to stop: {describe_problem(error)}", file=sys.stderr)
        return SOMETHING_FAILED
    except KeyboardInterrupt as error:  # before the first notebook, or while the cover was written
        tell("run_all: interrupted; what was finished is kept, run again for the rest", sys.stderr)
        return 128 + getattr(error, "number", signal.SIGINT)


def _main(project: Project, options: argparse.Namespace) -> int:
    notebooks = read_notebooks(project.notebooks)
    known = merge_parameters(notebook.parameters for notebook in notebooks)
    if options.list_parameters:
        _print_parameters(known)
        return GOOD
    planner, sets = _check(project, options, notebooks, known)
    is_plan = options.list or options.explain

    def run(one: Planner, log_mode: str = "w") -> int:
        session = Session(one, log_mode)
        return session.show_plan(with_reasons=options.explain) if is_plan else session.run()

    if not sets:
        return run(planner)
    statuses: dict[str, int] = {}
    for label, values in sets.items():
        tell(f"parameter set {label}", sys.stderr if options.json_log == "-" else sys.stdout)
        of_set = replace(planner, places=folders_of(planner.places, label), values=values)
        statuses[label] = run(of_set, "a" if statuses else "w")
        if not is_plan:
            write_comparison(project, planner.places, planner.graph.scopes[0], sets, statuses)
        if statuses[label] > MISUSE:
            break
    if not is_plan:
        remove_partial(planner.places.reports)
    return max(statuses.values())


def rewrite_index(project: Project, options: argparse.Namespace) -> None:
    """Write the index of the last run again, for what was put beside its pages since.

    Raises
    ------
    MisuseError
        If the options are no longer those of a run.
    """
    notebooks = read_notebooks(project.notebooks)
    planner, _ = _check(project, options, notebooks, merge_parameters(nb.parameters for nb in notebooks))
    Session(planner).rewrite_index()


def _check(
    project: Project, options: argparse.Namespace, notebooks: Sequence[Notebook], known: dict[str, Parameter]
) -> tuple[Planner, dict[str, dict[str, Value]]]:
    """Check everything that was asked for, and complain about all of it at once."""
    places = find_places(project, options)
    problems = _folder_problems(places)
    scopes = _scopes(project, places, problems)
    problems += [unknown("scope", name, scopes) for name in options.center if scopes and name not in scopes]
    names = [notebook.name for notebook in notebooks]
    problems += [unknown("notebook", name, names) for name in options.notebook if name not in names]
    flags = {"scope": "--center", "data": "--data", "work": "--work", "reports": "--out"}
    words = [(name, value) for name, value in options.parameter]
    reserved = {name: flags[what] for name, what in project.place_parameters.items()}
    values, complaints = check_values(known, _typed_values(options, problems), words, reserved)
    problems += complaints or project.check(values)
    for name in set(project.file_parameters) & values.keys():
        if not str(places.name(places.root / str(values[name]))).startswith(("repository/", "data/")):
            problems.append(f"{name}: put the file into the repository or the dataset, or no change in it is noticed")
    if options.jobs < 1:
        problems.append(f"--jobs: {options.jobs} is out of range, expected at least 1")
    if options.time_limit < 0:
        problems.append("--time-limit: expected 0 (none) or more seconds")
    sets: dict[str, dict[str, Value]] = {}
    if options.matrix:
        sets, complaints = read_matrix(Path(options.matrix), known, values, reserved)
        problems += complaints or [f"{label}: {said}" for label, its in sets.items() for said in project.check(its)]
    if problems:
        raise MisuseError(problems)
    graph = build_graph([*notebooks, *project.steps], scopes)
    return Planner(project, notebooks, graph, places, values, options), sets


def find_places(project: Project, options: argparse.Namespace) -> Places:
    """Return the folders of a run: as given, from where the user stands; the defaults are taken from the root."""
    root = project.root.resolve()
    given = {project.data: options.data, project.work: options.work, project.reports: options.out}
    return Places(root, *((Path.cwd() / own if own else root / name).resolve() for name, own in given.items()))


def _folder_problems(places: Places) -> list[str]:
    """Return which folders would mix what is shared with rows of patients, or be taken for a center."""
    folders = {"--out": places.reports, "--work": places.work, "--data": places.data}
    advice = "each needs a folder of its own"
    pairs = itertools.permutations(folders.items(), 2)
    inside = [f"{a} lies inside of {b}; {advice}" for (a, x), (b, y) in pairs if y in x.parents]
    same = itertools.combinations(folders.items(), 2)
    return inside + [f"{a} and {b} are the same folder; {advice}" for (a, x), (b, y) in same if x == y]


def _scopes(project: Project, places: Places, problems: list[str]) -> list[str]:
    try:
        return project.list_scopes(places.data)
    except Exception as error:
        if not getattr(error, "for_reader", False):
            raise
        problems.append(str(error))
        return []


def _typed_values(options: argparse.Namespace, problems: list[str]) -> dict[str, Any]:
    """Return the parameters from files."""
    typed: dict[str, Any] = {}
    for file in options.parameters_file:
        try:
            content = read_yaml("-f", Path(file))
        except MisuseError as error:
            problems += error.problems
            continue
        doubled = [name for name in content if name in typed and typed[name] != content[name]]
        problems += [f"parameter {name!r} is given twice with different values" for name in doubled]
        typed |= content
    return typed


def _print_parameters(parameters: dict[str, Parameter]) -> None:
    """Print name, type, default and meaning of every parameter."""
    for name, parameter in parameters.items():
        limits = describe_range(parameter)
        tell(f"{name}: {parameter.kind} = {parameter.default!r}{f'  ({limits})' if limits else ''}", sys.stdout)
        tell(f"    {parameter.help or 'no description'}", sys.stdout)
        tell(f"    in {', '.join(parameter.notebooks)}", sys.stdout)

"""Many parameter sets, each into a report folder of its own, with a page that compares them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from notebookrun.files import remove_partial, write_page
from notebookrun.index import render_comparison
from notebookrun.parameters import Parameter, Value, check_values
from notebookrun.places import Places
from notebookrun.project import Project

MOST = 200


@dataclass(frozen=True)
class ParameterSet:
    """One cell of the matrix.

    Attributes
    ----------
    label : str
        Name of its folder.
    values : dict
        Its parameters.
    """

    label: str
    values: dict[str, Value]


def read_matrix(
    path: Path, known: Mapping[str, Parameter], given: Mapping[str, Value], reserved: Mapping[str, str]
) -> tuple[list[ParameterSet], list[str]]:
    """Read a grid of parameters.

    Parameters
    ----------
    path : Path
        YAML: ``name: [value, value, ...]`` per parameter; every combination is run.
    known : mapping
        Parameters of the notebooks.
    given : mapping
        Parameters of the command line, the same in each set.
    reserved : mapping
        Parameters that only an option sets.

    Returns
    -------
    sets : list of ParameterSet
        Every combination.
    problems : list of str
        Everything that is wrong.
    """
    import yaml

    try:
        grid = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        return [], [f"--matrix {path.name}: not readable as YAML ({type(error).__name__})"]
    if not isinstance(grid, dict) or not all(isinstance(v, list) and v for v in grid.values()):
        return [], [f"--matrix {path.name}: expected `name: [value, value, ...]` lines"]
    problems = [f"--matrix: {name!r} is also given by -p or -f" for name in grid if name in given]
    combinations = list(itertools.product(*grid.values()))
    if len(combinations) > MOST:
        return [], [*problems, f"--matrix: {len(combinations)} combinations, expected at most {MOST}"]
    sets = []
    for combination in combinations:
        values, complaints = check_values(known, dict(zip(grid, combination, strict=True)), (), reserved)
        sets.append(ParameterSet(_label_of(values), {**given, **values}))
        problems += complaints
    return sets, list(dict.fromkeys(problems))


def _label_of(values: Mapping[str, Value]) -> str:
    """Return the folder name of a parameter set.

    Examples
    --------
    >>> _label_of({"window": 12, "source": "as recorded"})
    'window-12_source-as-recorded'
    """
    parts = (f"{name}-{'plan' if value is None else value}" for name, value in values.items())
    return "_".join(re.sub(r"[^\w.-]+", "-", part) for part in parts)


def run_matrix(
    project: Project, places: Places, sets: Sequence[ParameterSet], run: Callable[[ParameterSet], int]
) -> int:
    """Run each set into its own folders and write the comparison.

    Parameters
    ----------
    project : Project
        The study.
    places : Places
        The folders below which each set gets one of its own.
    sets : sequence of ParameterSet
        What to run.
    run : callable
        ``run(set) -> exit status``.

    Returns
    -------
    int
        The worst status.
    """
    statuses = {}
    for one in sets:
        statuses[one.label] = run(one)
        _write_comparison(project, places, sets, statuses)
        if statuses[one.label] > 2:
            break
    remove_partial(places.reports)
    return max(statuses.values())


def folders_of(places: Places, one: ParameterSet) -> Places:
    """Return the folders of one set."""
    return replace(places, work=places.work / one.label, reports=places.reports / one.label)


def _write_comparison(
    project: Project, places: Places, sets: Sequence[ParameterSet], statuses: Mapping[str, int]
) -> None:
    """Write the page that puts the key figures of the sets side by side."""
    scope = project.list_scopes(places.data)[0]
    names = list(dict.fromkeys(name for one in sets for name in one.values))
    facts, rows, labels = project.facts(places.data), [], []
    for one in sets:
        content: dict[str, Any] = project.content(folders_of(places, one).reports, [scope], facts)
        labels = labels or list(content.get("figure_labels", []))
        rows.append(
            {
                "label": one.label,
                "href": f"{one.label}/index.html" if one.label in statuses else "",
                "values": ["as planned" if one.values.get(n) is None else str(one.values[n]) for n in names],
                "figures": list(content.get("figures", {}).get(scope, [])),
                "state": {None: "absent", 0: "ok"}.get(statuses.get(one.label), "failed"),
            }
        )
    page = render_comparison(project.title, str(facts.get("banner", "")), scope, names, labels, rows)
    write_page(places.reports / "index.html", page)

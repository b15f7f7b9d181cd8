"""Many parameter sets, each into a report folder of its own, with a page that compares them."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from notebookrun.errors import MisuseError
from notebookrun.files import write_page
from notebookrun.index import render
from notebookrun.parameters import Parameter, Value, check_values, read_yaml
from notebookrun.places import Places
from notebookrun.project import Project

MOST = 200
Sets = Mapping[str, Mapping[str, Value]]


def read_matrix(
    path: Path, known: Mapping[str, Parameter], given: Mapping[str, Value], reserved: Mapping[str, str]
) -> tuple[dict[str, dict[str, Value]], list[str]]:
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
    sets : dict
        The parameters of every combination, by the name of its folder.
    problems : list of str
        Everything that is wrong.
    """
    try:
        grid = read_yaml("--matrix", path)
    except MisuseError as error:
        return {}, error.problems
    if not all(isinstance(values, list) and values for values in grid.values()):
        return {}, [f"--matrix {path.name}: expected `name: [value, value, ...]` lines"]
    problems = [f"--matrix: {name!r} is also given by -p or -f" for name in grid if name in given]
    if (n_sets := math.prod(map(len, grid.values()))) > MOST:
        return {}, [*problems, f"--matrix: {n_sets} combinations, expected at most {MOST}"]
    sets: dict[str, dict[str, Value]] = {}
    for combination in itertools.product(*grid.values()):
        values, complaints = check_values(known, dict(zip(grid, combination, strict=True)), (), reserved)
        parts = (f"{name}-{'plan' if value is None else value}" for name, value in values.items())
        label = "_".join(re.sub(r"[^\w.-]+", "-", part) for part in parts)
        problems += complaints if label not in sets else [f"--matrix: two sets would have the folder {label!r}"]
        sets[label] = {**given, **values}
    return sets, list(dict.fromkeys(problems))


def folders_of(places: Places, label: str) -> Places:
    """Return the folders of one set."""
    return replace(places, work=places.work / label, reports=places.reports / label)


def write_comparison(project: Project, places: Places, scope: str, sets: Sets, statuses: Mapping[str, int]) -> None:
    """Write the page that puts the key figures of the sets side by side.

    Parameters
    ----------
    project : Project
        The study.
    places : Places
        The folders below which each set has its own.
    scope : str
        Whose figures are shown.
    sets : mapping
        Parameters of each set, by label.
    statuses : mapping
        Exit status of each set that has been run.
    """
    names = list(dict.fromkeys(name for values in sets.values() for name in values))
    facts, rows, labels = project.facts(places.data), [], []
    for label, values in sets.items():
        content: dict[str, Any] = project.content(folders_of(places, label).reports, [scope], facts)
        labels = labels or list(content.get("figure_labels", []))
        rows.append(
            {
                "href": f"{label}/index.html" if label in statuses else "",
                "values": ["as planned" if values.get(name) is None else str(values[name]) for name in names],
                "figures": list(content.get("figures", {}).get(scope, [])),
                "state": {None: "absent", 0: "ok"}.get(statuses.get(label), "failed"),
            }
        )
    shown = {"title": project.title, "banner": str(facts.get("banner", "")), "scope": scope}
    write_page(places.reports / "index.html", render("matrix.html.j2", **shown, names=names, labels=labels, rows=rows))

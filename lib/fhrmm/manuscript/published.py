"""What a scope has published, and whether a manuscript can be made from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fhrmm.errors import StudyError
from fhrmm.formats import clean_estimates
from fhrmm.store import DatasetInfo, Run, read_dataset_info, read_manifest, read_report_csv
from fhrmm.study import PLAN_PARAMETERS, Study, as_release, load_study, plan_choices

NEEDED = ("02_cohort", "03_response", "04_pfs_os", "05_multivariable")
# What journals take; the command that makes a manuscript asks the notebooks for them.
FORMATS = ("pdf", "tiff")
# Parameters that decide what the manuscript's notebooks show.
CHOICES = tuple(name for name in PLAN_PARAMETERS if name not in ("partial_date_policy", "figure_formats"))
Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Published:
    """Everything that a manuscript is made from.

    Attributes
    ----------
    run : Run
        Scope and folders.
    study : Study
        The plan with the parameters of the run.
    info : DatasetInfo
        What the dataset is.
    estimates : DataFrame
        The estimates table of the scope, as published.
    figures : tuple of str
        Names of the figures without extension, in the order of the notebooks; those of single patients left out.
    pages : frozenset of str
        ``<scope>/<notebook>`` of every page of the report.
    """

    run: Run
    study: Study
    info: DatasetInfo
    estimates: pd.DataFrame
    figures: tuple[str, ...]
    pages: frozenset[str]

    def of(self, notebook: str) -> pd.DataFrame:
        """Return the estimates of one notebook."""
        return self.estimates[self.estimates["notebook"] == notebook]


def read_published(run: Run) -> Published:
    """Read what the scope of a run has published.

    Raises
    ------
    StudyError
        If a notebook that the manuscript needs has failed, has not run, is out of date, or ran with other parameters
        than the rest.
    """
    nodes: dict[str, Node] = read_manifest(run)["nodes"]
    parameters = _common_parameters(run.scope, nodes)
    plan = str(parameters.get("study_file") or "study.toml")
    study = load_study(plan, plan_choices(**{name: parameters.get(name) for name in CHOICES}))
    study = as_release(study) if run.is_release else study
    estimates = clean_estimates(read_report_csv(run, "estimates"))
    pages = frozenset(name for name, node in nodes.items() if f"reports/{name}.html" in node["outputs"])
    info = read_dataset_info(run.data_dir, study)
    return Published(run, study, info, estimates, _figures(run.scope, nodes), pages)


def _common_parameters(scope: str, nodes: dict[str, Node]) -> dict[str, Any]:
    """Return the parameters of the notebooks needed, after asking whether each ran through."""
    found = {name: nodes.get(f"{scope}/{name}", {"state": "absent", "reason": "it has not run"}) for name in NEEDED}
    problems = [f"{name}: {node['reason'] or node['state']}" for name, node in found.items() if node["state"] != "ok"]
    if problems:
        raise StudyError(f"{scope}: no manuscript, since it needs notebooks that are not ready: {'; '.join(problems)}")
    wanted = (*CHOICES, "study_file")
    sets = [{name: node["parameters"].get(name) for name in wanted} for node in found.values()]
    if any(other != sets[0] for other in sets[1:]):
        raise StudyError(f"{scope}: no manuscript, since its notebooks ran with different parameters; run all of them")
    return sets[0]


def _figures(scope: str, nodes: dict[str, Node]) -> tuple[str, ...]:
    """Return the figures with data behind them that the notebooks of the scope wrote last; the others show patients."""
    ready = [node for name, node in sorted(nodes.items()) if name.startswith(f"{scope}/") and node["state"] == "ok"]
    written = {name for node in ready for name in node["outputs"]}
    pattern = re.compile(rf"reports/{re.escape(scope)}/figures/(.+)\.csv")
    found = [match[1] for name in sorted(written) if (match := pattern.fullmatch(name))]
    files = {f"reports/{scope}/figures/{stem}.{kind}" for stem in found for kind in FORMATS}
    if not files <= written:
        asked = ",".join(FORMATS)
        raise StudyError(f"{scope}: no manuscript, since figures lack formats; run with -p figure_formats {asked}")
    return tuple(found)

"""The page of one notebook run: what it is about, how it may be shown, and its first lines."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from IPython.display import display
from markupsafe import Markup

from fhrmm.errors import StudyError
from fhrmm.plan_check import load_plan
from fhrmm.store import DatasetInfo, Run, is_being_made, open_run, read_dataset_info, read_report_values, scope_centers
from fhrmm.study import PLAN_PARAMETERS, Study, as_release, describe_rounding, load_study, plan_choices
from fhrmm.wording import POOL, POOLED, SYNTHETIC_WARNING


@dataclass(frozen=True)
class Page:
    """One notebook in one scope.

    Attributes
    ----------
    run : Run
        Where it reads and writes.
    study : Study
        The plan with the parameters of this run.
    notebook : str
        Name of the notebook without extension; prefixes the files it writes.
    info : DatasetInfo
        What the dataset is.
    shown : Counter
        How many figures and tables have been shown: they are numbered.
    """

    run: Run
    study: Study
    notebook: str
    info: DatasetInfo
    shown: Counter[str] = field(default_factory=Counter)

    @property
    def is_release(self) -> bool:
        """Whether the page is made from rounded counts."""
        return self.study.disclosure.is_release


def open_page(notebook: str, parameters: Mapping[str, Any]) -> Page:
    """Open the page of a notebook for its parameters and show the banner.

    `parameters` are the names of the notebook, ``globals()``: where it reads and writes, and what it replaces in the
    plan. The page is passed to every function that shows or writes.

    Raises
    ------
    StudyError
        If a value of the plan or a folder is unknown.
    """
    choices = {name: parameters[name] for name in PLAN_PARAMETERS if name in parameters}
    run = open_run(*(parameters[name] for name in ("center", "data_dir", "work_dir", "reports_dir")))
    load = load_study if is_being_made(run) else load_plan
    study = load(parameters["study_file"], plan_choices(**choices))
    _refuse_to_overwrite(run, notebook, parameters)
    study = as_release(study) if run.is_release else study
    page = Page(run, study, notebook, read_dataset_info(run.data_dir, study))
    style = files("fhrmm.report").joinpath("fhrmm.css").read_text(encoding="utf-8")
    show_html(f"<style>{style}</style>", "style")
    show_html(_banner(page), "banner")
    return page


def _refuse_to_overwrite(run: Run, notebook: str, parameters: Mapping[str, Any]) -> None:
    """Let a notebook that is run by itself write over a report only what the report was made with.

    Raises
    ------
    StudyError
        Naming the parameters that differ, and how to have both.
    """
    here = {**parameters, "data_dir": run.data_dir.name}
    made = read_report_values(run, notebook)
    made |= {"data_dir": Path(made.get("data_dir", run.data_dir)).name}
    other = [f"{k} = {here[k]!r}, not {v!r}" for k, v in made.items() if here.get(k, v) != v]
    if other:
        command = f"python run_all.py --center {run.scope} --notebook {notebook} --out trial/reports --work trial/work"
        raise StudyError(
            f"{'; '.join(other)}: this would overwrite tables of the report in {run.reports_dir.name!r}, made with "
            f"other parameters. To have both, add yours (-p NAME VALUE) to: {command}"
        )


def number(page: Page, kind: str, anchor: str) -> Markup:
    """Return the number of the next figure or table as a link to itself, to be copied."""
    page.shown[kind] += 1
    return Markup('<a class="number" href="#{}">{} {}</a>. ').format(anchor, kind, page.shown[kind])


def show_html(html: str, where: str, *, pixels: bytes = b"") -> None:
    """Display HTML, and the same as a PNG for those who cannot show it."""
    picture = {"image/png": base64.b64encode(pixels).decode("ascii")} if pixels else {}
    display({"text/html": html, **picture, "text/plain": where}, raw=True)


def changed_values(study: Study) -> list[str]:
    """Say what differs from the plan of the study in this run; formats of files are none, nor is being released."""
    plan = as_release(load_study()) if study.rounding else load_study()
    changed = _changes(plan.model_dump(), study.model_dump(), "")
    return [f"{name} = {new} (plan: {old})" for name, old, new in changed if name != "display.figure_formats"]


def _changes(plan: object, run: object, name: str) -> Iterable[tuple[str, str, str]]:
    """Compare two plans part by part; tables in a list by their names."""
    plan, run = _by_name(plan), _by_name(run)
    if isinstance(plan, dict) and isinstance(run, dict):
        for key in plan | run:
            yield from _changes(plan.get(key), run.get(key), f"{name}.{key}" if name else str(key))
    elif plan != run:
        yield (
            name,
            *("left out" if one is None else "there" if isinstance(one, dict) else str(one) for one in (plan, run)),
        )


def _by_name(part: object) -> object:
    """Return tables in a list under their names, and other lists as they are read aloud."""
    if not isinstance(part, tuple):
        return part
    if not all(isinstance(one, dict) for one in part):
        return ", ".join(map(str, part))
    return {next(iter(one.values())): one for one in part}


def _banner(page: Page) -> str:
    is_synthetic = page.info.synthetic
    cutoff = page.info.data_cutoff_date
    shown_as = f"release: {describe_rounding(page.study)}"
    facts = [
        ("Data set", page.info.name),
        ("Data", SYNTHETIC_WARNING if is_synthetic else "center data, pseudonymous"),
        ("Data cut-off", cutoff.isoformat() if cutoff else "not stated"),
        ("Shown as", shown_as if page.is_release else "local: full numbers, no patient rows"),
        *(("Changed from the plan", change) for change in changed_values(page.study)),
    ]
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in facts)
    css = "banner synthetic" if is_synthetic else "banner"
    scope = f"Center {page.run.scope}"
    if page.run.scope == POOL:
        scope = "All centers, by sums without patients"
    elif page.run.scope == POOLED:
        scope = f"All centers pooled ({len(scope_centers(page.run.data_dir, POOLED))})"
    head = f'<p class="scope">{escape(scope)}</p>'
    return f'<aside class="{css}" aria-label="About this page">{head}<dl>{items}</dl></aside>'

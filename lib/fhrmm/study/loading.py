"""Reading the plan, and finding the repository."""

from __future__ import annotations

import contextlib
import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fhrmm.errors import StudyError, nearest
from fhrmm.study.plan import Study

# What each parameter of the notebooks replaces in the plan.
PLAN_PARAMETERS = {
    "second_line_from": "cohort.second_line_from",
    "second_line_to": "cohort.second_line_to",
    "data_cutoff_date": "cohort.data_cutoff_date",
    "fhr_definition": "functional_high_risk.definition",
    "fhr_window_months": "functional_high_risk.window_months",
    "quadruplet_requires_early": "functional_high_risk.quadruplet_requires_early",
    "response_source": "response.source",
    "partial_date_policy": "time.partial_date_policy",
    "figure_formats": "display.figure_formats",
}
# Values that a plan need not state.
_OPTIONAL = {"cohort.data_cutoff_date", "display.figure_formats"}


def repository_root() -> Path:
    """Return the folder that holds `study.toml`, `notebooks/` and `lib/`."""
    return Path(__file__).resolve().parents[3]


def resolve_path(path: str | Path) -> Path:
    """Return a path as given if absolute, else below the repository root."""
    return Path(path) if Path(path).is_absolute() else repository_root() / path


def load_study(path: str | Path = "study.toml", overrides: Mapping[str, Any] | None = None) -> Study:
    """Read the study plan and apply the parameters of one run; `fhrmm.plan_check.load_plan` also holds it together.

    Parameters
    ----------
    path : str or Path
        The plan; a relative path is taken from the repository root.
    overrides : mapping of str to object, optional
        Dotted names of plan values and what replaces them; None keeps the plan's value.

    Raises
    ------
    StudyError
        If the file is absent or not TOML, or a value is unknown, of the wrong type or out of range: all at once.

    Examples
    --------
    >>> load_study(overrides={"functional_high_risk.window_months": 18}).functional_high_risk.window_months
    18
    """
    study, problems = read_study(path, overrides or {})
    if study is None or problems:
        raise StudyError(list_problems(problems, Path(path).name))
    return study


def read_study(path: str | Path, overrides: Mapping[str, Any]) -> tuple[Study | None, list[str]]:
    """Read the study plan as `load_study` does, and return what is wrong with it in place of raising it.

    Returns
    -------
    study : Study or None
        With what is wrong left out or as the study's own plan has it, so that the rest can be looked at; None where
        even that is no plan.
    problems : list of str
        Each with key, what was found and what is near.
    """
    plan = _read_toml(resolve_path(path))
    problems = _override(plan, overrides)
    try:
        return Study.model_validate(plan), problems
    except ValidationError as error:
        like = _read_toml(repository_root() / "study.toml")
        problems += describe_validation(error, like)
        for item in error.errors(include_url=False):
            _mend(plan, like, item["loc"])
    with contextlib.suppress(ValidationError):
        return Study.model_validate(plan), problems
    return None, problems


def as_release(study: Study) -> Study:
    """Return the plan of a release: whoever estimates with it rounds counts first.

    The least numbers of patients to show something from are where a band of rounding begins: what is shown from 5 on
    would tell 4 from 5.

    Examples
    --------
    >>> [(plan.rounding, plan.display.minimum_patients) for plan in (load_study(), as_release(load_study()))]
    [(0, 5), (6, 7)]
    """
    base, display = study.disclosure.rounding_base, study.display
    least = ("minimum_patients", "km_minimum_at_risk")
    begins = {name: -(-(getattr(display, name) - 1) // base) * base + 1 for name in least}
    disclosure = study.disclosure.model_copy(update={"is_release": True})
    return study.model_copy(update={"disclosure": disclosure, "display": display.model_copy(update=begins)})


def describe_rounding(study: Study) -> str:
    """Say how a release rounds, for its banner and every table.

    Examples
    --------
    >>> describe_rounding(load_study())
    'counts rounded to the midpoint of 6: 3 stands for 0 to 6, 9 for 7 to 12, and so on'
    """
    base = study.disclosure.rounding_base
    first, second = base - base // 2, 2 * base - base // 2
    return (
        f"counts rounded to the midpoint of {base}: {first} stands for 0 to {base}, {second} for {base + 1} to "
        f"{2 * base}, and so on"
    )


def plan_choices(**parameters: object) -> dict[str, object]:
    """Return what the parameters of a notebook replace in the plan.

    Raises
    ------
    StudyError
        If a parameter stands for no value of the plan.

    Examples
    --------
    >>> plan_choices(fhr_window_months=18)
    {'functional_high_risk.window_months': 18}
    """
    unknown = sorted(set(parameters) - set(PLAN_PARAMETERS))
    if unknown:
        known = ", ".join(PLAN_PARAMETERS)
        raise StudyError(f"no value of the plan belongs to {', '.join(unknown)}; parameters that do: {known}")
    return {PLAN_PARAMETERS[name]: value for name, value in parameters.items()}


def override_study(study: Study, overrides: Mapping[str, Any]) -> Study:
    """Return another plan with some values replaced, keeping what the run has replaced already.

    Raises
    ------
    StudyError
        If a value is unknown, of the wrong type or out of range.

    Examples
    --------
    >>> override_study(load_study(), {"response.source": "confirmed"}).response.source
    'confirmed'
    """
    touched = {dotted.split(".")[0] for dotted in overrides}
    plan = dict(study) | study.model_dump(include=touched)
    problems = _override(plan, overrides)
    try:
        changed = Study.model_validate(plan)
    except ValidationError as error:
        problems += describe_validation(error, study.model_dump())
    if problems:
        raise StudyError(list_problems(problems, "study plan"))
    return changed


def list_problems(problems: Sequence[str], file_name: str) -> str:
    """Return what is wrong with a file as one message."""
    return "\n- ".join([f"{file_name}: {len(problems)} problem(s)", *problems])


def describe_validation(error: ValidationError, like: Mapping[str, Any] | None = None) -> list[str]:
    """Say every validation problem: where, what was found, what is expected or near.

    Parameters
    ----------
    error : ValidationError
        Of pydantic.
    like : mapping, optional
        Valid content of the same kind, for the names that are known.
    """
    found = []
    for item in error.errors(include_url=False):
        where, said, value = ".".join(map(str, item["loc"])), item["msg"], item["input"]
        hint = nearest(str(value), re.findall("'([^']*)'", said))
        if item["type"] == "extra_forbidden":
            said, hint = "unknown key", nearest(str(item["loc"][-1]), _part(like or {}, item["loc"][:-1]))
        shown = f" (found {value!r:.60})" if where and item["type"] != "missing" else ""
        found.append(f"{where}{': ' if where else ''}{said}{shown}{hint}")
    return found


def _part(plan: Any, place: Sequence[str | int]) -> Any:
    """Return what stands at a place of a plan, or at a place of its kind: other names and numbers are alike."""
    for step in place:
        parts = plan if isinstance(plan, dict) else dict(enumerate(plan)) if isinstance(plan, list | tuple) else {}
        plan = parts.get(step, next(iter(parts.values()), {}))
    return plan if isinstance(plan, dict) else {}


def _mend(plan: Any, like: Any, place: Sequence[str | int]) -> None:
    """Put what a valid plan has, or nothing, at the deepest place that both know."""
    for number, step in enumerate(place):
        is_last = number == len(place) - 1
        inner = isinstance(plan, dict) and isinstance(like, dict) and step in plan and step in like
        if is_last or not inner or not isinstance(plan[step], dict):
            break
        plan, like = plan[step], like[step]
    if isinstance(plan, dict):
        plan.pop(step, None)
        if step in like:
            plan[step] = like[step]


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return _copy_of(_parse_toml(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise StudyError(f"{path.name}: file not found") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{path.name}: not readable as TOML: {error}") from None


# A notebook reads the same plan several times: as it runs, and as it stands without the parameters of the run.
@functools.lru_cache(maxsize=8)
def _parse_toml(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def _copy_of(part: Any) -> Any:
    """Return a part of the plan that can be changed; a plain walk, many times faster than `copy.deepcopy`."""
    if isinstance(part, dict):
        return {name: _copy_of(value) for name, value in part.items()}
    return [_copy_of(value) for value in part] if isinstance(part, list) else part


def _override(plan: dict[str, Any], overrides: Mapping[str, Any]) -> list[str]:
    """Put values in place, and return the names that the plan does not know."""
    problems = []
    for dotted, value in overrides.items():
        *parents, name = dotted.split(".")
        section = plan
        for parent in parents:
            section = section.get(parent, {})
        if name not in section and dotted not in _OPTIONAL:
            problems.append(f"unknown plan value {dotted!r}{nearest(name, section)}")
        elif value is not None:
            section[name] = value
    return problems

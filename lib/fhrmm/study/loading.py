"""Reading the plan, and finding the repository."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fhrmm.errors import StudyError, nearest
from fhrmm.study.plan import Study

# What each parameter of the notebooks replaces in the plan.
PLAN_PARAMETERS = {
    "fhr_definition": "functional_high_risk.definition",
    "fhr_window_months": "functional_high_risk.window_months",
    "quadruplet_requires_early": "functional_high_risk.quadruplet_requires_early",
    "response_source": "response.source",
    "partial_date_policy": "time.partial_date_policy",
    "figure_formats": "display.figure_formats",
}


def repository_root() -> Path:
    """Return the folder that holds `study.toml`, `notebooks/` and `lib/`."""
    return Path(__file__).resolve().parents[3]


def resolve_path(path: str | Path) -> Path:
    """Return a path as given if absolute, else below the repository root."""
    return Path(path) if Path(path).is_absolute() else repository_root() / path


def load_study(path: str | Path = "study.toml", overrides: Mapping[str, Any] | None = None) -> Study:
    """Read the study plan and apply the parameters of one run.

    Parameters
    ----------
    path : str or Path
        The plan; a relative path is taken from the repository root.
    overrides : mapping of str to object, optional
        Dotted names of plan values and what replaces them; None keeps the plan's value.

    Returns
    -------
    Study
        Frozen and validated.

    Raises
    ------
    StudyError
        If the file is absent or not TOML, or a value is unknown, of the wrong type or out of range: all at once.

    Examples
    --------
    >>> load_study(overrides={"functional_high_risk.window_months": 18}).functional_high_risk.window_months
    18
    """
    return _validate(_read_toml(resolve_path(path)), overrides or {}, Path(path).name)


def plan_choices(**parameters: object) -> dict[str, object]:
    """Return what the parameters of a notebook replace in the plan.

    Parameters
    ----------
    **parameters : object
        Parameters of a notebook by their names; None keeps the plan's value.

    Returns
    -------
    dict of str to object
        Dotted names of plan values, as `load_study` takes them.

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

    Parameters
    ----------
    study : Study
        The plan of the run.
    overrides : mapping of str to object
        Dotted names of plan values and what replaces them.

    Returns
    -------
    Study
        Frozen and validated; the given one is untouched.

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
    return _validate(dict(study) | study.model_dump(include=touched), overrides, "study plan")


def _validate(plan: dict[str, Any], overrides: Mapping[str, Any], name: str) -> Study:
    for dotted, value in overrides.items():
        if value is not None:
            _override(plan, dotted, value)
    try:
        return Study.model_validate(plan)
    except ValidationError as error:
        raise StudyError(describe_validation(error, name)) from None


def describe_validation(error: ValidationError, file_name: str) -> str:
    """Say every validation problem in one message: where, what was found, what is expected."""
    lines = [f"{file_name}: {error.error_count()} problem(s)"]
    for item in error.errors(include_url=False):
        where = ".".join(str(part) for part in item["loc"])
        found = f" (found {item.get('input')!r:.60})" if where else ""
        lines.append(f"- {where}{': ' if where else ''}{item['msg']}{found}")
    return "\n".join(lines)


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


def _override(plan: dict[str, Any], dotted: str, value: object) -> None:
    *parents, name = dotted.split(".")
    section = plan
    for parent in parents:
        section = section.get(parent, {})
    if name not in section:
        raise StudyError(f"unknown plan value {dotted!r}{nearest(name, section)}")
    section[name] = value

"""The study plan (`study.toml`) as one validated, frozen object, and the repository root."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fhrmm.errors import StudyError


class Frozen(BaseModel):
    """Base of all plan models: nothing unknown, nothing changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StudyInfo(Frozen):
    """Title, question and the published reference."""

    title: str
    question: str
    published_reference: str


class PublishedResult(Frozen):
    """One result that the published abstract states."""

    endpoint: str
    estimand: str
    time_months: float | None = None
    estimate: float | None = None
    status: Literal["ok", "not_reached"] = "ok"


class Published(Frozen):
    """What the paper states, and nothing else."""

    n_patients: int
    results: tuple[PublishedResult, ...]
    adverse_factors: tuple[str, ...]


class Time(Frozen):
    """Units and horizons of time."""

    days_per_month: float = Field(gt=28, lt=32)
    rates_at_months: tuple[float, ...]
    headline_months: float
    rmst_horizon_months: float
    partial_date_policy: Literal["lower", "midpoint", "upper"]


class Cohort(Frozen):
    """Eligibility apart from the definition of functional high risk."""

    second_line_from: date
    second_line_to: date
    minimum_age_years: int
    keep_undetermined: bool
    criteria: tuple[str, ...]


Clock = Literal["asct_date", "first_line_start_date", "diagnosis_date"]
Condition = Literal["frontline_asct", "no_frontline_asct", "first_line_quadruplet", "lenalidomide_maintenance"]


class FunctionalHighRisk(Frozen):
    """Which relapses count as early."""

    definition: str
    window_months: int = Field(ge=1, le=60)
    window_inclusive: bool
    clock_origin: Clock
    quadruplet_requires_early: bool
    suboptimal_counts_as_early: bool
    suboptimal_below: Literal["PR", "VGPR"]
    month_rule: Literal["calendar", "average"]
    asct_anchor: Literal["last", "first"]


class Rule(Frozen):
    """One way in which first line can have failed early; what is absent is taken from `functional_high_risk`."""

    rule: Literal[
        "relapse", "progression_before_asct", "primary_refractory", "suboptimal", "genomic_high_risk", "always"
    ]
    where: tuple[Condition, ...] = ()
    clock: Clock | None = None
    months: int | None = Field(default=None, ge=1, le=60)
    inclusive: bool | None = None
    after_asct: bool = False
    only_if: Literal["suboptimal_counts_as_early", "quadruplet_requires_early"] | None = None
    unless: Literal["suboptimal_counts_as_early", "quadruplet_requires_early"] | None = None


class Route(Frozen):
    """One way into a definition: all conditions of `where`, and any of the rules."""

    name: str
    where: tuple[Condition, ...] = ()
    any_of: tuple[Rule, ...]


class Definition(Frozen):
    """A named definition of functional high risk: in by any route."""

    label: str
    reference: str
    routes: tuple[Route, ...] = Field(min_length=1)


class Regimens(Frozen):
    """Drug exposure rules."""

    refractory_days: int
    maintenance_without_stop_is_ongoing: bool
    first_line_without_asct_runs_until_progression: bool


class Staging(Frozen):
    """Cut-points of the staging systems and what counts as advanced."""

    iss_beta2_microglobulin_low: float
    iss_beta2_microglobulin_high: float
    iss_albumin_low: float
    advanced_stage_variable: Literal["iss", "r_iss", "r2_iss"]
    advanced_stage_levels: tuple[str, ...]
    prefer: Literal["recorded", "computed"]
    extramedullary_levels: tuple[str, ...]
    genomic_beta2_microglobulin: float
    genomic_creatinine_normal_below: float


class Response(Frozen):
    """How visit responses become a best response, and which categories count as response."""

    criteria_version: str
    source: Literal["recorded", "confirmed"]
    denominator: Literal["all", "evaluable"]
    minimum_confirmation_days: int
    late_confirmation_days: int
    maximum_not_evaluable_between: int
    lone_biochemical_progression_with_new_line_is_event: bool
    date_at: Literal["first", "confirming"]
    progression_date_at: Literal["first", "confirming"]
    visit_source: Literal["recorded", "labs"]
    progression_stands_alone: tuple[Literal["biochemical", "imaging", "clinical"], ...]
    levels: tuple[str, ...]
    responders: tuple[str, ...]
    vgpr_or_better: tuple[str, ...]
    cr_or_better: tuple[str, ...]
    clinical_benefit: tuple[str, ...]


class EventSource(Frozen):
    """A column whose date is an event."""

    source: str
    description: str


class CensorSource(Frozen):
    """A column whose date ends observation without event."""

    source: str
    reason: str


class Endpoint(Frozen):
    """An endpoint: origin, event sources and censor sources."""

    label: str
    origin: str
    events: tuple[EventSource, ...]
    censors: tuple[CensorSource, ...]
    population: Literal["all", "responders"] = "all"
    next_therapy: Literal["ignore", "event", "censor"] = "ignore"
    maximum_gap_days: int = Field(default=0, ge=0)
    gap_applies_to: Literal["all", "death"] = "all"


class Factor(Frozen):
    """One two-level factor: reference and adverse level."""

    variable: str
    label: str
    reference: str
    adverse: str


class Pathway(Frozen):
    """The 3-level front-line pathway."""

    variable: str
    label: str
    reference: str
    levels: tuple[str, ...]


class Models(Frozen):
    """What is fitted, and from how many events on."""

    ci_level: float = Field(gt=0, lt=1)
    primary: tuple[str, ...]
    full: tuple[str, ...]
    minimum_events: int
    events_per_parameter: float
    power: float
    alpha: float
    seed: int


class Display(Frozen):
    """Rounding and drawing; results keep full precision."""

    proportion_decimals: int
    months_decimals: int
    ratio_decimals: int
    km_minimum_at_risk: int
    km_limit_months: float


class Disclosure(Frozen):
    """Small-number protection of released output."""

    minimum_cell_count: int = Field(ge=1)


class Study(Frozen):
    """The whole plan."""

    schema_version: Literal[1]
    study: StudyInfo
    published: Published
    time: Time
    cohort: Cohort
    functional_high_risk: FunctionalHighRisk
    definitions: dict[str, Definition]
    regimens: Regimens
    staging: Staging
    response: Response
    endpoints: dict[str, Endpoint]
    factors: tuple[Factor, ...]
    pathway: Pathway
    models: Models
    display: Display
    disclosure: Disclosure

    @model_validator(mode="after")
    def _definition_exists(self) -> Study:
        name = self.functional_high_risk.definition
        if name not in self.definitions:
            near = difflib.get_close_matches(name, self.definitions, n=1)
            hint = f"; nearest: {near[0]!r}" if near else f"; known: {', '.join(self.definitions)}"
            raise ValueError(f"functional_high_risk.definition {name!r} is not defined{hint}")
        return self

    def factor(self, variable: str) -> Factor:
        """Return the factor of that name."""
        return next(factor for factor in self.factors if factor.variable == variable)

    def label(self, variable: str) -> str:
        """Return the label of a factor, the pathway, or the name itself."""
        known = {factor.variable: factor.label for factor in self.factors} | {self.pathway.variable: self.pathway.label}
        return known.get(variable, variable.replace("_", " "))


def repository_root() -> Path:
    """Return the folder that holds `study.toml`, `notebooks/` and `lib/`."""
    return Path(__file__).resolve().parents[2]


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
    plan = _read_toml(resolve_path(path))
    for dotted, value in (overrides or {}).items():
        if value is not None:
            _override(plan, dotted, value)
    try:
        return Study.model_validate(plan)
    except ValidationError as error:
        raise StudyError(describe_validation(error, Path(path).name)) from None


def describe_validation(error: ValidationError, file_name: str) -> str:
    """Say every validation problem in one message: where, what was found, what is expected."""
    lines = [f"{file_name}: {error.error_count()} problem(s)"]
    for item in error.errors(include_url=False):
        where = ".".join(str(part) for part in item["loc"])
        lines.append(f"- {where}: {item['msg']} (found {item.get('input')!r:.60})")
    return "\n".join(lines)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"{path.name}: file not found") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{path.name}: not readable as TOML: {error}") from None


def _override(plan: dict[str, Any], dotted: str, value: object) -> None:
    *parents, name = dotted.split(".")
    section = plan
    for parent in parents:
        section = section.get(parent, {})
    if name not in section:
        near = difflib.get_close_matches(name, section, n=1)
        raise StudyError(f"unknown plan value {dotted!r}" + (f"; nearest: {near[0]!r}" if near else ""))
    section[name] = value

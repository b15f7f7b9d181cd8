"""The whole plan and its plain sections."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, field_validator, model_validator

from fhrmm.study.derivation import (
    Definition,
    Endpoint,
    Frozen,
    FunctionalHighRisk,
    Regimens,
    Response,
    ResponseCriteria,
    Staging,
)


class _StudyInfo(Frozen):
    """Title, question and the published reference."""

    title: str
    question: str
    published_reference: str


class PublishedResult(Frozen):
    """One result that the published abstract states."""

    endpoint: str
    estimand: Literal["proportion", "survival_probability", "median_months"]
    time_months: float | None = Field(default=None, gt=0)
    estimate: float | None = None
    status: Literal["ok", "not_reached"] = "ok"

    @model_validator(mode="after")
    def _has_time_if_survival(self) -> PublishedResult:
        if (self.time_months is None) == (self.estimand == "survival_probability"):
            raise ValueError("a survival probability has time_months, no other result")
        return self


class _PublishedStudy(Frozen):
    """What the paper states, and nothing else."""

    n_patients: int = Field(ge=10, le=2000)
    eligibility: str
    krd_benefit: str
    results: tuple[PublishedResult, ...]
    adverse_factors: tuple[str, ...]


class Time(Frozen):
    """Units and horizons of time."""

    days_per_month: float = Field(gt=28, lt=32)
    rates_at_months: tuple[float, ...] = Field(min_length=1)
    headline_months: float = Field(gt=0)
    rmst_horizon_months: float = Field(gt=0)
    partial_date_policy: Literal["lower", "midpoint", "upper"]


class Cohort(Frozen):
    """Eligibility apart from the definition of functional high risk."""

    second_line_from: date
    second_line_to: date
    data_cutoff_date: date | None = None
    minimum_age_years: int = Field(ge=0, le=120)
    keep_undetermined: bool
    criteria: tuple[str, ...] = Field(min_length=1)


class Factor(Frozen):
    """One two-level factor: reference and adverse level."""

    variable: str
    label: str
    reference: str
    adverse: str


class _Pathway(Frozen):
    """The 3-level front-line pathway."""

    variable: Literal["frontline_pathway"]
    label: str
    reference: str
    levels: tuple[str, str, str]


class _Models(Frozen):
    """What is fitted, and from how many events on."""

    ci_level: float = Field(gt=0, lt=1)
    primary: tuple[str, ...] = Field(min_length=1)
    full: tuple[str, ...] = Field(min_length=1)
    minimum_events: int = Field(ge=1)
    events_per_parameter: float = Field(gt=0)
    power: float = Field(gt=0, lt=1)
    alpha: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0)
    n_imputations: int = Field(ge=2)
    n_bootstrap: int = Field(ge=20)
    landmark_months: float = Field(gt=0)


class _Comparison(Frozen):
    """The question of the treatment comparison: between whom, among whom, given what."""

    treatment: Literal["second_line_krd"]
    population_variable: str
    population_levels: tuple[str, ...] = Field(min_length=1)
    covariates: tuple[str, ...] = Field(min_length=1)
    interaction_with: str
    repeats: int = Field(ge=1)


class _Option(Frozen):
    """One choice on an axis: plan values by dotted name, and what replaces them."""

    name: str
    overrides: dict[str, bool | int | float | str]


class _Axis(Frozen):
    """One axis of the specification curve."""

    axis: str
    options: tuple[_Option, ...] = Field(min_length=1)


class Display(Frozen):
    """Rounding and drawing; results keep full precision."""

    proportion_decimals: int = Field(ge=0, le=6)
    months_decimals: int = Field(ge=0, le=6)
    ratio_decimals: int = Field(ge=0, le=6)
    minimum_patients: int = Field(ge=1)
    km_minimum_at_risk: int = Field(ge=1)
    km_limit_months: float = Field(gt=0)
    figure_formats: tuple[Literal["pdf", "png", "tiff"], ...] = ()

    @field_validator("figure_formats", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Take formats also as a parameter of a notebook gives them: in one text, with commas."""
        return tuple(value.split(",")) if isinstance(value, str) else value


class _Pool(Frozen):
    """What centers that keep their patients are asked for, and how many must stand behind a number."""

    minimum_centers: int = Field(ge=3)
    n_weeks: int = Field(ge=26)
    rate_cuts_months: tuple[float, ...] = Field(min_length=1)
    most_rounds: int = Field(ge=1)
    baseline: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]


class _Disclosure(Frozen):
    """What leaves the study: counts rounded to the midpoint of a base."""

    rounding_base: int = Field(ge=3)
    is_release: bool = False


class Study(Frozen):
    """The whole plan."""

    schema_version: Literal[1]
    study: _StudyInfo
    published: _PublishedStudy
    time: Time
    cohort: Cohort
    functional_high_risk: FunctionalHighRisk
    definitions: dict[str, Definition]
    regimens: Regimens
    staging: Staging
    response: Response
    response_criteria: dict[str, ResponseCriteria]
    endpoints: dict[str, Endpoint]
    factors: tuple[Factor, ...] = Field(min_length=1)
    pathway: _Pathway
    models: _Models
    comparison: _Comparison
    sensitivity: tuple[_Axis, ...] = ()
    display: Display
    pool: _Pool
    disclosure: _Disclosure

    @property
    def rounding(self) -> int:
        """The base to which this run rounds its counts; 0 where it shows them as they are."""
        return self.disclosure.rounding_base if self.disclosure.is_release else 0

    def factor(self, variable: str) -> Factor:
        """Return the factor of that name."""
        return next(factor for factor in self.factors if factor.variable == variable)

    def label(self, variable: str) -> str:
        """Return the label of a factor, the pathway, or the name itself."""
        known = {factor.variable: factor.label for factor in self.factors} | {self.pathway.variable: self.pathway.label}
        return known.get(variable, variable.replace("_", " "))

"""Models of the rules that derive cohort, response and endpoints."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Clock = Literal["asct_date", "first_line_start_date", "diagnosis_date"]
Condition = Literal["frontline_asct", "no_frontline_asct", "first_line_quadruplet", "lenalidomide_maintenance"]


class Frozen(BaseModel):
    """Base of all plan models: nothing unknown, nothing changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    any_of: tuple[Rule, ...] = Field(min_length=1)


class Definition(Frozen):
    """A named definition of functional high risk: in by any route."""

    label: str
    reference: str
    routes: tuple[Route, ...] = Field(min_length=1)


class Regimens(Frozen):
    """Drug exposure rules."""

    refractory_days: int = Field(ge=0)
    maintenance_without_stop_is_ongoing: bool
    first_line_without_asct_runs_until_progression: bool


class Staging(Frozen):
    """Cut-points of the staging systems and what counts as advanced."""

    iss_beta2_microglobulin_low: float
    iss_beta2_microglobulin_high: float
    iss_albumin_low: float
    advanced_stage_variable: Literal["iss", "r_iss", "r2_iss"]
    advanced_stage_levels: tuple[str, ...] = Field(min_length=1)
    prefer: Literal["recorded", "computed"]
    extramedullary_levels: tuple[str, ...] = Field(min_length=1)
    genomic_beta2_microglobulin: float
    genomic_creatinine_normal_below: float
    laboratory_days_before: int = Field(ge=0, le=365)
    laboratory_days_after: int = Field(ge=0, le=365)


class Response(Frozen):
    """How visit responses become a best response, and which categories count as response."""

    criteria_version: str
    source: Literal["recorded", "confirmed"]
    denominator: Literal["all", "evaluable"]
    minimum_confirmation_days: int = Field(ge=0)
    late_confirmation_days: int = Field(ge=0)
    maximum_not_evaluable_between: int = Field(ge=0)
    lone_biochemical_progression_with_new_line_is_event: bool
    date_at: Literal["first", "confirming"]
    progression_date_at: Literal["first", "confirming"]
    visit_source: Literal["recorded", "labs"]
    depth_at_months: tuple[float, ...] = Field(min_length=1)
    progression_stands_alone: tuple[Literal["biochemical", "imaging", "clinical"], ...]
    responders: tuple[str, ...] = Field(min_length=1)
    vgpr_or_better: tuple[str, ...] = Field(min_length=1)
    cr_or_better: tuple[str, ...] = Field(min_length=1)
    clinical_benefit: tuple[str, ...] = Field(min_length=1)


class ResponseCriteria(Frozen):
    """One version of the response criteria as cut-points.

    A share is the reduction from baseline that is required (for progression, the increase from the nadir); shares go
    from VGPR over PR to MR. All other values are levels or absolute increments in the unit of their name.
    """

    reference: str
    minimal_response: bool
    nadir: Literal["confirmed", "lowest"]
    measurable_serum_g_dl: float
    measurable_urine_mg_24h: float
    measurable_light_chain_mg_l: float
    light_chain_ratio: tuple[float, float]
    measurable_marrow_pct: float
    serum_shares: tuple[float, float, float]
    urine_shares: tuple[float, float]
    urine_partial_mg_24h: float
    urine_very_good_mg_24h: float
    light_chain_shares: tuple[float, float]
    marrow_share: float
    complete_marrow_pct: float
    stringent_marrow_pct: float
    progression_share: float
    progression_serum_g_dl: float
    progression_serum_high_nadir_g_dl: float
    progression_serum_from_high_nadir_g_dl: float
    progression_urine_mg_24h: float
    progression_light_chain_mg_l: float
    progression_marrow_pct: float


class _EventSource(Frozen):
    """A column whose date is an event."""

    source: str
    description: str


class _CensorSource(Frozen):
    """A column whose date ends observation without event."""

    source: str
    reason: str


class Endpoint(Frozen):
    """An endpoint: origin, event sources and censor sources."""

    label: str
    origin: str
    events: tuple[_EventSource, ...] = Field(min_length=1)
    censors: tuple[_CensorSource, ...] = Field(min_length=1)
    population: Literal["all", "responders"] = "all"
    next_therapy: Literal["ignore", "event", "censor"] = "ignore"
    needs: str = ""  # an event that must be recorded at least once, or nothing is estimated
    maximum_gap_days: int = Field(default=0, ge=0)
    gap_applies_to: Literal["all", "death"] = "all"

    @property
    def is_certain(self) -> bool:
        """Whether all its patients have the event by definition: responders are those with a response."""
        return self.population == "responders" and any(
            one.source == "response.first_response_date" for one in self.events
        )

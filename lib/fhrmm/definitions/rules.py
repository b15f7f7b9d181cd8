"""The single rules of a definition, each as a three-valued column over all patients."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np
import pandas as pd

from fhrmm.drugs.exposure import first_line_quadruplet as quadruplet_state
from fhrmm.drugs.exposure import frontline_asct, lenalidomide_maintenance, never_minimal_response
from fhrmm.staging import genomic_high_risk
from fhrmm.study import Rule, Study
from fhrmm.threevalued import IN, OUT, UNDETERMINED, Bounds, all_of, compare, date_bounds, negate

_BELOW = {"PR": ("MR", "SD", "PD"), "VGPR": ("PR", "MR", "SD", "PD")}


class Facts:
    """What the rules ask about the patients, each computed once."""

    def __init__(self, patients: pd.DataFrame, study: Study) -> None:
        self.patients, self.study, self.plan = patients, study, study.functional_high_risk

    def fill(self, state: np.int8) -> np.ndarray:
        """Return the same state for every patient."""
        return np.full(len(self.patients), state, dtype=np.int8)

    def applies(self, rule: Rule) -> bool:
        """Say whether the plan's switches leave a rule in force."""
        wanted = rule.only_if is None or getattr(self.plan, rule.only_if)
        return bool(wanted and (rule.unless is None or not getattr(self.plan, rule.unless)))

    @cached_property
    def frontline_asct(self) -> np.ndarray:
        """Front-line transplant done."""
        return frontline_asct(self.patients)

    @cached_property
    def no_frontline_asct(self) -> np.ndarray:
        """No front-line transplant."""
        return negate(self.frontline_asct)

    @cached_property
    def first_line_quadruplet(self) -> np.ndarray:
        """First line was a daratumumab quadruplet."""
        return quadruplet_state(self.patients)

    @cached_property
    def lenalidomide_maintenance(self) -> np.ndarray:
        """Lenalidomide maintenance given."""
        return lenalidomide_maintenance(self.patients)

    @cached_property
    def second_line(self) -> Bounds:
        """Start of second line."""
        return date_bounds(self.patients, "second_line_start_date")

    @cached_property
    def progression(self) -> Bounds:
        """First progression, narrowed to between the starts of first and second line."""
        first_line = date_bounds(self.patients, "first_line_start_date")
        return date_bounds(self.patients, "first_progression_date").clip(first_line.lower, self.second_line.upper)

    @cached_property
    def asct(self) -> Bounds:
        """The front-line transplant that the plan anchors on, narrowed to after first-line start.

        Only the last one is recorded. The first of a tandem, or where the number is unknown, lies between the start
        of first line and the last one.
        """
        start, last = (date_bounds(self.patients, name) for name in ("first_line_start_date", "asct_date"))
        last = last.clip(start.lower, self.second_line.upper)
        if self.plan.asct_anchor == "last":
            return last
        single = (self.patients["asct_count"] == 1).fillna(False).to_numpy(dtype=bool)
        return last.where(single, Bounds(np.where(last.known, start.lower, last.lower), last.upper))


def conditions(facts: Facts, names: Iterable[str]) -> np.ndarray:
    """Say whether all named conditions hold."""
    return all_of(facts.fill(IN), *(getattr(facts, name) for name in names))


def apply_rule(facts: Facts, rule: Rule) -> np.ndarray:
    """Say for every patient whether one rule holds."""
    return all_of(conditions(facts, rule.where), _RULES[rule.rule](facts, rule))


def _relapse(facts: Facts, rule: Rule) -> np.ndarray:
    """Progression on or after the clock's origin and within the window; without a progression date it is open."""
    plan = facts.plan
    clock = rule.clock or plan.clock_origin
    origin = facts.asct if clock == "asct_date" else date_bounds(facts.patients, clock)
    average = facts.study.time.days_per_month if plan.month_rule == "average" else None
    limit = origin.shift_months(rule.months or plan.window_months, days_per_month=average)
    inclusive = plan.window_inclusive if rule.inclusive is None else rule.inclusive
    inside = all_of(compare(facts.progression, limit, inclusive=inclusive), compare(origin, facts.progression))
    return all_of(inside, compare(facts.asct, facts.progression)) if rule.after_asct else inside


def _progression_before_asct(facts: Facts, _: Rule) -> np.ndarray:
    before = compare(facts.progression, facts.asct, inclusive=False)
    return all_of(facts.frontline_asct, before)


def _primary_refractory(facts: Facts, _: Rule) -> np.ndarray:
    return never_minimal_response(facts.patients)


def _suboptimal(facts: Facts, _: Rule) -> np.ndarray:
    """A second line without documented progression, for a first-line response below the plan's level."""
    best = facts.patients["first_line_best_response"].astype(object)
    unknown = (best.isna() | (best == "NE")).to_numpy()
    below = best.isin(_BELOW[facts.plan.suboptimal_below]).to_numpy()
    change = facts.second_line.known & ~facts.progression.known
    return np.select([~change, unknown, below], [OUT, UNDETERMINED, IN], OUT)


def _genomic(facts: Facts, _: Rule) -> np.ndarray:
    return genomic_high_risk(facts.patients, facts.study)


def _always(facts: Facts, _: Rule) -> np.ndarray:
    return facts.fill(IN)


_RULES: dict[str, Callable[[Facts, Rule], np.ndarray]] = {
    "relapse": _relapse,
    "progression_before_asct": _progression_before_asct,
    "primary_refractory": _primary_refractory,
    "suboptimal": _suboptimal,
    "genomic_high_risk": _genomic,
    "always": _always,
}

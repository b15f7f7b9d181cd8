"""The last check of a release: with everything released as constraints, no count of 1 to 5 is pinned to one value."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from fhrmm.errors import StudyError
from fhrmm.rounding import band
from fhrmm.study import Study

Key = Hashable
_OF_CATEGORIES = frozenset({"BASELINE", "BEST_RESPONSE"})
_OF_MODELS = ("hazard_ratio", "concordance")
_COUNTED = ("count", "proportion", "survival_probability", "cumulative_incidence", *_OF_MODELS)
_TOTAL = "Total"


@dataclass
class Ledger:
    """What a reader of a release knows: limits of counts, and sums that hold between them.

    Attributes
    ----------
    limits : dict of key to (lowest, highest)
        Every count.
    sums : list of (whole, parts, whether nothing else is in the whole)
        Relations.
    """

    limits: dict[Key, tuple[float, float]] = field(default_factory=dict)
    sums: list[tuple[Key, tuple[Key, ...], bool]] = field(default_factory=list)

    def know(self, key: Key, low: float, high: float) -> Key:
        """Add what is known of a count to what was known before."""
        before = self.limits.get(key, (0.0, math.inf))
        self.limits[key] = (max(before[0], low), min(before[1], high))
        return key

    def add_up(self, whole: Key, parts: Iterable[Key], *, is_all: bool) -> None:
        """Add a sum; with `is_all` the parts are the whole, else they are no more than it."""
        known = tuple(key for key in parts if key in self.limits)
        if known and whole in self.limits:
            self.sums.append((whole, known, is_all))

    def find_pinned(self, base: int) -> list[Key]:
        """Return the counts of 1 to ``base - 1`` that can have one value only.

        Raises
        ------
        StudyError
            If no counts agree with everything that is released.
        """
        small = [key for key, (_, high) in self.limits.items() if high <= base]
        if not small:
            return []
        worlds = [self._solve(dict.fromkeys(small, sign)) for sign in (1.0, -1.0)]
        waiting = [key for key in small if abs(worlds[0][key] - worlds[1][key]) < 1 - 1e-6]
        pinned = []
        for key in waiting:
            high, low = (self._solve({key: sign})[key] for sign in (-1.0, 1.0))
            if math.floor(high + 1e-6) == math.ceil(low - 1e-6) and 0 < round(low) < base:
                pinned.append(key)
        return pinned

    def _solve(self, costs: dict[Key, float]) -> dict[Key, float]:
        """Return counts that agree with everything known and cost least."""
        place = {key: column for column, key in enumerate(self.limits)}
        goal = np.zeros(len(place))
        goal[[place[key] for key in costs]] = list(costs.values())
        # parts minus whole, one line per sum
        entries = [(line, place[part], 1.0) for line, (_, parts, _) in enumerate(self.sums) for part in parts]
        entries += [(line, place[whole], -1.0) for line, (whole, _, _) in enumerate(self.sums)]
        lines, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
        matrix = coo_array((values, (lines, columns)), shape=(len(self.sums), len(place))).tocsr()
        least = [0.0 if is_all else -np.inf for _, _, is_all in self.sums]
        bounds = Bounds(*np.array(list(self.limits.values())).T)
        solved = milp(goal, bounds=bounds, constraints=LinearConstraint(matrix, least, 0.0))
        if solved.status not in (0, 3):
            raise StudyError("the numbers of the release contradict each other: nothing is published")
        return dict(zip(place, solved.x if solved.x is not None else np.full(len(place), math.nan), strict=True))


def read_ledger(scope: Path, study: Study) -> Ledger:
    """Read all tables of a released scope together.

    Parameters
    ----------
    scope : Path
        The folder of the scope in the finished release.
    study : Study
        The plan: base and categories of response.
    """
    base, suffix = study.disclosure.rounding_base, f"_midpoint{study.disclosure.rounding_base}"
    ledger = Ledger()
    rows = pd.read_csv(scope / "tables" / "estimates.csv", keep_default_na=False)
    names = {f"n{suffix}": "n", f"n_events{suffix}": "n_events", f"estimate{suffix}_derived": "estimate"}
    rows = rows.rename(columns=names)
    for name in names.values():
        rows[name] = pd.to_numeric(rows[name])
    _read_estimates(ledger, rows[rows["population"] != "simulated"], study)
    attrition = scope / "tables" / "attrition.csv"
    if attrition.is_file():
        _read_attrition(ledger, pd.read_csv(attrition).rename(columns=lambda name: name.removesuffix(suffix)), base)
    for path in sorted((scope / "tables").glob("*.csv")):
        _read_cross(ledger, path, base)
    return ledger


def _read_estimates(ledger: Ledger, rows: pd.DataFrame, study: Study) -> None:
    """Patients and events of every row: categories within their group, levels within their whole."""
    base, groups = study.disclosure.rounding_base, {}
    for row in rows[rows["estimand"].isin(_COUNTED)].to_dict("records"):
        endpoint, variable, level = row["endpoint"], row["variable"], row["level"]
        where = (row["population"], row["model"], row["estimand"] if row["estimand"] in _OF_MODELS else "")
        at = row["time_months"] if row["estimand"] == "cumulative_incidence" else ""
        members = row["estimate"] if row["estimand"] == "count" else row["n_events"]
        is_category = row["estimand"] == "count" or endpoint in _OF_CATEGORIES
        # a group of the cohort, or what is known or recorded of it for one variable or endpoint
        of = ("", "") if row["estimand"] == "count" and endpoint == "BASELINE" else (endpoint, variable)
        who = (*of, "") if is_category else (endpoint, variable, level)
        n = ledger.know(("n", *where, *who), *_band(row["n"], base))
        if row["estimand"] == "count" and not level:
            ledger.know(n, *_band(members, base))
            continue
        part = ledger.know(("events", endpoint, *where, variable, level, at), *_band(members, base))
        ledger.add_up(n, [part], is_all=False)
        if is_category:
            groups.setdefault((n, endpoint, variable), {})[part] = None
            sources = study.endpoints[endpoint].events if endpoint in study.endpoints else ()
            if level in {source.description for source in sources}:
                groups.setdefault((("events", endpoint, *where, "", "", ""), "what it was"), {})[part] = None
        # a level of no variable is a version of the estimate, of the same patients
        elif level and variable and row["estimand"] in ("proportion", "survival_probability"):
            ledger.add_up(("events", "BASELINE", *where, variable, level, ""), [n], is_all=False)
            groups.setdefault((("n", *where, endpoint, "", ""), variable), {})[n] = None
            groups.setdefault((("events", endpoint, *where, "", "", at), variable), {})[part] = None
    for (whole, *_), parts in groups.items():
        ledger.add_up(whole, parts, is_all=False)
    cohort = ("n", "cohort", "", "")
    for key in [key for key in ledger.limits if key[:4] == cohort]:  # type: ignore[index]
        ledger.add_up((*cohort, "", "", ""), [key], is_all=False)
    rule = study.response
    sets = {"CR_OR_BETTER": rule.cr_or_better, "VGPR_OR_BETTER": rule.vgpr_or_better, "ORR": rule.responders,
            "CBR": rule.clinical_benefit}  # fmt: skip
    for endpoint, levels in sets.items():
        parts = [("events", "BEST_RESPONSE", "cohort", "", "", "best_response", level, "") for level in levels]
        if all(part in ledger.limits for part in parts):
            ledger.add_up(("events", endpoint, "cohort", "", "", "", "", ""), parts, is_all=True)


def _read_attrition(ledger: Ledger, attrition: pd.DataFrame, base: int) -> None:
    """What is before a criterion is excluded or remains, and is what remained after the one before."""
    for step, row in enumerate(attrition.to_dict("records")):
        before = ledger.know(("left", step), *_band(row["n_before"], base))
        out = ledger.know(("out", step), *_band(row["n_excluded"], base))
        after = ledger.know(("left", step + 1), *_band(row["n_remaining"], base))
        ledger.add_up(before, [out, after], is_all=True)


def _read_cross(ledger: Ledger, path: Path, base: int) -> None:
    """A table with totals; what is left out of it counts in them."""
    table = pd.read_csv(path, dtype=str)
    if table.empty or table.iloc[-1, 0] != _TOTAL or not str(table.columns[-1]).startswith(_TOTAL):
        return
    numbers = table.iloc[:, 1:].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    for place, shown in np.ndenumerate(numbers):
        ledger.know((path.stem, *place), *_band(shown, base))
    last_line, last_column = (size - 1 for size in numbers.shape)
    for line in range(last_line + 1):
        ledger.add_up((path.stem, line, last_column), [(path.stem, line, c) for c in range(last_column)], is_all=False)
    for column in range(last_column + 1):
        ledger.add_up((path.stem, last_line, column), [(path.stem, r, column) for r in range(last_line)], is_all=False)


def _band(shown: float, base: int) -> tuple[float, float]:
    """Limits of a count that is shown; of one that is not, those of the lowest band."""
    return band(base - base // 2, base) if math.isnan(shown) else band(shown, base)

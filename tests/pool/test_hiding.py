"""What too few centers contribute to is not shown, nor what differences of shown numbers would give away."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhrmm.pool import rounds
from fhrmm.pool.answer import answer, split_sums
from fhrmm.pool.hiding import hidden_rows, is_safe, shown_boundaries
from fhrmm.pool.question import FINER, LINKED, first_round, univariable
from fhrmm.pool.results import Counts, estimate_response

LEAST = 3
centers_tables = st.lists(
    st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=2), min_size=3, max_size=3), min_size=3, max_size=6
)


@given(centers_tables)
def test_sums_of_hidden_cells_are_safe_or_everything_is_hidden(tables):
    of_centers = np.array(tables, dtype=float)
    values, contributors = of_centers.sum(axis=0), (of_centers > 0).sum(axis=0).astype(float)
    hidden = hidden_rows(values, contributors, LEAST)
    assert is_safe(contributors[~hidden], LEAST).all()
    if hidden.any() and not hidden.all():
        # what can be worked out: column totals less the rows shown
        together = (of_centers[:, hidden].sum(axis=1) > 0).sum(axis=0)
        assert is_safe(together.astype(float), LEAST).all()


@given(st.lists(st.lists(st.integers(0, 1), min_size=5, max_size=5), min_size=3, max_size=7))
def test_pieces_between_boundaries_are_safe(counts):
    of_centers = np.array(counts)
    windows = [(a, b) for a in range(6) for b in range(a + 1, 6)]
    flags = np.array([[(of_centers[:, a:b].sum(axis=1) > 0).sum() for a, b in windows]], dtype=float)
    cuts = shown_boundaries(windows, flags, [3, 1, 2, 4], LEAST)
    for a, b in pairwise(cuts):
        assert is_safe(flags[:, windows.index((a, b))], LEAST).all()


@pytest.fixture(scope="module")
def pooled(finished, study):
    return rounds.read_results(finished.folder, study)


def contributors(centers, variable: str, level: str, flag: str = "") -> int:
    """Count the centers with a patient at a level (missing included), by the patients themselves."""
    found = 0
    for tables in centers.values():
        rows = tables["PFS"] if flag == "event" else tables["patients"]
        values = rows[variable].astype(object)
        at = values.isna() if level == "missing" else values.astype(str) == level
        found += bool((at & rows[flag]).any() if flag else at.any())
    return found


def test_no_count_of_the_page_has_one_or_two_centers_behind_it(pooled, centers):
    rows = pooled["baseline"]
    shown = rows[(rows["status"] == "ok") & (rows["estimand"] == "count") & (rows["variable"] != "")]
    assert len(shown) > 20
    for row in shown.itertuples():
        assert contributors(centers, row.variable, row.level) not in (1, 2)
    rates = pooled["response"]
    by_level = rates[(rates["status"] == "ok") & rates["variable"].isin(centers["C01"]["patients"].columns)]
    by_level = by_level[(by_level["endpoint"] == "ORR") & (by_level["estimand"] == "proportion")]
    for row in by_level.itertuples():
        assert contributors(centers, row.variable, row.level, "responder") not in (1, 2)


def test_differences_of_shown_counts_have_enough_centers_behind_them(pooled, centers):
    """Total less what is shown of a variable: the union of the hidden levels."""
    rows = pooled["baseline"]
    counts = rows[(rows["estimand"] == "count") & (rows["variable"] != "")]
    for variable, part in counts.groupby("variable"):
        if centers["C01"]["patients"][variable].dtype == float:
            continue
        hidden = part.loc[part["status"] == "suppressed", "level"].tolist()
        union = sum(
            any(contributors({name: tables}, variable, level) for level in hidden) for name, tables in centers.items()
        )
        assert union == 0 or union >= LEAST, variable


def test_levels_that_lie_within_others_are_looked_at_together(pooled, centers, study):
    """A count of one variable less that of another: 'ASCT' less 'lenalidomide maintenance' is 'ASCT without it'."""
    assert set(FINER) <= set(univariable(study))
    models = pooled["models"]
    sizes = models[(models["model"] == "univariable, stratified by center") & (models["endpoint"] == "PFS")]
    shown = set(sizes.loc[sizes["n"].notna(), "variable"])
    pathway = sizes[sizes["variable"] == "frontline_pathway"]
    assert pathway["n"].isna().any(), "a level of the pathway has events in too few centers"
    assert "lenalidomide_maintenance" not in shown
    for variable, other in LINKED.items():
        cells = [tables["patients"].groupby([variable, other], observed=True).size() for tables in centers.values()]
        unsafe = pd.concat(cells, axis=1).fillna(0).gt(0).sum(axis=1).isin([1, 2]).any()
        rows = pooled["baseline"][pooled["baseline"]["variable"] == variable]
        assert not unsafe or (rows["status"] == "suppressed").all()


def test_what_is_withheld_has_no_number_and_says_why(pooled):
    for name in ("baseline", "response", "survival", "models"):
        rows = pooled[name]
        hidden = rows[rows["status"] == "suppressed"]
        assert hidden[["estimate", "ci_lower", "ci_upper", "n", "n_events", "p_value"]].isna().all(axis=None)
        assert (hidden["note"] != "").all()
        assert (hidden["method"] == "").all(), "of a level that nobody has nothing would have been estimated"


def test_models_of_incomplete_cases_show_no_sizes(pooled):
    """Their difference from the univariable sizes would be the patient whose covariate is missing."""
    models = pooled["models"]
    primary = models[models["model"] == "primary, stratified by center"]
    assert primary.loc[primary["variable"] == "second_line_krd", "n"].isna().all()


@pytest.mark.parametrize(("blind", "is_shown"), [((), True), (("C01", "C02", "C03"), True), (("C05",), False)])
def test_centers_that_cannot_record_a_response_have_no_part_in_its_rate(centers, study, blind, is_shown):
    """One such center alone would be the difference between two denominators."""
    blocks = {block["name"]: block for block in first_round(study) if block["name"].startswith("response")}
    told = {center: tables["patients"] for center, tables in centers.items()}
    told |= {center: told[center].assign(best_response=None) for center in blind}
    total = sum(answer({"ask": list(blocks.values())}, {"patients": patients}) for patients in told.values())
    rows = estimate_response(Counts(study, blocks, split_sums(list(blocks.values()), total)))
    orr = rows[(rows["endpoint"] == "ORR") & (rows["variable"] == "") & (rows["population"] == "cohort")].iloc[0]
    assert (orr["status"] == "ok") is is_shown
    if is_shown:
        seen = pd.concat([patients for center, patients in told.items() if center not in blind])
        assert (orr["n"], orr["n_events"]) == (len(seen), seen["responder"].sum())

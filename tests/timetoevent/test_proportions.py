"""Proportions and tables: published values, brute force, and what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from timetoevent.proportions import fisher_exact, proportion
from timetoevent.results import NOT_ESTIMABLE

SMALL_TABLES = st.tuples(st.integers(2, 3), st.integers(2, 4)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(0, 3), min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    )
)


def brute_force_p(table: np.ndarray) -> float:
    """Add up the probability of every filling of the table that has its margins, one cell after the other."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)

    def weight(cells: np.ndarray) -> float:
        return 1 / math.prod(math.factorial(int(cell)) for cell in cells.ravel())

    choices = [range(min(r, c) + 1) for r, c in itertools.product(rows, columns)]
    free = [choices[i * len(columns) + j] for i in range(len(rows) - 1) for j in range(len(columns) - 1)]
    observed, extreme, total = weight(table), 0.0, 0.0
    for cells in itertools.product(*free):
        full = np.zeros(table.shape, int)
        full[:-1, :-1] = np.reshape(cells, (len(rows) - 1, len(columns) - 1))
        full[:-1, -1] = rows[:-1] - full[:-1].sum(axis=1)
        full[-1] = columns - full.sum(axis=0)
        if (full >= 0).all():
            total += weight(full)
            extreme += weight(full) if weight(full) <= observed * (1 + 1e-7) else 0
    return extreme / total


@settings(max_examples=40)
@given(SMALL_TABLES)
def test_fisher_equals_brute_force(rows):
    table = np.array(rows)
    kept = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    result = fisher_exact(table)
    if min(kept.shape, default=0) < 2:
        assert result.status == NOT_ESTIMABLE
    else:
        assert result.p_value == pytest.approx(brute_force_p(kept), rel=1e-9)


def test_fisher_does_not_depend_on_order_or_orientation():
    table = np.array([[5, 2, 0, 1], [1, 4, 3, 2], [0, 1, 6, 2]])
    expected = fisher_exact(table).p_value
    assert fisher_exact(table.T).p_value == pytest.approx(expected, rel=1e-10)
    assert fisher_exact(table[[2, 0, 1]][:, [3, 1, 0, 2]]).p_value == pytest.approx(expected, rel=1e-10)


def test_fisher_of_a_cohort_by_many_categories_is_exact():
    """Six by eight with 62 subjects: against a simulation, within its error."""
    rng = np.random.default_rng(8)
    table = np.zeros((4, 6), int)
    np.add.at(table, (rng.integers(0, 4, 62), rng.integers(0, 6, 62)), 1)
    method = stats.MonteCarloMethod(n_resamples=20_000, rng=np.random.default_rng(1))
    simulated = stats.fisher_exact(table, method=method).pvalue
    assert fisher_exact(table).p_value == pytest.approx(simulated, abs=5 * math.sqrt(0.25 / 20_000))


def test_a_table_too_large_says_so():
    result = fisher_exact(np.full((5, 5), 20), maximum_steps=50_000)
    assert result.status == NOT_ESTIMABLE
    assert "too many steps" in result.note
    wide = fisher_exact(np.full((14, 14), 9))
    assert "not enumerated" in wide.note


@pytest.mark.parametrize("table", [[[0, 0], [3, 4]], [[0, 3], [0, 4]], [[0, 0, 0], [1, 2, 3]], [[0, 0], [0, 0]]])
def test_an_empty_margin_is_no_test(table):
    result = fisher_exact(table)
    assert result.status == NOT_ESTIMABLE
    assert math.isnan(result.p_value)


@pytest.mark.parametrize("table", [[[1, -1], [2, 3]], [[1, 0.5], [2, 3]], [[1, np.nan], [2, 3]]])
def test_bad_counts_are_refused(table):
    with pytest.raises(ValueError, match="1 counts"):
        fisher_exact(table)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="dimensions"):
        fisher_exact([1, 2, 3])


def test_odds_ratio_of_an_empty_cell():
    none, all_ = fisher_exact([[0, 5], [5, 0]]), fisher_exact([[5, 0], [0, 5]])
    assert (none.estimate, none.ci_lower) == (0, 0)
    assert (all_.estimate, all_.ci_upper) == (math.inf, math.inf)
    assert none.ci_upper == pytest.approx(1 / all_.ci_lower, rel=1e-9)


@pytest.mark.parametrize("table", [[[12, 5], [4, 41]], [[300, 250], [200, 260]], [[1, 8], [9, 2]]])
def test_odds_ratio_equals_scipy(table):
    reference = stats.contingency.odds_ratio(table, kind="conditional")
    interval = reference.confidence_interval(0.95)
    result = fisher_exact(table)
    assert result.estimate == pytest.approx(reference.statistic, rel=1e-8)
    assert (result.ci_lower, result.ci_upper) == pytest.approx((interval.low, interval.high), rel=1e-7)


@pytest.mark.parametrize(
    ("successes", "method", "lower", "upper"),
    [
        (38, "wilson", 0.488, 0.724),
        (38, "clopper-pearson", 0.481, 0.734),
        (26, "wilson", 0.305, 0.543),
        (26, "clopper-pearson", 0.295, 0.552),
    ],
)
def test_published_intervals(successes, method, lower, upper):
    result = proportion(successes, 62, method=method)
    assert (round(result.ci_lower, 3), round(result.ci_upper, 3)) == (lower, upper)


@given(
    st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from(["wilson", "clopper-pearson"]),
)
def test_intervals_contain_the_estimate_and_mirror(pair, method):
    successes, n = pair
    result, mirror = proportion(successes, n, method=method), proportion(n - successes, n, method=method)
    assert 0 <= result.ci_lower <= result.estimate <= result.ci_upper <= 1
    assert result.ci_lower == pytest.approx(1 - mirror.ci_upper, abs=1e-9)


def test_zero_denominators():
    assert proportion(0, 0).status == NOT_ESTIMABLE


@pytest.mark.parametrize("pair", [(3, 2), (-1, 2), (0.5, 2), (1, 2.5)])
def test_impossible_counts_are_refused(pair):
    with pytest.raises(ValueError, match="expected whole numbers"):
        proportion(*pair)


def test_unknown_options_are_refused():
    with pytest.raises(ValueError, match="method"):
        proportion(1, 2, method="wald")
    with pytest.raises(ValueError, match="ci_level"):
        proportion(1, 2, ci_level=95)

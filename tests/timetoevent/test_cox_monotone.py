"""Which coefficients are infinite: held against linear programs that decide it exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from timetoevent.cox import fit_cox


def infinite_by_linear_programs(time: np.ndarray, event: np.ndarray, x: np.ndarray) -> np.ndarray | None:
    """Return which coefficients move in the cone of directions that order every event last; None if rank deficient.

    The likelihood rises for ever along v if v'(x_i - x_j) >= 0 for each event i and all j at risk with it.
    """
    gaps = [x[i] - x[j] for i in np.flatnonzero(event) for j in np.flatnonzero(time >= time[i]) if j != i]
    p = x.shape[1]
    if not gaps or np.linalg.matrix_rank(np.array(gaps)) < p:
        return None
    found = np.zeros(p, dtype=bool)
    for j in range(p):
        for sign in (1, -1):
            objective = np.zeros(p)
            objective[j] = -sign
            best = linprog(objective, A_ub=-np.array(gaps), b_ub=np.zeros(len(gaps)), bounds=[(-1, 1)] * p)
            found[j] |= -best.fun > 1e-7
    return found


def random_cohort(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, p = rng.integers(4, 30), rng.integers(1, 5)
    time = rng.integers(1, rng.integers(3, 40), n).astype(float)
    event = rng.random(n) < rng.uniform(0.2, 0.9)
    columns = [
        rng.normal(size=n) * 10.0 ** rng.integers(-3, 4)
        if rng.random() < 0.5
        else rng.random(n) < rng.uniform(0.1, 0.6)
        for _ in range(p)
    ]
    return time, event, np.column_stack(columns).astype(float)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_infinite_coefficients_of_small_cohorts(seed, ties):
    rng = np.random.default_rng(1000 + seed)
    n_decided = n_infinite = 0
    for _ in range(45):
        time, event, x = random_cohort(rng)
        expected = infinite_by_linear_programs(time, event, x)
        if expected is None:
            continue
        terms = [f"x{j}" for j in range(x.shape[1])]
        frame = pd.DataFrame(x, columns=terms).assign(time=time, event=event)
        table = fit_cox(frame, time="time", event="event", terms=terms, ties=ties).coefficients
        assert (table.status == "not_estimable").tolist() == expected.tolist()
        n_decided += 1
        n_infinite += bool(expected.any())
    assert n_decided > 30
    assert n_infinite > 3

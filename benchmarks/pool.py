"""What a round of pooling costs: seconds per center and bytes per file by number of centers, and one very large center.

``python benchmarks/pool.py`` needs no report: patients are drawn at random, with the columns that requests ask for.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from fhrmm.pool import member, rounds
from fhrmm.pool.answer import answer
from fhrmm.pool.files import make_tables
from fhrmm.pool.protocol import make_keys, mask, to_fixed
from fhrmm.pool.question import first_round, flow_steps, known_levels
from fhrmm.schema import RESPONSES
from fhrmm.study import Study, load_study


def draw_tables(n: int, study: Study, random: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Draw the tables of a center of `n` patients."""
    patients = pd.DataFrame(
        {
            name: pd.Categorical.from_codes(random.integers(-(len(levels) < 4), len(levels), n), levels)
            for name, levels in known_levels(study).items()
        }
    )
    patients["best_response"] = pd.Categorical.from_codes(random.integers(0, 8, n), list(RESPONSES))
    for name, edges in study.pool.bins.items():
        patients[name] = random.uniform(edges[0], edges[-1], n)
    steps = [(name, 0, 0, n) for name in flow_steps(study)["criterion"]]
    attrition = pd.DataFrame(steps, columns=["criterion", "n_before", "n_excluded", "n_remaining"])
    times = []
    for endpoint in ("PFS", "OS", "TTNT", "DOR"):
        days = np.ceil(random.exponential(400, n)).clip(1, 1200)
        event = random.random(n) < 0.5
        what = np.where(random.random(n) < 0.8, "progression", "death without progression")
        times.append(
            patients.assign(
                endpoint=endpoint,
                time_months=days / study.time.days_per_month,
                event=event,
                event_description=np.where(event, what, "none"),
            )
        )
    return make_tables(attrition, patients, pd.concat(times, ignore_index=True), study)


def time_rounds(n_centers: int, study: Study, random: np.random.Generator) -> None:
    """Play a study of centers of 1 to 14 patients and print what each round costs."""
    base = Path(tempfile.mkdtemp())
    names = [f"C{number:03d}" for number in range(1, n_centers + 1)]
    tables = {name: draw_tables(int(random.integers(1, 15)), study, random) for name in names}
    for name in names:
        member.join(base, base / "work" / name, name)
    while True:
        start = time.perf_counter()
        state, is_done = rounds.ask(base, base / "work" / "coordinator", study)
        asked = time.perf_counter() - start
        if is_done:
            break
        start, sizes = time.perf_counter(), []
        for name in names:
            request = member.check_request(base, base / "work" / name, name, study)
            numbers = answer(request, tables[name])
            sizes.append(member.write_answer(base, base / "work" / name, name, request, numbers, name).stat().st_size)
        each, number = (time.perf_counter() - start) / n_centers, state.request["round"]
        request_size = (base / f"request_{number}.json").stat().st_size
        print(
            f"{n_centers} centers, round {number}: {each:.2f} s a center, coordinator {asked:.1f} s, request "
            f"{request_size:,} bytes, answer {max(sizes):,} bytes, {state.request['n_numbers']:,} numbers"
        )


def time_large(n: int, study: Study, random: np.random.Generator) -> None:
    """Time the answer to round 1 of one center of `n` patients, its tables being there."""
    tables, request = draw_tables(n, study, random), {"ask": first_round(study)}
    start = time.perf_counter()
    numbers = answer(request, tables)
    answered = time.perf_counter() - start
    keys = {f"C{number:03d}": make_keys() for number in range(30)}
    roster = [{"center": name, **key.public()} for name, key in keys.items()]
    start = time.perf_counter()
    mask(to_fixed(numbers, len(roster)), "C000", keys["C000"], roster, "request")
    print(f"{n:,} patients: numbers in {answered:.1f} s, masks of 30 centers in {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--centers", type=int, nargs="*", default=[10, 30, 100])
    parser.add_argument("--patients", type=int, default=1_000_000)
    options = parser.parse_args()
    plan, generator = load_study(), np.random.default_rng(1)
    if options.patients:
        time_large(options.patients, plan, generator)
    for count in options.centers:
        time_rounds(count, plan, generator)

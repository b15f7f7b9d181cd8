"""Time and memory of simulating large populations: ``python benchmarks/synthetic.py``.

Each size runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import numpy as np

from generator import simulate_population

CASES = (("patients only", 1_000_000, False), ("with visits", 200_000, True))


def measure(n: int, visits: bool) -> dict[str, float]:
    """Simulate one population and return seconds, peak memory in GiB and rows."""
    started = time.perf_counter()
    population = simulate_population(n, np.random.default_rng(20250409), visits=visits)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {"seconds": seconds, "peak_gib": peak, "visits": len(population.assessments)}


def main() -> None:
    """Print one line per case; as ``synthetic.py N VISITS`` it is one case and prints JSON."""
    if len(sys.argv) == 3:
        print(json.dumps(measure(int(sys.argv[1]), sys.argv[2] == "True")))
        return
    for name, n, visits in CASES:
        command = [sys.executable, __file__, str(n), str(visits)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        print(
            f"{name}: {n:,} patients, {found['visits']:,.0f} visits: "
            f"{found['seconds']:.1f} s, {found['peak_gib']:.2f} GiB peak"
        )


if __name__ == "__main__":
    main()

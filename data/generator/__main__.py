"""`python -m generator`: write the embedded dataset again, byte for byte."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from fhrmm.study import load_study, resolve_path
from generator.calibration import search_seed, solve_constants
from generator.dataset import build_files
from generator.simulation import write_kept_performance
from generator.truth import SOLVED_BASIS, load_truth

_LAST_SEED = 100_000
_SOLVING_SEED = 20250409


def main(arguments: list[str] | None = None) -> int:
    """Write every file of the embedded dataset, or solve its constants and search its seed again."""
    parser = argparse.ArgumentParser(prog="python -m generator", description=__doc__)
    parser.add_argument("--out", default="data/synthetic", help="dataset folder (default: %(default)s)")
    parser.add_argument("--solve", action="store_true", help="print solved.json anew instead; takes some minutes")
    parser.add_argument("--performance", action="store_true", help="make the kept samples of notebook 09 anew instead")
    chosen = parser.parse_args(arguments)
    if chosen.performance:
        write_kept_performance(load_study())
        return 0
    if chosen.solve:
        print(json.dumps(solve(), indent=1))
        return 0
    folder, files = Path(resolve_path(chosen.out)), build_files(load_truth())
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    print(f"{len(files)} files written below {folder.name}")
    return 0


def solve() -> dict[str, object]:
    """Return the solved constants and the first acceptable seed, from the parameters alone."""
    truth = solve_constants(load_truth(), np.random.default_rng(_SOLVING_SEED))
    solved = truth.model_dump() | {"seed": search_seed(truth, _LAST_SEED)}
    return {name: solved[name] for name in SOLVED_BASIS}


if __name__ == "__main__":
    raise SystemExit(main())
